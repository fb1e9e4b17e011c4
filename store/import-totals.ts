// import-totals.ts: the aging report as the control total of the ledger. Where Dunlin knows the invoices of a customer, the
// report's sums must be the sums of those invoices, to the cent, or somebody has to look.
import type { LocalDate } from '../domain/time.ts';
import type { Tx } from './database.ts';
import { openReconciliations, resolveReconciliations } from './reconciliation.ts';
import { sql } from './sql.ts';

export type ControlTotal = {
  /** As the source calls the customer. */
  readonly customer: string;
  readonly name: string;
  readonly currency: string;
  readonly totalMinor: bigint;
  readonly overdueMinor: bigint;
  /** Sum of Dunlin's open invoices; null where Dunlin knows the customer by this report only. */
  readonly ledgerTotalMinor: bigint | null;
  readonly ok: boolean;
};

/** Totals told in an answer; all of them are in the table. */
const TOTALS_TOLD = 10_000;

/** import_totals: each staged total beside the sum of the customer's open invoices. Reads only. */
export async function planTotals(tx: Tx, asOf: LocalDate): Promise<ControlTotal[]> {
  await tx.run(sql`
    create temp table import_totals on commit drop as
    select r.customer_id, r.c_external, r.c_name, r.currency, r.total, r.amount as overdue, s.customer_id is not null as is_known,
      coalesce(s.total_here, 0) as total_here, coalesce(s.overdue_here, 0) as overdue_here
    from import_rows r
    left join (
      select i.customer_id, i.currency, coalesce(sum(i.open_minor) filter (where i.state = 'open'), 0)::bigint as total_here,
        coalesce(sum(i.open_minor) filter (where i.state = 'open' and i.due_date < ${asOf}::date), 0)::bigint as overdue_here
      from invoices i where i.tenant_id = ${tx.tenant} and i.kind = 'invoice' and i.customer_id in (select customer_id from import_rows)
      group by i.customer_id, i.currency) s on s.customer_id = r.customer_id and s.currency = r.currency
    where r.verdict = 'row'`);
  const rows = await tx.rows<{
    c_external: string;
    c_name: string;
    currency: string;
    total: bigint;
    overdue: bigint;
    is_known: boolean;
    total_here: bigint;
  }>(sql`
    select c_external, c_name, currency, total, overdue, is_known, total_here from import_totals order by c_external, currency limit ${TOTALS_TOLD}`);
  return rows.map(row => ({
    customer: row.c_external,
    name: row.c_name,
    currency: row.currency,
    totalMinor: row.total,
    overdueMinor: row.overdue,
    ledgerTotalMinor: row.is_known ? row.total_here : null,
    ok: !row.is_known || row.total === row.total_here,
  }));
}

/** Keeps the totals with their run, opens an item for each difference, and closes those of totals that agree now. */
export async function writeTotals(tx: Tx, runId: string, now: number): Promise<void> {
  await tx.run(sql`
    insert into control_totals (tenant_id, run_id, customer_id, currency, total_minor, overdue_minor)
    select ${tx.tenant}, ${runId}, customer_id, currency, total, overdue from import_totals`);
  await openReconciliations(
    tx,
    sql`select 'control_total'::text as kind, 'control:' || customer_id || ':' || currency as subject, customer_id, null::text as invoice_id,
      'total ' || total || ', overdue ' || overdue || ' minor units ' || currency || ' (aging report)' as expected,
      'total ' || total_here || ', overdue ' || overdue_here || ' (open invoices here)' as found,
      'Import the newest invoice and payment files, then the report again. If it still differs, compare the invoices of this customer one by one: a credit, a payment or an invoice is missing on one side.'::text as steps
    from import_totals where is_known and total <> total_here`,
    now,
  );
  const agreed = sql`select 'control:' || customer_id || ':' || currency from import_totals where is_known and total = total_here`;
  await resolveReconciliations(tx, 'control_total', agreed, `agrees with import ${runId}`, now);
}
