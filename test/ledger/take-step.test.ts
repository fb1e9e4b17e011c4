// take-step.test.ts: the life of a case, step by step, with a real database, real letters and a mail server as witness.
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { takeStep } from '../../activities/ledger/take-step.ts';
import { DAY_MS, instantAt, localDateAt } from '../../domain/time.ts';
import { readCase, readDecisions } from '../../store/cases.ts';
import { sql } from '../../store/sql.ts';
import { type Book, monday, openBook, zone } from '../walks/book.ts';

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
const datesSent = () => book.office.letters.map(letter => localDateAt(letter.at, zone));
const notices = () =>
  book.rows<{ id: string; stage: string; state: string; review: string }>(
    sql`select id, stage, state, review from notices order by decided_at, id`,
  );

describe('a case that is never paid', () => {
  test('hears five reminders on their days, within the window, and then waits for a person', async () => {
    await book.customer('cus_1');
    const id = await book.invoice('INV-1', { customer: 'cus_1', dueDate: '2026-03-05' });
    await book.passTo(day('2026-04-20'));
    expect(book.stagesSent(id)).toEqual(['friendly', 'gentle', 'firm', 'escalation', 'final']);
    // Due 5 March. The 4th of April is a Saturday, Easter Monday is the 6th: the last one leaves on Tuesday the 7th.
    expect(datesSent()).toEqual(['2026-03-02', '2026-03-06', '2026-03-12', '2026-03-20', '2026-04-07']);
    for (const letter of book.office.letters) {
      const minutes = (letter.at - instantAt(localDateAt(letter.at, zone), 0, zone)) / 60_000;
      expect(minutes >= 9 * 60 && minutes < 17 * 60).toBe(true);
    }
    expect(await caseOf(id)).toMatchObject({ state: 'with_people', attention: 'past_last_stage', stage: 'final', next_action_at: null });
    const kinds = (await book.tx(tx => readDecisions(tx, id, book.clock.now()))).map(decision => decision.kind);
    expect(kinds.filter(kind => kind === 'act')).toHaveLength(5);
  });

  test('asks for its calls once: what was carried out is not asked for again', async () => {
    await book.customer('cus_1', { phone: '+442079460001' });
    const id = await book.invoice('INV-1', { customer: 'cus_1', dueDate: '2026-02-13' });
    await book.openCases();
    book.clock.set(instantAt('2026-03-02', 17 * 60 - 1, zone));
    const first = await book.step(id);
    expect(first.tasks.map(task => task.kind)).toEqual(['call']);
    expect(first).toMatchObject({ stage: 'escalation', attributes: { stage: 'escalation', state: 'open', openMinor: 107_800 } });
    expect((await book.step(id)).tasks.map(task => task.kind)).toEqual(['call']);
    expect((await book.step(id, [], 'escalation')).tasks).toEqual([]);
    expect((await book.step(id)).tasks).toEqual([]);
  });
});

describe('one customer', () => {
  test('with three invoices gets one letter with three lines, each at its own stage', async () => {
    await book.customer('cus_1');
    await book.invoice('A', { customer: 'cus_1', dueDate: '2026-03-05' });
    await book.invoice('B', { customer: 'cus_1', dueDate: '2026-02-27' });
    await book.invoice('C', { customer: 'cus_1', dueDate: '2026-02-20' });
    await book.passTo(day('2026-03-02'));
    expect(book.office.letters).toHaveLength(1);
    expect(book.office.letters[0]?.lines.toSorted()).toEqual(['inv_A/1/friendly', 'inv_B/1/gentle', 'inv_C/1/firm']);
    for (const number of ['A', 'B', 'C']) expect(book.office.letters[0]?.text).toContain(number);
    await book.passTo(day('2026-03-20'));
    const dates = datesSent();
    expect(new Set(dates).size).toBe(dates.length);
    expect(dates.every((date, index) => index === 0 || Date.parse(date) - Date.parse(dates[index - 1] ?? '') >= 3 * DAY_MS)).toBe(true);
  });

  test('with debts in two currencies gets a letter for each, never a sum of both', async () => {
    await book.customer('cus_1');
    await book.invoice('USD-1', { customer: 'cus_1' });
    await book.invoice('EUR-1', { customer: 'cus_1', currency: 'EUR' });
    await book.passTo(day('2026-03-06'));
    expect(book.office.letters.map(letter => letter.lines)).toEqual(
      expect.arrayContaining([[expect.stringContaining('inv_USD-1/')], [expect.stringContaining('inv_EUR-1/')]]),
    );
    expect(book.office.letters.every(letter => letter.lines.length === 1)).toBe(true);
  });
});

describe('a payment', () => {
  test('one second before a letter would leave stops it, and the case ends as paid', async () => {
    await book.customer('cus_1');
    const id = await book.invoice('INV-1', { customer: 'cus_1' });
    await book.openCases();
    await book.step(id);
    const due = (await caseOf(id))?.next_action_at ?? 0;
    expect(due).toBeGreaterThan(monday);
    book.clock.set(due - 1000);
    await book.pay('INV-1', full);
    await book.passTo(due + DAY_MS);
    expect(book.office.letters).toEqual([]);
    expect(await caseOf(id)).toMatchObject({ state: 'closed', outcome: 'paid' });
    const decisions = await book.tx(tx => readDecisions(tx, id, book.clock.now()));
    expect(decisions.at(-1)).toMatchObject({ kind: 'close', reasons: [{ code: 'paid_or_closed' }] });
  });

  test('that lands after the letter was claimed and before its body stops it on the wire', async () => {
    await book.customer('cus_1');
    const id = await book.invoice('INV-1', { customer: 'cus_1' });
    book.office.onRecipient = async () => {
      book.office.onRecipient = undefined;
      await book.pay('INV-1', full);
    };
    await book.passTo(day('2026-03-02'));
    expect(book.office.letters).toEqual([]);
    expect(await notices()).toMatchObject([{ state: 'cancelled' }]);
    expect(await caseOf(id)).toMatchObject({ state: 'closed', outcome: 'paid' });
  });

  test('that crosses a letter earns an apology, one, and no further reminder', async () => {
    await book.customer('cus_1');
    const id = await book.invoice('INV-1', { customer: 'cus_1' });
    book.office.onBody = async () => {
      book.office.onBody = undefined;
      await book.pay('INV-1', full);
    };
    await book.passTo(day('2026-03-31'));
    expect(book.stagesSent(id)).toEqual(['friendly', 'apology:friendly']);
    expect(await caseOf(id)).toMatchObject({ state: 'closed', outcome: 'paid' });
  });

  test('in part: the next reminder asks for the rest', async () => {
    await book.customer('cus_1');
    await book.invoice('INV-1', { customer: 'cus_1' });
    await book.passTo(day('2026-03-03'));
    await book.pay('INV-1', 100_000n);
    await book.passTo(day('2026-03-06'));
    expect(book.office.letters.at(-1)?.text).toContain('78.00');
    expect(book.office.letters.at(-1)?.lines).toEqual(['inv_INV-1/1/gentle']);
  });

  test('of the customer that is applied to nothing keeps everybody quiet until it is', async () => {
    await book.customer('cus_1');
    const id = await book.invoice('INV-1', { customer: 'cus_1' });
    await book.pay('', full, { invoiceNumber: null, customerId: 'cus_1' });
    await book.passTo(day('2026-03-31'));
    expect(book.office.letters).toEqual([]);
    expect(await caseOf(id)).toMatchObject({ state: 'with_people', attention: 'unapplied_cash' });
  });

  test('that comes back after the case was closed is chased in a new cycle, at the stage of its age', async () => {
    await book.customer('cus_1');
    const id = await book.invoice('INV-1', { customer: 'cus_1' });
    await book.passTo(day('2026-03-06'));
    await book.pay('INV-1', full, { externalId: 'bank-1' });
    await book.passTo(day('2026-03-09'));
    expect(await caseOf(id)).toMatchObject({ state: 'closed', outcome: 'paid' });
    await book.pay('INV-1', -full, { returnsExternalId: 'bank-1' });
    await book.passTo(day('2026-03-13'));
    expect(await caseOf(id, 2)).toMatchObject({ state: 'open', stage: 'firm', workflow_id: 'dunning/acme/inv_INV-1/2' });
    expect(book.office.letters.flatMap(letter => letter.lines)).toEqual(['inv_INV-1/1/friendly', 'inv_INV-1/1/gentle', 'inv_INV-1/2/firm']);
  });

  test('that comes back while its case is open goes on where it stood', async () => {
    await book.customer('cus_1');
    const id = await book.invoice('INV-1', { customer: 'cus_1' });
    await book.passTo(day('2026-03-06'));
    await book.pay('INV-1', full, { externalId: 'bank-1' });
    await book.pay('INV-1', -full, { returnsExternalId: 'bank-1' });
    await book.passTo(day('2026-03-12'));
    expect(book.stagesSent(id)).toEqual(['friendly', 'gentle', 'firm']);
    expect(await caseOf(id)).toMatchObject({ state: 'open', stage: 'firm' });
  });
});

describe('a run that is left over from a cycle that is closed', () => {
  test('ends, and never speaks for the new cycle', async () => {
    await book.customer('cus_1');
    const id = await book.invoice('INV-1', { customer: 'cus_1' });
    await book.passTo(day('2026-03-06'));
    await book.pay('INV-1', full, { externalId: 'bank-1' });
    await book.passTo(day('2026-03-09'));
    await book.pay('INV-1', -full, { returnsExternalId: 'bank-1' });
    book.clock.set(instantAt('2026-03-12', 17 * 60 - 1, zone));
    const left = await takeStep(book.ledger, { case: { tenant: 'acme', invoiceId: id, cycle: 1 }, heard: [] });
    expect(left.next).toEqual({ kind: 'close', outcome: 'paid' });
    expect(book.stagesSent(id)).toEqual(['friendly', 'gentle']);
    expect(await caseOf(id)).toMatchObject({ state: 'closed', outcome: 'paid' });
  });

  test('a case nobody knows ends at once', async () => {
    const step = await takeStep(book.ledger, { case: { tenant: 'acme', invoiceId: 'inv_none', cycle: 1 }, heard: [] });
    expect(step.next).toEqual({ kind: 'close', outcome: 'unknown_case' });
  });
});
