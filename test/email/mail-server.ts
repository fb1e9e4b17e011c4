// mail-server.ts: a mail server that can fail at every point of a conversation, and keeps what it really took. It is the
// outside witness: verdicts about duplicates and losses come from its list, not from our tables.
import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

export type Moment = 'banner' | 'ehlo' | 'auth' | 'mail' | 'rcpt' | 'data' | 'body' | 'dot' | 'after';

export type Behaviour =
  | { readonly kind: 'works' }
  /** The connection is dropped instead of the answer at this moment. At `dot` the message was not taken, at `after` it was. */
  | { readonly kind: 'drops'; readonly at: Moment }
  /** This line instead of the good answer. */
  | { readonly kind: 'says'; readonly at: Moment; readonly line: string }
  /** Takes the message and never answers. */
  | { readonly kind: 'hangs'; readonly at: 'dot' | 'banner' };

export type MailServer = {
  readonly port: number;
  /** Messages it has taken, as they came (dots not doubled). */
  readonly taken: string[];
  /** How often a client began a conversation. */
  conversations(): number;
  behave(behaviour: Behaviour): void;
  /** Called when the body has begun / before the final 250; the answer waits for it. */
  onBody(hook: (() => Promise<void>) | undefined): void;
  beforeBody(hook: (() => Promise<void>) | undefined): void;
  stop(): Promise<void>;
};

export async function startMailServer(): Promise<MailServer> {
  let behaviour: Behaviour = { kind: 'works' };
  let bodyHook: (() => Promise<void>) | undefined;
  let dataHook: (() => Promise<void>) | undefined;
  let conversations = 0;
  const taken: string[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer(socket => {
    conversations += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    // A client that goes away, or is cut off, ends its conversation; that is what this server is for.
    converse(socket).catch(() => socket.destroy());
  });

  /** True when the conversation goes on. */
  function answer(socket: Socket, at: Moment, good: string): boolean {
    if (behaviour.kind === 'hangs' && behaviour.at === at) return false;
    if (behaviour.kind === 'drops' && behaviour.at === at) {
      socket.destroy();
      return false;
    }
    if (behaviour.kind === 'says' && behaviour.at === at) {
      socket.write(`${behaviour.line}\r\n`);
      return true;
    }
    socket.write(`${good}\r\n`);
    return true;
  }

  async function converse(socket: Socket): Promise<void> {
    let body: string | undefined;
    let began = false;
    let buffer = '';
    answer(socket, 'banner', '220 witness ESMTP');
    socket.setEncoding('latin1');
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
      buffer += String(chunk);
      if (body !== undefined && !began && buffer.length > 0) {
        began = true;
        if (behaviour.kind === 'drops' && behaviour.at === 'body') return void socket.destroy();
        await bodyHook?.();
      }
      for (let end = buffer.indexOf('\r\n'); end >= 0; end = buffer.indexOf('\r\n')) {
        const line = buffer.slice(0, end);
        buffer = buffer.slice(end + 2);
        if (body === undefined) {
          const asked = line.slice(0, 4).toUpperCase();
          if (asked === 'DATA') await dataHook?.();
          if (!command(socket, asked)) return;
          if (asked === 'DATA' && !(behaviour.kind === 'says' && behaviour.at === 'data')) body = '';
        } else if (line === '.') {
          const refused = behaviour.kind !== 'works' && behaviour.kind !== 'hangs' && behaviour.at === 'dot';
          if (!refused) taken.push(body);
          body = undefined;
          if (behaviour.kind === 'drops' && behaviour.at === 'after') return void socket.destroy();
          if (!answer(socket, 'dot', '250 2.0.0 taken')) return;
        } else {
          body += `${line.startsWith('.') ? line.slice(1) : line}\r\n`;
        }
      }
    }
  }

  function command(socket: Socket, asked: string): boolean {
    if (asked === 'EHLO') {
      if (behaviour.kind === 'says' && behaviour.at === 'ehlo') return answer(socket, 'ehlo', '');
      return answer(socket, 'ehlo', '250-witness\r\n250-AUTH PLAIN\r\n250 8BITMIME');
    }
    if (asked === 'HELO') return answer(socket, 'ehlo', '250 witness');
    if (asked === 'AUTH') return answer(socket, 'auth', '235 2.7.0 welcome');
    if (asked === 'MAIL') return answer(socket, 'mail', '250 2.1.0 ok');
    if (asked === 'RCPT') return answer(socket, 'rcpt', '250 2.1.5 ok');
    if (asked === 'DATA') return answer(socket, 'data', '354 go on');
    if (asked === 'QUIT') {
      socket.end('221 bye\r\n');
      return false;
    }
    return answer(socket, 'after', '250 ok');
  }

  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    taken,
    conversations: () => conversations,
    behave: next => {
      behaviour = next;
    },
    onBody: hook => {
      bodyHook = hook;
    },
    beforeBody: hook => {
      dataHook = hook;
    },
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise(resolve => server.close(resolve));
    },
  };
}
