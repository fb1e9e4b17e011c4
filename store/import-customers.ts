// import-customers.ts: merges the staged rows of a customer file. What a row does not say stays as it is; contacts are added
// and brought up to date, never taken away, because a file of contacts is rarely the whole list.
import type { Tx } from './database.ts';
import { at, sql } from './sql.ts';

/** import_people: the facts of each customer of the file, the first row of it that has one; and what is new or changed. */
export async function planCustomers(tx: Tx): Promise<{ new: number; changed: number }> {
  const first = (column: string) =>
    sql`(array_agg(${column === 'name' ? sql`nullif(c_name, '')` : columns[column as keyof typeof columns]} order by line) filter (where ${column === 'name' ? sql`c_name <> ''` : sql`${columns[column as keyof typeof columns]} is not null`}))[1]`;
  await tx.run(sql`
    create temp table import_people on commit drop as
    with told as (
      select customer_id, min(c_external) as c_external, ${first('name')} as name, ${first('country')} as country, ${first('region')} as region, ${first('zone')} as zone,
        ${first('locale')} as locale, ${first('segment')} as segment, ${first('owner')} as owner, ${first('natural_person')} as natural_person
      from import_rows where verdict = 'row' group by customer_id
    ),
    contacted as (
      select r.customer_id, bool_or(k.id is null or (k.name, k.email, k.phone) is distinct from (coalesce(r.contact_name, k.name), coalesce(r.email, k.email), coalesce(r.phone, k.phone))) as news
      from import_rows r left join contacts k on k.tenant_id = ${tx.tenant} and k.customer_id = r.customer_id and k.id = r.contact_id
      where r.verdict = 'row' and r.contact_id is not null group by r.customer_id
    )
    select t.*, g.name as segment_known, c.id is null as is_new, c.id is not null and (coalesce(d.news, false) or
      row (c.name, c.country, c.region, c.zone, c.locale, c.owner, c.natural_person, c.attributes->>'segment', c.segment) is distinct from
      row (coalesce(t.name, c.name), coalesce(t.country, c.country), coalesce(t.region, c.region), coalesce(t.zone, c.zone), coalesce(t.locale, c.locale),
        coalesce(t.owner, c.owner), coalesce(t.natural_person, c.natural_person), coalesce(t.segment, c.attributes->>'segment'), coalesce(g.name, c.segment))) as is_changed
    from told t left join customers c on c.tenant_id = ${tx.tenant} and c.id = t.customer_id
    left join contacted d on d.customer_id = t.customer_id
    left join segments g on g.tenant_id = ${tx.tenant} and g.name = t.segment`);
  const counts = await tx.one<{ new: bigint; changed: bigint }>(
    sql`select count(*) filter (where is_new) as new, count(*) filter (where is_changed) as changed from import_people`,
  );
  return { new: Number(counts?.new ?? 0), changed: Number(counts?.changed ?? 0) };
}

const columns = {
  country: sql`country`,
  region: sql`region`,
  zone: sql`zone`,
  locale: sql`locale`,
  segment: sql`segment`,
  owner: sql`owner`,
  natural_person: sql`natural_person`,
} as const;

/** Writes them, tells their versions, and wakes their cases. */
export async function writeCustomers(tx: Tx, runId: string, actor: string, now: number): Promise<void> {
  await tx.run(sql`
    insert into customers (tenant_id, id, name, country, region, zone, locale, natural_person, owner, segment, attributes, created_at)
    select ${tx.tenant}, p.customer_id, coalesce(p.name, p.c_external), coalesce(p.country, ''), p.region, p.zone,
      coalesce(p.locale, (select locale from tenants where tenant_id = ${tx.tenant})), coalesce(p.natural_person, false), p.owner, coalesce(p.segment_known, 'standard'),
      case when p.segment is null then '{}'::jsonb else jsonb_build_object('segment', p.segment) end, ${at(now)}
    from import_people p where p.is_new order by p.customer_id on conflict do nothing`);
  await tx.run(sql`
    update customers c set name = coalesce(p.name, c.name), country = coalesce(p.country, c.country), region = coalesce(p.region, c.region),
      zone = coalesce(p.zone, c.zone), locale = coalesce(p.locale, c.locale), owner = coalesce(p.owner, c.owner),
      natural_person = coalesce(p.natural_person, c.natural_person), segment = coalesce(p.segment_known, c.segment), version = c.version + 1,
      attributes = c.attributes || case when p.segment is null then '{}'::jsonb else jsonb_build_object('segment', p.segment) end
    from import_people p where c.tenant_id = ${tx.tenant} and c.id = p.customer_id and p.is_changed`);
  await tx.run(sql`
    insert into customer_references (tenant_id, system, kind, external_id, customer_id)
    select distinct ${tx.tenant}, c_system, c_kind, c_external, customer_id from import_rows where verdict = 'row' on conflict do nothing`);
  await tx.run(sql`
    insert into contacts (tenant_id, customer_id, id, role, name, email, phone)
    select distinct on (customer_id, contact_id) ${tx.tenant}, customer_id, contact_id, contact_role, coalesce(contact_name, ''), email, phone
    from import_rows where verdict = 'row' and contact_id is not null order by customer_id, contact_id, line desc
    on conflict (tenant_id, customer_id, id) do update set name = coalesce(nullif(excluded.name, ''), contacts.name),
      email = coalesce(excluded.email, contacts.email), phone = coalesce(excluded.phone, contacts.phone)`);
  await tx.run(sql`
    insert into wakes (tenant_id, invoice_id, workflow_id, kind, event_id)
    select k.tenant_id, k.invoice_id, k.workflow_id, 'facts', ${runId} from cases k
    where k.tenant_id = ${tx.tenant} and k.state <> 'closed' and k.customer_id in (select customer_id from import_people where is_changed)`);
  const touched = await tx.rows<{ customer_id: string; is_new: boolean }>(
    sql`select customer_id, is_new from import_people where is_new or is_changed order by customer_id`,
  );
  for (const { customer_id, is_new } of touched.slice(0, EVENTS_UP_TO)) {
    tx.event({
      kind: is_new ? 'customer.imported' : 'customer.changed',
      subject: `customer:${customer_id}`,
      actor,
      at: now,
      body: { run: runId },
    });
  }
}

/** Beyond this the event of the whole import has to do: nobody reads them one by one. */
const EVENTS_UP_TO = 10_000;

/** A customer in another segment has another first stage: its invoices without a case start on another day. */
export async function moveIntake(tx: Tx, days: ReadonlyMap<string, number>, daysBefore: number): Promise<void> {
  await tx.run(sql`
    update invoices i set intake_on = i.due_date + d.day - ${daysBefore}::int
    from import_people p join customers c on c.tenant_id = ${tx.tenant} and c.id = p.customer_id
    left join unnest(${[...days.keys()]}::text[], ${[...days.values()]}::int[]) as d (segment, day) on d.segment = c.segment
    where i.tenant_id = ${tx.tenant} and i.customer_id = p.customer_id and i.state = 'open' and i.intake_on is not null and p.is_changed
      and i.intake_on is distinct from i.due_date + d.day - ${daysBefore}::int
      and not exists (select from cases k where k.tenant_id = i.tenant_id and k.invoice_id = i.id and k.cycle = i.cycle)`);
}
