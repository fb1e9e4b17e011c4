// Customers, payments, and real exports of other programs.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import { savePolicy, saveSegments } from '../../store/policies.ts';
import { sql } from '../../store/sql.ts';
import { Book, invoicesFile } from './book.ts';

let book: Book;
beforeEach(async () => {
  book = await Book.open();
});
afterAll(() => Book.closeAll());

const customersHeader = 'Customer ID,Customer Name,Country,Region,Time Zone,Locale,Segment,Owner,Contact Role,Contact Name,Email,Phone';
const customersFile = (...rows: string[]) => [customersHeader, ...rows].join('\n');

describe('customers', () => {
  const rows = [
    'AG-P4325XLN3G,Scents Ltd,Canada,ON,America/Toronto,fr_CA,vip,ana,billing,Pat Doe,ap@scents.example,(416) 555-0123',
    'AG-P4325XLN3G,Scents Ltd,Canada,ON,America/Toronto,fr_CA,vip,ana,Owner,Sam Poe,sam@scents.example,+14165550124',
    'C-9,Café Ltd,DE,,,,,,,,info@cafe.example,12',
  ];
  const contacts = () =>
    book.rows<{ role: string; name: string; email: string; phone: string | null }>(
      sql`select role, name, email, phone from contacts order by email`,
    );

  test('have one row per contact; what a row does not say stays unknown', async () => {
    const report = await book.take('customers', customersFile(...rows));
    expect(report).toMatchObject({ rows: 3, accepted: 3, new: 2, changed: 0, findings: [{ code: 'unreadable_phones', level: 'warn' }] });
    expect(await book.rows(sql`select name, country, region, zone, locale, owner from customers order by name`)).toEqual([
      { name: 'Café Ltd', country: 'DE', region: null, zone: null, locale: 'en', owner: null },
      { name: 'Scents Ltd', country: 'CA', region: 'ON', zone: 'America/Toronto', locale: 'fr-CA', owner: 'ana' },
    ]);
    expect(await contacts()).toEqual([
      { role: 'billing', name: 'Pat Doe', email: 'ap@scents.example', phone: '+14165550123' },
      { role: 'billing', name: '', email: 'info@cafe.example', phone: null },
      { role: 'owner', name: 'Sam Poe', email: 'sam@scents.example', phone: '+14165550124' },
    ]);
  });

  test('a later file brings them up to date, clears nothing, and wakes their cases', async () => {
    await book.take('invoices', invoicesFile('INV-1,AG-P4325XLN3G,Old Name,USD,10.00,10.00,2026-11-01,2026-12-31,,'));
    const { id } = await book.invoice('INV-1');
    await book.openCase(id);
    await book.take('customers', customersFile(...rows));
    expect(await book.invoice('INV-1')).toMatchObject({ customer: 'Scents Ltd' });
    expect(await book.wakes(id)).toBeGreaterThan(0);
    const report = await book.take('customers', customersFile('AG-P4325XLN3G,,,,,,,,billing,Pat Roe,ap@scents.example,'));
    expect(report).toMatchObject({ quarantined: 1 });
    const again = await book.take('customers', customersFile('AG-P4325XLN3G,Scents Ltd,,,,,,ben,billing,Pat Roe,ap@scents.example,'));
    expect(again).toMatchObject({ new: 0, changed: 1 });
    expect(await contacts()).toContainEqual({ role: 'billing', name: 'Pat Roe', email: 'ap@scents.example', phone: '+14165550123' });
    expect(await book.rows(sql`select owner, zone from customers where name = 'Scents Ltd'`)).toEqual([
      { owner: 'ben', zone: 'America/Toronto' },
    ]);
    expect(
      await book.take('customers', customersFile('AG-P4325XLN3G,Scents Ltd,,,,,,ben,billing,Pat Roe,ap@scents.example,\n')),
    ).toMatchObject({ changed: 0 });
  });

  test('wrong places, zones, roles and addresses go to quarantine', async () => {
    const good = Array.from({ length: 30 }, (_, index) => `C-${index},Name,,,,,,,,,a${index}@b.example,`);
    const report = await book.take(
      'customers',
      customersFile(
        ...good,
        'X-1,N,Narnia,,,,,,,,,',
        'X-2,N,,,Mars/Olympus,,,,,,,',
        'X-3,N,,,,,,,janitor,J,,',
        'X-4,N,,,,,,,billing,J,not an address,',
      ),
    );
    expect(report.rejects.map(({ line, field, found }) => [line, field, found])).toEqual([
      [32, 'Country', 'Narnia'],
      [33, 'Time Zone', 'Mars/Olympus'],
      [34, 'Contact Role', 'janitor'],
      [35, 'Email', 'not an address'],
    ]);
  });

  test('are put into segments: by name when the file says so, else by the rules; invoices without a case follow', async () => {
    const policy = (name: string, day: number) =>
      `policy: ${name}\ncontact: { days: [mon], from: "09:00", to: "17:00" }\nstages:\n  - { id: first, day: ${day}, channel: email, template: reminder-1 }\n`;
    await book.tx(async tx => {
      for (const [name, day] of [
        ['standard', -3],
        ['early', -10],
      ] as const)
        await savePolicy(tx, { name, source: policy(name, day), by: 'test', now: book.now });
      await saveSegments(
        tx,
        [
          { name: 'vip', rule: { 'attributes.tier': 'vip' }, policy: 'early', mode: 'auto' },
          { name: 'abroad', rule: { abroad: true }, policy: 'early', mode: 'auto' },
          { name: 'standard', rule: {}, policy: 'standard', mode: 'auto' },
        ],
        'test',
        book.now,
      );
    });
    await book.take(
      'invoices',
      invoicesFile(
        'INV-1,AG-P4325XLN3G,A,USD,10.00,10.00,2026-11-01,2026-12-31,,',
        'INV-2,C-9,B,USD,10.00,10.00,2026-11-01,2026-12-31,,',
        'INV-3,C-10,C,USD,10.00,10.00,2026-11-01,2026-12-31,,',
      ),
    );
    expect((await book.invoices()).map(invoice => invoice.intake_on)).toEqual(['2026-12-26', '2026-12-26', '2026-12-26']);
    await book.take('customers', customersFile(...rows));
    expect(await book.rows(sql`select name, segment from customers order by name`)).toEqual([
      { name: 'C', segment: 'standard' },
      { name: 'Café Ltd', segment: 'abroad' },
      { name: 'Scents Ltd', segment: 'vip' },
    ]);
    expect((await book.invoices()).map(invoice => invoice.intake_on)).toEqual(['2026-12-19', '2026-12-19', '2026-12-26']);
  });
});

describe('payments', () => {
  const header = 'Payment ID,Invoice Number,Customer ID,Currency,Amount,Value Date,Reference,Returns Payment ID';

  test('are booked once, a return takes its payment back, and a file that comes again books nothing', async () => {
    await book.take(
      'invoices',
      invoicesFile(
        'INV-1,C-1,Example,USD,100.00,100.00,2026-10-01,2026-11-01,,',
        'INV-2,C-1,Example,USD,50.00,50.00,2026-10-01,2026-11-01,,',
      ),
    );
    const first = [
      header,
      'P-1,INV-1,C-1,USD,100.00,2026-11-10,thanks,',
      'P-2,INV-2,C-1,USD,20.00,2026-11-10,,',
      'P-2,INV-2,C-1,USD,20.00,2026-11-10,,',
      'P-3,INV-2,C-1,USD,x,2026-11-10,,',
    ].join('\n');
    expect(await book.take('payments', first, { dryRun: true })).toMatchObject({ rows: 4, quarantined: 1 });
    expect(await book.invoice('INV-1')).toMatchObject({ open_minor: 10000n });
    const report = await book.take('payments', first);
    expect(report).toMatchObject({ rows: 4, accepted: 2, quarantined: 1, skipped: 1, new: 2 });
    expect(report.rejects).toMatchObject([{ line: 5, field: 'Amount', found: 'x' }]);
    expect(await book.invoice('INV-1')).toMatchObject({ state: 'closed', outcome: 'paid' });
    expect(await book.invoice('INV-2')).toMatchObject({ open_minor: 3000n });
    expect(await book.take('payments', first)).toMatchObject({ new: 0, sameAs: { runId: report.runId } });
    expect(
      await book.take(
        'payments',
        [header, 'P-1,INV-1,C-1,USD,100.00,2026-11-10,thanks,', 'R-1,,C-1,USD,-100.00,2026-11-15,NSF,P-1'].join('\n'),
      ),
    ).toMatchObject({ accepted: 1, skipped: 1, new: 1 });
    expect(await book.invoice('INV-1')).toMatchObject({ state: 'open', open_minor: 10000n });
  });

  test('of nobody known wait in the reconciliation queue', async () => {
    await book.take('payments', [header, 'P-1,INV-404,,USD,5.00,2026-11-10,,'].join('\n'));
    expect(await book.reconciliations()).toMatchObject([{ kind: 'payment_without_customer' }]);
  });
});

const shared = fileURLToPath(new URL('../../../shared/data/', import.meta.url));
const there = existsSync(`${shared}exports`);
if (!there) process.stderr.write(`skipped: exports of other programs are not in ${shared}exports\n`);

(there ? describe : describe.skip)('exports of other programs', () => {
  const read = (name: string) => readFileSync(`${shared}exports/${name}`);

  test('Zoho: a row per line item is one invoice, and drafts are not chased', async () => {
    const report = await book.take('invoices', read('zoho_invoices.csv'));
    expect(report).toMatchObject({
      profile: 'zoho-invoices',
      rows: 13,
      accepted: 13,
      quarantined: 0,
      skipped: 0,
      new: 3,
      findings: [{ code: 'drafts' }],
    });
    expect(await book.invoices()).toMatchObject([
      {
        number: 'INV-000001',
        customer: 'Highlander',
        currency: 'USD',
        amount_minor: 48975n,
        due_date: '2021-01-28',
        state: 'open',
        intake_on: null,
      },
      { number: 'INV-000002', customer: 'Jessica Jones', amount_minor: 46000n },
      { number: 'INV-000003', customer: 'Simpsons Baking Co', amount_minor: 39000n, due_date: '2021-02-27' },
    ]);
  });

  test('Wave: postings on receivables add up to invoices, a payment among them is taken off', async () => {
    const report = await book.take('invoices', read('wave_invoices.csv'));
    expect(report).toMatchObject({ profile: 'wave-invoices', rows: 15, accepted: 4, quarantined: 0, skipped: 11, new: 3 });
    expect(await book.invoices()).toMatchObject([
      {
        number: '2',
        customer: 'Mark Walberg',
        currency: 'USD',
        amount_minor: 497400n,
        open_minor: 497400n,
        state: 'open',
        due_date: '2021-01-28',
      },
      { number: '3', customer: 'Lucas Cage', amount_minor: 59050n, open_minor: 0n, state: 'closed', outcome: 'paid' },
      { number: '4', customer: 'Jessica Jones', amount_minor: 350041n, open_minor: 350041n },
    ]);
  });

  test('Invoice2Go: nested texts are left alone, terms give the due day, the recipient becomes a contact', async () => {
    const report = await book.take('invoices', read('i2g_invoices.csv'));
    expect(report).toMatchObject({ profile: 'invoice2go-invoices', encoding: 'utf-8', rows: 4, accepted: 4, quarantined: 0, new: 4 });
    expect(await book.invoices()).toMatchObject([
      { number: '1', customer: 'Barry Gordon', currency: 'ILS', amount_minor: 95355n, due_date: '2021-01-28' },
      { number: '2', customer: 'James Gordon', currency: 'USD', amount_minor: 7020n, due_date: '2021-01-28' },
      { number: '3', customer: 'Daily Planet', amount_minor: 36720n, due_date: '2021-02-11' },
      { number: '4', customer: 'Deadpool Inc', amount_minor: 7290n, due_date: '2021-02-27' },
    ]);
    expect(await book.rows(sql`select email from contacts order by email limit 1`)).toEqual([{ email: 'barry@capitalcity.gov' }]);
  });

  test('a plain ledger export is read by its column names and its own date style', async () => {
    const report = await book.take('invoices', readFileSync(`${shared}ibm-ar/invoices.csv`));
    expect(report).toMatchObject({ profile: 'invoices', styles: { date: 'mdy' }, rows: 1725, accepted: report.rows, new: report.rows });
  });
});
