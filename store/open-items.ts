// open-items.ts: the open items of a customer in one currency, as a letter and its statement tell them to the customer.
import type { LocalDate } from '../domain/time.ts';
import type { Tx } from './database.ts';
import { sql } from './sql.ts';

export type OpenItem = {
  readonly invoiceId: string;
  readonly number: string;
  readonly kind: 'invoice' | 'balance_forward';
  readonly issueDate: LocalDate | null;
  readonly dueDate: LocalDate;
  readonly amountMinor: bigint;
  readonly openMinor: bigint;
  readonly state: 'open' | 'closed';
  /** The source's own page to pay it, as the source wrote it. */
  readonly payLink: string | null;
  readonly purchaseOrder: string | null;
};

/** Every open item, oldest due date first, and the invoices of `alsoIds` even when they are closed. */
export async function readOpenItems(tx: Tx, customerId: string, currency: string, alsoIds: readonly string[]): Promise<OpenItem[]> {
  return tx.rows<OpenItem>(sql`
    select id as "invoiceId", number, kind, issue_date as "issueDate", due_date as "dueDate", amount_minor as "amountMinor",
      open_minor as "openMinor", state, pay_link as "payLink", purchase_order as "purchaseOrder"
    from invoices
    where tenant_id = ${tx.tenant} and customer_id = ${customerId} and currency = ${currency}
      and ((state = 'open' and open_minor > 0) or id = any(${[...alsoIds]}::text[]))
    order by due_date, number, id`);
}
