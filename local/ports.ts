// ports.ts: ports on 127.0.0.1, found free once and then remembered, so that a bookmark still works tomorrow and two
// checkouts never fight for one number.
import { randomInt } from 'node:crypto';
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

// Below the range from which systems take the near end of outgoing connections, so that no connection of anybody
// sits on a port while its server is down for a moment.
const [lowest, highest] = [15_000, 31_999];

/** Some port nobody listens on. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = await listenOnce(randomInt(lowest, highest + 1));
    if (port !== undefined) return port;
  }
  throw new Error(`no free port on 127.0.0.1: 100 tries between ${lowest} and ${highest} found none`);
}

function readPorts(folder: string): Record<string, number> {
  try {
    return JSON.parse(readFileSync(join(folder, 'ports.json'), 'utf8')) as Record<string, number>;
  } catch {
    return {};
  }
}

/**
 * The port remembered for `name` in `folder` if it is still free, else a new one, remembered from now on. `inUse`: its
 * owner is running, so the remembered number is right though it is not free.
 */
export async function rememberedPort(folder: string, name: string, inUse = false): Promise<number> {
  const known = readPorts(folder)[name];
  if (known !== undefined && (inUse || (await listenOnce(known)) !== undefined)) return known;
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
