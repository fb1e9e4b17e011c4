// import-file.ts: a file on disk becomes facts: walk 1 from bytes to one transaction. The command, the watched folder and the
// demo all come through here.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import type { Clock } from '../../domain/clock.ts';
import { type Finding, judgeFile } from '../../domain/health.ts';
import type { ImportedInvoice, ImportKind } from '../../domain/imported.ts';
import { type EpochMs, type LocalDate, localDateAt } from '../../domain/time.ts';
import { readAgingRow, reportDay } from '../../formats/aging.ts';
import type { NumberStyle } from '../../formats/amount.ts';
import { readCustomerRow } from '../../formats/customers.ts';
import type { DateStyle } from '../../formats/date.ts';
import type { ByteFile } from '../../formats/encoding.ts';
import { readInvoiceRow } from '../../formats/invoices.ts';
import { readPaymentRow } from '../../formats/payments.ts';
import { candidateProfiles, type Profile } from '../../formats/profile.ts';
import { type Cells, customerReference, emptyTally, type ReadContext, readRows, type Tally } from '../../formats/row-reader.ts';
import { detectStyles, NotThisFile, openTable, type Table } from '../../formats/table.ts';
import type { Styles } from '../../formats/styles.ts';
import { type Database, withTenant } from '../../store/database.ts';
import { importPayments } from '../../store/import-payments.ts';
import { holdSource, type ImportContent, type ImportOutcome, runImport } from '../../store/imports.ts';
import { readTenant } from '../../store/tenants.ts';
import { type FirstStageDayOf, firstStageDays, segmentCustomers } from './segmenting.ts';

export type FileImport = {
  readonly kind: ImportKind | 'auto';
  readonly path: string;
  /** Name of a shipped profile, or the path of a profile file. */
  readonly profile?: string | undefined;
  readonly asOf?: LocalDate | undefined;
  readonly dateStyle?: DateStyle | undefined;
  readonly numberStyle?: NumberStyle | undefined;
  /** The file holds only part of the book: what it leaves out is not gone. */
  readonly part?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
  /** Who imports: "dunlin" when left out. */
  readonly actor?: string | undefined;
};

/** Whose books, and the business time. */
export type Books = { readonly database: Database; readonly tenant: string; readonly clock: Clock };

export type FileReport = ImportOutcome & {
  readonly kind: ImportKind;
  readonly profile: string;
  readonly source: string;
  readonly file: string;
  readonly format: 'csv';
  readonly encoding: string;
  readonly delimiter: string;
  readonly styles: Styles;
  readonly asOf: LocalDate | null;
  readonly dryRun: boolean;
  /** Reason to number of rows. */
  readonly skippedBecause: Readonly<Record<string, number>>;
};

/**
 * Imports a file. Throws ImportQuestion when the file can be read in two ways, NotThisFile when it is something else; a
 * source whose required columns are missing is held. Everything else is in the report: `findings` with a stop mean that
 * nothing was kept.
 */
export async function importFile(books: Books, request: FileImport): Promise<FileReport> {
  const file = fileOnDisk(request.path);
  const by = { actor: request.actor ?? 'dunlin', now: books.clock.now() };
  const { tenant, firstStageDayOf } = await withTenant(books.database, books.tenant, async tx => ({
    tenant: await readTenant(tx),
    firstStageDayOf: await firstStageDays(tx),
  }));
  const sha256 = await hashOf(file);
  const table = await openTable(file, candidateProfiles(request.kind, request.profile)).catch(async (error: unknown) => {
    if (error instanceof NotThisFile && error.profile && hasInvoices(error.profile) && request.kind !== 'auto' && !request.dryRun) {
      const findings: Finding[] = [{ code: 'missing_column', level: 'stop', text: error.message }];
      await holdSource(books.database, books.tenant, error.profile.source, findings, { file: { sha256, fileName: file.name }, ...by });
    }
    throw error;
  });
  const styles = await detectStyles(table, {
    ...(request.dateStyle && { date: request.dateStyle }),
    ...(request.numberStyle && { number: request.numberStyle }),
  });
  const today = localDateAt(by.now, tenant.zone);
  const reading = { table, styles, request, currency: tenant.currency, today, sha256, firstStageDayOf, ...by };
  const { profile } = table.header;
  const { outcome, tally } = await (profile.kind === 'payments' ? takePayments : takeRows)(books, reading);
  if (outcome.runId !== null && profile.kind !== 'payments') await segmentCustomers(books.database, books.tenant, by.actor, by.now);
  return {
    ...outcome,
    kind: profile.kind,
    profile: profile.profile,
    source: profile.source,
    file: file.name,
    format: 'csv',
    encoding: table.encoding(),
    delimiter: table.delimiter,
    styles,
    asOf: asOfOf(reading),
    dryRun: request.dryRun ?? false,
    skippedBecause: Object.fromEntries(tally.skippedBecause),
  };
}

type Reading = {
  readonly table: Table;
  readonly styles: Styles;
  readonly request: FileImport;
  /** Of the tenant. */
  readonly currency: string;
  readonly today: LocalDate;
  readonly sha256: string;
  readonly firstStageDayOf: FirstStageDayOf;
  readonly actor: string;
  readonly now: EpochMs;
};
type Taken = { outcome: ImportOutcome; tally: Tally };

async function takeRows({ database, tenant }: Books, reading: Reading): Promise<Taken> {
  const { request, firstStageDayOf, actor, now } = reading;
  const context = contextOf(reading);
  const outcome = await runImport(database, tenant, {
    file: importFileOf(reading),
    content: contentOf(context, reading),
    judge: lastAsOf => judge(context, reading, lastAsOf),
    tally: context.tally,
    firstStageDayOf,
    dryRun: request.dryRun ?? false,
    actor,
    now,
  });
  return { outcome, tally: context.tally };
}

async function takePayments({ database, tenant }: Books, reading: Reading): Promise<Taken> {
  const { request, actor, now } = reading;
  let tally = emptyTally();
  const outcome = await importPayments(database, tenant, {
    file: importFileOf(reading),
    read: () => {
      const context = contextOf(reading);
      tally = context.tally;
      return { rows: readRows(context, readPaymentRow, paymentKey), tally: context.tally, judge: () => judge(context, reading, null) };
    },
    dryRun: request.dryRun ?? false,
    actor,
    now,
  });
  return { outcome, tally };
}

function contentOf(context: ReadContext, reading: Reading): ImportContent {
  const { profile, labels } = context.table.header;
  switch (profile.kind) {
    case 'premium-aging':
      return {
        kind: 'balances',
        rows: readRows(context, readAgingRow, cells => cells.text('customer_id')),
        asOf: asOfOf(reading) ?? reading.today,
        customerOf: key => customerReference(profile, key),
      };
    case 'customers':
      return { kind: 'customers', rows: readRows(context, readCustomerRow, cells => cells.text('customer_id')) };
    case 'invoices':
    case 'premium-invoices':
      return {
        kind: 'invoices',
        rows: readRows<ImportedInvoice>(context, readInvoiceRow, invoiceKey),
        grouping: profile.grouping,
        keyLabel: labels.get('number') ?? 'Invoice Number',
      };
    case 'payments':
      throw new Error('payments are booked one by one');
  }
}

const invoiceKey = (cells: Cells): string => cells.text('external_id') || cells.text('number').replace(/^#/, '');
const paymentKey = (cells: Cells): string => cells.text('payment_id');

function contextOf({ table, styles, request, currency }: Reading): ReadContext {
  const { date_style, number_style } = table.header.profile;
  const forced = {
    date: request.dateStyle !== undefined || date_style !== 'detect',
    number: request.numberStyle !== undefined || number_style !== 'detect',
  };
  return { table, styles, forced, currency, tally: emptyTally() };
}

function importFileOf(reading: Reading) {
  const { table, request, sha256 } = reading;
  const profile: Profile = table.header.profile;
  return {
    kind: profile.kind,
    profile: profile.profile,
    source: profile.source,
    fileName: table.file.name,
    sha256,
    asOf: asOfOf(reading),
    fullBook: profile.full_book && !request.part,
  };
}

/** The day the file speaks of: as told, else as it says itself; an aging report that does not say is of today. */
function asOfOf({ table, request, today }: Reading): LocalDate | null {
  if (request.asOf) return request.asOf;
  if (table.header.profile.kind !== 'premium-aging') return null;
  return reportDay(table.preamble, table.file.name) ?? today;
}

function judge({ tally, table }: ReadContext, reading: Reading, lastAsOf: LocalDate | null): Finding[] {
  const findings = judgeFile({ ...tally, asOf: asOfOf(reading), lastAsOf, today: reading.today });
  const notes: [number, Finding['code'], string][] = [
    [tally.drafts, 'drafts', 'rows are of drafts at the source: kept, but nobody is chased until they are sent.'],
    [tally.assumedCurrency, 'assumed_currency', `rows have no currency; taken as ${reading.currency}, the currency of the tenant.`],
    [
      tally.assumedDueDate,
      'assumed_due_date',
      `rows have no due date; taken as ${table.header.profile.due_days_after_issue ?? 0} days after issue.`,
    ],
    [tally.namelessCustomers, 'nameless_customers', 'rows name the customer by name only: it cannot be joined with other files by number.'],
    [
      tally.unreadablePhones,
      'unreadable_phones',
      'phone numbers could not be read and were left out; give them with the country code or fill the country.',
    ],
  ];
  for (const [count, code, text] of notes) if (count > 0) findings.push({ code, level: 'warn', text: `${count} ${text}` });
  return findings;
}

/** Only a feed of invoices can be held: nobody is chased for a customer's address. */
function hasInvoices(profile: Profile): boolean {
  return profile.kind !== 'customers' && profile.kind !== 'payments';
}

function fileOnDisk(path: string): ByteFile {
  return { name: basename(path), open: () => createReadStream(path, { highWaterMark: 262_144 }) };
}

async function hashOf(file: ByteFile): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of file.open()) hash.update(chunk);
  return hash.digest('hex');
}
