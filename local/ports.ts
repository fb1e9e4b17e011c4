// ports.ts: ports on 127.0.0.1, found free once and then remembered, so that a bookmark still works tomorrow and two
// checkouts never fight for one number.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { join } from 'node:path';

function listenOnce(port: number): Promise<number | undefined> {
  return new Promise(resolve => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : undefined));
    });
  });
}

/** Some port nobody listens on. */
export async function freePort(): Promise<number> {
  const port = await listenOnce(0);
  if (port === undefined) throw new Error('no free port on 127.0.0.1: the system refused to open a listening socket');
  return port;
}

function readPorts(folder: string): Record<string, number> {
  try {
    return JSON.parse(readFileSync(join(folder, 'ports.json'), 'utf8')) as Record<string, number>;
  } catch {
    return {};
  }
}

/** The port remembered for `name` in `folder` if it is still free, else a new one, remembered from now on. */
export async function rememberedPort(folder: string, name: string): Promise<number> {
  const known = readPorts(folder)[name];
  if (known !== undefined && (await listenOnce(known)) !== undefined) return known;
  const port = await freePort();
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'ports.json'), `${JSON.stringify({ ...readPorts(folder), [name]: port }, null, 2)}\n`);
  return port;
}

/** True when something accepts connections on the port. */
export function answersOn(port: number, host = '127.0.0.1', timeoutMs = 1_000): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ port, host, timeout: timeoutMs });
    const done = (answers: boolean) => {
      socket.destroy();
      resolve(answers);
    };
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
    socket.once('timeout', () => done(false));
  });
}
