// The API as a process of its own: it says where it listens, answers, and leaves when it is asked to.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { sign } from '../../client/api/signature.ts';
import { openVendorBook, type VendorBook } from '../support/vendor-book.ts';

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
let book: VendorBook;
beforeAll(async () => {
  book = await openVendorBook({});
});
afterAll(() => book.stop());

test('it serves every tenant, takes a signed payment, and ends cleanly', async () => {
  const child = spawn(process.execPath, ['--import', 'tsx', 'client/api/main.ts'], {
    env: {
      PATH: process.env['PATH'],
      DATABASE_URL: book.db.url,
      DUNLIN_WEBHOOK_SECRETS: `acme=${secret}`,
      API_PORT: String(await freePort()),
      LOG_LEVEL: 'info',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  child.stderr.on('data', chunk => (log += String(chunk)));
  const [line] = (await Promise.race([once(createInterface(child.stdout), 'line'), once(child, 'exit').then(() => [log])])) as [string];
  const { ready, address } = JSON.parse(line) as { ready: boolean; address: string };
  expect(ready).toBe(true);
  expect((await fetch(`${address}/health/ready`)).status).toBe(200);
  const body = JSON.stringify({
    type: 'payment.received',
    data: { payment_id: 'p', amount: '1.00', currency: 'USD', value_date: '2026-11-20' },
  });
  const timestamp = String(Math.floor(Date.now() / 1000));
  const headers = {
    'webhook-id': 'm',
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${sign(secret, 'm', timestamp, Buffer.from(body))}`,
  };
  expect((await fetch(`${address}/webhooks/payments`, { method: 'POST', headers, body })).status).toBe(200);
  child.kill('SIGTERM');
  const [code] = (await once(child, 'exit')) as [number];
  expect(code).toBe(0);
  expect(log).toContain('the API has stopped');
  expect(log).not.toContain(secret);
}, 30_000);

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
