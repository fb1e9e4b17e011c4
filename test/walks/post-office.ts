// post-office.ts: the mail server of a test, and its witness: what it took is what was really said to a customer, whatever
// the store believes. It can refuse, bounce, or let something happen in the middle of a delivery.
import type { AddressInfo } from 'node:net';
import PostalMime from 'postal-mime';
import { SMTPServer } from 'smtp-server';
import { SMTPConnection, type SMTPConnectionOptions } from 'smtp-server/lib/smtp-connection.js';

export type Letter = {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly noticeId: string;
  /** "invoiceId/cycle/stage", as the message says itself. */
  readonly lines: readonly string[];
  /** Business time at which it was taken. */
  readonly at: number;
};

export type PostOffice = {
  readonly url: string;
  readonly letters: Letter[];
  /** Happens when the recipient is named, before the body is asked for. */
  onRecipient: ((address: string) => Promise<void>) | undefined;
  /** Happens while the body is on the wire. */
  onBody: (() => Promise<void>) | undefined;
  /** An answer such as "550 5.1.1 no such mailbox" for an address. */
  readonly refusals: Map<string, string>;
  stop(): Promise<void>;
};

/** The library waits 100 ms before each greeting to catch clients that talk too soon; nobody here does. */
class PromptServer extends SMTPServer {
  override connect(socket: ConstructorParameters<typeof SMTPConnection>[1], options?: SMTPConnectionOptions | null): void {
    const connection = new SMTPConnection(this, socket, options);
    this.connections.add(connection);
    connection.on('error', error => this._onError(error as Error));
    connection._setListeners(() => connection.connectionReady());
  }
}

function refusal(reply: string): Error {
  const [, code = '550', text = ''] = /^(\d{3}) (.*)$/.exec(reply) ?? [];
  return Object.assign(new Error(text), { responseCode: Number(code) });
}

type Done = (error?: Error | null, text?: string) => void;

/** Says what came of `work` to a server that wants to be called back. */
async function answer(done: Done, work: () => Promise<void>): Promise<void> {
  try {
    await work();
    done(null, 'taken');
  } catch (error) {
    done(error as Error);
  }
}

export async function openPostOffice(now: () => number): Promise<PostOffice> {
  const named = async (address: string): Promise<void> => {
    const reply = office.refusals.get(address);
    if (reply) throw refusal(reply);
    await office.onRecipient?.(address);
  };
  const take = async (stream: AsyncIterable<Buffer>): Promise<void> => {
    const parts: Buffer[] = [];
    for await (const part of stream) parts.push(part);
    await office.onBody?.();
    office.letters.push(await read(Buffer.concat(parts), now()));
  };
  const server = new PromptServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    onRcptTo: ({ address }, _session, done) => void answer(done, () => named(address)),
    onData: (stream, _session, done) => void answer(done, () => take(stream)),
  });
  server.on('error', () => undefined);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const office: PostOffice = {
    url: `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`,
    letters: [],
    onRecipient: undefined,
    onBody: undefined,
    refusals: new Map(),
    stop: () => new Promise(resolve => server.close(() => resolve())),
  };
  return office;
}

async function read(bytes: Buffer, at: number): Promise<Letter> {
  const mail = await PostalMime.parse(bytes);
  const header = (key: string) => mail.headers.find(one => one.key === key)?.value ?? '';
  return {
    to: mail.to?.[0]?.address ?? '',
    subject: mail.subject ?? '',
    text: mail.text ?? '',
    noticeId: header('x-dunlin-notice'),
    lines: header('x-dunlin-lines').split(', '),
    at,
  };
}
