// The token of the service account, against the stand-in's token service, which checks assertions for real.
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { createTokenSource, ServiceAccountKey } from '../../activities/platform/token.ts';
import { startPlatform } from '../../local/vendors/platform.ts';

let platform: Awaited<ReturnType<typeof startPlatform>>;
const key = () => ServiceAccountKey.parse(JSON.parse(readFileSync(platform.keyFile, 'utf8')));
const admin = (method: string, path: string, body: unknown = {}) =>
  fetch(`${platform.adminUrl}/${path}`, { method, body: JSON.stringify(body) });
beforeAll(async () => {
  platform = await startPlatform({ dir: mkdtempSync(join(tmpdir(), 'platform-')) });
});
afterAll(() => platform.close());
beforeEach(() => admin('POST', 'reset'));

test('an assertion is traded for a token, which is kept and used again', async () => {
  const tokens = createTokenSource({ key: key(), scopes: ['crm'] });
  const first = await tokens.token();
  expect(first.kind).toBe('token');
  expect(await tokens.token()).toEqual(first);
});

test('ten requests that wait for a token make one trade', async () => {
  let trades = 0;
  let assertion = '';
  const { url, close } = await tokenServer(async form => {
    trades += 1;
    assertion = form.get('assertion') ?? '';
    await new Promise(resolve => setTimeout(resolve, 30));
    return { access_token: `t${trades}`, expires_in: 100 };
  });
  let now = Date.parse('2026-11-23T15:00:00Z');
  const tokens = createTokenSource({ key: { ...key(), token_uri: url }, scopes: ['crm', 'sales.account'], wallNow: () => now });
  const answers = await Promise.all(Array.from({ length: 10 }, () => tokens.token()));
  expect(new Set(answers.map(answer => JSON.stringify(answer))).size).toBe(1);
  expect(trades).toBe(1);
  // What was signed: aud is not the address of the token, and the assertion lives ten minutes at most.
  const claims = decodeJwt(assertion);
  expect(decodeProtectedHeader(assertion)).toEqual(key().assertionHeaderData);
  expect(claims).toMatchObject({ ...key().assertionPayloadData, scope: 'crm sales.account', iat: now / 1000 });
  expect(claims.aud).not.toBe(url);
  expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBeLessThanOrEqual(600);
  // Renewed before it ends; refused ones are renewed once, whoever reports them first.
  now += 79_000;
  expect(await tokens.token()).toEqual({ kind: 'token', token: 't1' });
  now += 2_000;
  expect(await tokens.token()).toEqual({ kind: 'token', token: 't2' });
  expect(await Promise.all([tokens.token('t2'), tokens.token('t2')])).toEqual([
    { kind: 'token', token: 't3' },
    { kind: 'token', token: 't3' },
  ]);
  expect(await tokens.token('t2')).toEqual({ kind: 'token', token: 't3' });
  await close();
});

test('a key the platform does not know, or a scope it does not have, is for an operator', async () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const wrong = { ...key(), private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
  expect((await createTokenSource({ key: wrong, scopes: ['crm'] }).token()).kind).toBe('not_allowed');
  expect((await createTokenSource({ key: key(), scopes: ['world.domination'] }).token()).kind).toBe('not_allowed');
});

test.each([
  { fault: 'status', value: '503', kind: 'failed' },
  { fault: 'drop', kind: 'failed' },
  { fault: 'rate_limited', value: '3', kind: 'throttled' },
])('a token service that answers $fault is $kind', async ({ kind, ...rule }) => {
  await admin('PUT', 'faults', { rules: [{ match: { path: '/oauth2/token' }, ...rule }] });
  expect((await createTokenSource({ key: key(), scopes: ['crm'] }).token()).kind).toBe(kind);
});

test('neither key nor assertion nor token is told when the answer makes no sense', async () => {
  const { url, close } = await tokenServer(async form => ({ echo: form.get('assertion'), token: 'secret-token' }));
  const answer = await createTokenSource({ key: { ...key(), token_uri: url }, scopes: ['crm'] }).token();
  expect(answer).toEqual({ kind: 'failed', because: 'no token: the answer was not the expected JSON' });
  await close();
});

async function tokenServer(answer: (form: URLSearchParams) => Promise<object>): Promise<{ url: string; close: () => Promise<void> }> {
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', chunk => (text += String(chunk)));
    request.on('end', () => {
      void answer(new URLSearchParams(text)).then(body => response.end(JSON.stringify(body)));
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
    close: () => new Promise(resolve => server.close(() => resolve())),
  };
}
