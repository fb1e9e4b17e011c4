// ibm.ts: a book of real invoices instead of an invented one. Reads IBM's accounts receivable sample as it is published.
// SettledDate becomes the payment event and is seen by nobody before that day; Disputed is never read.
import { parse } from 'csv-parse/sync';
import { addDays, dateOfDayNumber, dayNumber, type LocalDate } from '../../domain/time.ts';
import { inOrder, type CastBook, type CastCustomer, type CastEvent, type CastInvoice } from './book.ts';

const creditor = { name: 'Example Platform Inc.', zone: 'America/New_York', country: 'US' } as const;
const needed = ['customerID', 'invoiceNumber', 'InvoiceDate', 'DueDate', 'InvoiceAmount', 'SettledDate'] as const;
type Row = Readonly<Record<(typeof needed)[number], string>>;

/**
 * The first `invoices` rows of the file (all of them by default), in USD, customers in New York, each invoice paid in full at
 * 06:00 creditor time on its SettledDate. Throws with line, column and what was found on a row that cannot be read.
 */
export function ibmBook(csvText: string, { invoices: limit = Number.POSITIVE_INFINITY }: { readonly invoices?: number } = {}): CastBook {
  const rows = rowsOf(csvText).slice(0, limit);
  if (rows.length === 0) throw new Error('the book has no invoices, expected at least one row below the header');
  const read = rows.map((row, index) => readRow(row, index + 2));
  const first = read.map(({ invoice }) => dayNumber(invoice.issueDate));
  const last = read.map(({ event }) => dayNumber(event.date));
  const ids = [...new Set(read.map(({ invoice }) => invoice.customerId))];
  return {
    seed: 0,
    creditor,
    startDate: dateOfDayNumber(first.reduce((a, b) => Math.min(a, b))),
    endDate: addDays(dateOfDayNumber(last.reduce((a, b) => Math.max(a, b))), 1),
    customers: ids.map(customerOf),
    invoices: read.map(({ invoice }) => invoice),
    events: inOrder(read.map(({ event }) => event)),
    mailBehaviour: [],
    callBehaviour: [],
  };
}

function rowsOf(csvText: string): Row[] {
  const rows = parse(csvText, { columns: true, bom: true, skip_empty_lines: true }) as Record<string, string>[];
  const absent = needed.filter(column => rows[0] && !(column in rows[0]));
  if (absent.length > 0) throw new Error(`the book has no column ${absent.join(', ')}, expected ${needed.join(', ')} in its first line`);
  return rows as Row[];
}

function readRow(row: Row, line: number): { invoice: CastInvoice; event: CastEvent } {
  const dueDate = dateAt(row, 'DueDate', line);
  const settled = dateAt(row, 'SettledDate', line);
  const amount = /^(\d+)(?:\.(\d{1,2}))?$/.exec(row.InvoiceAmount);
  if (!amount) throw new Error(`line ${line}, "InvoiceAmount": found "${row.InvoiceAmount}", expected a decimal such as 50.39`);
  const amountMinor = BigInt(amount[1] ?? '0') * 100n + BigInt((amount[2] ?? '').padEnd(2, '0'));
  const shared = { customerId: row.customerID, currency: 'USD', amountMinor };
  return {
    invoice: {
      ...shared,
      number: row.invoiceNumber,
      issueDate: dateAt(row, 'InvoiceDate', line),
      dueDate,
      purchaseOrder: null,
      payLink: null,
      fate: { kind: 'late', days: dayNumber(settled) - dayNumber(dueDate) },
    },
    event: {
      ...shared,
      eventId: `settled/${row.invoiceNumber}`,
      date: settled,
      minute: 6 * 60,
      kind: 'payment',
      invoiceNumber: row.invoiceNumber,
      reference: row.invoiceNumber,
      returns: null,
    },
  };
}

/** The file writes months first, without leading zeros: "1/3/2012" is 3 January. */
function dateAt(row: Row, column: 'InvoiceDate' | 'DueDate' | 'SettledDate', line: number): LocalDate {
  const found = row[column];
  const parts = /^(\d{1,2})\/(\d{1,2})\/(\d{4})$/.exec(found);
  const date = parts ? `${parts[3]}-${(parts[1] ?? '').padStart(2, '0')}-${(parts[2] ?? '').padStart(2, '0')}` : found;
  try {
    return dateOfDayNumber(dayNumber(date));
  } catch {
    throw new Error(`line ${line}, "${column}": found "${found}", expected a real day as M/D/YYYY`);
  }
}

function customerOf(id: string): CastCustomer {
  return {
    id,
    name: `Customer ${id}`,
    country: 'US',
    region: 'NY',
    city: 'New York',
    zone: creditor.zone,
    locale: 'en-US',
    currency: 'USD',
    segment: 'standard',
    owner: 'ada@creditor.example',
    contacts: [{ role: 'billing', name: 'Accounts Payable', email: `${id.toLowerCase()}@example.com`, phone: null }],
  };
}
