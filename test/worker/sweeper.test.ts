// sweeper.test.ts: signals get lost, runs are killed by hand, intake does not come. Once a minute what should have happened
// is compared with what did, and mended: without sending anything twice, and without a flood after an outage.
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createIntakeActivities } from '../../activities/intake/activities.ts';
import { ensureIntakeSchedule } from '../../client/dunning-client.ts';
import { DAY_MS, instantAt } from '../../domain/time.ts';
import { sql } from '../../store/sql.ts';
import { sweep } from '../../worker/sweeper.ts';
import { zone } from '../walks/book.ts';
import { openShop, type Shop } from './shop.ts';

jest.setTimeout(60_000);
const full = 107_800n;
const quietReport = {
  redispatched: 0,
  expiredNotices: 0,
  woken: 0,
  restarted: 0,
  invoicesWithoutCase: 0,
  workflowsWithoutCase: 0,
  unhandledInbox: 0,
  takenOffLists: 0,
};
let shop: Shop;
let count = 0;

beforeAll(async () => {
  shop = await openShop();
}, 120_000);
afterAll(() => shop?.stop());

/** An invoice in an open case whose first letter has left. */
async function chased(): Promise<{ number: string; id: string; workflow: string }> {
  count += 1;
  const number = `INV-${count}`;
  await shop.book.customer(`cus_${count}`);
  const id = await shop.book.invoice(number, { customer: `cus_${count}` });
  await shop.openCases();
  return { number, id, workflow: `dunning/acme/${id}` };
}

/** What was carried to workflows was carried five minutes ago: the sweeper's patience runs by the real clock. */
const minutesPass = (minutes = 5) =>
  shop.book.byHand(`update wakes set dispatched_at = dispatched_at - make_interval(mins => $1) where dispatched_at is not null`, [minutes]);

const unseen = (id: string) =>
  shop.book.rows<{ attempts: number }>(sql`select attempts from wakes where invoice_id = ${id} and seen_at is null order by id`);

test('a book in order is left alone', async () => {
  await chased();
  expect(await shop.sweep()).toEqual(quietReport);
});

test('a payment whose signal was lost is told again, and ends the case', async () => {
  const { number, id, workflow } = await chased();
  await shop.book.pay(number, full);
  // The dispatcher says it carried the wake; the workflow never heard of it.
  await shop.book.byHand('update wakes set dispatched_at = now(), attempts = 1 where seen_at is null');
  expect(await shop.sweep()).toMatchObject({ redispatched: 0 });
  await minutesPass();
  expect(await shop.sweep()).toMatchObject({ redispatched: 1, restarted: 0 });
  shop.startDispatcher();
  expect(await shop.client.workflow.getHandle(workflow).result()).toEqual({ outcome: 'paid' });
  expect(await unseen(id)).toEqual([]);
  await shop.stopDispatcher();
});

test('a run that was terminated gets a new one when its moment has passed, and says nothing twice', async () => {
  const { id, workflow } = await chased();
  shop.startDispatcher();
  await shop.passTo(instantAt('2026-03-02', 18 * 60, zone));
  expect(shop.book.stagesSent(id)).toEqual(['friendly']);
  await shop.client.workflow.getHandle(workflow).terminate('by hand');
  expect(await shop.sweep()).toMatchObject({ restarted: 0 });
  shop.book.clock.set(instantAt('2026-03-06', 17 * 60 - 1, zone));
  expect((await shop.sweep()).restarted).toBe(1);
  await shop.until('the new run takes over', async () => shop.book.stagesSent(id).length > 1);
  expect(await shop.statusOf(workflow)).toBe('RUNNING');
  expect(shop.book.stagesSent(id)).toEqual(['friendly', 'gentle']);
  expect(await shop.book.rows(sql`select 1 from events where kind = 'case.workflow_lost'`)).toHaveLength(1);
  await shop.until('everybody has looked', async () => (await shop.sweep()).woken === 0);
  await shop.stopDispatcher();
});

test('a payment for a run that is gone ends its case long before its next moment', async () => {
  const { number, id, workflow } = await chased();
  await shop.client.workflow.getHandle(workflow).terminate('by hand');
  await shop.book.pay(number, full);
  shop.startDispatcher();
  let restarted = 0;
  for (let minute = 0; minute < 6 && restarted === 0; minute += 1) {
    await shop.until(
      'the wake is carried',
      async () => (await shop.book.rows(sql`select 1 from wakes where seen_at is null and dispatched_at is null`)).length === 0,
    );
    await minutesPass();
    restarted = (await shop.sweep()).restarted;
  }
  expect(restarted).toBe(1);
  expect(await shop.client.workflow.getHandle(workflow).result()).toEqual({ outcome: 'paid' });
  expect(await shop.book.rows(sql`select state from cases where invoice_id = ${id}`)).toEqual([{ state: 'closed' }]);
  await shop.stopDispatcher();
});

test('a run that answers late is not flooded: what waits for it is carried less and less often, and not added to', async () => {
  const { id } = await chased();
  const [row] = await shop.book.rows<{ next: number }>(sql`select next_action_at as next from cases where invoice_id = ${id}`);
  shop.book.clock.set((row?.next ?? 0) + DAY_MS);
  await shop.sweep();
  expect(await unseen(id)).toHaveLength(1);
  let carried = 0;
  for (let minute = 0; minute < 40; minute += 1) {
    // The dispatcher carries each one; nobody reads it.
    const { rowCount } = await shop.book.byHand(
      'update wakes set dispatched_at = now(), attempts = attempts + 1 where seen_at is null and dispatched_at is null',
    );
    carried += rowCount ?? 0;
    await minutesPass(1);
    await shop.sweep();
  }
  const mine = await unseen(id);
  expect(mine).toHaveLength(1);
  expect(mine[0]?.attempts).toBeLessThan(10);
  expect(carried).toBeGreaterThan(3);
  shop.startDispatcher();
  await minutesPass(120);
  await shop.sweep();
  await shop.until('it is read', async () => (await unseen(id)).length === 0);
  await shop.stopDispatcher();
});

test('a run whose case is closed is told to look, and ends', async () => {
  const { id, workflow } = await chased();
  await shop.book.tx(tx => tx.run(sql`update cases set state = 'closed', outcome = 'voided' where invoice_id = ${id}`));
  await shop.until('visibility knows the run', async () => {
    const report = await sweep({ ...shop.sweeperDeps, leftOverAfterMs: -60_000 }, 'acme');
    return report.workflowsWithoutCase > 0;
  });
  expect(await shop.client.workflow.getHandle(workflow).result()).toEqual({ outcome: 'voided' });
});

test('invoices that should have a case by now bring intake, through its schedule', async () => {
  count += 1;
  await shop.book.customer(`cus_${count}`);
  const id = await shop.book.invoice(`INV-${count}`, { customer: `cus_${count}`, dueDate: '2026-03-05' });
  await ensureIntakeSchedule(shop.client, 'acme');
  await ensureIntakeSchedule(shop.client, 'acme');
  expect((await shop.sweep()).invoicesWithoutCase).toBe(1);
  await shop.until('its run', async () => (await shop.statusOf(`dunning/acme/${id}`).catch(() => 'none')) === 'RUNNING');
  await shop.client.schedule.getHandle('intake-schedule/acme').delete();
});

test('an invoice whose segment has no policy is told of, and does not stand before the others', async () => {
  const { book } = shop;
  await book.customer('cus_nowhere', { segment: 'nowhere' });
  await book.tx(tx =>
    tx.run(
      sql`insert into segments (tenant_id, position, name, rule, policy, mode) values ('acme', 99, 'nowhere', '{}', 'not written yet', 'auto')`,
    ),
  );
  await book.invoice('NOWHERE', { customer: 'cus_nowhere', dueDate: '2026-01-01' });
  const { id } = await chasedBeside();
  expect(await shop.statusOf(`dunning/acme/${id}`)).toBe('RUNNING');
  expect((await shop.sweep()).invoicesWithoutCase).toBe(1);
  expect(await book.rows(sql`select 1 from events where kind = 'case.opened' and subject = 'invoice:inv_NOWHERE'`)).toEqual([]);
  await book.tx(tx => tx.run(sql`update invoices set state = 'closed', outcome = 'voided' where number = 'NOWHERE'`));
});

/** Opens the due cases one at a time: with a place for one only, whoever stands first counts. */
async function chasedBeside(): Promise<{ id: string }> {
  count += 1;
  await shop.book.customer(`cus_${count}`);
  const id = await shop.book.invoice(`INV-${count}`, { customer: `cus_${count}` });
  const starts = createIntakeActivities({ database: shop.book.db.app, clock: shop.book.clock, starter: shop.sweeperDeps.starter });
  expect(await new MockActivityEnvironment().run(input => starts.openDueCases(input), { tenant: 'acme', limit: 1 })).toEqual({
    started: 1,
    more: true,
  });
  return { id };
}
