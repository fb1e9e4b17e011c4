// Invoice files against a real ledger: what is new, what has changed, what is gone, and what nobody may assume.
import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import iconv from 'iconv-lite';
import { importFile } from '../../client/cli/import-file.ts';
import { ImportQuestion } from '../../formats/styles.ts';
import { NotThisFile } from '../../formats/table.ts';
import { sql } from '../../store/sql.ts';
import { Book, invoicesFile } from './book.ts';

let book: Book;
beforeEach(async () => {
  book = await Book.open();
});
afterAll(() => Book.closeAll());

const one = 'INV-1,C-1,Example Ltd,USD,1078.00,1078.00,2026-10-11,2026-11-10,PO-9,https://pay.example/1';
const two = 'INV-2,C-1,Example Ltd,USD,200.00,150.00,2026-11-01,2026-12-01,,';
const three = 'INV-3,C-2,"Söhne, Müller & Co",EUR,99.90,99.90,2026-11-01,2026-12-01,,';

describe('a first file', () => {
  test('becomes customers and invoices, each due for intake two days before its first stage', async () => {
    const report = await book.take('invoices', invoicesFile(one, two, three));
    expect(report).toMatchObject({
      kind: 'invoices',
      profile: 'invoices',
      rows: 3,
      accepted: 3,
      quarantined: 0,
      skipped: 0,
      new: 3,
      changed: 0,
      gone: 0,
    });
    expect(await book.invoices()).toMatchObject([
      {
        number: 'INV-1',
        customer: 'Example Ltd',
        currency: 'USD',
        amount_minor: 107800n,
        open_minor: 107800n,
        due_date: '2026-11-10',
        state: 'open',
        intake_on: '2026-11-05',
      },
      { number: 'INV-2', amount_minor: 20000n, open_minor: 15000n, intake_on: '2026-11-26' },
      { number: 'INV-3', customer: 'Söhne, Müller & Co', currency: 'EUR', open_minor: 9990n },
    ]);
    const events = await book.rows<{ kind: string }>(sql`select kind from events order by seq`);
    expect(events.map(event => event.kind)).toEqual(['invoice.imported', 'invoice.imported', 'invoice.imported', 'import.finished']);
  });

  test('a second time changes nothing, and says so', async () => {
    await book.take('invoices', invoicesFile(one, two));
    const before = await book.invoices();
    const again = await book.take('invoices', invoicesFile(one, two), { name: 'renamed.csv' });
    expect(again).toMatchObject({
      rows: 2,
      accepted: 2,
      new: 0,
      changed: 0,
      gone: 0,
      runId: null,
      sameAs: { runId: expect.stringMatching(/^run_/) },
    });
    expect(await book.invoices()).toEqual(before);
  });

  test('two at once are taken in once', async () => {
    const [a, b] = await Promise.all([book.take('invoices', invoicesFile(one, two)), book.take('invoices', invoicesFile(one, two))]);
    expect([a.runId, b.runId].filter(Boolean)).toHaveLength(1);
    expect(await book.invoices()).toHaveLength(2);
  });

  test('a dry run says what would happen and keeps nothing', async () => {
    await book.take('invoices', invoicesFile(one, two));
    const report = await book.take('invoices', invoicesFile(one.replace('1078.00,1078.00', '1078.00,500.00'), three), { dryRun: true });
    expect(report).toMatchObject({ dryRun: true, new: 1, changed: 1, gone: 1, runId: null });
    expect((await book.invoices()).map(invoice => [invoice.number, invoice.open_minor])).toEqual([
      ['INV-1', 107800n],
      ['INV-2', 15000n],
    ]);
    expect(await book.reconciliations()).toEqual([]);
  });

  test('credits and paid invoices are kept and never chased', async () => {
    await book.take(
      'invoices',
      invoicesFile(
        'CN-1,C-1,Example Ltd,USD,(50.00),(50.00),2026-11-01,2026-11-01,,',
        'INV-9,C-1,Example Ltd,USD,80.00,0.00,2026-10-01,2026-10-31,,',
      ),
    );
    expect(await book.invoices()).toMatchObject([
      { number: 'CN-1', open_minor: -5000n, state: 'open', intake_on: null },
      { number: 'INV-9', open_minor: 0n, state: 'closed', outcome: 'paid', intake_on: null },
    ]);
  });
});

describe('rows that cannot be used', () => {
  test('go to quarantine with their line, what was found and what was expected', async () => {
    const good = Array.from({ length: 20 }, (_, index) => `INV-${100 + index},C-1,Example Ltd,USD,10.00,10.00,2026-11-01,2026-12-31,,`);
    const report = await book.take(
      'invoices',
      invoicesFile(
        ...good,
        'INV-A,C-1,Example Ltd,USD,ten,10.00,2026-11-01,2026-12-31,,',
        'INV-B,C-1,Example Ltd,XXQ,10.00,10.00,2026-11-01,2026-12-31,,',
        'INV-C,C-1,Example Ltd,USD,10.00,12.00,2026-11-01,2026-12-31,,',
        'INV-D,C-1,Example Ltd,USD,10.00,10.00,2026-11-01,2026-02-31,,',
        'INV-E,C-1,Example Ltd,USD,10.00,10.00,2026-11-01,2026-10-31,,',
        'INV-F,C-1,Example Ltd,USD,10.00,10.00,2026-11-01,2026-12-31,,javascript:alert(1)',
        'INV-G,C-1,Example Ltd,USD,10.00',
        'INV-H,C-1,"Exa"mple" Ltd,USD,10.00,10.00,2026-11-01,2026-12-31,,',
        ',C-1,Example Ltd,USD,10.00,10.00,2026-11-01,2026-12-31,,',
        ',,Total,,290.00,290.00,,,,',
        ',,,,,,,,,',
      ),
    );
    expect(report).toMatchObject({
      rows: 31,
      accepted: 20,
      quarantined: 9,
      skipped: 2,
      skippedBecause: { 'row of totals': 1, 'empty row': 1 },
    });
    expect(report.rejects).toEqual([
      { line: 22, field: 'Amount', found: 'ten', expected: 'an amount such as 1,234.56' },
      { line: 23, field: 'Currency', found: 'XXQ', expected: 'an ISO 4217 code such as USD' },
      { line: 24, field: 'Open Amount', found: '12.00', expected: 'between 0 and the amount, 10.00' },
      { line: 25, field: 'Due Date', found: '2026-02-31', expected: 'a real day' },
      { line: 26, field: 'Due Date', found: '2026-10-31', expected: 'a day on or after the day of issue, 2026-11-01' },
      { line: 27, field: 'Pay Link', found: 'javascript:alert(1)', expected: 'a web address that begins with https://' },
      { line: 28, field: 'row', found: '5 columns', expected: '10 columns' },
      {
        line: 29,
        field: 'row',
        found: 'INV-H,C-1,"Exa"mple" Ltd,USD,10.00,10.00,2026-11-01,2026-12-31,,',
        expected: expect.stringContaining('quotes'),
      },
      { line: 30, field: 'Invoice Number', found: '', expected: 'a value' },
    ]);
    const kept = await book.rows<{ raw: string }>(sql`select raw from import_rejects where line = 28`);
    expect(kept).toEqual([{ raw: 'INV-G,C-1,Example Ltd,USD,10.00' }]);
  });

  test('two rows that say different things about one invoice are both in quarantine; the same row twice is skipped', async () => {
    const report = await book.take('invoices', invoicesFile(one, two, two, one.replaceAll('1078.00', '1079.00'), three));
    expect(report).toMatchObject({ rows: 5, accepted: 2, quarantined: 2, skipped: 1, new: 2 });
    expect(report.rejects.map(({ line, found }) => [line, found])).toEqual([
      [2, 'INV-1'],
      [5, 'INV-1'],
    ]);
  });

  test('more than a tenth without a required value stops the file and holds its source until a good one comes', async () => {
    const rows = Array.from({ length: 9 }, (_, index) => `INV-${index},C-1,Example Ltd,USD,10.00,10.00,2026-11-01,2026-12-31,,`);
    const report = await book.take(
      'invoices',
      invoicesFile(...rows, 'INV-X,C-1,Example Ltd,USD,10.00,10.00,2026-11-01,,,', 'INV-Y,C-1,Example Ltd,USD,10.00,10.00,2026-11-01,,,'),
    );
    expect(report.runId).toBeNull();
    expect(report.findings).toMatchObject([
      { code: 'missing_required', level: 'stop', text: expect.stringContaining('"Due Date" is empty in 2 of 11 rows') },
    ]);
    expect(await book.invoices()).toEqual([]);
    expect(await book.holds()).toMatchObject([{ scope: 'source', source: 'file' }]);
    await book.take('invoices', invoicesFile(...rows));
    expect(await book.holds()).toEqual([]);
  });

  test('a required column that is missing stops the file and names it', async () => {
    const renamed = invoicesFile(one).replace('Due Date', 'Fällig');
    await expect(book.take('invoices', renamed)).rejects.toThrow(
      /line 1: expected the column "Due Date".*found the columns "Invoice Number".*"Fällig"/,
    );
    await expect(book.take('invoices', renamed)).rejects.toBeInstanceOf(NotThisFile);
    expect(await book.holds()).toMatchObject([{ scope: 'source', source: 'file' }]);
  });

  test.each([
    ['%PDF-1.7 ...', /is a PDF, expected CSV/],
    ['PK\u0003\u0004...', /zip archive or an Excel workbook/],
    ['<!DOCTYPE html><html>', /is a web page/],
    ['', /is empty/],
  ])('%j is no table', async (content, message) => {
    await expect(book.take('invoices', content)).rejects.toThrow(message);
  });
});

describe('a later file', () => {
  test('an amount or due date that changed bumps the versions and wakes the case', async () => {
    await book.take('invoices', invoicesFile(one, two));
    const before = await book.invoice('INV-1');
    await book.openCase(before.id);
    const report = await book.take('invoices', invoicesFile(one.replace('2026-11-10', '2026-11-15'), two));
    expect(report).toMatchObject({ new: 0, changed: 1, gone: 0 });
    const after = await book.invoice('INV-1');
    expect(after).toMatchObject({ due_date: '2026-11-15', version: before.version + 1n, intake_on: '2026-11-10' });
    expect(await book.wakes(before.id)).toBe(1);
    expect((await book.invoice('INV-2')).version).toBe(1n);
  });

  test('what the source says was paid closes the invoice when Dunlin has booked nothing on it', async () => {
    await book.take('invoices', invoicesFile(one, two));
    const { id } = await book.invoice('INV-1');
    await book.openCase(id);
    await book.take('invoices', invoicesFile(one.replace('1078.00,1078.00', '1078.00,0.00'), two));
    expect(await book.invoice('INV-1')).toMatchObject({ open_minor: 0n, state: 'closed', outcome: 'paid', intake_on: null });
    expect(await book.wakes(id)).toBe(1);
    await book.closeCase(id);
    // The bank sent it back: the case begins a new cycle.
    await book.take('invoices', `${invoicesFile(one, two)}\n`);
    expect(await book.invoice('INV-1')).toMatchObject({
      open_minor: 107800n,
      state: 'open',
      outcome: null,
      cycle: 2,
      intake_on: '2026-11-05',
    });
  });

  test('where both have booked payments and differ, a person decides, and nobody is asked for too much meanwhile', async () => {
    await book.take('invoices', invoicesFile(one, two));
    await book.take(
      'payments',
      'Payment ID,Invoice Number,Customer ID,Currency,Amount,Value Date,Reference,Returns Payment ID\nP-1,INV-1,C-1,USD,100.00,2026-11-19,,\n',
    );
    // The source knows of no payment yet: what Dunlin has stands, and somebody should tell the source.
    await book.take('invoices', invoicesFile(one, `${two} `));
    expect(await book.invoice('INV-1')).toMatchObject({ open_minor: 97800n });
    expect(await book.reconciliations()).toMatchObject([{ kind: 'settled_differs', found: '0 settled at the source' }]);
    expect(await book.holds()).toEqual([]);
    // The source has more: held.
    await book.take('invoices', invoicesFile(one.replace('1078.00,1078.00', '1078.00,500.00'), two));
    expect(await book.invoice('INV-1')).toMatchObject({ open_minor: 97800n });
    expect(await book.holds()).toMatchObject([{ scope: 'invoice', invoice_id: (await book.invoice('INV-1')).id }]);
    // They agree: settled and released.
    await book.take('invoices', invoicesFile(one.replace('1078.00,1078.00', '1078.00,978.00'), two));
    expect(await book.reconciliations()).toEqual([]);
    expect(await book.holds()).toEqual([]);
  });

  test('an invoice that is gone from a full file is held and reconciled, not assumed paid; when it comes back it goes on', async () => {
    await book.take('invoices', invoicesFile(one, two, three));
    const { id } = await book.invoice('INV-1');
    await book.openCase(id);
    const report = await book.take('invoices', invoicesFile(two, three));
    expect(report).toMatchObject({ new: 0, changed: 0, gone: 1 });
    expect(report.findings).toMatchObject([{ code: 'gone', level: 'warn' }]);
    expect(await book.invoice('INV-1')).toMatchObject({ open_minor: 107800n, state: 'open', outcome: null });
    expect(await book.reconciliations()).toMatchObject([{ kind: 'gone_from_source', subject: `invoice:${id}`, found: 'not in the file' }]);
    expect(await book.holds()).toMatchObject([{ scope: 'invoice', invoice_id: id }]);
    expect(await book.wakes(id)).toBe(1);
    await book.take('invoices', invoicesFile(three, two, one));
    expect(await book.reconciliations()).toEqual([]);
    expect(await book.holds()).toEqual([]);
    expect(await book.wakes(id)).toBe(2);
  });

  test('a row in quarantine, a part of the book and a file that was cut off make nobody gone', async () => {
    await book.take('invoices', invoicesFile(one, two, three));
    const bad = await book.take('invoices', invoicesFile(one.replace('1078.00,1078.00', 'x,y'), two, three), {});
    expect(bad).toMatchObject({ quarantined: 1, gone: 0 });
    const broken = await book.take('invoices', invoicesFile(one.replace('Example Ltd', '"Exa"mple"'), `${two},,more`, three));
    expect(broken).toMatchObject({ quarantined: 2, gone: 0 });
    expect((await book.take('invoices', invoicesFile(two), { part: true })).gone).toBe(0);
    const cut = await book.take('invoices', invoicesFile(two, three).slice(0, -30));
    expect(cut).toMatchObject({ gone: 0, quarantined: 1 });
    expect(cut.findings).toMatchObject([{ code: 'truncated' }]);
  });

  test('a number that the source gave to another customer changes nothing and is reconciled', async () => {
    await book.take('invoices', invoicesFile(one));
    const report = await book.take('invoices', invoicesFile(one.replace('C-1,Example Ltd', 'C-7,Other Ltd')));
    expect(report).toMatchObject({ changed: 0, gone: 0 });
    expect(await book.invoice('INV-1')).toMatchObject({ customer: 'Example Ltd' });
    expect(await book.reconciliations()).toMatchObject([{ kind: 'identity_changed' }]);
  });
});

describe('files as they come', () => {
  test.each(['utf-8', 'utf-16le', 'win1252'] as const)('a German file in %s: semicolons, comma amounts, days with dots', async encoding => {
    const text =
      'Offene Posten vom 20.11.2026\r\n\r\nInvoice Number;Customer Name;Currency;Amount;Due Date\r\nR-1;Müller & Söhne;EUR;1.234,56;22.11.2026\r\nR-2;"Groß; Klein";EUR;99,00;03.12.2026\r\n';
    const report = await book.take('invoices', iconv.encode(text, encoding, { addBOM: encoding === 'utf-16le' }));
    expect(report).toMatchObject({ delimiter: ';', rows: 2, accepted: 2, styles: { number: 'comma' } });
    expect(await book.invoices()).toMatchObject([
      { number: 'R-1', customer: 'Müller & Söhne', amount_minor: 123456n, due_date: '2026-11-22' },
      { number: 'R-2', customer: 'Groß; Klein', amount_minor: 9900n, due_date: '2026-12-03' },
    ]);
  });

  test('days that can be read in two ways are asked for, never guessed', async () => {
    const file = invoicesFile('INV-1,C-1,Example Ltd,USD,10.00,10.00,03/04/2026,03/05/2026,,');
    await expect(book.take('invoices', file)).rejects.toThrow(ImportQuestion);
    await expect(book.take('invoices', file)).rejects.toThrow(/--date-style dmy/);
    expect(await book.invoices()).toEqual([]);
    await book.take('invoices', file, { dateStyle: 'dmy' });
    expect(await book.invoice('INV-1')).toMatchObject({ due_date: '2026-05-03' });
  });

  test('a row far down that speaks against the style found above stops the file and keeps nothing', async () => {
    const rows = Array.from({ length: 9000 }, (_, index) => `INV-${index},C-1,Example Ltd,USD,10.00,10.00,13/02/2026,28/02/2026,,`);
    await expect(
      book.take('invoices', invoicesFile(...rows, 'INV-X,C-1,Example Ltd,USD,10.00,10.00,02/13/2026,02/28/2026,,')),
    ).rejects.toThrow(/two ways: line 9002/);
    expect(await book.invoices()).toEqual([]);
    const report = await book.take('invoices', invoicesFile(...rows, 'INV-X,C-1,Example Ltd,USD,10.00,10.00,02/13/2026,02/28/2026,,'), {
      dateStyle: 'dmy',
    });
    expect(report).toMatchObject({ accepted: 9000, quarantined: 1 });
  }, 60_000);

  test('the premium invoices screen: signs tell the currency, drafts wait, paid and void ones are closed', async () => {
    const report = await book.take(
      'premium-invoices',
      [
        'Total,Status,Number,Customer,Customer ID,Due,Issued,Created,Collection Method',
        '$150.00,Due,#000897,"Cybernate 247, PO Box 234",AG-XKMH5R7562,"Jun 11, 2023","Jun 1, 2023","Jun 1, 2023",Send email',
        'CA$185.37,Draft,#000832,Example,AG-H6LPVMG7TK,"Jun 11, 2023","Jun 1, 2023","Jun 1, 2023",Manually collect',
        '$10.00,Paid,#000833,Example,AG-H6LPVMG7TK,"Jun 11, 2023","Jun 1, 2023","Jun 1, 2023",Automatically charge',
        '$11.00,Void,#000834,Example,AG-H6LPVMG7TK,"Jun 11, 2023","Jun 1, 2023","Jun 1, 2023",Automatically charge',
      ].join('\r\n'),
    );
    expect(report).toMatchObject({ rows: 4, accepted: 4, new: 4, findings: [{ code: 'drafts' }] });
    expect(await book.invoices()).toMatchObject([
      { number: '000832', currency: 'CAD', amount_minor: 18537n, state: 'open', intake_on: null },
      { number: '000833', state: 'closed', outcome: 'paid' },
      { number: '000834', state: 'closed', outcome: 'voided' },
      { number: '000897', currency: 'USD', amount_minor: 15000n, state: 'open', intake_on: '2023-06-06' },
    ]);
  });

  test('a profile of one’s own gives the columns other names', async () => {
    const profile = book.file(
      'profile: ours\nkind: invoices\ntitle: our ERP\nsource: erp\nsystem: erp\nfull_book: false\ncolumns: { number: [Beleg], customer_id: [Kunde], amount: [Brutto], due_date: [Zahlbar bis] }\nrequired: [number, customer_id, amount, due_date]\ndates: [due_date]\namounts: [amount]\nnumber_style: comma\ntotals_lack: [number]\n',
      'ours.yaml',
    );
    const report = await book.take('invoices', 'Beleg;Kunde;Brutto;Zahlbar bis\n77;K1;1.000;01.12.2026\n', { profile });
    expect(report).toMatchObject({ profile: 'ours', source: 'erp', accepted: 1 });
    expect(await book.invoice('77')).toMatchObject({ amount_minor: 100000n, currency: 'USD' });
    await expect(book.take('invoices', 'a\n', { profile: 'none' })).rejects.toThrow(/found profile "none", expected one of/);
  });

  test('the kind can be left to the header', async () => {
    const clock = { now: () => book.now, realMsUntil: () => 0 };
    const path = book.file(invoicesFile(one));
    const report = await importFile({ database: book.database, tenant: book.tenant, clock }, { kind: 'auto', path });
    expect(report.kind).toBe('invoices');
  });
});
