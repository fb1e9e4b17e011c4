// http.ts: one HTTP server for a stand-in: the vendor's own surface, and /admin for whoever stages a test. It carries out the
// faults that any HTTP vendor can have: silence, delay, a dropped connection or an error before or after the effect.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { FaultFacts, Faults, FaultTable, Struck } from './faults.ts';

export type Call = {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly raw: Buffer;
  /** The vendor's own faults that strike this request. */
  readonly struck: Struck;
};
export type Answer = { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string | Buffer };
export type Routes = (call: Call) => Answer | null | Promise<Answer | null>;

/** The faults every HTTP stand-in has. `before`: nothing happened yet. `after`: it happened, and the caller does not learn it. */
export const httpFaults = {
  drop: { at: ['before', 'after'], says: 'closes the connection without an answer; after: the side effect happened' },
  status: { at: ['before', 'after'], says: 'answers with the status in value (503 by default); after: the side effect happened' },
  delay: { at: ['before', 'after'], says: 'waits value real milliseconds' },
  hang: { at: ['before', 'after'], says: 'never answers' },
  rate_limited: { at: ['before'], says: '429 without Retry-After; with it where value gives the seconds' },
} as const satisfies FaultTable;

export function json(body: unknown, status = 200, type = 'application/json'): Answer {
  return { status, headers: { 'content-type': type }, body: JSON.stringify(body) };
}

/** The JSON a request carries, null where it is none. */
export function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

export type Surface = {
  readonly admin: Routes;
  readonly vendor: Routes;
  readonly faults: Faults;
  /** What fault rules may match on. */
  readonly facts: (call: Omit<Call, 'struck'>) => FaultFacts;
};

/** Listens on `host` (loopback by default) and `port` (0: a free one). */
export async function listen(
  surface: Surface,
  port: number,
  host: string,
): Promise<{ server: Server; port: number; close: () => Promise<void> }> {
  const server = createServer((request, response) => {
    answer(surface, request, response).catch((error: unknown) => refuse(response, error));
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  const close = (): Promise<void> =>
    new Promise(resolve => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { server, port: (server.address() as AddressInfo).port, close };
}

async function answer(surface: Surface, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://stand-in');
  const raw = await bodyOf(request);
  const call = { method: request.method ?? 'GET', path: url.pathname, query: url.searchParams, headers: request.headers, raw };
  if (call.path.startsWith('/admin/')) return write(response, (await surface.admin({ ...call, struck: new Map() })) ?? unknownPath(call));
  const header = String(request.headers['x-fault'] ?? '');
  surface.faults.check(header);
  const facts = surface.facts(call);
  const before = surface.faults.strike('before', facts, header);
  if (await strike(before, response)) return;
  const struck = surface.faults.strike('request', facts, header);
  const answered = (await surface.vendor({ ...call, struck })) ?? unknownPath(call);
  const after = surface.faults.strike('after', facts, header);
  if (await strike(after, response)) return;
  write(response, answered);
}

/** Carries out the general faults; true when the request has had its answer, or never will. */
async function strike(struck: Struck, response: ServerResponse): Promise<boolean> {
  const delay = struck.get('delay');
  if (delay !== undefined) await sleep(Number(delay) || 0);
  if (struck.has('hang')) return true;
  if (struck.has('drop')) {
    response.socket?.destroy();
    return true;
  }
  const status = struck.get('status');
  if (status !== undefined)
    write(response, { status: Number(status) || 503, headers: { 'content-type': 'text/plain' }, body: 'upstream error' });
  const retryAfter = struck.get('rate_limited');
  if (retryAfter !== undefined && status === undefined) write(response, tooMany(retryAfter));
  return status !== undefined || retryAfter !== undefined;
}

function tooMany(retryAfter: string): Answer {
  const headers = retryAfter === '' ? {} : { 'retry-after': retryAfter };
  return { status: 429, headers: { 'content-type': 'text/plain', ...headers }, body: 'Too Many Requests' };
}

function write(response: ServerResponse, { status, headers = {}, body = '' }: Answer): void {
  response.writeHead(status, { ...headers, 'content-length': String(Buffer.byteLength(body)) });
  response.end(body);
}

function unknownPath(call: { method: string; path: string }): Answer {
  return json({ error: `nothing answers ${call.method} ${call.path}` }, 404);
}

/** A wrong admin request or x-fault header: 400 with a sentence. Anything else is a fault of the stand-in itself: 500. */
function refuse(response: ServerResponse, error: unknown): void {
  const wrongUse = error instanceof z.ZodError || error instanceof RangeError || error instanceof SyntaxError;
  const says = error instanceof z.ZodError ? z.prettifyError(error) : error instanceof Error ? error.message : String(error);
  if (response.headersSent) response.destroy();
  else write(response, json({ error: says }, wrongUse ? 400 : 500));
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}
