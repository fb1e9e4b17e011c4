// staging.ts: what the tests of the stand-ins share: a folder that goes away, a clock the test moves, a receiver of webhooks.
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../domain/clock.ts';
import type { StandIn } from '../../local/vendors/frame.ts';

export function folder(): { dir: string; remove: () => void } {
  const dir = mkdtempSync(join(tmpdir(), 'dunlin-vendors-'));
  return { dir, remove: () => rmSync(dir, { recursive: true, force: true }) };
}

/** A clock that stands until the test moves it. */
export function handClock(start: number): Clock & { forward(ms: number): void } {
  let now = start;
  return { now: () => now, realMsUntil: until => Math.max(0, until - now), forward: ms => void (now += ms) };
}

export type Heard = { headers: IncomingHttpHeaders; body: string; path: string };
/** Listens for webhooks and answers `status`. */
export async function receiver(): Promise<{ url: string; heard: Heard[]; status: { code: number }; close: () => Promise<void> }> {
  const heard: Heard[] = [];
  const status = { code: 200 };
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      heard.push({ headers: request.headers, body: Buffer.concat(parts).toString('utf8'), path: request.url ?? '' });
      response.writeHead(status.code).end();
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const close = (): Promise<void> => {
    server.closeAllConnections();
    return new Promise(resolve => server.close(() => resolve()));
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, heard, status, close };
}

/** The admin side of a stand-in. */
export function stage(standIn: StandIn) {
  const ask = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const answer = await fetch(`${standIn.adminUrl}/${path}`, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    const said = (await answer.json()) as T & { error?: string };
    if (!answer.ok) throw new Error(said.error ?? String(answer.status));
    return said;
  };
  return {
    faults: (...rules: object[]) => ask('PUT', 'faults', { rules }),
    turn: (claims: Record<string, boolean>) => ask('PUT', 'claims', claims),
    claims: () => ask<Record<string, { mark: string; switch: boolean; holds: boolean }>>('GET', 'claims'),
    behave: (body: object) => ask('PUT', 'behaviour', body),
    set: (path: string, body: object) => ask<Record<string, unknown>>('PUT', path, body),
    post: <T>(path: string, body: object = {}) => ask<T>('POST', path, body),
    get: <T>(path: string) => ask<T>('GET', path),
    deliver: () =>
      ask<{ delivered: number; failed: number; nextAt: string | null; log: { key: string; status: number | null }[] }>('POST', 'deliver'),
    reset: () => ask('POST', 'reset'),
    witness: async () => (await ask<{ entries: Record<string, unknown>[] }>('GET', 'witness')).entries,
  };
}
