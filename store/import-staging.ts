// import-staging.ts: rows of a file go into a temporary table by COPY as they are read, so that a file of any length takes
// no memory here, and the merge is a handful of statements over all of them.
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { from as copyFrom } from 'pg-copy-streams';
import type { CustomerReference, ImportedBalance, ImportedCustomer, ImportedInvoice, RowOutcome } from '../domain/imported.ts';
import type { Tx } from './database.ts';
import { derivedId } from './ids.ts';
import { sql } from './sql.ts';

/**
 * verdict: row (will be merged), line (accepted, belongs to a row above), skip, reject. A rejected row keeps the key it
 * could be read with, so that its invoice is not taken for gone.
 */
const COLUMNS = {
  line: 'bigint',
  verdict: 'text',
  invoice_id: 'text',
  external_id: 'text',
  number: 'text',
  customer_id: 'text',
  c_system: 'text',
  c_kind: 'text',
  c_external: 'text',
  c_name: 'text',
  currency: 'text',
  amount: 'bigint',
  open: 'bigint',
  total: 'bigint',
  from_days: 'int',
  to_days: 'int',
  issue: 'date',
  due: 'date',
  purchase_order: 'text',
  pay_link: 'text',
  status: 'text',
  attributes: 'jsonb',
  country: 'text',
  region: 'text',
  zone: 'text',
  locale: 'text',
  segment: 'text',
  owner: 'text',
  natural_person: 'boolean',
  contact_id: 'text',
  contact_role: 'text',
  contact_name: 'text',
  email: 'text',
  phone: 'text',
  field: 'text',
  found: 'text',
  expected: 'text',
  raw: 'text',
} as const;
type Column = keyof typeof COLUMNS;
type Cell = string | number | bigint | boolean | null | undefined;
type StagedRow = Partial<Record<Column, Cell>>;

const names = Object.keys(COLUMNS) as Column[];

async function createStaging(tx: Tx): Promise<void> {
  const columns = names.map(name => `"${name}" ${COLUMNS[name]}`).join(', ');
  await tx.client.query(`create temp table import_rows (${columns}) on commit drop`);
}

/** Fills import_rows with everything the reader says. What it throws ends the transaction. */
export async function stage<Row>(
  tx: Tx,
  outcomes: AsyncIterable<readonly RowOutcome<Row>[]>,
  stagedRow: (row: Row) => StagedRow,
  keyOf: (key: string) => StagedRow,
): Promise<void> {
  await createStaging(tx);
  const columns = names.map(name => `"${name}"`).join(', ');
  const copy = tx.client.query(copyFrom(`copy import_rows (${columns}) from stdin`));
  await pipeline(Readable.from(copyText(outcomes, stagedRow, keyOf)), copy);
  await tx.run(sql`analyze import_rows`);
}

async function* copyText<Row>(
  outcomes: AsyncIterable<readonly RowOutcome<Row>[]>,
  stagedRow: (row: Row) => StagedRow,
  keyOf: (key: string) => StagedRow,
): AsyncGenerator<string> {
  for await (const batch of outcomes) {
    let text = '';
    for (const outcome of batch) {
      if (outcome.kind === 'row') text += copyLine({ line: outcome.line, verdict: 'row', ...stagedRow(outcome.row) });
      if (outcome.kind !== 'reject') continue;
      const key = outcome.key === null ? {} : keyOf(outcome.key);
      const { line, raw } = outcome;
      for (const { field, found, expected } of outcome.problems) {
        text += copyLine({ ...key, line, raw, verdict: 'reject', field, found, expected });
      }
    }
    if (text !== '') yield text;
  }
}

/** COPY's text form: tab between cells, \N for null. A zero byte cannot be stored, so it is shown. */
function copyLine(row: StagedRow): string {
  let line = '';
  for (const [index, name] of names.entries()) {
    const cell = row[name];
    if (index > 0) line += '\t';
    line += cell === undefined || cell === null ? '\\N' : typeof cell === 'string' ? escaped(cell) : String(cell);
  }
  return `${line}\n`;
}

function escaped(text: string): string {
  if (!/[\\\t\n\r\0]/.test(text)) return text;
  return text.replaceAll('\\', '\\\\').replaceAll('\t', '\\t').replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\0', '\u2400');
}

function customerCells(customer: CustomerReference): StagedRow {
  return { customer_id: customerIdOf(customer), c_system: customer.system, c_kind: customer.kind, c_external: customer.externalId };
}

/** The id a customer gets when a file names it first. */
export function customerIdOf({ system, kind, externalId }: CustomerReference): string {
  return derivedId('cus', system, kind, externalId);
}

export function stagedInvoice(source: string): (row: ImportedInvoice) => StagedRow {
  return row => ({
    ...customerCells(row.customer),
    invoice_id: derivedId('inv', source, row.externalId),
    external_id: row.externalId,
    number: row.number,
    c_name: row.customerName,
    currency: row.currency,
    amount: row.amountMinor,
    open: row.openMinor,
    issue: row.issueDate,
    due: row.dueDate,
    purchase_order: row.purchaseOrder,
    pay_link: row.payLink,
    status: row.status,
    contact_id: row.contact ? contactId('billing', row.contact.email ?? row.contact.name) : null,
    contact_role: row.contact ? 'billing' : null,
    contact_name: row.contact?.name,
    email: row.contact?.email,
  });
}

export function stagedBalance(source: string): (row: ImportedBalance) => StagedRow {
  return row => ({
    ...customerCells(row.customer),
    invoice_id: derivedId('inv', source, row.externalId),
    external_id: row.externalId,
    number: `${row.customer.externalId} ${row.currency}`,
    c_name: row.customerName,
    currency: row.currency,
    amount: row.overdueMinor,
    total: row.totalMinor,
    from_days: row.oldest?.fromDays,
    to_days: row.oldest?.toDays,
    attributes: JSON.stringify({ due_date_estimated: true, buckets: row.bucketsMinor.map(String), current: row.currentMinor.toString() }),
  });
}

export function stagedCustomer(row: ImportedCustomer): StagedRow {
  const { contact } = row;
  return {
    ...customerCells(row.customer),
    c_name: row.name,
    country: row.country,
    region: row.region,
    zone: row.zone,
    locale: row.locale,
    segment: row.segment,
    owner: row.owner,
    natural_person: row.naturalPerson,
    contact_id: contact ? contactId(contact.role, contact.email ?? contact.phone ?? contact.name) : null,
    contact_role: contact?.role,
    contact_name: contact?.name,
    email: contact?.email,
    phone: contact?.phone,
  };
}

/** The same person in the same role is the same contact. */
function contactId(role: string, address: string): string {
  return derivedId('con', role, address.toLowerCase());
}
