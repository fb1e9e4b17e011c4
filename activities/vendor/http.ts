// http.ts: one request to a vendor, and an honest answer to the only question that matters when it fails: may it have had
// an effect? The body is a stream that is not read before the connection stands: never read proves that
// nothing was sent, and everything later without an answer is "lost".
import { Readable } from 'node:stream';
import { Agent, errors, request } from 'undici';

export type VendorRequest = {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Real milliseconds for the connection, and again for the answer. */
  readonly timeoutMs: number;
  /** Removed from everything that is told about this request: keys travel in URLs and come back in error texts. */
  readonly secrets: readonly string[];
};

export type Exchange =
  | { readonly kind: 'answered'; readonly status: number; readonly body: string; readonly retryAfterMs: number | null }
  /** No byte of the body left this machine. */
  | { readonly kind: 'not_sent'; readonly because: string }
  /** It was, or may have been, received; no answer came. */
  | { readonly kind: 'lost'; readonly because: string };

/** An answer longer than this is cut: no vendor of ours sends more, and a broken one must not fill the memory. */
const longestAnswer = 1_000_000;

// A kept connection that the vendor has just closed fails after the body was written, which would look like "lost".
// One connection a request costs a few milliseconds and keeps that case away.
const agent = new Agent({ pipelining: 0, connect: { keepAlive: false } });

/** Never throws for what the network or the vendor does. */
export async function exchange(wanted: VendorRequest): Promise<Exchange> {
  let handedOver = false;
  async function* body(text: string) {
    handedOver = true;
    yield Buffer.from(text);
  }
  try {
    const answer = await request(wanted.url, {
      dispatcher: agent,
      method: wanted.method,
      headers: {
        ...wanted.headers,
        ...(wanted.body === undefined ? {} : { 'content-length': String(Buffer.byteLength(wanted.body)) }),
      },
      ...(wanted.body === undefined ? {} : { body: Readable.from(body(wanted.body), { objectMode: false }) }),
      headersTimeout: wanted.timeoutMs,
      bodyTimeout: wanted.timeoutMs,
      signal: AbortSignal.timeout(3 * wanted.timeoutMs),
    });
    const text = await readText(answer.body);
    return {
      kind: 'answered',
      status: answer.statusCode,
      body: redact(text, wanted.secrets),
      retryAfterMs: retryAfterMs(answer.headers['retry-after'], answer.headers.date),
    };
  } catch (error) {
    const because = redact(reasonOf(error), wanted.secrets);
    // A read has no body to hand over and no effect to double: how far it came does not matter.
    return handedOver ? { kind: 'lost', because } : { kind: 'not_sent', because };
  }
}

async function readText(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= longestAnswer) break;
  }
  return Buffer.concat(chunks).toString('utf8', 0, longestAnswer);
}

function reasonOf(error: unknown): string {
  if (error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError) return 'no answer in time';
  if (error instanceof errors.ConnectTimeoutError) return 'no connection in time';
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return 'no answer in time';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  return error.message.includes(code) ? error.message : `${code} ${error.message}`.trim();
}

/** The text with every secret, plain and as it stands in a URL, replaced by "***". */
export function redact(text: string, secrets: readonly string[]): string {
  return secrets
    .filter(secret => secret.length > 0)
    .flatMap(secret => [secret, encodeURIComponent(secret)])
    .reduce((clean, secret) => clean.replaceAll(secret, '***'), text);
}

/** Retry-After as milliseconds: seconds, or an HTTP date measured against the vendor's own Date header. */
export function retryAfterMs(header: string | string[] | undefined, vendorDate?: string | string[]): number | null {
  const text = (Array.isArray(header) ? header[0] : header)?.trim();
  if (!text) return null;
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const until = Date.parse(text);
  const from = Date.parse((Array.isArray(vendorDate) ? vendorDate[0] : vendorDate) ?? '');
  return Number.isNaN(until) || Number.isNaN(from) ? null : Math.max(0, until - from);
}

/** The body as JSON, or undefined when it is not. */
export function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return undefined;
  }
}

/** An answer for people: status and the start of the body, in one line. */
export function glimpse(status: number, body: string): string {
  const text = body.replaceAll(/\s+/g, ' ').trim().slice(0, 160);
  return text ? `HTTP ${status}: ${text}` : `HTTP ${status} without a body`;
}
