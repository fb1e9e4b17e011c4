// statements.test.ts: the statements that docs/operations.md and docs/integrations.md tell an operator to type, typed at a
// real database. A restore is no time to find out that a column has another name.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { withTenant } from '../../store/database.ts';
import { loadFacts } from '../../store/facts.ts';
import { placeHold } from '../../store/holds.ts';
import { resolveUnknown } from '../../store/notice-review.ts';
import { sql } from '../../store/sql.ts';
import { staleCases } from '../../store/sweep.ts';
import { readTenant } from '../../store/tenants.ts';
import { type Desk, openDesk, tenant, tuesday } from '../notices/desk.ts';
import { pageAt, statementsOf } from './pages.ts';

const operations = statementsOf(pageAt('docs/operations.md'));
const integrations = statementsOf(pageAt('docs/integrations.md'));

let desk: Desk;
beforeAll(async () => {
  desk = await openDesk();
}, 120_000);
afterAll(() => desk?.stop());

/** Types a block of a page, with this test's tenant and the given names in the place of the examples. */
async function type(block: string | undefined, names: Readonly<Record<string, string>> = {}): Promise<void> {
  if (block === undefined) throw new Error('the page has no such block');
  const text = Object.entries({ "'acme'": `'${tenant}'`, ...names }).reduce(
    (text, [example, real]) => text.replaceAll(example, real),
    block,
  );
  await desk.byHand(text);
}

async function lateCustomer(id: string): Promise<{ customer: string; invoice: string }> {
  await desk.customer(`cus_${id}`);
  await desk.invoice(`inv_${id}`, `cus_${id}`);
  return { customer: `cus_${id}`, invoice: `inv_${id}` };
}

async function wakesOf(invoice: string): Promise<number> {
  const { rowCount } = await desk.byHand('select from wakes where tenant_id = $1 and invoice_id = $2', [tenant, invoice]);
  return rowCount ?? 0;
}

test('after a restore nothing that was open leaves by itself, and only what evidence calls unsent is said again', async () => {
  const pending = await lateCustomer('pending');
  const onTheWire = await lateCustomer('wire');
  const claimed = await lateCustomer('claimed');
  const [first, second, third] = [
    await desk.open(pending.customer, [pending.invoice]),
    await desk.open(onTheWire.customer, [onTheWire.invoice]),
    await desk.open(claimed.customer, [claimed.invoice]),
  ];
  await desk.byHand(
    `update notices set state = 'in_data', in_data_at = now(), fence_token = 1, lease_until = now() + interval '1 minute' where id = $1`,
    [second],
  );
  await desk.byHand(`update notices set state = 'claimed', fence_token = 2, lease_until = now() - interval '1 minute' where id = $1`, [
    third,
  ]);

  await type(operations.get('restore: raise the epoch'));

  for (const notice of [first, second, third]) {
    expect(await desk.notice(notice)).toMatchObject({ state: 'unknown', live: true });
    expect(await desk.send(notice)).toMatchObject({ kind: 'unknown' });
  }
  expect(desk.mail.taken).toEqual([]);
  await desk.in(tx => resolveUnknown(tx, first, { as: 'not_sent', by: 'person:ana', because: 'not in the log', at: tuesday }));
  await desk.in(tx => resolveUnknown(tx, second, { as: 'sent', by: 'person:ana', because: 'in the log', at: tuesday }));
  expect(await desk.notice(second)).toMatchObject({ state: 'sent', live: true });
  const again = await desk.open(pending.customer, [pending.invoice]);
  expect(again).not.toBe(first);
  expect(await desk.send(again)).toMatchObject({ kind: 'sent' });
  expect(desk.mail.taken).toHaveLength(1);
}, 60_000);

test('when sending is stopped no letter begins, and when it goes on every open case looks', async () => {
  const { customer, invoice } = await lateCustomer('stopped');
  const notice = await desk.open(customer, [invoice]);
  desk.mail.taken.length = 0;
  await type(operations.get('stop sending'));
  expect(await desk.send(notice)).toMatchObject({ kind: 'busy' });
  expect(desk.mail.taken).toEqual([]);
  const before = await wakesOf(invoice);
  await type(operations.get('sending goes on'));
  expect(await wakesOf(invoice)).toBe(before + 1);
  expect(await desk.send(notice)).toMatchObject({ kind: 'sent' });
}, 60_000);

test('a hold that is lifted by statement is over, is noticed by a message under way, and wakes the cases', async () => {
  const { customer, invoice } = await lateCustomer('held');
  const hold = {
    id: 'hld_held',
    kind: 'reply_received',
    scope: 'customer',
    customerId: customer,
    reason: 'he answered',
    startsAt: tuesday,
    endsAt: null,
  } as const;
  await desk.in(tx => placeHold(tx, hold, 'test'));
  const facts = () => desk.in(tx => loadFacts(tx, customer, 'USD', tuesday));
  const before = await facts();
  expect(before.holds).toHaveLength(1);
  const wakes = await wakesOf(invoice);
  await type(operations.get('lift a hold'), { cus_example: customer, hld_example: hold.id });
  const after = await facts();
  expect(after.holds).toEqual([]);
  expect(after.customer.version).toBeGreaterThan(before.customer.version);
  expect(await wakesOf(invoice)).toBe(wakes + 1);
}, 60_000);

test("when Temporal's data is lost the sweeper finds every open case ten minutes later, those of people too", async () => {
  const { invoice } = await lateCustomer('lost');
  await desk.byHand(`update cases set state = 'with_people', next_action_at = null, planned_at = now() where invoice_id = $1`, [invoice]);
  const later = Date.now() + 11 * 60_000;
  const lost = async () => (await desk.in(tx => staleCases(tx, later, 10 * 60_000))).map(stale => stale.invoice_id);
  expect(await lost()).not.toContain(invoice);
  await type(operations.get('every open case looks again'));
  expect(await lost()).toContain(invoice);
}, 60_000);

test('the rows worth a look can be looked at', async () => {
  await type(operations.get('what people should do now'));
}, 60_000);

test('what a tenant is told about itself is what letters and adapters read', async () => {
  const [settings, shadow] = [...integrations.values()];
  await type(settings);
  const { company, kixie } = (await withTenant(desk.database.app, tenant, readTenant)).settings;
  expect(company?.email).toBe('receivables@acme.example');
  expect(kixie).toMatchObject({ powerlistId: '1969', agents: ['agent.one@acme.example', 'agent.two@acme.example'] });
  expect(kixie?.dispositions?.['Promise to pay']).toBe('promise');
  await desk.in(tx =>
    tx.run(
      sql`insert into segments (tenant_id, position, name, rule, policy, mode) values (${tenant}, 1, 'standard', '{}', 'standard', 'auto')`,
    ),
  );
  const { customer } = await lateCustomer('shadow');
  await type(shadow);
  expect((await desk.in(tx => loadFacts(tx, customer, 'USD', tuesday))).customer.mode).toBe('shadow');
}, 60_000);
