// walk.ts: the life of a case on the real worker, a real Temporal server and a real database. Told once with every run in
// memory (walk.test.ts), and once with room for three, so that runs are replayed from their histories all the time.
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { startIntake } from '../../client/dunning-client.ts';
import { instantAt } from '../../domain/time.ts';
import { sql } from '../../store/sql.ts';
import { dunningWorkflowId } from '../../workflows/contract/ids.ts';
import { zone } from '../walks/book.ts';
import { openShop, type Shop } from './shop.ts';

const day = (date: string) => instantAt(date, 23 * 60, zone);
const workflowOf = (id: string, cycle = 1) => dunningWorkflowId({ tenant: 'acme', invoiceId: id, cycle });

/** Declares the tests of a walk in which the worker keeps so many runs in memory. */
export function walk(maxCachedWorkflows: number): void {
  jest.setTimeout(60_000);
  let shop: Shop;
  beforeAll(async () => {
    shop = await openShop({ maxCachedWorkflows });
    for (const n of [1, 2, 3, 4]) {
      await shop.book.customer(`cus_${n}`);
      await shop.book.invoice(`INV-${n}`, { customer: `cus_${n}` });
    }
    await shop.book.invoice('LATER', { customer: 'cus_1', dueDate: '2026-06-01' });
    shop.startDispatcher();
  }, 120_000);
  afterAll(() => shop?.stop());

  test('two intakes at once start one workflow for each invoice that is due, and none for the others', async () => {
    const { client, book } = shop;
    await Promise.all([
      startIntake(client, 'acme'),
      startIntake(client, 'acme'),
      client.workflow.execute('intake', { workflowId: 'another', taskQueue: 'dunlin', args: [{ tenant: 'acme', startsPerSecond: 50 }] }),
    ]);
    await shop.openCases();
    const cases = await book.rows<{ workflow_id: string }>(sql`select workflow_id from cases order by workflow_id`);
    expect(cases.map(row => row.workflow_id)).toEqual([1, 2, 3, 4].map(n => `dunning/acme/inv_INV-${n}`));
    for (const { workflow_id } of cases) {
      const described = await client.workflow.getHandle(workflow_id).describe();
      expect(described.status.name).toBe('RUNNING');
      expect(await described.staticSummary()).toMatch(/^INV-\d · Customer cus_\d · USD\s1,078.00 · due 2026-03-05$/);
    }
    await expect(client.workflow.getHandle(workflowOf('inv_LATER')).describe()).rejects.toThrow(/not found/);
    await shop.until('visibility', async () => (await client.workflow.count(`WorkflowType = 'dunning'`)).count === 4);
  });

  test('letters leave on their days; what the run waits for can be asked', async () => {
    await shop.passTo(day('2026-03-12'));
    const { book, client } = shop;
    for (const n of [1, 2, 3, 4]) expect(book.stagesSent(`inv_INV-${n}`)).toEqual(['friendly', 'gentle', 'firm']);
    const handle = client.workflow.getHandle(workflowOf('inv_INV-1'));
    expect(await handle.query('whatNow')).toMatchObject({ because: expect.stringMatching(/^waits for stage escalation/) });
    const { searchAttributes } = await handle.describe();
    expect(searchAttributes).toMatchObject({
      DunlinStage: ['firm'],
      DunlinState: ['open'],
      DunlinOpenMinor: [107_800],
      DunlinCurrency: ['USD'],
    });
  });

  test('a payment booked in the ledger ends the run; nobody signals it by hand', async () => {
    const { book, client } = shop;
    await book.pay('INV-1', 107_800n);
    expect(await client.workflow.getHandle(workflowOf('inv_INV-1')).result()).toEqual({ outcome: 'paid' });
    const [row] = await book.rows(sql`select state, outcome from cases where invoice_id = 'inv_INV-1'`);
    expect(row).toEqual({ state: 'closed', outcome: 'paid' });
  });

  test('a part payment wakes the run, which goes on asking for the rest', async () => {
    const { book } = shop;
    await book.pay('INV-2', 100_000n);
    await shop.until('the wake is read', async () => (await book.rows(sql`select 1 from wakes where seen_at is null`)).length === 0);
    expect(await shop.statusOf(workflowOf('inv_INV-2'))).toBe('RUNNING');
    await shop.passTo(day('2026-03-20'));
    expect(book.office.letters.findLast(letter => letter.lines.includes('inv_INV-2/1/escalation'))?.text).toContain('78.00');
  });

  test('a run whose case was closed behind its back ends when it is woken', async () => {
    const { book, client } = shop;
    await book.tx(tx => tx.run(sql`update cases set state = 'closed', outcome = 'voided' where invoice_id = 'inv_INV-3'`));
    await client.workflow.getHandle(workflowOf('inv_INV-3')).signal('factsChanged', { eventId: 'look' });
    expect(await client.workflow.getHandle(workflowOf('inv_INV-3')).result()).toEqual({ outcome: 'voided' });
  });

  test('a payment that comes back starts a run of its own for the new cycle', async () => {
    const { book, client } = shop;
    await book.pay('INV-4', 107_800n, { externalId: 'bank-4' });
    await client.workflow.getHandle(workflowOf('inv_INV-4')).result();
    await book.pay('INV-4', -107_800n, { returnsExternalId: 'bank-4' });
    await shop.openCases();
    expect(await shop.statusOf(workflowOf('inv_INV-4', 2))).toBe('RUNNING');
    await book.pay('INV-4', 107_800n);
    expect(await client.workflow.getHandle(workflowOf('inv_INV-4', 2)).result()).toEqual({ outcome: 'paid' });
  });

  test('no customer heard of one stage twice', () => {
    const lines = shop.book.office.letters.flatMap(letter => letter.lines);
    expect(lines).toHaveLength(new Set(lines).size);
  });
}
