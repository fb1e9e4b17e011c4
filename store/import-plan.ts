// import-plan.ts: what a file would do to the ledger, worked out before anything is written: import_plan has a row per
// invoice the file names. A dry run reads it and stops; an import carries it out.
import type { LocalDate } from '../domain/time.ts';
import type { Tx } from './database.ts';
import { type Sql, sql } from './sql.ts';

/** none: a row is an invoice. lines: rows repeat the invoice's totals. postings: rows add up to the invoice. */
export type Grouping = 'none' | 'lines' | 'postings';

/** Days of the first stage by segment; a segment that is not here gets no cases. */
export type FirstStageDays = ReadonlyMap<string, number>;

/** A case is opened two days before its first stage, so that a million invoices not yet due cost no workflow. */
export const DAYS_BEFORE_FIRST_STAGE = 2;

/** Makes one staged row of each invoice; rows that contradict each other about one invoice all go to quarantine. */
export async function settleRepeats(tx: Tx, grouping: Grouping, keyLabel: string): Promise<void> {
  if (grouping === 'postings') return sumPostings(tx);
  await tx.run(sql`
    create temp table import_repeats on commit drop as
    with repeated as (select invoice_id from import_rows where verdict = 'row' group by invoice_id having count(*) > 1)
    select r.invoice_id, min(r.line) as first_line,
      count(distinct (r.number, r.customer_id, r.currency, r.amount, r.open, r.total, r.issue, r.due, r.status)) as versions
    from import_rows r join repeated using (invoice_id) where r.verdict = 'row' group by r.invoice_id`);
  await tx.run(sql`
    update import_rows r set verdict = 'reject', field = ${keyLabel}, found = r.external_id,
      expected = 'one row for it, or rows that agree; it is first on line ' || p.first_line
    from import_repeats p where p.invoice_id = r.invoice_id and p.versions > 1 and r.verdict = 'row'`);
  await tx.run(sql`
    update import_rows r set verdict = ${grouping === 'lines' ? 'line' : 'skip'}
    from import_repeats p where p.invoice_id = r.invoice_id and p.versions = 1 and r.line <> p.first_line and r.verdict = 'row'`);
}

/** What was posted to the invoice is its amount; what postings against it have left of that is open. */
async function sumPostings(tx: Tx): Promise<void> {
  await tx.run(sql`
    update import_rows r set verdict = 'reject', field = 'row', found = 'a posting against ' || r.number, expected = 'the invoice itself in the same file'
    where verdict = 'row' and not exists (select from import_rows p where p.invoice_id = r.invoice_id and p.verdict = 'row' and p.amount > 0)`);
  await tx.run(sql`
    with sums as (
      select invoice_id, min(line) filter (where amount > 0) as line, sum(amount) filter (where amount > 0) as amount, sum(amount) as open,
        min(due) filter (where amount > 0) as due, min(issue) filter (where amount > 0) as issue
      from import_rows where verdict = 'row' group by invoice_id
    )
    update import_rows r set verdict = case when r.line = s.line then 'row' else 'line' end, amount = s.amount, open = greatest(s.open, 0), due = s.due, issue = s.issue
    from sums s where s.invoice_id = r.invoice_id and r.verdict = 'row'`);
}

/** A customer that people have merged with another is found under the id it has now. */
export async function resolveCustomers(tx: Tx): Promise<void> {
  await tx.run(sql`
    update import_rows r set customer_id = f.customer_id from customer_references f
    where f.tenant_id = ${tx.tenant} and f.system = r.c_system and f.kind = r.c_kind and f.external_id = r.c_external and f.customer_id <> r.customer_id`);
}

/**
 * Plans an invoice file. The source is right about what was invoiced and, while Dunlin has allocated nothing to an invoice,
 * about what is still open of it. Where both have booked money and differ, `differs` is set and Dunlin's figure stands.
 */
export async function planInvoices(tx: Tx, source: string, days: FirstStageDays): Promise<void> {
  await createPlan(
    tx,
    days,
    sql`select m.*, case when m.was is null then coalesce(m.settled_there, 0) when m.allocated = 0 then coalesce(m.settled_there, m.settled_was)
        else m.settled_was end as settled, m.amount as amount_now, m.due as due_now
      from (select r.*, ${knownOf}, case when r.status = 'void' then r.amount else r.amount - r.open end as settled_there
        from import_rows r ${joinKnown(tx, source)} where r.verdict = 'row') m`,
  );
}

/** Payments booked up to this long before the report's day are in it (Premium's data is 24 to 48 hours old). */
const REPORT_LAG_DAYS = 2;

/**
 * Plans an aging file: one item per customer and currency that has no invoices of its own here.
 *
 * Due date: the report gives ages in buckets only, so the item is taken to be as young as its oldest bucket with money in
 * it allows (as of the report: 1, 31, 61 or 91 days). Later reports keep that day while its age still fits the oldest
 * bucket, so the item grows older day by day; when the oldest money was paid, it is anchored anew.
 */
export async function planBalances(tx: Tx, source: string, days: FirstStageDays, asOf: LocalDate): Promise<void> {
  await createPlan(
    tx,
    days,
    sql`select m.*, 0::bigint as settled_there, 0::bigint as settled, m.amount + m.known_there as amount_now,
        case when m.from_days is null then coalesce(m.due_was, ${asOf}::date)
          when m.state_was = 'open' and ${asOf}::date - m.due_was between m.from_days and coalesce(m.to_days, 100000) then m.due_was
          else ${asOf}::date - m.from_days end as due_now
      from (select r.*, ${knownOf}, coalesce((select sum(a.amount_minor) from allocations a where a.tenant_id = ${tx.tenant} and a.invoice_id = r.invoice_id
          and a.at < ${asOf}::date - ${REPORT_LAG_DAYS}::int), 0)::bigint as known_there
        from import_rows r ${joinKnown(tx, source)} where r.verdict = 'row'
          and not exists (select from invoices n where n.tenant_id = ${tx.tenant} and n.customer_id = r.customer_id and n.currency = r.currency and n.kind = 'invoice')) m
      where m.amount > 0 or m.was is not null`,
  );
}

/** The invoice as the ledger has it now, beside the staged row. */
const knownOf = sql`i.id as was, i.customer_id as customer_was, i.currency as currency_was, i.amount_minor as amount_was, i.settled_before_minor as settled_was,
  coalesce(i.allocated_minor, 0) as allocated, i.due_date as due_was, i.issue_date as issue_was, i.number as number_was, i.state as state_was, i.outcome as outcome_was,
  i.purchase_order as purchase_order_was, i.pay_link as pay_link_was, i.attributes->>'status' as status_was, coalesce(c.segment, 'standard') as segment_was`;

function joinKnown(tx: Tx, source: string): Sql {
  return sql`left join invoices i on i.tenant_id = ${tx.tenant} and i.source = ${source} and i.id = r.invoice_id
    left join customers c on c.tenant_id = ${tx.tenant} and c.id = r.customer_id`;
}

async function createPlan(tx: Tx, days: FirstStageDays, settled: Sql): Promise<void> {
  await tx.run(sql`
    create temp table import_plan on commit drop as
    with settled as (${settled}),
    stated as (
      select *, amount_now - settled - allocated as open_now, case
        when status = 'void' then 'closed'
        -- written off, placed, superseded: Dunlin's own decision stands
        when state_was = 'closed' and outcome_was not in ('paid', 'credited', 'voided') then 'closed'
        when (amount_now >= 0 and amount_now - settled - allocated <= 0) or (amount_now < 0 and amount_now - settled - allocated >= 0) then 'closed'
        else 'open' end as state_now
      from settled
    )
    select s.*, s.was is null as is_new, coalesce(s.customer_was <> s.customer_id or s.currency_was <> s.currency, false) as is_other,
      coalesce(s.allocated <> 0 and s.settled_there <> s.settled_was + s.allocated, false) and s.open is not null as differs,
      case when s.state_now = 'closed' then case when s.status = 'void' then 'voided' else coalesce(s.outcome_was, 'paid') end end as outcome_now,
      case when s.state_now = 'open' and s.amount_now > 0 and s.status is distinct from 'draft' then s.due_now + d.day - ${DAYS_BEFORE_FIRST_STAGE}::int end as intake_on,
      s.was is not null and s.customer_was = s.customer_id and s.currency_was = s.currency and (
        row (s.amount_was, s.settled_was, s.due_was, s.number_was, s.state_was, s.status_was)
          is distinct from row (s.amount_now, s.settled, s.due_now, s.number, s.state_now, nullif(s.status, 'issued'))
        or (s.issue is not null and s.issue_was is distinct from s.issue) or (s.purchase_order is not null and s.purchase_order_was is distinct from s.purchase_order)
        or (s.pay_link is not null and s.pay_link_was is distinct from s.pay_link)) as is_changed
    from stated s
    left join unnest(${[...days.keys()]}::text[], ${[...days.values()]}::int[]) as d (segment, day) on d.segment = s.segment_was`);
  await tx.run(sql`analyze import_plan`);
  await tx.run(sql`create temp table import_touched (invoice_id text, customer_id text, what text) on commit drop`);
  await tx.run(sql`
    insert into import_touched select invoice_id, customer_id, case when is_new then 'imported' else 'changed' end
    from import_plan where is_new or is_changed`);
}

/** import_gone: open invoices of the feed that a full file no longer names, rows in quarantine counted as named. */
export async function planGone(tx: Tx, source: string, wanted: boolean): Promise<number> {
  await tx.run(sql`
    create temp table import_gone on commit drop as
    select i.id as invoice_id, i.customer_id, i.number, i.currency, i.open_minor from invoices i
    where ${wanted} and i.tenant_id = ${tx.tenant} and i.source = ${source} and i.state = 'open' and i.open_minor <> 0
      and not exists (select from import_rows r where r.invoice_id = i.id)
      and not exists (select from import_rows r where r.verdict = 'reject' and r.invoice_id is null and r.customer_id = i.customer_id)`);
  return countOf(tx, sql`import_gone`);
}

/** import_superseded: totals of customers whose invoices are known now. */
export async function planSuperseded(tx: Tx): Promise<number> {
  await tx.run(sql`
    create temp table import_superseded on commit drop as
    select i.id as invoice_id, i.customer_id from invoices i
    where i.tenant_id = ${tx.tenant} and i.kind = 'balance_forward' and i.state = 'open'
      and exists (select from import_plan p where p.customer_id = i.customer_id and p.currency = i.currency)`);
  return countOf(tx, sql`import_superseded`);
}

export async function countOf(tx: Tx, from: Sql): Promise<number> {
  const row = await tx.one<{ count: bigint }>(sql`select count(*) as count from ${from}`);
  return Number(row?.count ?? 0);
}
