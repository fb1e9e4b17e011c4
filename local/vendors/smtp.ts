// smtp.ts: a mail server that captures everything and can fail at every step of a delivery, most of all at the one where the
// message is taken and the sender never learns it.
import { timingSafeEqual } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { SMTPServer, type SMTPServerAuthentication, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server';
import { SMTPConnection, type SMTPConnectionOptions } from 'smtp-server/lib/smtp-connection.js';
import type { EpochMs } from '../../domain/time.ts';
import type { FaultFacts, Struck } from './faults.ts';
import { adminRoutes, bodyOf, openFrame, type Frame, type StandIn, type StandInOptions } from './frame.ts';
import { json, listen } from './http.ts';
import { smtpClaims, smtpFaults, type Step } from './smtp/claims.ts';
import { Mailbox } from './smtp/mailbox.ts';
import { readMessage } from './smtp/message.ts';

/** With `user` and `password`, AUTH is required; without, anyone may send. */
export type SmtpOptions = StandInOptions & { readonly user?: string; readonly password?: string; readonly adminPort?: number };

/** Starts the mail server and, on a port of its own, its admin side. */
export async function startSmtp(options: SmtpOptions): Promise<StandIn> {
  const frame = openFrame('smtp', smtpFaults, smtpClaims, options);
  const desk = new Desk(frame, options);
  await new Promise<void>((resolve, reject) => {
    desk.server.server.once('error', reject);
    desk.server.listen(options.port ?? 0, frame.host, resolve);
  });
  const port = (desk.server.server.address() as AddressInfo).port;
  const admin = adminRoutes(frame, {
    routes: {
      'PUT /admin/behaviour': call => {
        desk.mailbox.behave(bodyOf(call));
        return json({ ok: true });
      },
    },
    forget: () => desk.clear(),
  });
  const side = await listen({ admin, vendor: () => null, faults: frame.faults, facts: () => ({}) }, options.adminPort ?? 0, frame.host);
  const login = options.user === undefined ? '' : `${encodeURIComponent(options.user)}:${encodeURIComponent(options.password ?? '')}@`;
  return {
    name: 'smtp',
    port,
    url: `smtp://${login}${frame.host}:${port}`,
    adminUrl: `http://${frame.host}:${side.port}/admin`,
    close: async () => {
      frame.deliveries.stop();
      await Promise.all([desk.close(), side.close()]);
    },
  };
}

/** The library waits 100 ms before each greeting to catch clients that talk too soon; nobody here does. */
class PromptServer extends SMTPServer {
  override connect(socket: ConstructorParameters<typeof SMTPConnection>[1], options?: SMTPConnectionOptions | null): void {
    const connection = new SMTPConnection(this, socket, options);
    this.connections.add(connection);
    connection.on('error', error => this._onError(error as Error));
    connection._setListeners(() => connection.connectionReady());
  }
}

class Refusal extends Error {
  readonly responseCode: number;

  /** `reply` is a code and its text: "451 4.3.0 try again later". */
  constructor(reply: string) {
    const [, code = '451', text = 'try again later'] = /^(\d{3})\s*(.*)$/.exec(reply) ?? [];
    super(text);
    this.responseCode = Number(code);
  }
}

type Done = (error?: Error | null, text?: string) => void;

class Desk {
  readonly server: PromptServer;
  readonly mailbox: Mailbox;
  private readonly frame: Frame<typeof smtpClaims>;
  /** "sender recipient" to the business instant of its first try. */
  private readonly greylisted = new Map<string, EpochMs>();

  constructor(frame: Frame<typeof smtpClaims>, { user, password }: SmtpOptions) {
    this.frame = frame;
    this.mailbox = new Mailbox(frame);
    this.server = new PromptServer({
      name: 'mail.example',
      banner: 'stand-in',
      disabledCommands: ['STARTTLS'],
      disableReverseLookup: true,
      allowInsecureAuth: true,
      authOptional: user === undefined,
      closeTimeout: 50,
      logger: false,
      onAuth: (auth, _session, done) =>
        matches(auth, user, password) ? done(null, { user: auth.username }) : done(new Refusal('535 authentication failed')),
      onConnect: (session, done) => this.greet(session, done),
      onMailFrom: (address, session, done) => this.step('mail', session, { from: address.address }, done),
      onRcptTo: (address, session, done) => this.recipient(address.address, session, done),
      onData: (stream, session, done) => this.receive(stream, session, done),
    });
    // A connection that a fault cut, or that its client left, is no news for the server.
    this.server.on('error', () => undefined);
  }

  private greet(session: SMTPServerSession, done: Done): void {
    // EHLO and DATA have no hook of their own: look at the line before the library does.
    this.socketOf(session)?.prependListener('data', (chunk: Buffer) => {
      const connection = this.connectionOf(session);
      if (!connection || connection._dataStream) return;
      const command = /^(EHLO|HELO|DATA)\b/im.exec(chunk.toString('latin1'))?.[1]?.toUpperCase();
      if (command === undefined) return;
      const facts = command === 'DATA' ? envelopeFacts(session) : {};
      if (this.frame.faults.strike(command === 'DATA' ? 'data' : 'ehlo', facts).has('drop')) this.cut(session);
    });
    this.step('banner', session, {}, done);
  }

  /** Lets the faults of a step happen; calls back only where the delivery may go on, or is refused. */
  private step(step: Step, session: SMTPServerSession, facts: FaultFacts, done: Done): void {
    this.suffer(this.frame.faults.strike(step, facts), session, done);
  }

  private suffer(struck: Struck, session: SMTPServerSession, done: Done): void {
    const reply = struck.get('reply');
    const go = (): void => {
      if (struck.has('hang')) return;
      if (struck.has('drop')) return this.cut(session);
      done(reply === undefined ? null : new Refusal(reply));
    };
    const delay = Number(struck.get('delay') ?? 0);
    if (delay > 0) setTimeout(go, delay).unref();
    else go();
  }

  private recipient(address: string, session: SMTPServerSession, done: Done): void {
    const from = session.envelope.mailFrom === false ? '' : session.envelope.mailFrom.address;
    const struck = this.frame.faults.strike('rcpt', { from, to: address });
    this.suffer(struck, session, error => {
      const refusal = error ? null : (this.greylist(from, address, struck.get('greylist')) ?? this.mailbox.refusal(address));
      done(error ?? (refusal === null ? null : new Refusal(refusal)));
    });
  }

  /** `minutes` is the fault's value; undefined where it did not strike. */
  private greylist(from: string, to: string, minutes: string | undefined): string | null {
    if (minutes === undefined) return null;
    const now = this.frame.clock.now();
    const first = this.greylisted.get(`${from} ${to}`);
    if (first === undefined) this.greylisted.set(`${from} ${to}`, now);
    return first !== undefined && now - first >= (Number(minutes) || 0) * 60_000 ? null : '450 4.7.1 greylisted, try again later';
  }

  private receive(stream: SMTPServerDataStream, session: SMTPServerSession, done: Done): void {
    const cutMidBody = this.frame.faults.strike('body', envelopeFacts(session)).has('drop');
    const parts: Buffer[] = [];
    stream.on('data', (part: Buffer) => {
      if (cutMidBody) this.cut(session);
      parts.push(part);
    });
    // The sender left in the middle: the library destroys the stream, and nothing was accepted.
    stream.on('error', () => undefined);
    stream.on('end', () => {
      if (!cutMidBody) void this.received(Buffer.concat(parts), session, done);
    });
  }

  private async received(raw: Buffer, session: SMTPServerSession, done: Done): Promise<void> {
    const mail = await readMessage(raw);
    const facts = { ...envelopeFacts(session), notice: mail.notice ?? '', subject: mail.subject };
    this.step('dot', session, facts, error => {
      if (error) return done(error);
      const struck = this.frame.faults.strike('accepted', facts);
      this.mailbox.accept(mail, raw, { from: facts.from, to: facts.to }, struck.get('bounce') ?? null);
      void this.confirm(session, struck, facts, done);
    });
  }

  /** The message is ours; whether the sender learns it is another matter. */
  private async confirm(session: SMTPServerSession, struck: ReadonlyMap<string, string>, facts: FaultFacts, done: Done): Promise<void> {
    const delay = Number(struck.get('delay') ?? 0);
    if (delay > 0) await sleep(delay);
    if (struck.has('hang')) return;
    if (struck.has('drop')) return this.cut(session);
    done(null, 'OK: queued');
    if (this.frame.faults.strike('answered', facts).has('drop')) setImmediate(() => this.socketOf(session)?.destroySoon());
  }

  private cut(session: SMTPServerSession): void {
    this.socketOf(session)?.destroy();
  }

  private connectionOf(session: SMTPServerSession): SMTPConnection | undefined {
    return [...this.server.connections].find(({ id }) => id === session.id);
  }

  private socketOf(session: SMTPServerSession): SMTPConnection['_socket'] | undefined {
    return this.connectionOf(session)?._socket;
  }

  clear(): void {
    this.mailbox.clear();
    this.greylisted.clear();
  }

  close(): Promise<void> {
    for (const { _socket } of this.server.connections) _socket.destroy();
    return new Promise(resolve => this.server.close(() => resolve()));
  }
}

function envelopeFacts({ envelope }: SMTPServerSession): { from: string; to: string[] } {
  return { from: envelope.mailFrom === false ? '' : envelope.mailFrom.address, to: envelope.rcptTo.map(({ address }) => address) };
}

function matches(auth: SMTPServerAuthentication, user: string | undefined, password: string | undefined): boolean {
  if (user === undefined) return true;
  const given = Buffer.from(`${auth.username ?? ''}\n${auth.password ?? ''}`);
  const known = Buffer.from(`${user}\n${password ?? ''}`);
  return given.length === known.length && timingSafeEqual(given, known);
}
