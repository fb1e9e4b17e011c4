// What a case tells the platform, against the stand-in and a real PostgreSQL.
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import { createPlatformActivities, type PlatformDeps } from '../../activities/platform/activities.ts';
import type { PlatformAccount } from '../../activities/platform/client.ts';
import { e164, readPlatformContacts } from '../../activities/platform/contacts.ts';
import { createTokenSource, ServiceAccountKey } from '../../activities/platform/token.ts';
import { createWorklistActivities } from '../../activities/worklist/activities.ts';
import { startPlatform } from '../../local/vendors/platform.ts';
import { at, sql } from '../../store/sql.ts';
import { monday, openVendorBook, type VendorBook } from '../support/vendor-book.ts';

type Entry = { kind: string; businessKey: string; resource: string; id: string; fields: Record<string, string>; associations: string[] };
let book: VendorBook;
let platform: Awaited<ReturnType<typeof startPlatform>>;
let account: PlatformAccount;
let deps: PlatformDeps;

beforeAll(async () => {
  book = await openVendorBook({});
  platform = await startPlatform({ dir: mkdtempSync(join(tmpdir(), 'platform-')), clock: book.clock });
});
afterAll(async () => {
  await platform.close();
  await book.stop();
});
beforeEach(async () => {
  await admin('POST', 'reset');
  const key = ServiceAccountKey.parse(JSON.parse(readFileSync(platform.keyFile, 'utf8')));
  account = {
    baseUrl: platform.url,
    namespace: 'ABC1',
    tokens: createTokenSource({ key, scopes: ['crm', 'crm.schema', 'sales.account'] }),
    timeoutMs: 1_000,
  };
  deps = { database: book.db.app, clock: book.clock, platformOf: () => account, breaker: { failures: 100, probeEveryMs: 100 } };
  await book.tx(tx => tx.run(sql`delete from platform_writes`));
});

async function admin(method: string, path: string, body: unknown = {}): Promise<Record<string, unknown>> {
  const answer = await fetch(`${platform.adminUrl}/${path}`, method === 'GET' ? {} : { method, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
  return (await answer.json()) as Record<string, unknown>;
}
const witness = async () => (await admin('GET', 'witness'))['entries'] as Entry[];
const faults = (...rules: object[]) => admin('PUT', 'faults', { rules });
const caseOf = (id: string) => ({ tenant: 'acme', invoiceId: `inv_${id}`, cycle: 1 });
const note = (id: string) =>
  createPlatformActivities(deps).noteStage({ case: caseOf(id), task: { kind: 'platform_note', stage: 'escalation', summary: '' } });
const status = (id: string, text: string) => createPlatformActivities(deps).writeStatus({ case: caseOf(id), status: text });
async function failureOf(work: Promise<unknown>): Promise<ApplicationFailure> {
  const failure: unknown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (failure instanceof ApplicationFailure) return failure;
  throw new Error(`expected an ApplicationFailure, found ${String(failure)}`);
}
const qualityTasks = (id: string) =>
  book.rows<{ body: string }>(sql`select body from tasks where kind = 'data_quality' and invoice_id = ${`inv_${id}`}`);

describe('a stage on the platform', () => {
  test('it becomes a note and a task of the company, and saying it twice changes nothing', async () => {
    await book.customer('a', ['+13065550101'], { name: 'Example Ltd', accountGroup: 'AG-1' });
    expect(await note('a')).toEqual({ written: true, because: 'note and task for stage escalation' });
    expect(await note('a')).toMatchObject({ written: true });
    const seen = await witness();
    expect(seen.map(entry => `${entry.kind} ${entry.resource} ${entry.businessKey}`)).toEqual([
      'create companies AG-1',
      'update companies AG-1',
      'create noteActivities dunlin:case:inv_a/1:stage:escalation:note',
      'create taskActivities dunlin:case:inv_a/1:stage:escalation:task',
    ]);
    expect(seen[3]?.associations).toEqual(['Company AG-1']);
    expect(seen[3]?.fields).toMatchObject({
      standard__activity_task_due_date: '2026-11-24T00:00:00Z',
      standard__activity_task_priority: 'HIGH',
    });
    expect(seen[2]?.fields['standard__activity_note']).toContain('USD\u00a01,078.00 open, 30 days overdue');
  });

  test('a crash after the platform took it and before we knew repeats the write onto the same record', async () => {
    await book.customer('b', []);
    await faults({ match: { externalId: '*:note' }, fault: 'drop', at: 'after', times: 1 });
    expect((await failureOf(note('b'))).type).toBe('VendorUnavailable');
    expect(await note('b')).toMatchObject({ written: true });
    const notes = (await witness()).filter(entry => entry.resource === 'noteActivities');
    expect(notes.map(entry => entry.kind)).toEqual(['create', 'update']);
    expect(new Set(notes.map(entry => entry.id)).size).toBe(1);
  });

  test('two companies of one name are never mixed up', async () => {
    await book.customer('c1', [], { name: 'Road Atlanta', accountGroup: 'AG-C1' });
    await book.customer('c2', [], { name: 'Road Atlanta', accountGroup: 'AG-C2' });
    await note('c1');
    await note('c2');
    const companies = (await witness()).filter(entry => entry.resource === 'companies');
    expect(new Set(companies.map(entry => `${entry.businessKey} ${entry.id}`)).size).toBe(2);
    expect(companies.filter(entry => entry.kind === 'create').map(entry => Object.keys(entry.fields))).toEqual([
      ['external_id'],
      ['external_id'],
    ]);
  });

  test("the task's due date goes by the name the platform has for it", async () => {
    await book.customer('d', []);
    await admin('PUT', 'claims', { task_due_date_is_long: false });
    expect(await note('d')).toMatchObject({ written: true });
    expect((await witness()).some(entry => entry.resource === 'taskActivities')).toBe(true);
  });

  test('values other records hold are dropped, the record is sent once more, and a person is asked to clean up', async () => {
    await book.customer('e', []);
    await faults({ match: { externalId: '*:note' }, fault: 'uniqueness', value: 'external_id+standard__email', times: 1 });
    expect(await note('e')).toMatchObject({ written: true });
    const [task] = await qualityTasks('e');
    expect(task?.body).toContain('standard__email');
  });

  test('our identity of a record is never dropped: a clash that stays is a refusal and a task', async () => {
    await book.customer('f', []);
    await faults({ match: { externalId: '*:note' }, fault: 'uniqueness', value: 'external_id' });
    expect(await note('f')).toMatchObject({ written: false });
    expect(await qualityTasks('f')).toHaveLength(1);
    const [kept] = await book.rows<{ state: string }>(sql`select state from platform_writes where kind = 'noteActivities'`);
    expect(kept?.state).toBe('rejected');
  });

  test('nothing is noted once the invoice is paid', async () => {
    await book.customer('g', []);
    await book.tx(tx =>
      tx.run(sql`update invoices set allocated_minor = amount_minor, state = 'closed', outcome = 'paid' where id = 'inv_g'`),
    );
    expect(await note('g')).toEqual({ written: false, because: 'nothing is open any more' });
    expect(await witness()).toEqual([]);
  });
});

describe('the status of a case', () => {
  test('one record per case says where it stands', async () => {
    await book.customer('h', [], { accountGroup: 'AG-H' });
    await status('h', 'gentle');
    await status('h', 'paid');
    const notes = (await witness()).filter(entry => entry.resource === 'noteActivities');
    expect(notes.map(entry => [entry.kind, entry.fields['standard__activity_note']?.split('.')[0]])).toEqual([
      ['create', 'Collections status of INV_H: gentle'],
      ['update', 'Collections status of INV_H: paid'],
    ]);
  });

  test('a finished call is logged once, in milliseconds', async () => {
    await book.customer('i', ['+13065550111'], { accountGroup: 'AG-I' });
    await book.tx(tx =>
      tx.run(sql`
        insert into calls (tenant_id, id, invoice_id, customer_id, agent_email, phone, state, kixie_uuid, outcome, duration_seconds, note, requested_at, finished_at)
        values ('acme', 'inv_i/1/escalation', 'inv_i', 'i', 'agent@example.com', '+13065550111', 'finished', 'u-9', 'promise', 153, 'Will pay Friday', ${at(monday)}, ${at(monday)})`),
    );
    await status('i', 'gentle');
    await status('i', 'firm');
    const [logged, ...more] = (await witness()).filter(entry => entry.resource === 'callActivities');
    expect(more).toEqual([]);
    expect(logged?.businessKey).toBe('dunlin:call:u-9');
    expect(logged?.fields).toMatchObject({
      standard__activity_call_duration: '153000',
      standard__activity_call_outcome: 'CONNECTED',
      standard__activity_call_direction: 'OUTBOUND',
    });
  });
});

describe('trouble', () => {
  test('a token that is gone is renewed once and the request goes through', async () => {
    await book.customer('j', []);
    await faults({ match: { path: '/org/ABC1/noteActivities' }, fault: 'token_expired', times: 1 });
    expect(await status('j', 'gentle')).toMatchObject({ written: true });
  });

  test('a token that is refused again is for an operator', async () => {
    await faults({ match: { path: '/org/ABC1/*' }, fault: 'token_expired' });
    const failure = await failureOf(status('j', 'firm'));
    expect([failure.type, failure.nonRetryable]).toEqual(['VendorNotAllowed', true]);
  });

  test.each([
    { rule: { fault: 'rate_limited', value: '7' }, type: 'VendorThrottled', delay: 7_000 },
    { rule: { fault: 'rate_limited' }, type: 'VendorThrottled', delay: 60_000 },
    { rule: { fault: 'status', value: '503' }, type: 'VendorUnavailable', delay: undefined },
    { rule: { fault: 'insufficient_scope' }, type: 'VendorNotAllowed', delay: undefined },
  ])('$rule.fault $rule.value is $type', async ({ rule, type, delay }) => {
    await faults({ match: { path: '/org/ABC1/*' }, ...rule });
    const failure = await failureOf(status('j', `again ${rule.fault} ${rule.value}`));
    expect(failure.type).toBe(type);
    expect(failure.nextRetryDelay).toBe(delay);
    expect(JSON.stringify([failure.message, failure.stack])).not.toMatch(/Bearer/);
  });

  test('without a platform nothing is written, and that is no error', async () => {
    deps = { ...deps, platformOf: () => null };
    expect(await note('j')).toEqual({ written: false, because: 'no platform is connected' });
  });
});

describe('numbers from the sales accounts', () => {
  test('every page is read, and a number is added once, in E.164', async () => {
    await book.customer('k', [], { accountGroup: 'AG-K' });
    const accounts = Array.from({ length: 30 }, (_, index) => ({
      id: `AG-${index}`,
      name: `Other ${index}`,
      countryCode: 'CA',
      phoneNumbers: ['306 880 0002'],
    }));
    await admin('PUT', 'book', {
      partnerId: 'ABC1',
      accounts: [...accounts, { id: 'AG-K', name: 'K', countryCode: 'CA', phoneNumbers: ['(306) 880-0001 ext. 4', 'call me'] }],
    });
    expect(await readPlatformContacts(deps, 'acme', account)).toEqual({
      accounts: 1 + (await known()),
      added: 1 + (await known()),
      unreadable: 1,
    });
    expect(await readPlatformContacts(deps, 'acme', account)).toMatchObject({ added: 0 });
    expect(await book.rows(sql`select phone from contacts where customer_id = 'k'`)).toEqual([{ phone: '+13068800001' }]);
  });
  /** Customers of earlier tests whose account ids are among the thirty others. */
  const known = async () => (await book.rows(sql`select 1 from customer_references where external_id ~ '^AG-[0-9]+$'`)).length;

  test.each([
    { written: '+13068800001', country: '', found: '+13068800001' },
    { written: '306.880.0001,12', country: 'CA', found: '+13068800001' },
    { written: '030 123456', country: 'DE', found: '+4930123456' },
    { written: '12', country: 'CA', found: undefined },
    { written: '306 880 0001', country: 'Atlantis', found: undefined },
  ])('"$written" in "$country" is $found', ({ written, country, found }) => {
    expect(e164(written, country)).toBe(found);
  });
});

test('the owner of the customer is told once per stage', async () => {
  await book.customer('z', []);
  await book.tx(tx => tx.run(sql`update customers set owner = 'ana' where id = 'z'`));
  const tell = () =>
    createWorklistActivities(deps).tellOwner({ case: caseOf('z'), task: { kind: 'tell_owner', stage: 'final', summary: '' } });
  await tell();
  await tell();
  const tasks = await book.rows<{ owner: string; title: string }>(sql`select owner, title from tasks where customer_id = 'z'`);
  expect(tasks).toEqual([{ owner: 'ana', title: 'Customer z: INV_Z reached final, USD\u00a01,078.00 open, 30 days overdue' }]);
});
