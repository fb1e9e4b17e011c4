// premium.test.ts: report files look as the vendor shows them, add up, and can be spoilt in every way an importer must survive.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { castBook } from '../../local/cast.ts';
import { premiumBook } from '../../local/cast/files.ts';
import { startPremium, type Produced } from '../../local/vendors/premium.ts';
import { folder, handClock, stage } from './staging.ts';

const { dir, remove } = folder();
const asOf = '2026-01-05';
let premium: Awaited<ReturnType<typeof startPremium>>;
let admin: ReturnType<typeof stage>;

const invoice = (customerId: string, currency: string, openMinor: number, due: string) => ({
  number: `INV-${customerId}-${due}`,
  customerId,
  currency,
  totalMinor: String(openMinor + 100),
  openMinor: String(openMinor),
  issued: '2025-01-01',
  due,
});
const small = {
  customers: [
    { id: 'AG-CTKMT252DD', name: 'Road Savannah', address: 'PO Box 1, Regina, SK' },
    { id: 'AG-LS7ZFF22SD', name: 'Road Savannah' },
    { id: 'AG-P4325XLN3G', name: 'Possum® Soap' },
  ],
  invoices: [
    invoice('AG-CTKMT252DD', 'USD', 102_600, '2026-01-04'),
    invoice('AG-CTKMT252DD', 'USD', 2600, '2025-12-05'),
    invoice('AG-CTKMT252DD', 'USD', 2700, '2025-11-05'),
    invoice('AG-LS7ZFF22SD', 'USD', 10_000, '2025-08-01'),
    invoice('AG-P4325XLN3G', 'USD', 72_500, '2026-01-05'),
    invoice('AG-P4325XLN3G', 'CAD', 32_700, '2025-10-06'),
    invoice('AG-P4325XLN3G', 'CAD', 0, '2025-10-06'),
  ],
};

beforeAll(async () => {
  premium = await startPremium({ dir, clock: handClock(0) });
  admin = stage(premium);
});
beforeEach(async () => {
  await admin.reset();
  for (const file of readdirSync(premium.dropFolder)) rmSync(join(premium.dropFolder, file));
  await admin.set('book', small);
});
afterAll(async () => {
  await premium.close();
  remove();
});

const produce = async (faults = '', report = 'aging') =>
  (await admin.post<{ files: Produced[] }>('produce', { report, asOf, faults })).files;
const bytesOf = async (faults = '', report = 'aging') => readFileSync((await produce(faults, report))[0]?.file ?? '');
const textOf = async (faults = '', report = 'aging') => (await bytesOf(faults, report)).toString('utf8');

describe('the aging report by customer', () => {
  test('is what the screen shows, quoted, with a bare dollar for every currency and a row per customer and currency', async () => {
    expect(await textOf()).toBe(
      [
        '"","Customer Name","Customer ID","Currency","Overdue 1 to 30 Days","Overdue 31 to 60 Days","Overdue 61 to 90 Days","Overdue Beyond 90 Days","Total Overdue","Current Due","Total Due"',
        '"1","Possum® Soap","AG-P4325XLN3G","CAD","$0.00","$0.00","$0.00","$327.00","$327.00","$0.00","$327.00"',
        '"2","Possum® Soap","AG-P4325XLN3G","USD","$0.00","$0.00","$0.00","$0.00","$0.00","$725.00","$725.00"',
        '"3","Road Savannah","AG-CTKMT252DD","USD","$1,026.00","$26.00","$27.00","$0.00","$1,079.00","$0.00","$1,079.00"',
        '"4","Road Savannah","AG-LS7ZFF22SD","USD","$0.00","$0.00","$0.00","$100.00","$100.00","$0.00","$100.00"',
        '',
      ].join('\n'),
    );
  });

  test('adds up for a whole book', async () => {
    const book = premiumBook(castBook({ seed: 3, startDate: asOf }), '2026-02-02');
    await admin.set('book', book);
    const rows = parse(await textOf('raw_numbers'), { columns: true }) as Record<string, string>[];
    const cents = (row: Record<string, string>, name: string) => Math.round(Number(row[name]) * 100);
    const buckets = ['Overdue 1 to 30 Days', 'Overdue 31 to 60 Days', 'Overdue 61 to 90 Days', 'Overdue Beyond 90 Days'];
    for (const row of rows) {
      expect(buckets.reduce((sum, name) => sum + cents(row, name), 0)).toBe(cents(row, 'Total Overdue'));
      expect(cents(row, 'Total Overdue') + cents(row, 'Current Due')).toBe(cents(row, 'Total Due'));
    }
    const open = book.invoices.reduce((sum, each) => sum + Number(each.openMinor), 0);
    expect(rows.reduce((sum, row) => sum + cents(row, 'Total Due'), 0)).toBe(open);
  });

  test('each guess about its form can be turned', async () => {
    await admin.turn({ bare_dollar: false, row_numbers: false, quoted: false, due_day_is_overdue: true });
    const lines = (await textOf()).split('\n');
    expect(lines[0]).toMatch(/^Customer Name,Customer ID/);
    expect(lines[1]).toBe('Possum® Soap,AG-P4325XLN3G,CAD,CA$0.00,CA$0.00,CA$0.00,CA$327.00,CA$327.00,CA$0.00,CA$327.00');
    expect(lines[2]).toContain('USD,$725.00');
  });
});

describe('the invoices file', () => {
  test('has the columns of the screen, the currency only in the amount, the badge from the due date on', async () => {
    const rows = parse(await textOf('', 'invoices'), { columns: true }) as Record<string, string>[];
    expect(Object.keys(rows[0] ?? {})).toEqual(['Total', 'Status', 'Number', 'Customer', 'Due', 'Issued', 'Created', 'Collection Method']);
    expect(rows[0]).toMatchObject({
      Total: '$1,027.00',
      Status: 'Past due',
      Customer: 'Road Savannah, PO Box 1, Regina, SK',
      Due: 'Jan 4, 2026',
    });
    expect(rows[4]).toMatchObject({ Status: 'Past due', Due: 'Jan 5, 2026' });
    expect(rows[6]).toMatchObject({ Status: 'Paid', Total: 'CA$1.00' });
  });

  test('may carry customer ids, net totals and other names', async () => {
    await admin.turn({ invoices_carry_customer_id: true, total_nets_payments: true, invoices_columns: false });
    const [row] = parse(await textOf('', 'invoices'), { columns: true }) as Record<string, string>[];
    expect(row).toMatchObject({ 'Invoice Total': '$1,026.00', 'Customer ID': 'AG-CTKMT252DD' });
  });
});

describe('a report is spoilt', () => {
  test('with a totals row that adds dollars of two countries', async () =>
    expect((await textOf('totals_row')).split('\n').at(-2)).toMatch(/^"","Totals","","",.*"\$2,231\.00"$/));
  test('with a byte order mark', async () => expect([...(await bytesOf('bom')).subarray(0, 3)]).toEqual([0xef, 0xbb, 0xbf]));
  test('with raw numbers', async () => expect(await textOf('raw_numbers')).toContain('"1026.0","26.0","27.0","0.0","1079.0"'));
  test('with CRLF line ends', async () => expect((await textOf('crlf')).split('\r\n')).toHaveLength(6));
  test('without a column', async () => expect((await textOf('missing_column')).split('\n')[0]).not.toContain('Currency'));
  test('with another name for a column', async () =>
    expect((await textOf('renamed_column=Total Due=Owing')).split('\n')[0]).toMatch(/"Owing"$/));
  test('with a column nobody announced', async () =>
    expect(
      (await textOf('new_column, totals_row'))
        .split('\n')
        .every((line, index) => line === '' || line.split('","').length === 12 || index < 0),
    ).toBe(true));
  test('stale, with the figures of that day', async () => {
    const lines = (await textOf('stale=2')).split('\n');
    expect(lines[0]).toBe('Last refreshed 2026-01-03 08:51:06 (America/Vancouver)');
    expect(lines[4]).toContain('"$26.00","$27.00","$0.00","$0.00","$53.00","$1,026.00"');
  });
  test('twice under two names', async () => {
    const files = await produce('duplicate');
    expect(new Set(files.map(({ sha256 }) => sha256)).size).toBe(1);
    expect(readdirSync(premium.dropFolder).sort()).toEqual([
      'amounts-due-by-customer-2026-01-05 (1).csv',
      'amounts-due-by-customer-2026-01-05.csv',
    ]);
  });
  test('cut off in the middle', async () => expect((await textOf()).startsWith(await textOf('truncated=50'))).toBe(true));
  test('as a PDF under the name of a CSV', async () => expect((await textOf('pdf')).startsWith('%PDF-1.4')).toBe(true));
  test('as a zip with the CSV inside', async () => {
    const zip = await bytesOf('zip');
    expect(zip.subarray(0, 4).toString('latin1')).toBe('PK\u0003\u0004');
    expect(zip.toString('latin1')).toContain('dashboard/amounts-due-by-customer-2026-01-05.csv');
  });
  test('with a script or a formula for a name', async () => {
    expect(await textOf('xss_name')).toContain('"<script>alert(1)</script>"');
    expect(await textOf('formula_name')).toContain('"=HYPERLINK(""http://evil.example"";""x"")"');
  });
  test('by rule, and every file is witnessed with its checksum', async () => {
    await admin.faults({ fault: 'bom', match: { report: 'aging' }, times: 1 });
    const [spoilt] = await produce();
    const [clean] = await produce();
    expect((await admin.witness()).map(entry => [entry['faults'], entry['sha256']])).toEqual([
      [['bom'], spoilt?.sha256],
      [[], clean?.sha256],
    ]);
  });
  test('not in a way nobody knows', async () => {
    await expect(produce('missing_column=Nothing')).rejects.toThrow('found no column "Nothing" to leave out');
    await expect(produce('gnaw')).rejects.toThrow('found fault "gnaw"');
  });
});
