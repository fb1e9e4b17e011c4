// Premium's aging report by customer: every trap its screen proves, what becomes of its rows, and how it turns from the
// source of what is chased into the control total of invoices.
import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import { sql } from '../../store/sql.ts';
import { Book, invoicesFile } from './book.ts';

let book: Book;
beforeEach(async () => {
  book = await Book.open();
});
afterAll(() => Book.closeAll());

const header =
  '"","Customer Name","Customer ID","Currency","Overdue 1 to 30 Days","Overdue 31 to 60 Days","Overdue 61 to 90 Days","Overdue Beyond 90 Days","Total Overdue","Current Due","Total Due"';

/** A report with the traps: BOM, title and freshness above the header, CRLF, the same customer in two currencies, two customers of one name, a totals row that adds currencies. */
const report = [
  '\ufeffAmounts due by customer',
  'Last refreshed 2026-11-19 08:51:06 (America/Vancouver)',
  '',
  header,
  '"1","Wondrous Tales","AG-XKMH5R7562","USD","$0.00","$0.00","$0.00","$4,719.72","$4,719.72","$0.00","$4,719.72"',
  '"2","Internet Bar","AG-H6LPVMG7TK","USD","$1,026.00","$26.00","$26.00","$0.00","$1,078.00","$0.00","$1,078.00"',
  '"3","Martial Arts, Modern","AG-P2L2QX8FNR","USD","$25.53","$25.53","$25.53","$579.42","$656.01","$1.11","$657.12"',
  '"4","Scents® Perfume","AG-P4325XLN3G","USD","$0.00","$0.00","$0.00","$725.00","$725.00","$0.00","$725.00"',
  '"5","Scents® Perfume","AG-P4325XLN3G","CAD","$0.00","$0.00","$0.00","$327.00","$327.00","$0.00","$327.00"',
  '"6","Road Warriors","AG-CTKMT252DD","USD","$0.00","$0.00","$0.00","$3,222.40","$3,222.40","$0.00","$3,222.40"',
  '"7","Road Warriors","AG-LS7ZFF22SD","USD","$100.00","$0.00","$0.00","$0.00","$100.00","$0.00","$100.00"',
  '"8","=HYPERLINK(""http://x"",""y"")","AG-AAAAAAAAA1","USD","$0.00","$0.00","$0.00","$0.00","$0.00","$90.00","$90.00"',
  '"9","In Credit Ltd","AG-AAAAAAAAA2","USD","($50.00)","$0.00","$0.00","$0.00","($50.00)","$0.00","($50.00)"',
  '"10","Wrong Sum Ltd","AG-AAAAAAAAA3","USD","$10.00","$0.00","$0.00","$0.00","$10.01","$0.00","$10.01"',
  '"11","Wrong Total Ltd","AG-AAAAAAAAA4","USD","$10.00","$0.00","$0.00","$0.00","$10.00","$5.00","$15.01"',
  '"12","No Number Ltd","","USD","$10.00","$0.00","$0.00","$0.00","$10.00","$0.00","$10.00"',
  '"Totals","","","","$1,151.53","$51.53","$51.53","$9,573.54","$10,828.13","$95.00","$10,909.14"',
  '',
].join('\r\n');

const row = (id: string, currency: string, ...cells: string[]) =>
  `"1","Someone","${id}","${currency}",${cells.map(cell => `"${cell}"`).join(',')}`;
const file = (...rows: string[]) => [header, ...rows].join('\n');

describe('the report', () => {
  test('becomes one balance per customer and currency, and leaves out what is no debt', async () => {
    const taken = await book.take('premium-aging', report);
    expect(taken).toMatchObject({
      kind: 'premium-aging',
      profile: 'premium-aging',
      encoding: 'utf-8',
      asOf: '2026-11-19',
      rows: 13,
      accepted: 9,
      quarantined: 3,
      skipped: 1,
      skippedBecause: { 'row of totals': 1 },
      new: 7,
    });
    expect(taken.rejects).toEqual([
      { line: 14, field: 'Total Overdue', found: '$10.01', expected: '10.00, the sum of the four overdue columns' },
      { line: 15, field: 'Total Due', found: '$15.01', expected: '15.00, overdue plus current' },
      { line: 16, field: 'Customer ID', found: '', expected: 'a value' },
    ]);
    const invoices = await book.invoices();
    expect(
      invoices.map(({ external_id, customer, kind, amount_minor, due_date, state }) => [
        external_id,
        customer,
        kind,
        amount_minor,
        due_date,
        state,
      ]),
    ).toEqual([
      ['AG-CTKMT252DD:USD', 'Road Warriors', 'balance_forward', 322240n, '2026-08-20', 'open'],
      ['AG-H6LPVMG7TK:USD', 'Internet Bar', 'balance_forward', 107800n, '2026-09-19', 'open'],
      ['AG-LS7ZFF22SD:USD', 'Road Warriors', 'balance_forward', 10000n, '2026-11-18', 'open'],
      ['AG-P2L2QX8FNR:USD', 'Martial Arts, Modern', 'balance_forward', 65601n, '2026-08-20', 'open'],
      ['AG-P4325XLN3G:CAD', 'Scents® Perfume', 'balance_forward', 32700n, '2026-08-20', 'open'],
      ['AG-P4325XLN3G:USD', 'Scents® Perfume', 'balance_forward', 72500n, '2026-08-20', 'open'],
      ['AG-XKMH5R7562:USD', 'Wondrous Tales', 'balance_forward', 471972n, '2026-08-20', 'open'],
    ]);
    expect(taken.controlTotals).toHaveLength(9);
    expect(taken.controlTotals.find(total => total.currency === 'CAD')).toEqual({
      customer: 'AG-P4325XLN3G',
      name: 'Scents® Perfume',
      currency: 'CAD',
      totalMinor: 32700n,
      overdueMinor: 32700n,
      ledgerTotalMinor: null,
      ok: true,
    });
    expect(await book.rows(sql`select total_minor from control_totals where tenant_id = ${book.tenant}`)).toHaveLength(9);
    const references = await book.rows<{ system: string; kind: string }>(sql`select distinct system, kind from customer_references`);
    expect(references).toEqual([{ system: 'premium', kind: 'account_group' }]);
  });

  test('is read without row numbers, with plain numbers and in other column orders', async () => {
    const plain =
      'Customer ID;Currency;Customer Name;Total Due;Current Due;Total Overdue;Overdue Beyond 90 Days;Overdue 61 to 90 Days;Overdue 31 to 60 Days;Overdue 1 to 30 Days\nAG-P4325XLN3G;CAD;Scents;1078.5;0;1078.5;0;26.0;26;1026.5\n';
    expect(await book.take('premium-aging', plain, { name: 'ar-aging-2026-11-18.csv' })).toMatchObject({
      accepted: 1,
      quarantined: 0,
      new: 1,
      asOf: '2026-11-18',
    });
    expect(await book.invoices()).toMatchObject([{ amount_minor: 107850n, due_date: '2026-09-18' }]);
  });

  test('a sign of another currency than the row says is a fault of the row', async () => {
    const taken = await book.take(
      'premium-aging',
      file(
        row('AG-P4325XLN3G', 'USD', 'CA$5.00', '$0.00', '$0.00', '$0.00', '$5.00', '$0.00', '$5.00'),
        row('AG-P4325XLN3H', 'USD', '$5.00', '$0.00', '$0.00', '$0.00', '$5.00', '$0.00', '$5.00'),
      ),
    );
    expect(taken.rejects).toEqual([{ line: 2, field: 'Overdue 1 to 30 Days', found: 'CA$5.00', expected: 'an amount in USD' }]);
  });

  test('an older report may not overwrite a newer one; an old one is told', async () => {
    await book.take('premium-aging', report);
    const older = await book.take(
      'premium-aging',
      file(row('AG-P4325XLN3G', 'USD', '$5.00', '$0.00', '$0.00', '$0.00', '$5.00', '$0.00', '$5.00')),
      { asOf: '2026-11-12' },
    );
    expect(older.findings.map(({ code, level }) => [code, level])).toContainEqual(['older_report', 'stop']);
    expect(older.runId).toBeNull();
    const other = await Book.open();
    const stale = await other.take(
      'premium-aging',
      file(row('AG-P4325XLN3G', 'USD', '$5.00', '$0.00', '$0.00', '$0.00', '$5.00', '$0.00', '$5.00')),
      { asOf: '2026-11-12' },
    );
    expect(stale.findings).toMatchObject([{ code: 'stale_report', level: 'warn' }]);
    expect(stale.new).toBe(1);
  });
});

describe('day after day', () => {
  const aging = (asOf: string, ...cells: string[]) => book.take('premium-aging', file(row('AG-P4325XLN3G', 'USD', ...cells)), { asOf });
  const balance = async () => (await book.invoices())[0];

  test('the balance grows older with each report, and is anchored anew when its oldest money was paid', async () => {
    await aging('2026-11-01', '$10.00', '$0.00', '$0.00', '$0.00', '$10.00', '$0.00', '$10.00');
    expect(await balance()).toMatchObject({ due_date: '2026-10-31' });
    await aging('2026-11-11', '$10.00', '$0.00', '$0.00', '$0.00', '$10.00', '$0.01', '$10.01');
    expect(await balance()).toMatchObject({ due_date: '2026-10-31' });
    await aging('2026-11-14', '$5.00', '$10.00', '$0.00', '$0.00', '$15.00', '$0.00', '$15.00');
    expect(await balance()).toMatchObject({ amount_minor: 1500n, due_date: '2026-10-14' });
    await aging('2026-11-19', '$5.00', '$0.00', '$0.00', '$0.00', '$5.00', '$0.00', '$5.00');
    expect(await balance()).toMatchObject({ amount_minor: 500n, due_date: '2026-11-18' });
  });

  test('it closes as paid when nothing is overdue any more, and opens again when something is', async () => {
    await aging('2026-11-01', '$10.00', '$0.00', '$0.00', '$0.00', '$10.00', '$0.00', '$10.00');
    const first = await balance();
    await book.openCase(first?.id ?? '');
    await aging('2026-11-11', '$0.00', '$0.00', '$0.00', '$0.00', '$0.00', '$7.00', '$7.00');
    expect(await balance()).toMatchObject({ open_minor: 0n, state: 'closed', outcome: 'paid' });
    expect(await book.wakes(first?.id ?? '')).toBe(1);
    await book.closeCase(first?.id ?? '');
    await aging('2026-11-19', '$7.00', '$0.00', '$0.00', '$0.00', '$7.00', '$0.00', '$7.00');
    expect(await balance()).toMatchObject({ open_minor: 700n, state: 'open', outcome: null, cycle: 2, due_date: '2026-11-18' });
  });

  test('a customer who is no longer in the report is not assumed to have paid', async () => {
    await aging('2026-11-18', '$10.00', '$0.00', '$0.00', '$0.00', '$10.00', '$0.00', '$10.00');
    const next = await book.take(
      'premium-aging',
      file(row('AG-OTHER00001', 'USD', '$1.00', '$0.00', '$0.00', '$0.00', '$1.00', '$0.00', '$1.00')),
      { asOf: '2026-11-19' },
    );
    expect(next.gone).toBe(1);
    expect(await book.invoice('AG-P4325XLN3G USD')).toMatchObject({ state: 'open', open_minor: 1000n });
    expect(await book.reconciliations()).toMatchObject([{ kind: 'gone_from_source' }]);
  });

  test('a payment Dunlin booked since the report is not asked for again', async () => {
    await aging('2026-11-19', '$10.00', '$0.00', '$0.00', '$0.00', '$10.00', '$0.00', '$10.00');
    await book.take('payments', 'Payment ID,Invoice Number,Currency,Amount,Value Date\nP-1,AG-P4325XLN3G USD,USD,4.00,2026-11-19\n');
    expect(await balance()).toMatchObject({ open_minor: 600n });
    await aging('2026-11-20', '$10.00', '$0.00', '$0.00', '$0.00', '$10.00', '$1.00', '$11.00');
    expect(await balance()).toMatchObject({ open_minor: 600n });
    book.now += 7 * 86_400_000;
    await aging('2026-11-27', '$6.00', '$0.00', '$0.00', '$0.00', '$6.00', '$0.00', '$6.00');
    expect(await balance()).toMatchObject({ open_minor: 600n });
  });
});

describe('once the invoices of a customer are known', () => {
  const invoice = 'INV-1,AG-P4325XLN3G,Scents,USD,725.00,725.00,2026-07-01,2026-08-01,,';

  test('the balance ends as superseded, its case is woken, and the other currency stays', async () => {
    await book.take('premium-aging', report);
    const { id } = await book.invoice('AG-P4325XLN3G USD');
    await book.openCase(id);
    const taken = await book.take('invoices', invoicesFile(invoice), { dryRun: true });
    expect(taken).toMatchObject({ new: 1, superseded: 1 });
    expect(await book.take('invoices', invoicesFile(invoice))).toMatchObject({ new: 1, superseded: 1, gone: 0 });
    expect(await book.invoice('AG-P4325XLN3G USD')).toMatchObject({ state: 'closed', outcome: 'superseded', intake_on: null });
    expect(await book.invoice('AG-P4325XLN3G CAD')).toMatchObject({ state: 'open' });
    expect(await book.wakes(id)).toBe(1);
    expect((await book.invoice('INV-1')).customer).toBe('Scents® Perfume');
  });

  test('the report only checks the sums, to the cent', async () => {
    await book.take('invoices', invoicesFile(invoice));
    const agrees = await book.take('premium-aging', report);
    expect(agrees).toMatchObject({ new: 6 });
    expect(agrees.controlTotals.find(total => total.ledgerTotalMinor !== null)).toMatchObject({
      customer: 'AG-P4325XLN3G',
      currency: 'USD',
      ledgerTotalMinor: 72500n,
      ok: true,
    });
    expect(await book.reconciliations()).toEqual([]);
    const differs = await book.take(
      'premium-aging',
      report.replace('"$725.00","$725.00","$0.00","$725.00"', '"$725.01","$725.01","$0.00","$725.01"').replace('11-19', '11-20'),
    );
    expect(differs.findings).toMatchObject([{ code: 'control_totals', level: 'warn' }]);
    expect(await book.reconciliations()).toMatchObject([
      {
        kind: 'control_total',
        expected: 'total 72501, overdue 72501 minor units USD (aging report)',
        found: 'total 72500, overdue 72500 (open invoices here)',
      },
    ]);
    await book.take('premium-aging', `${report.replace('11-19', '11-20')} `);
    expect(await book.reconciliations()).toEqual([]);
  });
});
