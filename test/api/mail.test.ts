// What comes back by mail, over the real HTTP door and a real PostgreSQL.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { bookLeftovers } from '../../client/api/leftovers.ts';
import { buildServer } from '../../client/api/server.ts';
import { liftHold } from '../../store/holds.ts';
import { at, sql } from '../../store/sql.ts';
import { monday, openVendorBook, type VendorBook } from '../support/vendor-book.ts';

let book: VendorBook;
let door: FastifyInstance;
beforeAll(async () => {
  book = await openVendorBook({});
  door = buildServer({
    database: book.db.app,
    clock: book.clock,
    tenants: new Map([['acme', { mailToken: 'mail-token', webhookSecrets: [] }]]),
    defaultTenant: 'acme',
  });
  for (const id of ['a', 'b', 'c', 'd']) {
    await book.customer(id, [], { email: `pat@${id}.example` });
    await sentNotice(id);
  }
});
afterAll(async () => {
  await door.close();
  await book.stop();
});

/** A first reminder that has left for the customer. */
async function sentNotice(customerId: string): Promise<void> {
  await book.tx(async tx => {
    await tx.run(sql`
      insert into notices (tenant_id, id, customer_id, currency, channel, kind, stage, template, state, mode, policy, policy_version, recipient,
        message_id, customer_version, send_epoch, decided_at, due_at, in_data_at, finished_at, created_at)
      values ('acme', ${`ntc_${customerId}`}, ${customerId}, 'USD', 'email', 'reminder', 'gentle', 'reminder-2', 'sent', 'auto', 'standard', 1,
        ${`pat@${customerId}.example`}, ${`<ntc_${customerId}.1@acme.example>`}, 1, 1, ${at(monday)}, ${at(monday)}, ${at(monday)}, ${at(monday)}, ${at(monday)})`);
    await tx.run(sql`
      insert into notice_lines (tenant_id, notice_id, invoice_id, cycle, stage, channel, amount_minor, invoice_version)
      values ('acme', ${`ntc_${customerId}`}, ${`inv_${customerId}`}, 1, 'gentle', 'email', 107800, 1)`);
  });
}

async function post(message: string, token = 'mail-token') {
  const answer = await door.inject({
    method: 'POST',
    url: '/webhooks/mail',
    headers: { 'content-type': 'message/rfc822', 'x-mail-token': token },
    payload: Buffer.from(message.replaceAll('\n', '\r\n')),
  });
  return { status: answer.statusCode, body: answer.json<Record<string, unknown>>() };
}

const dsn = (id: string, action: string, status: string) => `From: MAILER-DAEMON@mx.example
Message-ID: <dsn-${id}-${status}@mx.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; pat@${id}.example
Action: ${action}
Status: ${status}

--b
Content-Type: text/rfc822-headers

Message-ID: <ntc_${id}.1@acme.example>

--b--
`;
const letter = (id: string, from: string, headers: string) => `From: ${from}
Subject: Re: Invoice
Message-ID: <${id}@example.com>
${headers}

We already paid this.
`;

const holdsOf = (customerId: string) =>
  book.rows<{ id: string; kind: string }>(sql`select id, kind from holds where customer_id = ${customerId} and lifted_at is null`);
const tasksOf = (customerId: string) => book.rows<{ kind: string }>(sql`select kind from tasks where customer_id = ${customerId}`);
const wakesOf = (invoiceId: string) => book.rows(sql`select 1 from wakes where invoice_id = ${invoiceId}`);

test('a hard bounce suppresses the address, is no contact, frees its stage and asks for a better address', async () => {
  expect(await post(dsn('a', 'failed', '5.1.1'))).toEqual({ status: 200, body: { status: 'accepted', kind: 'bounce' } });
  expect(await book.rows(sql`select reason from suppressions where address = 'pat@a.example'`)).toHaveLength(1);
  const [notice] = await book.rows<{ bounced: boolean; live: boolean }>(sql`
    select (n.gate->>'bounced')::boolean as bounced, l.live from notices n join notice_lines l on l.notice_id = n.id where n.id = 'ntc_a'`);
  expect(notice).toEqual({ bounced: true, live: false });
  expect((await tasksOf('a')).map(task => task.kind)).toEqual(['fix_contact']);
  expect(await wakesOf('inv_a')).not.toEqual([]);
});

test('the same report again changes nothing', async () => {
  expect(await post(dsn('a', 'failed', '5.1.1'))).toMatchObject({ status: 200, body: { status: 'duplicate' } });
  expect(await tasksOf('a')).toHaveLength(1);
});

test('a soft bounce is only recorded', async () => {
  await post(dsn('b', 'delayed', '4.4.1'));
  expect(await book.rows(sql`select 1 from suppressions where address = 'pat@b.example'`)).toEqual([]);
  expect(await tasksOf('b')).toEqual([]);
});

test('an out-of-office note pauses nobody', async () => {
  await post(letter('ooo', 'pat@b.example', 'Auto-Submitted: auto-replied\nIn-Reply-To: <ntc_b.1@acme.example>'));
  expect(await holdsOf('b')).toEqual([]);
  expect(await book.rows(sql`select 1 from events where kind = 'reply.automatic' and subject = 'notice:ntc_b'`)).toHaveLength(1);
});

test('the answer of a person holds the customer until a person lifts it', async () => {
  await post(letter('r1', 'somebody@elsewhere.example', 'In-Reply-To: <ntc_b.1@acme.example>'));
  const [hold] = await holdsOf('b');
  expect(hold?.kind).toBe('reply_received');
  const [task] = await book.rows<{ body: string }>(sql`select body from tasks where customer_id = 'b' and kind = 'reply'`);
  expect(task?.body).toContain('We already paid this.');
  expect(await wakesOf('inv_b')).toHaveLength(1);
  const lift = () => book.tx(tx => liftHold(tx, hold?.id ?? '', 'read it', 'person:ana', monday));
  expect([await lift(), await lift()]).toEqual(['lifted', 'not_held']);
  expect(await wakesOf('inv_b')).toHaveLength(2);
});

test('a customer who writes a new message is known by the address', async () => {
  await post(letter('r2', 'Pat@C.example', 'X-Thread: none'));
  expect((await holdsOf('c')).map(hold => hold.kind)).toEqual(['reply_received']);
});

test('a message of nobody we know is a question for a person', async () => {
  await post(letter('r3', 'stranger@nowhere.example', 'X-Thread: none'));
  expect(await book.rows(sql`select 1 from tasks where kind = 'unmatched_mail'`)).toHaveLength(1);
});

test('a complaint stops e-mail to the customer', async () => {
  const complaint = dsn('d', 'failed', '5.0.0')
    .replace('report-type=delivery-status', 'report-type=feedback-report')
    .replace('message/delivery-status', 'message/feedback-report')
    .replace('dsn-d', 'arf-d');
  expect(await post(complaint)).toMatchObject({ body: { kind: 'complaint' } });
  expect(await book.rows(sql`select reason from suppressions where address = 'pat@d.example'`)).toEqual([{ reason: 'complaint' }]);
});

test('a wrong token and an empty body are refused', async () => {
  expect((await post(letter('r4', 'x@y.example', 'X: y'), 'guess')).status).toBe(401);
  expect((await post('')).status).toBe(400);
});

test('what was stored but not booked is booked by the sweep, once', async () => {
  await book.rows(sql`
    insert into inbox (tenant_id, source, event_id, kind, payload, received_at)
    values ('acme', 'mail', 'left@example.com', 'reply', ${JSON.stringify({ kind: 'reply', from: 'pat@c.example', subject: 's', text: 't', answers: [] })}, ${at(monday)})`);
  const deps = { database: book.db.app, clock: book.clock };
  expect(await bookLeftovers(deps, 'acme')).toEqual({ booked: 1, failed: [] });
  expect(await bookLeftovers(deps, 'acme')).toEqual({ booked: 0, failed: [] });
  expect(await holdsOf('c')).toHaveLength(2);
});
