// token.ts: access to the platform as a service account (two-legged OAuth). We sign an assertion with the key that was
// downloaded once, trade it for a token, and keep the token until shortly before it ends. Only one trade is made at a
// time, however many requests wait for it.
import { importPKCS8, SignJWT } from 'jose';
import { createPrivateKey } from 'node:crypto';
import { z } from 'zod';
import { type Exchange, exchange, glimpse, jsonOf } from '../vendor/http.ts';

/** The key file as the platform gives it out. `aud` of the assertion is not the address of the token. */
export const ServiceAccountKey = z.looseObject({
  private_key: z.string().min(1),
  token_uri: z.url(),
  assertionHeaderData: z.looseObject({ alg: z.enum(['RS256', 'ES256']), kid: z.string() }),
  assertionPayloadData: z.looseObject({ aud: z.string(), iss: z.string(), sub: z.string() }),
});
export type ServiceAccountKey = z.infer<typeof ServiceAccountKey>;

export type TokenAnswer =
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'not_allowed'; readonly because: string }
  | { readonly kind: 'throttled'; readonly because: string; readonly retryAfterMs: number | null }
  | { readonly kind: 'failed'; readonly because: string };

export type TokenSource = {
  /** The token in hand, or a new one. `refused`: the platform did not take this one any more, so trade again, once. */
  token(refused?: string): Promise<TokenAnswer>;
};

export type TokenSettings = {
  readonly key: ServiceAccountKey;
  readonly scopes: readonly string[];
  readonly timeoutMs?: number;
  /** Real time, not business time: the platform checks it against its own clock. */
  readonly wallNow?: () => number;
};

/** The assertion may live ten minutes; half of that forgives clocks that differ. */
const assertionSeconds = 300;
/** A token is renewed this long before it ends, or at four fifths of a short life. */
const renewBeforeMs = 60_000;

export function createTokenSource(settings: TokenSettings): TokenSource {
  const wallNow = settings.wallNow ?? Date.now;
  let held: { readonly token: string; readonly renewAt: number } | undefined;
  let trading: Promise<TokenAnswer> | undefined;
  const trade = async (): Promise<TokenAnswer> => {
    const { answer, livesMs } = await askForToken(settings, Math.floor(wallNow() / 1000));
    if (answer.kind === 'token') held = { token: answer.token, renewAt: wallNow() + Math.max(livesMs - renewBeforeMs, livesMs * 0.8) };
    return answer;
  };
  return {
    token: async refused => {
      if (refused !== undefined && held?.token === refused) held = undefined;
      if (held && wallNow() < held.renewAt) return { kind: 'token', token: held.token };
      trading ??= trade().finally(() => {
        trading = undefined;
      });
      return trading;
    },
  };
}

async function askForToken(settings: TokenSettings, iat: number): Promise<{ answer: TokenAnswer; livesMs: number }> {
  const { key, scopes } = settings;
  const { alg } = key.assertionHeaderData;
  const assertion = await new SignJWT({ ...key.assertionPayloadData, scope: scopes.join(' ') })
    .setProtectedHeader(key.assertionHeaderData)
    .setIssuedAt(iat)
    .setExpirationTime(iat + assertionSeconds)
    .sign(await importPKCS8(pkcs8(key.private_key), alg));
  const seen = await exchange({
    method: 'POST',
    url: new URL(key.token_uri),
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    body: new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion }).toString(),
    timeoutMs: settings.timeoutMs ?? 10_000,
    secrets: [assertion],
  });
  return readTokenAnswer(seen);
}

/** The key file may hold "BEGIN RSA PRIVATE KEY" (PKCS #1); jose reads PKCS #8 only. */
function pkcs8(pem: string): string {
  return createPrivateKey(pem).export({ type: 'pkcs8', format: 'pem' }).toString();
}

const TokenReply = z.looseObject({ access_token: z.string().min(1), expires_in: z.coerce.number().positive().catch(300) });

function readTokenAnswer(seen: Exchange): { answer: TokenAnswer; livesMs: number } {
  if (seen.kind !== 'answered') return { answer: { kind: 'failed', because: `no token: ${seen.because}` }, livesMs: 0 };
  const reply = TokenReply.safeParse(jsonOf(seen.body));
  if (seen.status === 200 && reply.success) {
    return { answer: { kind: 'token', token: reply.data.access_token }, livesMs: reply.data.expires_in * 1000 };
  }
  // A success we cannot read may hold the token: its body is not repeated to anybody.
  if (seen.status === 200) return { answer: { kind: 'failed', because: 'no token: the answer was not the expected JSON' }, livesMs: 0 };
  const because = `no token: ${glimpse(seen.status, seen.body)}`;
  if (seen.status === 429) return { answer: { kind: 'throttled', because, retryAfterMs: seen.retryAfterMs }, livesMs: 0 };
  return { answer: { kind: seen.status >= 400 && seen.status < 500 ? 'not_allowed' : 'failed', because }, livesMs: 0 };
}
