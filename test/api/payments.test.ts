// Payments by signed webhook, over the real HTTP door and a real PostgreSQL.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { readPaymentEvent } from '../../client/api/payments.ts';
import { buildServer } from '../../client/api/server.ts';
import { sign, verifySignature } from '../../client/api/signature.ts';
import { sql } from '../../store/sql.ts';
import { openVendorBook, type VendorBook } from '../support/vendor-book.ts';

const oldSecret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const newSecret = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD';
const now = Date.parse('2026-11-23T15:00:00Z');
const bytes = (text: string) => Buffer.from(text, 'utf8');

describe('Standard Webhooks', () => {
  // integrations 3.11
  const vector = {
    id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    timestamp: '1614265330',
    signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  };
  const body = bytes('{"test": 2432232314}');
  const at = 1_614_265_330_000;

  test('the published vector is genuine', () => {
    expect(verifySignature(vector, body, [oldSecret], at)).toEqual({ kind: 'genuine', id: vector.id });
    expect(`v1,${sign(oldSecret, vector.id, vector.timestamp, body)}`).toBe(vector.signature);
  });

  test.each([
    { what: 'five minutes late', headers: vector, body, at: at + 300_999, kind: 'genuine' },
    { what: 'later than five minutes', headers: vector, body, at: at + 301_000, kind: 'refused' },
    { what: 'more than five minutes ahead', headers: vector, body, at: at - 301_000, kind: 'refused' },
    { what: 'one byte changed', headers: vector, body: bytes('{"test": 2432232315}'), at, kind: 'refused' },
    { what: 'another id', headers: { ...vector, id: 'msg_2' }, body, at, kind: 'refused' },
    { what: 'another time', headers: { ...vector, timestamp: '1614265331' }, body, at, kind: 'refused' },
    { what: 'no signature', headers: { ...vector, signature: undefined }, body, at, kind: 'refused' },
    {
      what: 'a signature of another scheme only',
      headers: { ...vector, signature: vector.signature.replace('v1', 'v1a') },
      body,
      at,
      kind: 'refused',
    },
    {
      what: 'several signatures, one of them right',
      headers: { ...vector, signature: `v1,AAAA v1a,BBBB ${vector.signature}` },
      body,
      at,
      kind: 'genuine',
    },
    { what: 'a time that is no number', headers: { ...vector, timestamp: 'now' }, body, at, kind: 'refused' },
  ])('$what: $kind', row => {
    expect(verifySignature(row.headers, row.body, [newSecret, oldSecret], row.at).kind).toBe(row.kind);
  });
});

describe('what a payment event must say', () => {
  const data = { payment_id: 'p1', amount: '1078.00', currency: 'USD', value_date: '2026-11-20' };
  test.each([
    { what: 'no JSON', body: '{', says: 'not JSON' },
    { what: 'another type', body: { type: 'payment.maybe', data }, says: 'payment.received' },
    { what: 'a number as amount', body: { type: 'payment.received', data: { ...data, amount: 1078 } }, says: 'data.amount' },
    { what: 'too many decimals', body: { type: 'payment.received', data: { ...data, amount: '1.234' } }, says: 'at most 2 decimals' },
    { what: 'a negative amount', body: { type: 'payment.received', data: { ...data, amount: '-5.00' } }, says: 'more than zero' },
    { what: 'no such currency', body: { type: 'payment.received', data: { ...data, currency: 'XXQ' } }, says: 'ISO 4217' },
    { what: 'no such day', body: { type: 'payment.received', data: { ...data, value_date: '2026-02-30' } }, says: 'a real day' },
    { what: 'no id', body: { type: 'payment.received', data: { ...data, payment_id: '' } }, says: 'data.payment_id' },
  ])('$what is told in a sentence', ({ body, says }) => {
    const reading = readPaymentEvent(bytes(typeof body === 'string' ? body : JSON.stringify(body)));
    expect(reading).toMatchObject({ kind: 'unreadable', because: expect.stringContaining(says) });
  });
});

describe('the door', () => {
  let book: VendorBook;
  let door: FastifyInstance;
  beforeAll(async () => {
    book = await openVendorBook({});
    await book.customer('a', ['+13065550101'], { accountGroup: 'AG-77' });
    door = buildServer({
      database: book.db.app,
      clock: book.clock,
      tenants: new Map([['acme', { webhookSecrets: [oldSecret, newSecret] }]]),
      defaultTenant: 'acme',
      wallNow: () => now,
    });
  });
  afterAll(async () => {
    await door.close();
    await book.stop();
  });

  async function send(body: unknown, more: { id?: string; secret?: string; at?: number; url?: string; raw?: string } = {}) {
    const raw = more.raw ?? JSON.stringify(body);
    const id = more.id ?? 'msg_1';
    const timestamp = String(Math.floor((more.at ?? now) / 1000));
    const answer = await door.inject({
      method: 'POST',
      url: more.url ?? '/webhooks/payments',
      headers: {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': timestamp,
        'webhook-signature': `v1,${sign(more.secret ?? newSecret, id, timestamp, bytes(raw))}`,
      },
      payload: raw,
    });
    return { status: answer.statusCode, body: answer.json<Record<string, unknown>>() };
  }
  const received = (data: object) => ({
    type: 'payment.received',
    data: { payment_id: 'pay-1', amount: '1000.00', currency: 'USD', value_date: '2026-11-20', invoice_number: 'INV_A', ...data },
  });
  const open = async () =>
    (await book.rows<{ open_minor: bigint; state: string }>(sql`select open_minor, state from invoices where id = 'inv_a'`))[0];

  test('a payment is booked, its case is woken', async () => {
    const answer = await send(received({}));
    expect(answer).toMatchObject({
      status: 200,
      body: { status: 'booked', allocated: [{ invoice_id: 'inv_a', amount: '100000' }], unapplied: '0' },
    });
    expect(await open()).toEqual({ open_minor: 7_800n, state: 'open' });
    expect(await book.rows(sql`select 1 from wakes where invoice_id = 'inv_a'`)).not.toEqual([]);
  });

  test('the same message again, or the same payment in another message, changes nothing', async () => {
    expect(await send(received({}))).toMatchObject({ status: 200, body: { status: 'duplicate' } });
    expect(await send(received({}), { id: 'msg_2' })).toMatchObject({ status: 200, body: { status: 'duplicate' } });
    expect((await open())?.open_minor).toBe(7_800n);
  });

  test('fifty copies at once book one payment', async () => {
    const copies = await Promise.all(
      Array.from({ length: 50 }, () => send(received({ payment_id: 'pay-2', amount: '10.00' }), { id: 'msg_3' })),
    );
    expect(copies.filter(answer => answer.body['status'] === 'booked')).toHaveLength(1);
    expect(copies.every(answer => answer.status === 200)).toBe(true);
    expect((await open())?.open_minor).toBe(6_800n);
  });

  test('a payment that came back opens the invoice again', async () => {
    const returned = { type: 'payment.returned', data: { ...received({}).data, payment_id: 'ret-1', returns_payment_id: 'pay-1' } };
    expect(await send(returned, { id: 'msg_4' })).toMatchObject({
      status: 200,
      body: { allocated: [{ invoice_id: 'inv_a', amount: '-100000' }] },
    });
    expect((await open())?.open_minor).toBe(106_800n);
  });

  test("money without an invoice is the customer's, found by the id another system has for him", async () => {
    const answer = await send(received({ payment_id: 'pay-5', invoice_number: null, customer_id: 'AG-77' }), { id: 'msg_5' });
    expect(answer.body).toMatchObject({ status: 'booked', allocated: [], unapplied: '100000' });
    expect(await book.rows(sql`select customer_id from payments where external_id = 'pay-5'`)).toEqual([{ customer_id: 'a' }]);
  });

  test('forged, old and unsigned messages are refused, and leave nothing behind', async () => {
    const before = await book.rows(sql`select event_id from inbox`);
    expect((await send(received({ payment_id: 'x' }), { id: 'f1', secret: 'whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' })).status).toBe(401);
    expect((await send(received({ payment_id: 'x' }), { id: 'f2', at: now - 301_000 })).status).toBe(401);
    const bare = await door.inject({ method: 'POST', url: '/webhooks/payments', payload: received({}) });
    expect(bare.statusCode).toBe(401);
    expect(bare.headers['content-type']).toContain('application/problem+json');
    expect(await book.rows(sql`select event_id from inbox`)).toEqual(before);
  });

  test('a genuine message nobody can read is answered 400 with a sentence', async () => {
    expect(await send(null, { id: 'm1', raw: 'amount=1' })).toMatchObject({ status: 400, body: { detail: 'the body is not JSON' } });
    expect(await send(received({ amount: 'ten' }), { id: 'm2' })).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining('found "ten"') },
    });
  });

  test('the tenant stands in the path, and only those that are served are there', async () => {
    expect((await send(received({ payment_id: 'pay-6' }), { id: 'msg_6', url: '/t/acme/webhooks/payments' })).status).toBe(200);
    expect((await send(received({}), { id: 'msg_7', url: '/t/other/webhooks/payments' })).status).toBe(404);
  });

  test('it is alive and ready; without its database it is alive only', async () => {
    expect((await door.inject('/health/live')).statusCode).toBe(200);
    expect((await door.inject('/health/ready')).statusCode).toBe(200);
  });

  test('too large a body is refused', async () => {
    const answer = await door.inject({ method: 'POST', url: '/webhooks/payments', payload: Buffer.alloc(1_100_000, 32) });
    expect(answer.statusCode).toBe(413);
  });

  test('other routes of the process can be plugged in', async () => {
    const plugged = buildServer({
      database: book.db.app,
      clock: book.clock,
      tenants: new Map(),
      plugins: [async server => void server.post('/codec/decode', async request => ({ got: request.body }))],
    });
    const answer = await plugged.inject({ method: 'POST', url: '/codec/decode', payload: { payloads: [] } });
    expect(answer.json()).toEqual({ got: { payloads: [] } });
    await plugged.close();
  });
});
