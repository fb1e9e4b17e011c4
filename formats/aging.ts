// aging.ts: one row of Premium's aging report to what one customer owes in one currency. The report knows no invoices; its
// rows are checked to the cent, because nothing else in it can be.
import type { ImportedBalance } from '../domain/imported.ts';
import { decimalText } from '../domain/money.ts';
import { signOf } from './amount.ts';
import type { Cells } from './row-reader.ts';

/** Ages in days of the report's four buckets. */
const BUCKETS = [
  { field: 'overdue_1_30', fromDays: 1, toDays: 30 },
  { field: 'overdue_31_60', fromDays: 31, toDays: 60 },
  { field: 'overdue_61_90', fromDays: 61, toDays: 90 },
  { field: 'overdue_over_90', fromDays: 91, toDays: null },
] as const;

/**
 * undefined: the problems are in the cells. A bare "$" says nothing about the country (the report prints Canadian amounts
 * with it): the currency column does. Tolerance of both sums: none.
 */
export function readAgingRow(cells: Cells): ImportedBalance | undefined {
  const customer = cells.customer();
  const currency = cells.currency('total_due', signOf);
  if (!customer || !currency) return undefined;
  const read = (field: string) => cells.amount(field, currency) ?? 0n;
  const bucketsMinor = BUCKETS.map(bucket => read(bucket.field));
  const overdueMinor = read('total_overdue');
  const currentMinor = read('current_due');
  const totalMinor = read('total_due');
  if (cells.problems.length > 0) return undefined;
  const bucketSum = bucketsMinor.reduce((sum, minor) => sum + minor, 0n);
  if (bucketSum !== overdueMinor) {
    return cells.problem('total_overdue', `${decimalText({ minor: bucketSum, currency })}, the sum of the four overdue columns`);
  }
  if (overdueMinor + currentMinor !== totalMinor) {
    return cells.problem('total_due', `${decimalText({ minor: overdueMinor + currentMinor, currency })}, overdue plus current`);
  }
  const oldest = BUCKETS.findLast((_, index) => (bucketsMinor[index] ?? 0n) > 0n);
  return {
    externalId: `${customer.externalId}:${currency}`,
    customer,
    customerName: cells.text('customer_name'),
    currency,
    overdueMinor,
    currentMinor,
    totalMinor,
    bucketsMinor,
    oldest: oldest ? { fromDays: oldest.fromDays, toDays: oldest.toDays } : null,
  };
}

/**
 * The day the report speaks of: "Last refreshed 2023-09-28 08:51:06 (America/Vancouver)" above the header, else a day in
 * the file's name. undefined when neither says.
 */
export function reportDay(preamble: readonly string[], fileName: string): string | undefined {
  const refreshed = /(?:refreshed|as of)\D{0,12}(\d{4}-\d{2}-\d{2})/i.exec(preamble.join('\n'))?.[1];
  if (refreshed) return refreshed;
  const named = /(?:^|\D)(20\d\d)-?([01]\d)-?([0-3]\d)(?:\D|$)/.exec(fileName);
  return named ? `${named[1]}-${named[2]}-${named[3]}` : undefined;
}
