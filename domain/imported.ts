// imported.ts: what a file says once it has been read, whatever its columns were called. formats/ makes these from bytes,
// store/ merges them into the ledger; neither needs to know the other.
import type { LocalDate } from './time.ts';

export type ImportKind = 'premium-aging' | 'premium-invoices' | 'invoices' | 'customers' | 'payments';

/** Who the customer is at the source: `{premium, account_group, AG-H6LPVMG7TK}`. */
export type CustomerReference = { readonly system: string; readonly kind: string; readonly externalId: string };

export type ImportedContact = { readonly name: string; readonly email: string | null; readonly phone: string | null };

export type ImportedInvoice = {
  readonly externalId: string;
  readonly number: string;
  readonly customer: CustomerReference;
  readonly customerName: string;
  readonly currency: string;
  /** Negative: a credit. In a file of postings, what this posting adds to or takes from the invoice. */
  readonly amountMinor: bigint;
  /** null: the file does not say what is still open. */
  readonly openMinor: bigint | null;
  readonly issueDate: LocalDate | null;
  readonly dueDate: LocalDate;
  readonly purchaseOrder: string | null;
  readonly payLink: string | null;
  /** draft: the customer has not been sent it, so nobody is chased for it. */
  readonly status: 'issued' | 'draft' | 'void';
  readonly contact: ImportedContact | null;
};

/** A customer's overdue total in one currency, as the aging report gives it. */
export type ImportedBalance = {
  readonly externalId: string;
  readonly customer: CustomerReference;
  readonly customerName: string;
  readonly currency: string;
  readonly overdueMinor: bigint;
  readonly currentMinor: bigint;
  readonly totalMinor: bigint;
  /** Minor units per bucket: 1 to 30, 31 to 60, 61 to 90, beyond 90 days. */
  readonly bucketsMinor: readonly bigint[];
  /** Age in days that the oldest bucket with money in it covers; null when nothing is overdue. `to` is null for "beyond". */
  readonly oldest: { readonly fromDays: number; readonly toDays: number | null } | null;
};

export type ContactRole = 'billing' | 'ap' | 'owner' | 'escalation';

/** One row of a customer file: the customer, and one of its contacts when the row has one. Empty cells are undefined: unknown, not cleared. */
export type ImportedCustomer = {
  readonly customer: CustomerReference;
  readonly name: string;
  readonly country: string | undefined;
  readonly region: string | undefined;
  readonly zone: string | undefined;
  readonly locale: string | undefined;
  readonly segment: string | undefined;
  readonly owner: string | undefined;
  readonly naturalPerson: boolean | undefined;
  readonly contact: (ImportedContact & { readonly role: ContactRole }) | null;
};

export type ImportedPayment = {
  readonly externalId: string;
  readonly invoiceNumber: string | null;
  readonly customer: CustomerReference | null;
  readonly currency: string;
  /** Negative: a returned payment. */
  readonly amountMinor: bigint;
  readonly valueDate: LocalDate;
  readonly reference: string;
  readonly returnsExternalId: string | null;
};

/** One thing wrong with a row, as told to people: the column as the file calls it, what stood there, what should have. */
export type Problem = { readonly field: string; readonly found: string; readonly expected: string; readonly missing?: true };

/** What became of one row of a file. `key` is the row's own key where it could be read, so that a row in quarantine is not taken for gone. */
export type RowOutcome<Row> =
  | { readonly kind: 'row'; readonly line: number; readonly row: Row }
  | {
      readonly kind: 'reject';
      readonly line: number;
      readonly raw: string;
      readonly key: string | null;
      readonly problems: readonly Problem[];
    }
  | { readonly kind: 'skip'; readonly line: number; readonly reason: string };
