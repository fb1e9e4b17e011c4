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

/** What one kind of row fills, and with what: `cells` are in the order of `columns`. */
type Staging<Row> = { readonly columns: readonly Column[]; readonly cells: (row: Row) => readonly Cell[] };

/** The cell that tells a rejected row's key; null when it could not be read. */
type KeyCell = { readonly column: Column; readonly value: (key: string) => string } | null;

/** Fills import_rows with everything the reader says. What it throws ends the transaction. */
export async function stage<Row>(
  tx: Tx,
  outcomes: AsyncIterable<readonly RowOutcome<Row>[]>,
  staging: Staging<Row>,
  keyCell: KeyCell,
): Promise<void> {
  const all = Object.entries(COLUMNS).map(([name, type]) => `"${name}" ${type}`);
  await tx.client.query(`create temp table import_rows (${all.join(', ')}) on commit drop`);
  const filled = ['line', 'verdict', ...staging.columns, ...REJECT_COLUMNS].map(name => `"${name}"`);
  const copy = tx.client.query(copyFrom(`copy import_rows (${filled.join(', ')}) from stdin`));
  await pipeline(Readable.from(copyText(outcomes, staging, keyCell)), copy);
  await tx.run(sql`analyze import_rows`);
}

const REJECT_COLUMNS = ['field', 'found', 'expected', 'raw'] as const;

/** A line of COPY's text form for each row: tabs between cells, \N where there is nothing. */
async function* copyText<Row>(
  outcomes: AsyncIterable<readonly RowOutcome<Row>[]>,
  { columns, cells }: Staging<Row>,
  keyCell: KeyCell,
): AsyncGenerator<string> {
  const noReject = '\t\\N'.repeat(REJECT_COLUMNS.length);
  for await (const batch of outcomes) {
    let text = '';
    for (const outcome of batch) {
      if (outcome.kind === 'row') {
        text += `${outcome.line}\trow`;
        for (const cell of cells(outcome.row)) text += copyCell(cell);
        text += `${noReject}\n`;
      }
      if (outcome.kind !== 'reject') continue;
      for (const { field, found, expected } of outcome.problems) {
        text += `${outcome.line}\treject`;
        for (const column of columns) {
          text += copyCell(keyCell && outcome.key !== null && column === keyCell.column ? keyCell.value(outcome.key) : null);
        }
        for (const cell of [field, found, expected, outcome.raw]) text += copyCell(cell);
        text += '\n';
      }
    }
    if (text !== '') yield text;
  }
}

const SPECIAL = /[\\\t\n\r\0]/;

function copyCell(cell: Cell): string {
  if (cell === undefined || cell === null) return '\t\\N';
  if (typeof cell !== 'string') return `\t${cell}`;
  return SPECIAL.test(cell) ? `\t${escaped(cell)}` : `\t${cell}`;
}

/** A zero byte cannot be stored, so it is shown. */
function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\t', '\\t').replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\0', '\u2400');
}

/** The id a customer gets when a file names it first. */
export function customerIdOf({ system, kind, externalId }: CustomerReference): string {
  return derivedId('cus', system, kind, externalId);
}

const CUSTOMER = ['customer_id', 'c_system', 'c_kind', 'c_external', 'c_name'] as const;

function customerCells(customer: CustomerReference, name: string): Cell[] {
  return [customerIdOf(customer), customer.system, customer.kind, customer.externalId, name];
}

export function invoiceStaging(source: string): Staging<ImportedInvoice> {
  return {
    columns: [
      ...CUSTOMER,
      'invoice_id',
      'external_id',
      'number',
      'currency',
      'amount',
      'open',
      'issue',
      'due',
      'purchase_order',
      'pay_link',
      'status',
      'contact_id',
      'contact_role',
      'contact_name',
      'email',
    ],
    cells: ({ contact, ...row }) => [
      ...customerCells(row.customer, row.customerName),
      derivedId('inv', source, row.externalId),
      row.externalId,
      row.number,
      row.currency,
      row.amountMinor,
      row.openMinor,
      row.issueDate,
      row.dueDate,
      row.purchaseOrder,
      row.payLink,
      row.status,
      contact && contactId('billing', contact.email ?? contact.name),
      contact && 'billing',
      contact?.name,
      contact?.email,
    ],
  };
}

export function balanceStaging(source: string): Staging<ImportedBalance> {
  return {
    columns: [...CUSTOMER, 'invoice_id', 'external_id', 'number', 'currency', 'amount', 'total', 'from_days', 'to_days', 'attributes'],
    cells: row => [
      ...customerCells(row.customer, row.customerName),
      derivedId('inv', source, row.externalId),
      row.externalId,
      `${row.customer.externalId} ${row.currency}`,
      row.currency,
      row.overdueMinor,
      row.totalMinor,
      row.oldest?.fromDays,
      row.oldest?.toDays,
      JSON.stringify({ due_date_estimated: true, buckets: row.bucketsMinor.map(String), current: row.currentMinor.toString() }),
    ],
  };
}

export const customerStaging: Staging<ImportedCustomer> = {
  columns: [
    ...CUSTOMER,
    'country',
    'region',
    'zone',
    'locale',
    'segment',
    'owner',
    'natural_person',
    'contact_id',
    'contact_role',
    'contact_name',
    'email',
    'phone',
  ],
  cells: ({ contact, ...row }) => [
    ...customerCells(row.customer, row.name),
    row.country,
    row.region,
    row.zone,
    row.locale,
    row.segment,
    row.owner,
    row.naturalPerson,
    contact && contactId(contact.role, contact.email ?? contact.phone ?? contact.name),
    contact?.role,
    contact?.name,
    contact?.email,
    contact?.phone,
  ],
};

/** Payments are booked one by one; only their rejects are staged. */
export const rejectStaging: Staging<unknown> = { columns: [], cells: () => [] };

/** The same person in the same role is the same contact. */
function contactId(role: string, address: string): string {
  return derivedId('con', role, address.toLowerCase());
}
