// signature.ts: is this webhook from who it says, and of now? Standard Webhooks: an HMAC over id, time and the raw bytes,
// before anything is parsed. Two secrets may be live, so that one can be replaced without losing a message.
import { createHmac, timingSafeEqual } from 'node:crypto';

export type SignedHeaders = {
  readonly id: string | undefined;
  readonly timestamp: string | undefined;
  readonly signature: string | undefined;
};
export type SignatureVerdict = { readonly kind: 'genuine'; readonly id: string } | { readonly kind: 'refused'; readonly because: string };

/** A message may be this old, or this far ahead of our clock. */
const windowSeconds = 300;

/** `secrets` as "whsec_" and base64, or the bare base64; `nowMs` is the real time. */
export function verifySignature(headers: SignedHeaders, body: Uint8Array, secrets: readonly string[], nowMs: number): SignatureVerdict {
  const { id, timestamp, signature } = headers;
  if (!id || !timestamp || !signature) {
    return { kind: 'refused', because: 'expected the headers webhook-id, webhook-timestamp and webhook-signature (Standard Webhooks)' };
  }
  if (!/^\d{1,12}$/.test(timestamp)) return { kind: 'refused', because: 'webhook-timestamp: expected whole seconds since 1970' };
  const offBy = Math.abs(Math.floor(nowMs / 1000) - Number(timestamp));
  if (offBy > windowSeconds)
    return { kind: 'refused', because: `webhook-timestamp is ${offBy} s away from now, expected at most ${windowSeconds} s` };
  const given = signature
    .split(' ')
    .filter(part => part.startsWith('v1,'))
    .map(part => part.slice(3));
  const genuine = secrets.some(secret => given.some(candidate => sameText(candidate, sign(secret, id, timestamp, body))));
  return genuine ? { kind: 'genuine', id } : { kind: 'refused', because: 'webhook-signature fits none of the secrets of this tenant' };
}

/** The base64 signature of version v1. */
export function sign(secret: string, id: string, timestamp: string, body: Uint8Array): string {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  return createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64');
}

/** Compares in a time that does not tell where two texts differ. */
export function sameText(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHmac('sha256', 'compare').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
