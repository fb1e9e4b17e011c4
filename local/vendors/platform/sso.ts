// sso.ts: the token service. Checks the assertion for real: RS256 with a known kid, issuer, audience, age, scopes. The service
// account's key file is written where a real one would be downloaded to.
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeProtectedHeader, jwtVerify, type JWTPayload } from 'jose';
import { codeOf, uuidOf } from '../../seeded.ts';
import type { Frame } from '../frame.ts';
import { json, type Answer, type Call } from '../http.ts';
import type { platformClaims } from './claims.ts';

/** Scopes of interest [1P] 2.4.1, and their read-only forms. */
const scopes = ['financial', 'sales.account', 'business', 'business:read', 'user.admin', 'order:read', 'automation:read'];
const crmScopes = ['crm', 'crm.company', 'crm.contact', 'crm.custom-object', 'crm.schema'];
const knownScopes: readonly string[] = [...scopes, ...crmScopes, ...crmScopes.map(scope => `${scope}:read`), 'profile', 'email'];

/** Not the token_uri: the two differ on purpose [1P] 2.4.1. */
const audience = 'https://iam-demo.apigateway.example';
const account = 'ar-collections@partner-service-account.apigateway.example';
const grantType = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

type Token = { readonly scopes: ReadonlySet<string>; readonly expiresAt: number };

export class TokenService {
  readonly keyFile: string;
  private readonly frame: Frame<typeof platformClaims>;
  private readonly keys = new Map<string, KeyObject>();
  private readonly tokens = new Map<string, Token>();
  private tokenUri = '';
  private issued = 0;

  constructor(frame: Frame<typeof platformClaims>) {
    this.frame = frame;
    this.keyFile = join(frame.dir, 'service-account.json');
    const known = existsSync(this.keyFile)
      ? (JSON.parse(readFileSync(this.keyFile, 'utf8')) as { private_key_id: string; private_key: string })
      : null;
    if (known) this.keys.set(known.private_key_id, createPublicKey(known.private_key));
  }

  /** Writes the key file for the port of this start; the key itself stays the same from the first start on. */
  open(url: string): void {
    this.tokenUri = `${url}/oauth2/token`;
    if (this.keys.size === 0) this.rotate(true);
    else this.write(JSON.parse(readFileSync(this.keyFile, 'utf8')) as { private_key_id: string; private_key: string });
  }

  /** A new key in the file. Several may be active [1P] 2.4.1; `retireOld` makes the old ones unknown. */
  rotate(retireOld: boolean): string {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pem = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
    const kid = uuidOf('kid', this.frame.seed, pem);
    if (retireOld) this.keys.clear();
    this.keys.set(kid, createPublicKey(createPrivateKey(pem)));
    this.write({ private_key_id: kid, private_key: pem });
    return kid;
  }

  private write({ private_key_id: kid, private_key: pem }: { private_key_id: string; private_key: string }): void {
    const file = {
      type: 'service_account',
      private_key_id: kid,
      private_key: pem,
      client_email: account,
      token_uri: this.tokenUri,
      assertionHeaderData: { alg: 'RS256', kid },
      assertionPayloadData: { aud: audience, iss: account, sub: account },
    };
    writeFileSync(this.keyFile, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600 });
  }

  /** POST /oauth2/token, RFC 7523. */
  async token(call: Call): Promise<Answer> {
    const form = new URLSearchParams(call.raw.toString('utf8'));
    if (form.get('grant_type') !== grantType) return this.refuse('unsupported_grant_type', `expected grant_type ${grantType}`);
    const verdict = await this.judge(form.get('assertion') ?? '', call);
    if ('because' in verdict) return this.refuse('invalid_grant', verdict.because);
    const wanted = verdict.scope.split(' ').filter(scope => scope !== '');
    const unknown = wanted.filter(scope => !knownScopes.includes(scope));
    if (wanted.length === 0 || unknown.length > 0)
      return this.refuse('invalid_scope', `found scope "${verdict.scope}", unknown: ${unknown.join(' ')}`);
    const lasts = this.frame.claims.holds('token_lasts_an_hour') ? 3600 : 5;
    const access = codeOf(40, 'token', this.frame.seed, ++this.issued, Date.now());
    this.tokens.set(access, { scopes: new Set(wanted), expiresAt: Date.now() + lasts * 1000 });
    return json({
      access_token: access,
      token_type: 'Bearer',
      expires_in: this.frame.claims.holds('token_answer') ? lasts : String(lasts),
    });
  }

  private async judge(assertion: string, call: Call): Promise<{ scope: string } | { because: string }> {
    try {
      const { kid = '', alg } = decodeProtectedHeader(assertion);
      if (alg !== 'RS256') return { because: `found alg ${String(alg)}, expected RS256` };
      const key = this.keys.get(kid);
      if (!key || call.struck.has('rotated_kid')) return { because: `the key "${kid}" is not known` };
      const { iat, exp, sub, scope } = await this.verified(assertion, key);
      if (iat === undefined || exp === undefined) return { because: 'iat and exp are required' };
      if (exp - iat > 600) return { because: `found exp - iat of ${exp - iat} seconds, expected at most 600` };
      if (sub !== account) return { because: `found sub "${String(sub)}", expected ${account}` };
      return { scope: typeof scope === 'string' ? scope : '' };
    } catch (error) {
      return { because: error instanceof Error ? error.message : String(error) };
    }
  }

  /** An assertion may be dated by real time or, where the compressed clock runs, by business time of the same day. */
  private async verified(assertion: string, key: KeyObject): Promise<JWTPayload> {
    const check = { audience, issuer: account, algorithms: ['RS256'], clockTolerance: 60 };
    const real = await jwtVerify(assertion, key, check).catch((error: unknown) => error);
    if (!(real instanceof Error)) return (real as { payload: JWTPayload }).payload;
    const now = this.frame.clock.now();
    if (Math.abs(now - Date.now()) < 60_000) throw real;
    return (await jwtVerify(assertion, key, { ...check, clockTolerance: 86_400, currentDate: new Date(now) })).payload;
  }

  /** Null where the bearer may do this; else the 401 or 403. `anyOf`: one of these scopes is enough, none: any token is. */
  deny(call: Call, anyOf: readonly string[]): Answer | null {
    const access = /^Bearer (.+)$/.exec(call.headers.authorization ?? '')?.[1] ?? '';
    if (call.struck.has('token_expired')) this.tokens.delete(access);
    const token = this.tokens.get(access);
    if (!token || token.expiresAt <= Date.now()) return problem(401, 'Unauthenticated', 'the access token is missing, unknown or expired');
    const may = anyOf.length === 0 || anyOf.some(scope => token.scopes.has(scope));
    if (may && !call.struck.has('insufficient_scope')) return null;
    return problem(403, 'PermissionDenied', `expected one of the scopes ${anyOf.join(', ')}`);
  }

  /** GET /oauth2/user-info [1P] 2.4.1. */
  userInfo(call: Call): Answer {
    const denied = this.deny(call, ['profile', 'email']);
    if (denied) return denied;
    return json({
      sub: `U-${uuidOf('service account')}`,
      email: account,
      updated_at: 1_591_049_766,
      roles: ['partner_service_account'],
      created_at: 1_591_049_766,
    });
  }

  private refuse(error: string, description: string): Answer {
    if (!this.frame.claims.holds('token_errors_rfc6749'))
      return { status: 400, headers: { 'content-type': 'text/plain' }, body: description };
    return json({ error, error_description: description }, 400);
  }

  clear(): void {
    this.tokens.clear();
  }
}

/** A JSON:API error [1P] 2.4.2. */
export function problem(status: number, code: string, detail: string, parameter?: string): Answer {
  const source = parameter === undefined ? {} : { source: { parameter } };
  const error = { status: String(status), code, title: code, detail, ...source, links: { about: 'https://developers.example/errors' } };
  return json({ errors: [error] }, status, 'application/vnd.api+json');
}
