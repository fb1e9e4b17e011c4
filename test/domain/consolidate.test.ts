// consolidate.test.ts: five overdue invoices of one customer are one message with five lines.
import { expect, test } from '@jest/globals';
import { gather } from '../../domain/consolidate.ts';
import { at, covered, factsOf, hold, invoice, noHolidays, shipped, standard } from './facts-builder.ts';

const noon = at('2026-03-03 12:00');
const friendly = covered('friendly');
const third = invoice({ id: 'i3', number: 'INV-3', dueDate: '2026-02-01' });
const book = [invoice(), invoice({ id: 'i2', number: 'INV-2', dueDate: '2026-02-24' }), third];

test('every invoice that is due speaks at its own stage, in the order of the facts', () => {
  expect(gather(standard, factsOf({ invoices: book }), noon, noHolidays)).toEqual([
    { invoiceId: 'i1', stage: standard.stages[1], kind: 'act', asks: null },
    { invoiceId: 'i2', stage: standard.stages[2], kind: 'act', asks: null },
    { invoiceId: 'i3', stage: standard.stages[4], kind: 'act', asks: null },
  ]);
});

test('invoices that are paid, held, credited, spoken for or not due are no lines', () => {
  const invoices = [
    invoice({ openMinor: 0n, state: 'closed', outcome: 'paid' }),
    invoice({ id: 'i2', openMinor: 0n }),
    invoice({ id: 'i3' }),
    invoice({ id: 'i4', covered: [friendly, covered('gentle')] }),
    invoice({ id: 'i5', dueDate: '2026-05-01' }),
    invoice({ id: 'i6', openMinor: -5n, amountMinor: -5n }),
    invoice({ id: 'i7' }),
  ];
  const facts = factsOf({ invoices, holds: [hold({ scope: 'invoice', invoiceId: 'i3' })] });
  expect(gather(standard, facts, noon, noHolidays).map(line => line.invoiceId)).toEqual(['i7']);
});

test('an invoice nobody opened a case for is not spoken about', () => {
  expect(gather(standard, factsOf({ invoices: [invoice({ openedAt: null })] }), noon, noHolidays)).toEqual([]);
});

test('outside the window nobody has a line', () => {
  expect(gather(standard, factsOf({ invoices: book }), at('2026-03-03 18:00'), noHolidays)).toEqual([]);
});

test('lines that need a person are told apart from lines that may leave', () => {
  const stages = standard.stages.map(stage => (stage.id === 'final' ? { ...stage, approval: 'final_notice' } : stage));
  const lines = gather({ ...standard, stages }, factsOf({ invoices: book }), noon, noHolidays);
  expect(lines.map(line => [line.invoiceId, line.kind, line.asks])).toEqual([
    ['i1', 'act', null],
    ['i2', 'act', null],
    ['i3', 'ask', 'final_notice'],
  ]);
});

test('what is not said by e-mail has no line in an e-mail', () => {
  expect(gather(shipped('strategic'), factsOf({ invoices: [third] }), noon, noHolidays)).toEqual([]);
});
