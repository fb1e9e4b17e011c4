// premium.ts: a stand-in for Premium Reports. There is no API: somebody downloads a file, or a scheduler drops it. So this one
// only produces files in a folder, good or spoilt, when told to.
import { createHash } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { addDays, type LocalDate } from '../../domain/time.ts';
import type { Struck } from './faults.ts';
import { adminRoutes, bodyOf, openFrame, type Frame, type StandIn, type StandInOptions } from './frame.ts';
import { json, listen, type Call } from './http.ts';
import { premiumBook, type PremiumBook } from './premium/book.ts';
import { csvBytes, pdfBytes, spoiltSheet, zipBytes } from './premium/bytes.ts';
import { premiumClaims, premiumFaults } from './premium/claims.ts';
import { agingSheet, invoicesSheet, type Sheet } from './premium/reports.ts';

const wish = z.strictObject({
  report: z.enum(['aging', 'invoices']),
  /** The day the figures are of. */
  asOf: z.iso.date(),
  /** Like x-fault: "totals_row, bom, missing_column=Currency". */
  faults: z.string().default(''),
});
type Wish = z.output<typeof wish>;

export type Produced = { readonly file: string; readonly rows: number; readonly bytes: number; readonly sha256: string };

/** Starts the producer; files appear in DIR/drop, complete from the first moment (written beside and renamed). */
export async function startPremium(options: StandInOptions): Promise<StandIn & { readonly dropFolder: string }> {
  const frame = openFrame('premium', premiumFaults, premiumClaims, options);
  const dropFolder = join(options.dir, 'drop');
  mkdirSync(dropFolder, { recursive: true });
  let book: PremiumBook = { customers: [], invoices: [] };
  const admin = adminRoutes(frame, {
    routes: {
      'PUT /admin/book': call => {
        book = premiumBook.parse(bodyOf(call));
        return json({ customers: book.customers.length, invoices: book.invoices.length });
      },
      'POST /admin/produce': (call: Call) => json({ files: produce(frame, dropFolder, book, wish.parse(bodyOf(call))) }),
    },
    forget: () => (book = { customers: [], invoices: [] }),
  });
  const { port, close } = await listen(
    { admin, vendor: () => null, faults: frame.faults, facts: () => ({}) },
    options.port ?? 0,
    frame.host,
  );
  return {
    name: 'premium',
    port,
    url: pathToFileURL(dropFolder).href,
    adminUrl: `http://${frame.host}:${port}/admin`,
    dropFolder,
    close: async () => {
      frame.deliveries.stop();
      await close();
    },
  };
}

function produce(frame: Frame<typeof premiumClaims>, dropFolder: string, book: PremiumBook, { report, asOf, faults }: Wish): Produced[] {
  const struck = frame.faults.strike('file', { report, asOf }, faults);
  const daysOld = struck.has('stale') ? Number(struck.get('stale')) || 3 : 0;
  const day = addDays(asOf, -daysOld);
  const sheet = spoiltSheet(sheetOf(frame, book, report, day, struck), struck);
  const preamble = struck.has('stale') ? [`Last refreshed ${day} 08:51:06 (America/Vancouver)`] : [];
  const csv = csvBytes(sheet, struck, { quoted: frame.claims.holds('quoted'), preamble });
  const stem = `${report === 'aging' ? 'amounts-due-by-customer' : 'invoices'}-${asOf}`;
  const zipped = struck.has('zip');
  const bytes = struck.has('pdf') ? pdfBytes() : zipped ? zipBytes([{ name: `dashboard/${stem}.csv`, bytes: csv }]) : csv;
  const names = [`${stem}.${zipped ? 'zip' : 'csv'}`, ...(struck.has('duplicate') ? [`${stem} (1).${zipped ? 'zip' : 'csv'}`] : [])];
  return names.map(name => {
    const file = join(dropFolder, name);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    frame.witness.accept({ kind: 'file', businessKey: name, report, asOf, sha256, rows: sheet.rows.length, faults: [...struck.keys()] });
    writeFileSync(`${file}.part`, bytes);
    renameSync(`${file}.part`, file);
    return { file, rows: sheet.rows.length, bytes: bytes.length, sha256 };
  });
}

function sheetOf(
  { claims }: Frame<typeof premiumClaims>,
  book: PremiumBook,
  report: Wish['report'],
  day: LocalDate,
  struck: Struck,
): Sheet {
  const rendering = { raw: struck.has('raw_numbers'), ownSymbol: !claims.holds('bare_dollar') };
  if (report === 'invoices') {
    const [customerIds, net] = [claims.holds('invoices_carry_customer_id'), claims.holds('total_nets_payments')];
    return invoicesSheet(book, day, { ...rendering, customerIds, net, screenNames: claims.holds('invoices_columns') });
  }
  const sheet = agingSheet(book, day, { ...rendering, dueDayIsOverdue: claims.holds('due_day_is_overdue') });
  if (claims.holds('row_numbers')) return sheet;
  return { header: sheet.header.slice(1), rows: sheet.rows.map(row => row.slice(1)), totals: sheet.totals.slice(1) };
}
