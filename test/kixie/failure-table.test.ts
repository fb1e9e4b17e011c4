// Every way a request to Kixie can fail, and what it must be taken for: integrations 1.4.
import { createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterAll, describe, expect, test } from '@jest/globals';
import {
  agentStatus,
  call,
  type KixieAccount,
  mergeIntoPowerList,
  readAgentAnswer,
  readCallAnswer,
  readRepeatable,
} from '../../activities/kixie/client.ts';
import { redact, retryAfterMs } from '../../activities/vendor/http.ts';

const key = 'S3cret/Key+1';
const closing: (() => void)[] = [];
afterAll(() => {
  for (const close of closing) close();
});

/** A server that does one thing with each connection; counts the bytes of bodies it has seen. */
async function rawServer(
  onConnection: (socket: Socket, seen: { text: string }) => void,
): Promise<{ account: KixieAccount; seen: { text: string } }> {
  const seen = { text: '' };
  const server = createServer(socket => {
    socket.on('error', () => undefined);
    onConnection(socket, seen);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => server.close());
  return { account: accountAt((server.address() as AddressInfo).port), seen };
}

function accountAt(port: number): KixieAccount {
  return { baseUrl: `http://127.0.0.1:${port}`, apiKey: key, businessId: '12345', timeoutMs: 400 };
}

function reads(socket: Socket, seen: { text: string }, then: () => void): void {
  socket.on('data', chunk => {
    seen.text += chunk.toString('utf8');
    // The body is JSON and ends the request.
    if (seen.text.endsWith('}')) then();
  });
}

const wanted = { agentEmail: 'agent@example.com', phone: '+13065550123', displayName: 'INV-1' };
const contact = {
  phone: '+13065550123',
  firstName: 'Pat',
  lastName: '',
  companyName: 'X',
  email: '',
  refresher: '',
  contactId: 'c',
  extra: {},
};

describe('where the connection broke decides whether a call may be repeated', () => {
  test('nobody listens: nothing was sent', async () => {
    expect((await call(accountAt(1), wanted)).kind).toBe('not_sent');
  });

  test('the name does not resolve: nothing was sent', async () => {
    const answer = await call({ ...accountAt(1), baseUrl: 'http://kixie.invalid' }, wanted);
    expect(answer.kind).toBe('not_sent');
  });

  test('the connection is taken and dropped after the whole request: the call may have rung', async () => {
    const { account, seen } = await rawServer((socket, told) => reads(socket, told, () => socket.destroy()));
    expect((await call(account, wanted)).kind).toBe('unknown');
    expect(seen.text).toContain('"eventname":"call"');
  });

  test('the connection is reset after the whole request: the call may have rung', async () => {
    const { account } = await rawServer((socket, told) => reads(socket, told, () => socket.resetAndDestroy()));
    expect((await call(account, wanted)).kind).toBe('unknown');
  });

  test('no answer in time: the call may have rung', async () => {
    const { account } = await rawServer((socket, told) => reads(socket, told, () => undefined));
    expect(await call(account, wanted)).toEqual({ kind: 'unknown', seen: 'no answer in time' });
  });

  test('the answer breaks off in the middle: the call may have rung', async () => {
    const { account } = await rawServer((socket, told) =>
      reads(socket, told, () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 400\r\n\r\n{"succ')),
    );
    expect((await call(account, wanted)).kind).toBe('unknown');
  });

  test('the same loss while adding to a list is a failure that may be repeated', async () => {
    const { account } = await rawServer((socket, told) => reads(socket, told, () => socket.destroy()));
    expect((await mergeIntoPowerList(account, '1969', contact)).kind).toBe('failed');
  });

  test('one call is one request', async () => {
    let connections = 0;
    const { account } = await rawServer((socket, told) => {
      connections += 1;
      reads(socket, told, () => socket.destroy());
    });
    await call(account, wanted);
    expect(connections).toBe(1);
  });
});

const answered = (status: number, body: string, retry: number | null = null) =>
  ({ kind: 'answered', status, body, retryAfterMs: retry }) as const;

describe('what an answer means', () => {
  test.each([
    { status: 200, body: '{"success":true}', call: 'ringing', list: 'done' },
    { status: 200, body: '{"success":true,"callid":48213377}', call: 'ringing', list: 'done' },
    { status: 200, body: 'OK', call: 'unknown', list: 'done' },
    { status: 200, body: '<html>garbage', call: 'unknown', list: 'done' },
    { status: 200, body: '', call: 'unknown', list: 'done' },
    { status: 200, body: '{"success":false,"error":"function does not exist"}', call: 'rejected', list: 'rejected' },
    { status: 200, body: '{"success":false,"error":"daily API limit reached"}', call: 'throttled', list: 'throttled' },
    { status: 401, body: '', call: 'not_allowed', list: 'not_allowed' },
    { status: 403, body: '', call: 'not_allowed', list: 'not_allowed' },
    { status: 400, body: 'bad', call: 'rejected', list: 'rejected' },
    { status: 429, body: '', call: 'throttled', list: 'throttled' },
    { status: 500, body: '', call: 'unknown', list: 'failed' },
    { status: 503, body: '{"success":false}', call: 'unknown', list: 'failed' },
  ])('$status "$body" is $call for a call and $list for a list', row => {
    expect(readCallAnswer(answered(row.status, row.body)).kind).toBe(row.call);
    expect(readRepeatable(answered(row.status, row.body)).kind).toBe(row.list);
  });

  test.each([
    { body: '{"success":true,"result":{"onCall":0,"registered":1,"device":"chrome-extension"}}', kind: 'ready' },
    { body: '{"success":true,"result":{"onCall":"1","registered":"1"}}', kind: 'on_call' },
    { body: '{"success":true,"result":{"onCall":0,"registered":0}}', kind: 'offline' },
    { body: '{"success":false}', kind: 'offline' },
    { body: 'what?', kind: 'failed' },
  ])('an agent whose status is $body is $kind', ({ body, kind }) => {
    expect(readAgentAnswer(answered(200, body)).kind).toBe(kind);
  });

  test("Retry-After is seconds, or a date measured by the vendor's own clock", () => {
    expect(retryAfterMs('7')).toBe(7_000);
    expect(retryAfterMs('Fri, 20 Nov 2026 17:05:00 GMT', 'Fri, 20 Nov 2026 17:04:00 GMT')).toBe(60_000);
    expect(retryAfterMs('soon')).toBeNull();
    expect(retryAfterMs(undefined)).toBeNull();
  });
});

describe('the key stays secret', () => {
  test('a vendor that repeats the key and the address in its answer does not get it into ours', async () => {
    const { account, seen } = await rawServer((socket, told) =>
      reads(socket, told, () => {
        const path = told.text.split(' ')[1] ?? '';
        const body = `cannot serve ${path} for ${key}`;
        socket.end(`HTTP/1.1 500 Oops\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
      }),
    );
    const answer = JSON.stringify(await call(account, wanted));
    expect(seen.text).toContain(key);
    expect(answer).toContain('***');
    expect(answer).not.toContain(key);
    expect(answer).not.toContain(encodeURIComponent(key));
  });

  test('network errors do not carry the address', async () => {
    const answers = [await call(accountAt(1), wanted), await agentStatus(accountAt(1), 'agent@example.com')];
    expect(JSON.stringify(answers)).not.toMatch(/S3cret|apikey/i);
  });

  test('a text is cleaned of a secret in both spellings', () => {
    expect(redact(`a ${key} b ${encodeURIComponent(key)} c`, [key, ''])).toBe('a *** b *** c');
  });
});
