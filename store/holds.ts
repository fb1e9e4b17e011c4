// holds.ts: a pause with a reason and, mostly, an end. Placing or lifting one changes the version of every customer it
// touches, so a message that is being prepared is judged again before it leaves, and wakes their cases.
import type { Hold } from '../domain/facts.ts';
import type { Tx } from './database.ts';
import { at, type Sql, sql } from './sql.ts';

type Scope =
  | { readonly scope: 'tenant' }
  | { readonly scope: 'source'; readonly source: string }
  | { readonly scope: 'customer'; readonly customerId: string }
  | { readonly scope: 'invoice'; readonly invoiceId: string };

export type NewHold = Scope & {
  /** Derived from what caused it (store/ids.ts): the same cause places one hold. */
  readonly id: string;
  readonly kind: Hold['kind'];
  readonly reason: string;
  readonly startsAt: number;
  /** null: until somebody lifts it. */
  readonly endsAt: number | null;
};

type HoldRow = { id: string; scope: Hold['scope']; source: string | null; customer_id: string | null; invoice_id: string | null };

/** Places it once. The customers it touches are locked and their cases woken, in this transaction. */
export async function placeHold(tx: Tx, hold: NewHold, actor: string): Promise<'placed' | 'known'> {
  const row: HoldRow = {
    id: hold.id,
    scope: hold.scope,
    source: hold.scope === 'source' ? hold.source : null,
    customer_id: hold.scope === 'customer' ? hold.customerId : null,
    invoice_id: hold.scope === 'invoice' ? hold.invoiceId : null,
  };
  await changeCustomers(tx, row);
  const placed = await tx.run(sql`
    insert into holds (tenant_id, id, kind, scope, source, customer_id, invoice_id, reason, starts_at, ends_at)
    values (${tx.tenant}, ${hold.id}, ${hold.kind}, ${hold.scope}, ${row.source}, ${row.customer_id}, ${row.invoice_id}, ${hold.reason},
      ${at(hold.startsAt)}, ${hold.endsAt === null ? null : at(hold.endsAt)})
    on conflict do nothing`);
  if (placed === 0) return 'known';
  tx.event({
    kind: 'hold.placed',
    subject: subjectOf(row),
    actor,
    at: hold.startsAt,
    body: { holdId: hold.id, kind: hold.kind, scope: hold.scope, reason: hold.reason, endsAt: hold.endsAt },
  });
  await wakeCases(tx, row, `hold:${hold.id}:placed`);
  return 'placed';
}

/** Lifts it once; the second time, and for a hold that never was, the answer says so. */
export async function liftHold(tx: Tx, holdId: string, because: string, actor: string, now: number): Promise<'lifted' | 'not_held'> {
  const hold = await tx.one<HoldRow>(
    sql`select id, scope, source, customer_id, invoice_id from holds where tenant_id = ${tx.tenant} and id = ${holdId} and lifted_at is null`,
  );
  if (!hold) return 'not_held';
  await changeCustomers(tx, hold);
  const lifted = await tx.run(
    sql`update holds set lifted_at = ${at(now)} where tenant_id = ${tx.tenant} and id = ${holdId} and lifted_at is null`,
  );
  if (lifted === 0) return 'not_held';
  tx.event({ kind: 'hold.lifted', subject: subjectOf(hold), actor, at: now, body: { holdId, because } });
  await wakeCases(tx, hold, `hold:${holdId}:lifted`);
  return 'lifted';
}

function subjectOf(hold: HoldRow): string {
  if (hold.customer_id) return `customer:${hold.customer_id}`;
  if (hold.invoice_id) return `invoice:${hold.invoice_id}`;
  return hold.source ? `source:${hold.source}` : 'tenant';
}

/** Locks in the order of their ids, so that two wide holds cannot wait for each other. */
async function changeCustomers(tx: Tx, hold: HoldRow): Promise<void> {
  await tx.run(sql`
    with touched as (
      select id from customers where tenant_id = ${tx.tenant} and ${customersOf(tx, hold)} order by id for update
    )
    update customers c set version = version + 1 from touched where c.tenant_id = ${tx.tenant} and c.id = touched.id`);
}

function customersOf(tx: Tx, hold: HoldRow): Sql {
  if (hold.scope === 'customer') return sql`id = ${hold.customer_id}`;
  const open = sql`select customer_id from invoices where tenant_id = ${tx.tenant} and state = 'open'`;
  if (hold.scope === 'invoice')
    return sql`id in (select customer_id from invoices where tenant_id = ${tx.tenant} and id = ${hold.invoice_id})`;
  return hold.scope === 'source' ? sql`id in (${open} and source = ${hold.source})` : sql`id in (${open})`;
}

async function wakeCases(tx: Tx, hold: HoldRow, eventId: string): Promise<void> {
  const which =
    hold.scope === 'customer'
      ? sql`customer_id = ${hold.customer_id}`
      : hold.scope === 'invoice'
        ? sql`invoice_id = ${hold.invoice_id}`
        : hold.scope === 'source'
          ? sql`invoice_id in (select id from invoices where tenant_id = ${tx.tenant} and source = ${hold.source})`
          : sql`true`;
  await tx.run(sql`
    insert into wakes (tenant_id, invoice_id, workflow_id, kind, event_id)
    select tenant_id, invoice_id, workflow_id, 'facts', ${eventId} from cases
    where tenant_id = ${tx.tenant} and state <> 'closed' and ${which}`);
}
