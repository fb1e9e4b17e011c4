// import-merge.ts: carries out what import-plan.ts has planned: new and changed invoices, totals that are superseded, invoices
// that are gone, and the mismatches that only a person can settle. Every statement works on all rows at once.
import type { Tx } from './database.ts';
import { derivedIdOf, openReconciliations, resolveReconciliations } from './reconciliation.ts';
import { at, sql } from './sql.ts';

export type MergeRun = { readonly id: string; readonly source: string; readonly kind: 'invoice' | 'balance_forward'; readonly now: number };

/** Customers before invoices, in the order of their ids: whoever books or sends takes its turn. */
export async function lockCustomers(tx: Tx, source: string, fullBook: boolean): Promise<void> {
  await tx.run(sql`
    select count(*) from (
      select from customers where tenant_id = ${tx.tenant} and (id in (select customer_id from import_rows where customer_id is not null)
        ${fullBook ? sql`or id in (select customer_id from invoices where tenant_id = ${tx.tenant} and source = ${source} and state = 'open')` : sql``})
      order by id for update) locked`);
}

/** Customers the file names first, how the source calls them, and the contact an invoice row gives. */
export async function createCustomers(tx: Tx, now: number): Promise<void> {
  await tx.run(sql`
    create temp table import_customers on commit drop as
    select customer_id, c_system, c_kind, c_external, min(nullif(c_name, '')) as name from import_rows where verdict = 'row'
    group by customer_id, c_system, c_kind, c_external`);
  await tx.run(sql`
    insert into customers (tenant_id, id, name, locale, created_at)
    select ${tx.tenant}, n.customer_id, coalesce(n.name, n.c_external), (select locale from tenants where tenant_id = ${tx.tenant}), ${at(now)}
    from (select distinct on (customer_id) customer_id, name, c_external from import_customers order by customer_id, name) n
    where not exists (select from customers c where c.tenant_id = ${tx.tenant} and c.id = n.customer_id)
    order by n.customer_id on conflict do nothing`);
  await tx.run(sql`
    insert into customer_references (tenant_id, system, kind, external_id, customer_id)
    select ${tx.tenant}, c_system, c_kind, c_external, customer_id from import_customers n
    where not exists (select from customer_references f where f.tenant_id = ${tx.tenant} and f.system = n.c_system and f.kind = n.c_kind and f.external_id = n.c_external)
    order by c_system, c_kind, c_external on conflict do nothing`);
  await tx.run(sql`
    insert into contacts (tenant_id, customer_id, id, role, name, email)
    select distinct on (customer_id, contact_id) ${tx.tenant}, customer_id, contact_id, contact_role, coalesce(contact_name, ''), email
    from import_rows r where verdict = 'row' and contact_id is not null
      and not exists (select from contacts c where c.tenant_id = ${tx.tenant} and c.customer_id = r.customer_id and lower(c.email) = lower(r.email))
    order by customer_id, contact_id, line on conflict do nothing`);
}

export async function writeInvoices(tx: Tx, run: MergeRun): Promise<void> {
  const attributes = sql`coalesce(p.attributes, '{}'::jsonb) || case when p.status in ('draft', 'void') then jsonb_build_object('status', p.status) else '{}'::jsonb end`;
  await tx.run(sql`
    insert into invoices (tenant_id, id, customer_id, source, external_id, number, kind, currency, amount_minor, settled_before_minor, issue_date, due_date,
      state, outcome, pay_link, purchase_order, intake_on, last_run_id, attributes, created_at)
    select ${tx.tenant}, p.invoice_id, p.customer_id, ${run.source}, p.external_id, p.number, ${run.kind}, p.currency, p.amount_now, p.settled, p.issue, p.due_now,
      p.state_now, p.outcome_now, p.pay_link, p.purchase_order, p.intake_on, ${run.id}, ${attributes}, ${at(run.now)}
    from import_plan p where p.is_new`);
  await tx.run(sql`
    update invoices i set amount_minor = p.amount_now, settled_before_minor = p.settled, due_date = p.due_now, number = p.number, state = p.state_now,
      outcome = p.outcome_now, issue_date = coalesce(p.issue, i.issue_date), pay_link = coalesce(p.pay_link, i.pay_link),
      purchase_order = coalesce(p.purchase_order, i.purchase_order), intake_on = p.intake_on, last_run_id = ${run.id}, version = i.version + 1,
      attributes = (i.attributes - 'status') || ${attributes},
      -- a re-opened invoice whose case has ended gets a new cycle
      cycle = i.cycle + case when i.state = 'closed' and p.state_now = 'open' and exists (
        select from cases k where k.tenant_id = i.tenant_id and k.invoice_id = i.id and k.cycle = i.cycle and k.state = 'closed') then 1 else 0 end
    from import_plan p where i.tenant_id = ${tx.tenant} and i.id = p.invoice_id and p.is_changed`);
}

/** Invoices have arrived for customers known by totals only: chasing the total too would ask twice for one debt. */
export async function closeSuperseded(tx: Tx): Promise<void> {
  await tx.run(sql`
    update invoices i set state = 'closed', outcome = 'superseded', intake_on = null, version = i.version + 1
    from import_superseded s where i.tenant_id = ${tx.tenant} and i.id = s.invoice_id`);
  await tx.run(sql`insert into import_touched select invoice_id, customer_id, 'superseded' from import_superseded`);
}

const GONE = 'The last full file of its source no longer names it: paid, credited or deleted there is not known';
const SETTLED = 'Its source has more of it settled than Dunlin knows';

/**
 * An invoice that disappears is not assumed paid, and is not chased either: it waits, held, for a person. One that is
 * named again is let go.
 */
export async function reconcileGone(tx: Tx, run: MergeRun): Promise<void> {
  await openReconciliations(
    tx,
    sql`select 'gone_from_source'::text as kind, 'invoice:' || invoice_id as subject, customer_id, invoice_id,
      number || ' in the file, open ' || open_minor || ' minor units ' || currency as expected, 'not in the file'::text as found,
      'Look the invoice up at the source. Paid: book the payment here. Credited or deleted: close it. Still open: ask why the export leaves it out. It is held until then.'::text as steps
    from import_gone`,
    run.now,
  );
  await holdInvoices(tx, 'import_gone', GONE, run);
  const named = sql`select 'invoice:' || invoice_id from import_plan`;
  await resolveReconciliations(tx, 'gone_from_source', named, `named again by import ${run.id}`, run.now);
  await liftHolds(tx, sql`select invoice_id from import_plan`, GONE, run);
}

/** Payments that only one side has, and numbers that the source gave to somebody else. */
export async function reconcileInvoices(tx: Tx, run: MergeRun): Promise<void> {
  await openReconciliations(
    tx,
    sql`select 'settled_differs'::text as kind, 'invoice:' || invoice_id as subject, customer_id, invoice_id,
      number || ': ' || (settled_was + allocated) || ' minor units ' || currency || ' settled here' as expected, settled_there || ' settled at the source' as found,
      'Compare the payments of the invoice on both sides and book what is missing. The next file that agrees settles this.'::text as steps
    from import_plan where differs and not is_other`,
    run.now,
  );
  await openReconciliations(
    tx,
    sql`select 'identity_changed'::text as kind, 'invoice:' || invoice_id as subject, customer_was as customer_id, invoice_id,
      number || ' of customer ' || customer_was || ' in ' || currency_was as expected, 'of customer ' || customer_id || ' in ' || currency as found,
      'The source gave this number to another customer or currency, so nothing was changed. Find out which is right and correct the source.'::text as steps
    from import_plan where is_other`,
    run.now,
  );
  const agreed = sql`select 'invoice:' || invoice_id from import_plan where not differs and not is_other and open is not null`;
  await resolveReconciliations(tx, 'settled_differs', agreed, `agrees with import ${run.id}`, run.now);
  await resolveReconciliations(tx, 'identity_changed', agreed, `agrees with import ${run.id}`, run.now);
  // Asking for money that was paid is worse than asking late.
  await tx.run(sql`
    create temp table import_doubtful on commit drop as
    select invoice_id, customer_id from import_plan where differs and not is_other and settled_there > settled_was + allocated`);
  await holdInvoices(tx, 'import_doubtful', SETTLED, run);
  await liftHolds(tx, sql`select invoice_id from import_plan where not differs and open is not null`, SETTLED, run);
}

async function holdInvoices(tx: Tx, table: 'import_gone' | 'import_doubtful', reason: string, run: MergeRun): Promise<void> {
  const which = table === 'import_gone' ? sql`import_gone` : sql`import_doubtful`;
  await tx.run(sql`
    with placed as (
      insert into holds (tenant_id, id, kind, scope, invoice_id, reason, starts_at)
      select ${tx.tenant}, ${derivedIdOf('hld', sql`${run.id}::text`, sql`g.invoice_id`)}, 'data_health', 'invoice', g.invoice_id, ${reason}, ${at(run.now)} from ${which} g
      where not exists (select from holds h where h.tenant_id = ${tx.tenant} and h.invoice_id = g.invoice_id and h.reason = ${reason} and h.lifted_at is null)
      on conflict do nothing returning invoice_id
    )
    insert into import_touched select g.invoice_id, g.customer_id, 'held' from ${which} g join placed using (invoice_id)`);
}

async function liftHolds(tx: Tx, invoices: ReturnType<typeof sql>, reason: string, run: MergeRun): Promise<void> {
  await tx.run(sql`
    with lifted as (
      update holds h set lifted_at = ${at(run.now)}
      where h.tenant_id = ${tx.tenant} and h.kind = 'data_health' and h.scope = 'invoice' and h.reason = ${reason} and h.lifted_at is null
        and h.invoice_id in (${invoices}) returning h.invoice_id
    )
    insert into import_touched select l.invoice_id, i.customer_id, 'released' from lifted l
    join invoices i on i.tenant_id = ${tx.tenant} and i.id = l.invoice_id`);
}

/** More changes than this are told in one event: a million of them would hold the tenant's sequence, and nobody reads them one by one. */
const EVENTS_PER_INVOICE_UP_TO = 10_000;

/** Tells customers that their facts have changed, wakes the cases, and records what happened. */
export async function tellChanges(tx: Tx, run: MergeRun, actor: string): Promise<void> {
  await tx.run(sql`
    update customers set version = version + 1 where tenant_id = ${tx.tenant} and id in (select customer_id from import_touched)`);
  await tx.run(sql`
    insert into wakes (tenant_id, invoice_id, workflow_id, kind, event_id)
    select k.tenant_id, k.invoice_id, k.workflow_id, 'facts', ${run.id} from cases k
    where k.tenant_id = ${tx.tenant} and k.state <> 'closed' and k.invoice_id in (select invoice_id from import_touched)`);
  const touched = await tx.rows<{
    invoice_id: string;
    what: string;
    number: string;
    currency: string;
    amount_minor: bigint;
    open_minor: bigint;
    due_date: string;
    state: string;
  }>(sql`
    select t.invoice_id, t.what, i.number, i.currency, i.amount_minor, i.open_minor, i.due_date, i.state
    from import_touched t join invoices i on i.tenant_id = ${tx.tenant} and i.id = t.invoice_id order by t.invoice_id, t.what limit ${EVENTS_PER_INVOICE_UP_TO + 1}`);
  if (touched.length > EVENTS_PER_INVOICE_UP_TO) {
    const counts = await tx.rows<{ what: string; count: bigint }>(
      sql`select what, count(*) as count from import_touched group by what order by what`,
    );
    const body = Object.fromEntries(counts.map(({ what, count }) => [what, count]));
    tx.event({ kind: 'invoices.merged', subject: `import:${run.id}`, actor, at: run.now, body });
    return;
  }
  for (const { invoice_id, what, ...body } of touched) {
    tx.event({ kind: `invoice.${what}`, subject: `invoice:${invoice_id}`, actor, at: run.now, body: { ...body, run: run.id } });
  }
}
