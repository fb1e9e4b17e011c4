// repeats.test.ts: a step may be repeated from any point, by anybody, at any time: an effect is claimed before it is made.
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { takeStep } from '../../activities/ledger/take-step.ts';
import { instantAt } from '../../domain/time.ts';
import { readCase, readDecisions } from '../../store/cases.ts';
import { sql } from '../../store/sql.ts';
import { type Book, openBook, zone } from '../walks/book.ts';

jest.setTimeout(60_000);
let book: Book;
beforeAll(async () => {
  book = await openBook();
}, 120_000);
beforeEach(() => book.startOver());
afterAll(() => book?.stop());

const full = 107_800n;
const day = (date: string) => instantAt(date, 23 * 60, zone);
const caseOf = async (id: string, cycle = 1) => book.tx(tx => readCase(tx, id, cycle));
const notices = () =>
  book.rows<{ id: string; stage: string; state: string; review: string }>(
    sql`select id, stage, state, review from notices order by decided_at, id`,
  );

describe('a step that is repeated', () => {
  /** Everything that was said, decided, owed and recorded; when somebody last looked is not part of it. */
  async function everything(): Promise<object> {
    const tables = [
      'invoices',
      'payments',
      'allocations',
      'decisions',
      'notices',
      'notice_lines',
      'tasks',
      'events',
      'reconciliation_items',
      'suppressions',
      'holds',
    ];
    const entries: [string, number][] = [];
    for (const table of tables) entries.push([table, (await book.byHand(`select from ${table}`)).rowCount ?? 0]);
    const { rows: cases } = await book.byHand(
      'select invoice_id, cycle, state, stage, attention, outcome, next_action_at, next_stage from cases order by 1, 2',
    );
    return { ...Object.fromEntries(entries), cases, letters: book.office.letters.length };
  }

  test('changes nothing, at any point of a whole life', async () => {
    await book.customer('cus_1', { phone: '+442079460001' });
    const ids = [await book.invoice('A', { customer: 'cus_1' }), await book.invoice('B', { customer: 'cus_1', dueDate: '2026-02-20' })];
    await book.openCases();
    const until = day('2026-03-25');
    for (let looks = 0; book.clock.now() < until && looks < 60; looks += 1) {
      // Twice before: a letter about one invoice moves the next moment of the other.
      for (const id of [...ids, ...ids]) await book.step(id);
      const once = await everything();
      for (const id of ids) await book.step(id);
      expect(await everything()).toEqual(once);
      const [row] = await book.rows<{ next: number | null }>(sql`select min(next_action_at) as next from cases where state <> 'closed'`);
      if (row?.next === null || row?.next === undefined) break;
      book.clock.set(Math.max(row.next, book.clock.now() + 1));
    }
    expect(book.office.letters.length).toBeGreaterThan(3);
    await book.pay('A', full);
    await book.pay('B', full);
    for (const id of ids) expect((await book.step(id)).next).toEqual({ kind: 'close', outcome: 'paid' });
    const closed = await everything();
    for (const id of ids) expect((await book.step(id)).next).toEqual({ kind: 'close', outcome: 'paid' });
    expect(await everything()).toEqual(closed);
  });

  test('by five workers at once sends one letter', async () => {
    await book.customer('cus_1');
    const id = await book.invoice('INV-1', { customer: 'cus_1' });
    await book.openCases();
    book.clock.set(instantAt('2026-03-02', 16 * 60, zone));
    await Promise.all(Array.from({ length: 5 }, () => book.step(id)));
    await book.step(id);
    expect(book.stagesSent(id)).toEqual(['friendly']);
    expect(await notices()).toMatchObject([{ state: 'sent' }]);
  });

  test.each(['before the letter', 'after the letter'] as const)('because its worker died %s was stored sends one letter', async when => {
    await book.customer('cus_1');
    const id = await book.invoice('INV-1', { customer: 'cus_1' });
    await book.openCases();
    book.clock.set(instantAt('2026-03-02', 16 * 60, zone));
    const dies = {
      ...book.ledger,
      sendNotice: async (tenant: string, noticeId: string) => {
        if (when === 'after the letter') await book.ledger.sendNotice(tenant, noticeId);
        throw new Error('the worker was killed');
      },
    };
    await expect(takeStep(dies, { case: { tenant: 'acme', invoiceId: id, cycle: 1 }, heard: [] })).rejects.toThrow('killed');
    await book.step(id);
    await book.step(id);
    expect(book.stagesSent(id)).toEqual(['friendly']);
    expect(await caseOf(id)).toMatchObject({ stage: 'friendly', next_stage: 'gentle' });
  });

  test('at the same moment for the same reasons writes them down once', async () => {
    await book.customer('cus_1');
    const id = await book.invoice('INV-1', { customer: 'cus_1' });
    await book.openCases();
    for (let looks = 0; looks < 3; looks += 1) await book.step(id);
    expect(await book.tx(tx => readDecisions(tx, id, book.clock.now()))).toMatchObject([{ kind: 'wait', stage: 'friendly' }]);
  });
});
