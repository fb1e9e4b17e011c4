// reconciliation.ts: what Dunlin knows and what another system says do not agree. Each mismatch is one item with the two
// values and the steps that settle it; it stays open until a person, or the next file, settles it.
import type { Tx } from './database.ts';
import { at, type Sql, sql } from './sql.ts';

export type NewReconciliation = {
  /** What kind of mismatch: "gone_from_source", "control_total", "payment_without_customer" ... */
  readonly kind: string;
  /** What it is about; one item per kind and subject. */
  readonly subject: string;
  readonly customerId: string | null;
  readonly invoiceId: string | null;
  readonly expected: string;
  readonly found: string;
  readonly steps: string;
  readonly at: number;
};

/** Opens the item, or opens it again; one that is open already gets the new values and keeps its age. */
export async function openReconciliation(tx: Tx, item: NewReconciliation): Promise<void> {
  const row = sql`select ${item.kind}::text as kind, ${item.subject}::text as subject, ${item.customerId}::text as customer_id,
    ${item.invoiceId}::text as invoice_id, ${item.expected}::text as expected, ${item.found}::text as found, ${item.steps}::text as steps`;
  await openReconciliations(tx, row, item.at);
}

/**
 * Opens one item per row of `rows`: kind, subject, customer_id, invoice_id, expected, found, steps. Its id is
 * derivedId('rec', kind, subject), made where the rows are. Returns how many were opened or changed.
 */
export async function openReconciliations(tx: Tx, rows: Sql, now: number): Promise<number> {
  return tx.run(sql`
    insert into reconciliation_items (tenant_id, id, kind, subject, customer_id, invoice_id, expected, found, steps, opened_at)
    select ${tx.tenant}, ${derivedIdOf('rec', sql`n.kind`, sql`n.subject`)}, n.kind, n.subject, n.customer_id, n.invoice_id, n.expected, n.found, n.steps, ${at(now)}
    from (${rows}) n
    on conflict (tenant_id, id) do update set expected = excluded.expected, found = excluded.found, steps = excluded.steps, state = 'open',
      opened_at = case when reconciliation_items.state = 'open' then reconciliation_items.opened_at else excluded.opened_at end,
      resolved_at = null, resolution = null
    where reconciliation_items.state = 'resolved' or (reconciliation_items.expected, reconciliation_items.found) is distinct from (excluded.expected, excluded.found)`);
}

/** Closes open items of `kind` whose subject is among `subjects` (a query of one text column). Returns how many. */
export async function resolveReconciliations(tx: Tx, kind: string, subjects: Sql, resolution: string, now: number): Promise<number> {
  return tx.run(sql`
    update reconciliation_items set state = 'resolved', resolved_at = ${at(now)}, resolution = ${resolution}
    where tenant_id = ${tx.tenant} and kind = ${kind} and state = 'open' and subject in (${subjects})`);
}

/** derivedId() of ids.ts, for rows that never leave the database. */
export function derivedIdOf(prefix: string, first: Sql, second: Sql): Sql {
  return sql`${prefix}::text || '_' || left(encode(sha256(convert_to(${first}, 'UTF8') || '\\x00'::bytea || convert_to(${second}, 'UTF8')), 'hex'), 16)`;
}

export type ReconciliationRow = {
  id: string;
  kind: string;
  subject: string;
  customer_id: string | null;
  invoice_id: string | null;
  expected: string;
  found: string;
  steps: string;
  owner: string | null;
  state: 'open' | 'resolved';
  opened_at: number;
  resolved_at: number | null;
  resolution: string | null;
};

/** Oldest first. */
export async function listReconciliations(tx: Tx, state: 'open' | 'resolved' = 'open', limit = 1000): Promise<ReconciliationRow[]> {
  return tx.rows<ReconciliationRow>(sql`
    select id, kind, subject, customer_id, invoice_id, expected, found, steps, owner, state, opened_at, resolved_at, resolution
    from reconciliation_items where tenant_id = ${tx.tenant} and state = ${state} order by opened_at, id limit ${limit}`);
}
