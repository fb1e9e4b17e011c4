// heard.test.ts: what a signal tells a case. Anybody who reaches the namespace can send one, with anything in it.
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { sql } from '../../store/sql.ts';
import { type Book, openBook } from '../walks/book.ts';

jest.setTimeout(60_000);
let book: Book;
beforeAll(async () => {
  book = await openBook();
}, 120_000);
beforeEach(() => book.startOver());
afterAll(() => book?.stop());

const full = 107_800n;

describe('what a signal brings', () => {
  const payment = (more: object = {}) => ({ amount: { amount: '107800', currency: 'USD' }, valueDate: '2026-03-02', ...more });

  test('a payment is booked before anything is decided, once, however often it is told', async () => {
    await book.customer('cus_1');
    const id = await book.invoice('INV-1', { customer: 'cus_1' });
    await book.openCases();
    const heard = [{ kind: 'payment' as const, eventId: 'sig-1', payment: payment() }];
    expect((await book.step(id, heard)).next).toEqual({ kind: 'close', outcome: 'paid' });
    expect((await book.step(id, heard)).next).toEqual({ kind: 'close', outcome: 'paid' });
    expect(await book.rows(sql`select source, external_id, amount_minor from payments`)).toEqual([
      { source: 'signal', external_id: 'sig-1', amount_minor: full },
    ]);
    expect(await book.rows(sql`select result from inbox where handled_at is null`)).toEqual([]);
  });

  test('for a number the customer uses twice pays the invoice of this case', async () => {
    await book.customer('cus_1');
    await book.invoice('SAME', { customer: 'cus_1', id: 'inv_a', dueDate: '2026-03-03' });
    await book.invoice('SAME', { customer: 'cus_1', id: 'inv_b', dueDate: '2026-03-05' });
    await book.openCases();
    await book.step('inv_b', [{ kind: 'payment', eventId: 'sig-1', payment: payment() }]);
    expect(await book.rows(sql`select id from invoices where open_minor = 0`)).toEqual([{ id: 'inv_b' }]);
  });

  test.each([
    ['an amount that is no number', payment({ amount: { amount: 'lots', currency: 'USD' } })],
    ['a fraction of a cent', payment({ amount: { amount: '10.5', currency: 'USD' } })],
    ['nothing', payment({ amount: { amount: '0', currency: 'USD' } })],
    ['more money than there is', payment({ amount: { amount: '9'.repeat(40), currency: 'USD' } })],
    ['a currency that does not exist', payment({ amount: { amount: '100', currency: 'DOLLARS' } })],
    ['a day that does not exist', payment({ valueDate: '2026-02-30' })],
    ['a number where a day should be', payment({ valueDate: 20_260_302 })],
    ['a reference that is an object', payment({ reference: { $ne: null } })],
    ['a reference with a byte the database refuses', payment({ reference: 'a\u0000b' })],
    ['half a character', payment({ reference: '\ud800' })],
    ['no amount', { valueDate: '2026-03-02' }],
    ['null for an amount', payment({ amount: null })],
  ])('%s is put before a person and never stops the case', async (what, told) => {
    await book.customer('cus_1');
    const id = await book.invoice('INV-1', { customer: 'cus_1' });
    await book.openCases();
    const step = await book.step(id, [{ kind: 'payment', eventId: 'sig-1', payment: told as never }]);
    expect(step.next.kind).toBe('wait');
    const booked = await book.rows<{ amount_minor: bigint }>(sql`select amount_minor from payments`);
    const items = await book.rows<{ kind: string; found: string }>(sql`select kind, found from reconciliation_items`);
    // What can be read of it is booked; what cannot is somebody's to find out.
    expect({ booked: booked.length, items: items.map(item => item.kind) }).toEqual({ booked: 0, items: ['payment_unreadable'] });
    expect(items[0]?.found).not.toBe('');
    await book.step(id, [{ kind: 'payment', eventId: 'sig-1', payment: told as never }]);
    expect(what).toBeDefined();
  });

  test.each([
    ['a number', 7],
    ['nothing', undefined],
    ['an empty name', ''],
    ['a name without end', 'x'.repeat(10_000)],
    ['a zero byte', 'a\u0000b'],
  ])('an event id that is %s is no event: the case goes on', async (_what, eventId) => {
    await book.customer('cus_1');
    const id = await book.invoice('INV-1', { customer: 'cus_1' });
    await book.openCases();
    const step = await book.step(id, [{ kind: 'payment', eventId: eventId as never, payment: payment() }]);
    expect(step.next.kind).toBe('wait');
    expect(await book.rows(sql`select id from payments`)).toEqual([]);
  });
});
