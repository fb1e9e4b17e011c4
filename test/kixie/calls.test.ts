// Calls from the offer to the webhook, against the stand-in Kixie, a real PostgreSQL and the real HTTP door.
import { mkdtempSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import type { FastifyInstance } from 'fastify';
import { type CallDeps, createCallActivities } from '../../activities/kixie/activities.ts';
import { callNow } from '../../activities/kixie/call-now.ts';
import { type KixieAccount, listWebhooks, registerWebhook, removeFromPowerList } from '../../activities/kixie/client.ts';
import { removeWanted } from '../../activities/kixie/removals.ts';
import { buildServer } from '../../client/api/server.ts';
import type { StandIn } from '../../local/vendors/frame.ts';
import { startKixie } from '../../local/vendors/kixie.ts';
import { placeHold } from '../../store/holds.ts';
import { sql } from '../../store/sql.ts';
import { monday, openVendorBook, type VendorBook } from '../support/vendor-book.ts';

const key = 'kixie-key-9f';
const token = 'long-random-token';
const agent = 'agent@example.com';
let book: VendorBook;
let kixie: StandIn;
let door: FastifyInstance;
let account: KixieAccount;
let deps: CallDeps;

beforeAll(async () => {
  book = await openVendorBook({
    kixie: {
      powerlistId: '1969',
      agents: [agent],
      dispositions: {
        'Promise to pay': 'promise',
        'Wrong number': 'wrong_number',
        'No answer': 'no_answer',
        'Connected Call': 'connected',
        Dispute: 'dispute',
      },
    },
  });
  kixie = await startKixie({
    dir: mkdtempSync(join(tmpdir(), 'kixie-')),
    apiKey: key,
    businessId: '12345',
    clock: book.clock,
    deliveries: 'word',
  });
  account = { baseUrl: kixie.url, apiKey: key, businessId: '12345', timeoutMs: 1_000 };
  deps = { database: book.db.app, clock: book.clock, kixieOf: () => account, breaker: { failures: 3, probeEveryMs: 300 } };
  door = buildServer({
    database: book.db.app,
    clock: book.clock,
    tenants: new Map([['acme', { kixieToken: token, webhookSecrets: [] }]]),
    defaultTenant: 'acme',
  });
  await door.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await door.close();
  await kixie.close();
  await book.stop();
});
beforeEach(async () => {
  await admin('POST', 'reset');
  book.clock.set(monday);
  const port = (door.server.address() as AddressInfo).port;
  for (const event of ['startcall', 'answeredcall', 'endcall', 'disposition', 'SMS', 'scheduledactivity']) {
    const location = `http://127.0.0.1:${port}/webhooks/kixie/${event}`;
    expect((await registerWebhook(account, { name: `ar-${event}`, event, location, token })).kind).toBe('done');
  }
  await book.tx(tx => tx.run(sql`delete from vendor_breakers`));
  await book.tx(tx => tx.run(sql`delete from vendor_quota`));
});

async function admin(method: string, path: string, body?: unknown): Promise<{ entries?: Entry[]; [name: string]: unknown }> {
  const answer = await fetch(`${kixie.adminUrl}/${path}`, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
  return (await answer.json()) as { entries?: Entry[] };
}
type Entry = { kind: string; target?: string; action?: string; did?: string };
const witness = async (): Promise<Entry[]> => (await admin('GET', 'witness')).entries ?? [];
const listed = async (): Promise<string[]> => {
  const { powerlists } = (await admin('GET', 'powerlists')) as { powerlists: Record<string, { phone: string }[]> };
  return (powerlists['1969'] ?? []).map(contact => contact.phone);
};
const faults = (rules: readonly object[]) => admin('PUT', 'faults', { rules });
/** Minutes pass, and everything Kixie has to tell by then arrives. */
async function pass(minutes: number): Promise<void> {
  book.clock.set(book.clock.now() + minutes * 60_000);
  await admin('POST', 'deliver');
}
const caseOf = (invoiceId: string) => ({ tenant: 'acme', invoiceId, cycle: 1 });
const stage = { kind: 'call', stage: 'escalation', summary: '' } as const;
const offer = (invoiceId: string, more: Partial<CallDeps> = {}) =>
  createCallActivities({ ...deps, ...more }).offerCall({ case: caseOf(invoiceId), task: stage });
const stop = (invoiceId: string) => createCallActivities(deps).stopCalls({ case: caseOf(invoiceId) });
const tasks = (customerId: string) =>
  book.rows<{ kind: string; state: string; body: string; title: string }>(
    sql`select kind, state, body, title from tasks where customer_id = ${customerId} order by opened_at, kind`,
  );
const call = async (invoiceId: string) =>
  (
    await book.rows<{
      state: string;
      outcome: string | null;
      kixie_uuid: string | null;
      kixie_number: string | null;
      duration_seconds: number | null;
      note: string | null;
    }>(sql`select * from calls where invoice_id = ${invoiceId}`)
  )[0];
async function failureOf(work: Promise<unknown>): Promise<ApplicationFailure> {
  const failure = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (failure instanceof ApplicationFailure) return failure;
  throw new Error(`expected an ApplicationFailure, found ${String(failure)}`);
}

describe('offering a call', () => {
  test('every number of the customer is listed, one task with a script is on the worklist, and a repeat changes nothing', async () => {
    await book.customer('a', ['+13065550101', '+13065550102'], { name: 'Example Ltd', accountGroup: 'AG-1' });
    expect(await offer('inv_a')).toEqual({ offered: true, because: 'call offered for INV_A on 2 numbers' });
    expect(await offer('inv_a')).toMatchObject({ offered: true });
    expect(await listed()).toEqual(['+13065550101', '+13065550102']);
    const [task, ...more] = await tasks('a');
    expect(more).toEqual([]);
    expect(task?.title).toBe('Call Example Ltd: USD\u00a01,078.00 open, 30 days overdue');
    expect(task?.body).toContain('On which day will you pay');
    const contacts = ((await admin('GET', 'powerlists'))['powerlists'] as Record<string, Record<string, unknown>[]>)['1969'];
    expect(contacts?.[0]).toMatchObject({
      firstName: 'Pat',
      lastName: 'Doe',
      companyName: 'Example Ltd',
      crmContactId: 'AG-1',
      extraData: { caseId: 'inv_a/1' },
    });
  });

  test('a second invoice of the customer joins the call that is on offer', async () => {
    await book.invoice('inv_a2', 'a');
    expect(await offer('inv_a2')).toMatchObject({ offered: true });
    const all = await tasks('a');
    expect(all).toHaveLength(1);
    expect(all[0]?.body).toContain('INV_A2: USD\u00a0500.00 open');
  });

  test('the numbers stay listed while another case wants the call, and go with the last one', async () => {
    // The numbers of the tests before were forgotten by the stand-in; offer them again.
    await offer('inv_a');
    expect(await stop('inv_a')).toEqual({ removed: 0 });
    expect(await listed()).toHaveLength(2);
    expect(await stop('inv_a2')).toEqual({ removed: 2 });
    expect(await listed()).toEqual([]);
    expect((await tasks('a')).map(task => task.state)).toEqual(['dropped']);
    expect(await stop('inv_a2')).toEqual({ removed: 0 });
  });

  test('two debtors who share a number are not mixed up: the second is a task for a person', async () => {
    await book.customer('b', ['+13065550110']);
    await book.customer('c', ['+13065550110']);
    await offer('inv_b');
    expect(await offer('inv_c')).toEqual({ offered: true, because: 'call offered for INV_C on 0 numbers' });
    expect((await witness()).filter(entry => entry.kind === 'updatepowerlist')).toHaveLength(1);
    expect((await tasks('c')).map(task => task.kind).sort()).toEqual(['call', 'shared_phone']);
  });

  test('suppressed numbers, customers without a number, held and paid ones are not offered', async () => {
    await book.customer('d', ['+13065550120']);
    await book.customer('e', []);
    await book.customer('f', ['+13065550122']);
    await book.customer('g', ['+13065550123']);
    await book.tx(async tx => {
      await tx.run(
        sql`insert into suppressions (tenant_id, channel, address, reason, at) values ('acme', 'phone', '+13065550120', 'stop', now())`,
      );
      await placeHold(
        tx,
        { scope: 'customer', customerId: 'f', id: 'h1', kind: 'legal_stay', reason: 'court', startsAt: monday, endsAt: null },
        'person:ana',
      );
      await tx.run(sql`update invoices set allocated_minor = amount_minor, state = 'closed', outcome = 'paid' where id = 'inv_g'`);
    });
    expect(await offer('inv_d')).toMatchObject({ offered: false, because: 'every number of the customer is suppressed' });
    expect(await offer('inv_e')).toMatchObject({ offered: false });
    expect((await tasks('e')).map(task => task.kind)).toEqual(['fix_contact']);
    expect(await offer('inv_f')).toMatchObject({ offered: false, because: 'held: court' });
    expect(await offer('inv_g')).toMatchObject({ offered: false, because: 'nothing is open any more' });
    expect((await witness()).filter(entry => entry.kind === 'updatepowerlist')).toEqual([]);
  });

  test('without Kixie the call is on the worklist only', async () => {
    await book.customer('h', ['+13065550130']);
    expect((await offer('inv_h', { kixieOf: () => null })).because).toContain('on the worklist only');
    expect((await tasks('h')).map(task => task.kind)).toEqual(['call']);
  });

  test('Kixie is down: the task is there, the breaker opens for everybody, one probe asks, and it closes again', async () => {
    await book.customer('i', ['+13065550140']);
    await faults([{ match: { event: 'updatepowerlist' }, fault: 'drop', at: 'after' }]);
    for (let times = 0; times < 3; times += 1) expect((await failureOf(offer('inv_i'))).type).toBe('VendorUnavailable');
    expect((await tasks('i')).map(task => task.state)).toEqual(['open']);
    const paused = await failureOf(offer('inv_i'));
    expect(paused.type).toBe('VendorPaused');
    expect(paused.nonRetryable).toBeFalsy();
    expect(Number(paused.nextRetryDelay)).toBeGreaterThan(0);
    await new Promise(resolve => setTimeout(resolve, 350));
    const both = await Promise.allSettled([offer('inv_i'), offer('inv_i'), offer('inv_i')]);
    const asked = both.filter(result => result.status === 'rejected' && (result.reason as ApplicationFailure).type === 'VendorUnavailable');
    expect(asked).toHaveLength(1);
    await faults([]);
    await new Promise(resolve => setTimeout(resolve, 350));
    expect(await offer('inv_i')).toMatchObject({ offered: true });
    const [breaker] = await book.rows<{ state: string; failures: number }>(
      sql`select state, failures from vendor_breakers where vendor = 'kixie'`,
    );
    expect(breaker).toEqual({ state: 'closed', failures: 0 });
    const told = await book.rows<{ kind: string }>(sql`select kind from events where kind like 'vendor.%' order by seq`);
    expect(told.map(event => event.kind)).toEqual(['vendor.paused', 'vendor.recovered']);
  });

  test('our share of the daily quota is used up: it goes on at 00:00 UTC', async () => {
    await book.customer('j', ['+13065550150']);
    const failure = await failureOf(offer('inv_j', { dailyQuota: 0 }));
    expect(failure.type).toBe('VendorThrottled');
    expect(Number(failure.nextRetryDelay)).toBe(9 * 3_600_000);
    await faults([{ match: { event: 'updatepowerlist' }, fault: 'quota_exhausted' }]);
    expect((await failureOf(offer('inv_j'))).type).toBe('VendorThrottled');
    await faults([]);
    // The others do not ask again today.
    expect((await failureOf(offer('inv_j'))).message).toContain('quota');
  });

  test('429 with Retry-After is honoured', async () => {
    await book.customer('j2', ['+13065550151']);
    await faults([{ match: { event: 'updatepowerlist' }, fault: 'rate_limited', value: '7', times: 1 }]);
    expect(Number((await failureOf(offer('inv_j2'))).nextRetryDelay)).toBe(7_000);
    expect(await offer('inv_j2')).toMatchObject({ offered: true });
  });

  test('a number Kixie refuses stays with the task; a wrong key is not tried again, and the key is in no failure', async () => {
    await book.customer('k', ['+13065550160']);
    await faults([{ match: { event: 'updatepowerlist' }, fault: 'refused', value: 'list is full', times: 1 }]);
    expect((await offer('inv_k')).because).toContain('Kixie did not take a number: list is full');
    const wrong = await failureOf(offer('inv_k', { kixieOf: () => ({ ...account, apiKey: 'wrong-key' }) }));
    expect([wrong.type, wrong.nonRetryable]).toEqual(['VendorNotAllowed', true]);
    expect(JSON.stringify([wrong.message, wrong.stack])).not.toMatch(/wrong-key|kixie-key/);
  });

  test('a number can be taken off one list alone', async () => {
    await book.customer('k2', ['+13065550161']);
    await offer('inv_k2');
    expect((await removeFromPowerList(account, '1969', '+13065550161')).kind).toBe('done');
    expect(await listed()).toEqual([]);
  });

  test('a payment that stops the calls while a number is being added takes it off again', async () => {
    await book.customer('l', ['+13065550170']);
    await faults([{ match: { event: 'updatepowerlist' }, fault: 'delay', at: 'before', value: '250' }]);
    const offering = offer('inv_l');
    await new Promise(resolve => setTimeout(resolve, 120));
    await stop('inv_l');
    await offering;
    expect(await listed()).not.toContain('+13065550170');
  });
});

describe('what webhooks tell', () => {
  const answers = (phone: string, answer: object) => admin('PUT', 'behaviour', { call: [{ phone, nth: 'every', ...answer }] });
  const dial = () => admin('POST', 'dial', { powerlistId: '1969', agent });

  test('a promise on the telephone ends the offer, pauses the invoice for a week and asks a person to record it', async () => {
    await book.customer('m', ['+13065550200']);
    await answers('+13065550200', { outcome: 'answered', disposition: 'Promise to pay', note: 'Will pay Friday', seconds: 153 });
    await offer('inv_m');
    await dial();
    await pass(1);
    await pass(30);
    expect(await call('inv_m')).toMatchObject({ state: 'finished', outcome: 'promise', duration_seconds: 153, note: 'Will pay Friday' });
    expect((await call('inv_m'))?.kixie_uuid).toMatch(/-/);
    expect((await call('inv_m'))?.kixie_number).toMatch(/^\d+$/);
    expect((await tasks('m')).map(task => `${task.kind} ${task.state}`).sort()).toEqual(['call done', 'call_outcome open']);
    const holds = await book.rows<{ invoice_id: string; ends_at: number }>(
      sql`select invoice_id, ends_at from holds where invoice_id = 'inv_m'`,
    );
    expect(holds).toHaveLength(1);
    const wakes = await book.rows<{ kind: string }>(sql`select kind from wakes where invoice_id = 'inv_m' and kind = 'call'`);
    expect(wakes.length).toBeGreaterThan(0);
    // The list is a vendor's matter: the sweeper takes the number off.
    expect(await removeWanted(deps, 'acme')).toBe(1);
    expect(await listed()).toEqual([]);
  });

  test('events that come twice, late or under a wrong label lead to the same place', async () => {
    await book.customer('n', ['+13065550201']);
    await faults([
      { match: {}, fault: 'webhook_duplicated' },
      { match: { event: 'endcall' }, fault: 'webhook_reordered', value: '20' },
      { match: {}, fault: 'webhook_mislabelled', value: 'startcall' },
    ]);
    await answers('+13065550201', { outcome: 'answered', disposition: 'Promise to pay', note: 'Monday', seconds: 60 });
    await offer('inv_n');
    await dial();
    await pass(1);
    await pass(60);
    expect(await call('inv_n')).toMatchObject({ state: 'finished', outcome: 'promise', duration_seconds: 60, note: 'Monday' });
    expect((await tasks('n')).filter(task => task.kind === 'call_outcome')).toHaveLength(1);
  });

  test('nobody answers: the call stays on offer', async () => {
    await book.customer('o', ['+13065550202']);
    await answers('+13065550202', { outcome: 'no_answer', disposition: 'No answer', note: '', seconds: 0 });
    await offer('inv_o');
    await dial();
    await pass(1);
    await pass(10);
    expect(await call('inv_o')).toMatchObject({ state: 'offered', outcome: 'no_answer' });
    expect((await tasks('o')).map(task => task.state)).toEqual(['open']);
    await stop('inv_o');
  });

  test('a wrong number is suppressed, taken off and has to be found', async () => {
    await book.customer('p', ['+13065550203']);
    await answers('+13065550203', { outcome: 'answered', disposition: 'wrong number', note: '', seconds: 9 });
    await offer('inv_p');
    await dial();
    await pass(1);
    await pass(10);
    const suppressed = await book.rows(sql`select 1 from suppressions where address = '+13065550203'`);
    expect(suppressed).toHaveLength(1);
    expect((await tasks('p')).map(task => task.kind).sort()).toEqual(['call', 'fix_contact']);
    await removeWanted(deps, 'acme');
    expect(await listed()).toEqual([]);
  });

  test('a disposition nobody mapped counts as "other" and asks what it means', async () => {
    await book.customer('q', ['+13065550204']);
    await answers('+13065550204', { outcome: 'answered', disposition: 'Moon phase', note: '', seconds: 20 });
    await offer('inv_q');
    await dial();
    await pass(1);
    await pass(10);
    expect(await call('inv_q')).toMatchObject({ state: 'finished', outcome: 'other' });
    expect((await tasks('q')).map(task => task.kind).sort()).toEqual(['call', 'unmapped_disposition']);
  });

  test('a call back on a day keeps the invoice quiet until that day and is on the worklist for it', async () => {
    await book.customer('u', ['+13065550206']);
    await answers('+13065550206', { outcome: 'answered', disposition: 'Connected Call', note: 'ask Jo', seconds: 20, callBackInDays: 3 });
    await offer('inv_u');
    await dial();
    await pass(1);
    await pass(10);
    const holds = await book.rows<{ ends_at: number }>(sql`select ends_at from holds where invoice_id = 'inv_u'`);
    expect(holds.map(hold => new Date(hold.ends_at).toISOString().slice(0, 10))).toEqual(['2026-11-26']);
    const [task] = await book.rows<{ owner: string }>(sql`select owner from tasks where kind = 'call_back' and invoice_id = 'inv_u'`);
    expect(task?.owner).toBe(agent);
  });

  test('credentials in a payload are not stored', async () => {
    const stored = await book.rows<{ text: string }>(sql`select payload::text as text from inbox where kind = 'disposition'`);
    expect(stored.length).toBeGreaterThan(0);
    expect(stored.map(row => row.text).join(' ')).not.toMatch(/activeCRM|not-for-your-eyes|crm-secret/);
  });

  test('a call that fits no offer is a question for a person, once', async () => {
    const details = {
      callid: 'u-1',
      externalid: '77',
      customerNumber: '+19995550000',
      email: agent,
      duration: '12',
      callstatus: 'answered',
      calltype: 'outgoing',
    };
    for (const shuffled of [1, 2]) {
      const answer = await door.inject({
        method: 'POST',
        url: '/webhooks/kixie/endcall',
        headers: { 'x-kixie-token': token },
        payload: { data: { callDetails: { ...details, shuffled } } },
      });
      expect(answer.statusCode).toBe(200);
    }
    expect(await book.rows(sql`select 1 from tasks where kind = 'unmatched_call'`)).toHaveLength(1);
  });

  test('STOP by text message suppresses the number and marks it for removal everywhere', async () => {
    await book.customer('r', ['+13065550205']);
    await offer('inv_r');
    const payload = { data: { direction: 'incoming', messageid: 'sms-1', customernumber: '+13065550205', message: ' Stop. ' } };
    const answer = await door.inject({ method: 'POST', url: '/webhooks/kixie/sms', headers: { 'x-kixie-token': token }, payload });
    expect(answer.statusCode).toBe(200);
    await removeWanted(deps, 'acme');
    expect(await listed()).toEqual([]);
    expect(await offer('inv_r')).toMatchObject({ offered: false });
  });

  test('a wrong token is refused, and so is an unknown kind of event', async () => {
    const send = (url: string, given: string) => door.inject({ method: 'POST', url, headers: { 'x-kixie-token': given }, payload: {} });
    expect((await send('/webhooks/kixie/endcall', 'guess')).statusCode).toBe(401);
    expect((await send('/webhooks/kixie/party', token)).statusCode).toBe(404);
    expect((await send('/t/nobody/webhooks/kixie/endcall', token)).statusCode).toBe(404);
    expect((await send('/t/acme/webhooks/kixie/endcall', token)).statusCode).toBe(200);
  });

  test('the webhooks that were registered can be read back', async () => {
    const answer = await listWebhooks(account);
    expect(answer.kind === 'listed' && answer.webhooks.map(hook => hook.name).sort()).toEqual([
      'ar-SMS',
      'ar-answeredcall',
      'ar-disposition',
      'ar-endcall',
      'ar-scheduledactivity',
      'ar-startcall',
    ]);
  });
});

describe('call now', () => {
  const wish = (wishId: string, invoiceId = 'inv_s') =>
    callNow(deps, { case: caseOf(invoiceId), agentEmail: agent, wishId, actor: 'person:ana' });
  const rung = async () => (await witness()).filter(entry => entry.kind === 'call').length;

  test('it rings once, and the same wish does not ring again', async () => {
    await book.customer('s', ['+13065550300']);
    expect(await wish('w1')).toMatchObject({ kind: 'ringing' });
    expect(await wish('w1')).toMatchObject({ kind: 'unknown', because: 'this call was already asked for; it is "ringing"' });
    expect(await rung()).toBe(1);
  });

  test('an agent who is offline or on a call is not rung', async () => {
    await faults([{ match: {}, fault: 'agent_offline' }]);
    expect(await wish('w2')).toMatchObject({ kind: 'not_called', because: `${agent} is not logged in to Kixie` });
    await faults([{ match: {}, fault: 'agent_on_call' }]);
    expect(await wish('w3')).toMatchObject({ kind: 'not_called', because: `${agent} is on another call` });
    expect(await rung()).toBe(0);
  });

  test('the connection drops after the call was placed: unknown, a task, never repeated, and the webhook still finds it', async () => {
    await book.customer('t', ['+13065550301']);
    await admin('PUT', 'behaviour', {
      call: [{ phone: '+13065550301', nth: 'every', outcome: 'answered', disposition: 'Dispute', note: 'half was broken', seconds: 45 }],
    });
    await faults([{ match: { event: 'call' }, fault: 'drop', at: 'after' }]);
    expect(await wish('w4', 'inv_t')).toMatchObject({ kind: 'unknown' });
    await faults([]);
    expect(await wish('w4', 'inv_t')).toMatchObject({ kind: 'unknown', because: 'this call was already asked for; it is "unknown"' });
    expect(await rung()).toBe(1);
    expect(await book.rows(sql`select 1 from tasks where kind = 'call_unknown' and invoice_id = 'inv_t'`)).toHaveLength(1);
    await pass(1);
    await pass(10);
    expect(await call('inv_t')).toMatchObject({ state: 'finished', outcome: 'dispute', note: 'half was broken' });
  });

  test.each([
    { fault: 'status', at: 'after', value: '503', kind: 'unknown' },
    { fault: 'text_body', kind: 'unknown' },
    { fault: 'refused', value: 'no credit', kind: 'not_called' },
    { fault: 'rate_limited', kind: 'not_called' },
  ])('$fault is $kind', async ({ kind, ...rule }) => {
    await faults([{ match: { event: 'call' }, ...rule }]);
    book.clock.set(monday + 3_600_000);
    expect((await wish(`w-${rule.fault}`)).kind).toBe(kind);
  });
});
