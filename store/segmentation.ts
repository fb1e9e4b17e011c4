// segmentation.ts: what the segment rules ask about customers, many at a time, and the segments they give. A customer in
// another segment has another cadence: invoices without a case start on another day, and open cases look again.
import type { CustomerProfile } from '../domain/segment.ts';
import type { LocalDate } from '../domain/time.ts';
import type { Tx } from './database.ts';
import { DAYS_BEFORE_FIRST_STAGE, type FirstStageDays } from './import-plan.ts';
import { at, sql } from './sql.ts';

export type SegmentedCustomer = CustomerProfile & { readonly segment: string };

type Row = {
  id: string;
  country: string;
  region: string | null;
  locale: string;
  natural_person: boolean;
  owner: string | null;
  segment: string;
  attributes: Record<string, unknown>;
  creditor_country: string;
  owed: Record<string, string> | null;
  oldest_days: number | null;
  open_invoices: bigint | null;
};

/** Gathers what the rules ask about every customer, once for the whole transaction: totals of a million invoices are one pass. */
export async function gatherSegmentation(tx: Tx, today: LocalDate): Promise<void> {
  await tx.run(sql`set local statement_timeout = '30min'`);
  await tx.run(sql`set local enable_nestloop = off`);
  await tx.run(sql`set local work_mem = '64MB'`);
  await tx.run(sql`
    create temp table segmentation on commit drop as
    select c.id, c.country, c.region, c.locale, c.natural_person, c.owner, c.segment, c.attributes, t.country as creditor_country,
      o.owed, greatest(${today}::date - o.oldest_due, 0) as oldest_days, o.invoices as open_invoices
    from customers c join tenants t on t.tenant_id = c.tenant_id
    left join (
      select customer_id, jsonb_object_agg(currency, minor::text) as owed, min(oldest_due) as oldest_due, sum(invoices)::bigint as invoices
      from (select customer_id, currency, sum(open_minor) as minor, min(due_date) as oldest_due, count(*) as invoices
        from invoices where tenant_id = ${tx.tenant} and state = 'open' group by customer_id, currency) owing
      group by customer_id) o on o.customer_id = c.id
    where c.tenant_id = ${tx.tenant}`);
  await tx.run(sql`create index on segmentation (id)`);
}

/** The next gathered customers after `after`, in the order of their ids. */
export async function nextToSegment(tx: Tx, after: string, limit: number): Promise<SegmentedCustomer[]> {
  const rows = await tx.rows<Row>(sql`select * from segmentation where id > ${after} order by id limit ${limit}`);
  return rows.map(row => ({
    id: row.id,
    country: row.country,
    region: row.region,
    locale: row.locale,
    naturalPerson: row.natural_person,
    owner: row.owner,
    creditorCountry: row.creditor_country,
    attributes: row.attributes,
    openMinor: Object.fromEntries(Object.entries(row.owed ?? {}).map(([currency, minor]) => [currency, BigInt(minor)])),
    oldestDays: row.oldest_days ?? 0,
    openInvoices: Number(row.open_invoices ?? 0n),
    segment: row.segment,
  }));
}

/** Moves customers to their segments; those that are there already stay untouched. Returns how many moved. */
export async function moveToSegments(
  tx: Tx,
  moves: readonly { readonly customerId: string; readonly segment: string }[],
  days: FirstStageDays,
  actor: string,
  now: number,
): Promise<number> {
  if (moves.length === 0) return 0;
  const sorted = moves.toSorted((a, b) => (a.customerId < b.customerId ? -1 : 1));
  const ids = sorted.map(move => move.customerId);
  const segments = sorted.map(move => move.segment);
  await tx.run(sql`select id from customers where tenant_id = ${tx.tenant} and id = any(${ids}) order by id for update`);
  const moved = await tx.rows<{ id: string; segment: string }>(sql`
    update customers c set segment = m.segment, version = c.version + 1 from unnest(${ids}::text[], ${segments}::text[]) as m (id, segment)
    where c.tenant_id = ${tx.tenant} and c.id = m.id and c.segment <> m.segment returning c.id, c.segment`);
  const movedIds = moved.map(row => row.id);
  await tx.run(sql`
    update invoices i set intake_on = i.due_date + d.day - ${DAYS_BEFORE_FIRST_STAGE}::int
    from customers c left join unnest(${[...days.keys()]}::text[], ${[...days.values()]}::int[]) as d (segment, day) on d.segment = c.segment
    where i.tenant_id = ${tx.tenant} and i.customer_id = any(${movedIds}) and c.tenant_id = i.tenant_id and c.id = i.customer_id
      and i.state = 'open' and i.open_minor > 0 and i.attributes->>'status' is distinct from 'draft'
      and i.intake_on is distinct from i.due_date + d.day - ${DAYS_BEFORE_FIRST_STAGE}::int
      and not exists (select from cases k where k.tenant_id = i.tenant_id and k.invoice_id = i.id and k.cycle = i.cycle)`);
  await tx.run(sql`
    insert into wakes (tenant_id, invoice_id, workflow_id, kind, event_id)
    select tenant_id, invoice_id, workflow_id, 'facts', ${`segments:${at(now).toISOString()}`} from cases
    where tenant_id = ${tx.tenant} and state <> 'closed' and customer_id = any(${movedIds})`);
  const bySegment = new Map<string, number>();
  for (const { segment } of moved) bySegment.set(segment, (bySegment.get(segment) ?? 0) + 1);
  if (moved.length > 0)
    tx.event({ kind: 'customers.segmented', subject: 'segments', actor, at: now, body: { moved: Object.fromEntries(bySegment) } });
  return moved.length;
}
