// reports.ts: the rows of the two report files: what each customer owes by age, and every sent invoice.
import { daysBetween, type LocalDate } from '../../../domain/time.ts';
import type { PremiumBook } from './book.ts';

/** Header and rows as text, amounts rendered; the first column is the row number. */
export type Sheet = { header: string[]; rows: string[][]; totals: string[] };
type Rendering = { readonly raw: boolean; readonly ownSymbol: boolean };
export type AgingTerms = Rendering & { readonly dueDayIsOverdue: boolean };
export type InvoiceTerms = Rendering & { readonly customerIds: boolean; readonly net: boolean; readonly screenNames: boolean };

/** Exactly as on screen [1P-IMG] 2.2.1. */
const agingHeader = [
  '',
  'Customer Name',
  'Customer ID',
  'Currency',
  'Overdue 1 to 30 Days',
  'Overdue 31 to 60 Days',
  'Overdue 61 to 90 Days',
  'Overdue Beyond 90 Days',
  'Total Overdue',
  'Current Due',
  'Total Due',
];

/** Four overdue buckets, no 91 to 120 [1P-IMG] 2.2.1; one row per customer and currency that owes anything. */
export function agingSheet(book: PremiumBook, asOf: LocalDate, terms: AgingTerms): Sheet {
  const accounts = new Map<string, { name: string; id: string; currency: string; buckets: bigint[] }>();
  const names = new Map(book.customers.map(({ id, name }) => [id, name]));
  for (const invoice of book.invoices) {
    if (BigInt(invoice.openMinor) === 0n || invoice.issued > asOf) continue;
    const key = `${invoice.customerId} ${invoice.currency}`;
    const account = accounts.get(key) ?? {
      name: names.get(invoice.customerId) ?? '',
      id: invoice.customerId,
      currency: invoice.currency,
      buckets: [0n, 0n, 0n, 0n, 0n],
    };
    const days = daysBetween(invoice.due, asOf) + (terms.dueDayIsOverdue ? 1 : 0);
    const bucket = days < 1 ? 4 : Math.min(3, Math.floor((days - 1) / 30));
    account.buckets[bucket] = (account.buckets[bucket] ?? 0n) + BigInt(invoice.openMinor);
    accounts.set(key, account);
  }
  const listed = [...accounts.values()].sort((a, b) => compare(a.name, b.name) || compare(a.id, b.id) || compare(a.currency, b.currency));
  const rows = listed.map(({ name, id, currency, buckets }, index) => [
    String(index + 1),
    name,
    id,
    currency,
    ...amounts(buckets).map(minor => rendered(minor, currency, terms)),
  ]);
  // The totals add dollars and euros together; the documentation admits it [1P] 2.2.1.
  const sums = [0, 1, 2, 3, 4].map(bucket => listed.reduce((sum, { buckets }) => sum + (buckets[bucket] ?? 0n), 0n));
  return { header: [...agingHeader], rows, totals: ['', 'Totals', '', '', ...amounts(sums).map(minor => rendered(minor, 'USD', terms))] };
}

/** The buckets, Total Overdue, Current Due, Total Due: the identities of a row hold to the cent. */
function amounts(buckets: readonly bigint[]): bigint[] {
  const [first = 0n, second = 0n, third = 0n, fourth = 0n, current = 0n] = buckets;
  const overdue = first + second + third + fourth;
  return [first, second, third, fourth, overdue, current, overdue + current];
}

/** Commerce > Invoices > Export as CSV, with the columns of the screen [UNVERIFIED] 2.3. */
export function invoicesSheet(book: PremiumBook, asOf: LocalDate, terms: InvoiceTerms): Sheet {
  const customers = new Map(book.customers.map(customer => [customer.id, customer]));
  const rows = book.invoices
    .filter(invoice => invoice.issued <= asOf)
    .map(invoice => {
      const customer = customers.get(invoice.customerId);
      const owed = BigInt(invoice.openMinor);
      // Past due from 00:00 UTC on the due date itself [1P] 2.3.
      const status = owed === 0n ? 'Paid' : invoice.due <= asOf ? 'Past due' : 'Due';
      const total = rendered(terms.net ? owed : BigInt(invoice.totalMinor), invoice.currency, { ...terms, ownSymbol: true });
      const who = [customer?.name, customer?.address].filter(Boolean).join(', ');
      const row = [
        total,
        status,
        `#${invoice.number}`,
        who,
        longDate(invoice.due),
        longDate(invoice.issued),
        longDate(invoice.issued),
        'Send email',
      ];
      return terms.customerIds ? [...row, invoice.customerId] : row;
    });
  const header = terms.screenNames
    ? ['Total', 'Status', 'Number', 'Customer', 'Due', 'Issued', 'Created', 'Collection Method']
    : ['Invoice Total', 'Invoice Status', 'Invoice Number', 'Customer Name', 'Due Date', 'Issue Date', 'Created Date', 'Collection Method'];
  return { header: terms.customerIds ? [...header, 'Customer ID'] : header, rows, totals: [] };
}

const symbols: Readonly<Record<string, string>> = { USD: '$', CAD: 'CA$', EUR: '€', GBP: '£' };

/** "$1,078.00", or 1078.0 where the report is not formatted. */
function rendered(minor: bigint, currency: string, { raw, ownSymbol }: Rendering): string {
  const [whole, cents] = [minor < 0n ? -minor / 100n : minor / 100n, String((minor < 0n ? -minor : minor) % 100n).padStart(2, '0')];
  const sign = minor < 0n ? '-' : '';
  if (raw) return `${sign}${whole}.${cents.replace(/0$/, '')}`;
  const symbol = ownSymbol ? (symbols[currency] ?? `${currency} `) : '$';
  return `${sign}${symbol}${whole.toString().replace(/\B(?=(\d{3})+$)/g, ',')}.${cents}`;
}

/** "Jun 11, 2023" [1P-IMG] 2.3. */
function longDate(date: LocalDate): string {
  const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
  const [year, month, day] = date.split('-').map(Number);
  return `${months[(month ?? 1) - 1]} ${day}, ${year}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
