// wakes.ts: a wake row says "look again" to one case. It is written in the transaction of the fact, carried to the
// workflow by the dispatcher as a signal, and marked seen by the step that has read the fact.
import type { Tx } from './database.ts';
import { at, sql } from './sql.ts';

/** Wakes every open case of the invoices. `eventId` names the fact, so that a doubled wake is recognised. */
export async function wakeInvoices(tx: Tx, invoiceIds: readonly string[], kind: string, eventId: string): Promise<number> {
  if (invoiceIds.length === 0) return 0;
  return tx.run(sql`
    insert into wakes (tenant_id, invoice_id, workflow_id, kind, event_id)
    select tenant_id, invoice_id, workflow_id, ${kind}, ${eventId} from cases
    where tenant_id = ${tx.tenant} and invoice_id = any(${invoiceIds}) and state <> 'closed'`);
}

/** Wakes every open case of a customer, and tells the send protocol that the customer's facts have changed. */
export async function wakeCustomer(tx: Tx, customerId: string, kind: string, eventId: string): Promise<number> {
  return tx.run(sql`
    insert into wakes (tenant_id, invoice_id, workflow_id, kind, event_id)
    select tenant_id, invoice_id, workflow_id, ${kind}, ${eventId} from cases
    where tenant_id = ${tx.tenant} and customer_id = ${customerId} and state <> 'closed'`);
}

/** Locks the customer: notices, payments and holds of one customer take turns here. Bumps its version when `changes`. */
export async function lockCustomer(tx: Tx, customerId: string, changes: 'reads' | 'changes'): Promise<bigint> {
  const row = await tx.one<{ version: bigint }>(
    changes === 'changes'
      ? sql`update customers set version = version + 1 where tenant_id = ${tx.tenant} and id = ${customerId} returning version`
      : sql`select version from customers where tenant_id = ${tx.tenant} and id = ${customerId} for update`,
  );
  if (!row) throw new Error(`customer ${customerId} does not exist`);
  return row.version;
}

/** Everything written for this case before the facts were read has been seen. Call it before loading facts. */
export async function markWakesSeen(tx: Tx, invoiceId: string, now: number): Promise<void> {
  await tx.run(sql`update wakes set seen_at = ${at(now)} where tenant_id = ${tx.tenant} and invoice_id = ${invoiceId} and seen_at is null`);
}
