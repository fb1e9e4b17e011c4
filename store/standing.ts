// standing.ts: where everything stands: what is still under way at an instant, when something is due next, and the
// figures of a period. Reports and the demo read it; it changes nothing.
import type { EpochMs } from '../domain/time.ts';
import type { Tx } from './database.ts';
import { at, sql } from './sql.ts';

export type UnderWay = {
  readonly cases: number;
  readonly starting: number;
  readonly intake: number;
  readonly wakes: number;
  readonly notices: number;
  readonly inbox: number;
};

/** What should already have been carried out at `now` and has not. All zero: nothing is owed until the next instant. */
export async function underWay(tx: Tx, now: EpochMs, today: string): Promise<UnderWay> {
  const row = await tx.one<UnderWay>(sql`
    select
      (select count(*)::int from cases k where k.tenant_id = ${tx.tenant} and k.state in ('open', 'with_people') and (k.next_action_at <= ${at(now)} or k.planned_at is null)) as cases,
      (select count(*)::int from cases k where k.tenant_id = ${tx.tenant} and k.state = 'starting') as starting,
      (select count(*)::int from invoices i where i.tenant_id = ${tx.tenant} and i.state = 'open' and i.open_minor > 0 and i.intake_on <= ${today}
        and not exists (select from cases k where k.tenant_id = i.tenant_id and k.invoice_id = i.id and k.cycle = i.cycle)) as intake,
      (select count(*)::int from wakes w join cases k on k.tenant_id = w.tenant_id and k.workflow_id = w.workflow_id
        where w.tenant_id = ${tx.tenant} and w.seen_at is null and k.state <> 'closed') as wakes,
      (select count(*)::int from notices n where n.tenant_id = ${tx.tenant} and n.state in ('pending', 'claimed', 'in_data') and n.review in ('none', 'approved')) as notices,
      (select count(*)::int from inbox b where b.tenant_id = ${tx.tenant} and b.handled_at is null) as inbox`);
  return row ?? { cases: 0, starting: 0, intake: 0, wakes: 0, notices: 0, inbox: 0 };
}

/** The next instant after `now` at which a case wants to act or look; null when none does. */
export async function nextInstant(tx: Tx, now: EpochMs): Promise<EpochMs | null> {
  const row = await tx.one<{ next: EpochMs | null }>(sql`
    select min(next_action_at) as next from cases where tenant_id = ${tx.tenant} and state in ('open', 'with_people') and next_action_at > ${at(now)}`);
  return row?.next ?? null;
}

export type OpenItem = { currency: string; due_date: string; open_minor: bigint };

/** Open items with an amount, for aging. */
export async function openItems(tx: Tx): Promise<OpenItem[]> {
  return tx.rows<OpenItem>(sql`
    select currency, due_date, open_minor from invoices where tenant_id = ${tx.tenant} and state = 'open' and open_minor <> 0`);
}

export type Figures = {
  invoices: number;
  cases_started: number;
  cases_closed: number;
  cases_open: number;
  customers: number;
  payments: number;
  payments_allocated: number;
  payments_unmatched: number;
  returned: number;
  calls_offered: number;
  calls_made: number;
  calls_finished: number;
  tasks_open: number;
  tasks_done: number;
  reviews_approved: number;
  reviews_declined: number;
  reviews_waiting: number;
  disputes_told: number;
  promises_told: number;
  platform_writes: number;
  suppressed_addresses: number;
  events: number;
};

/** Counts of everything that happened so far. */
export async function figures(tx: Tx): Promise<Figures> {
  const count = (table: string, where = 'true') => `(select count(*)::int from ${table} where tenant_id = $1 and ${where})`;
  const columns: Record<keyof Figures, string> = {
    invoices: count('invoices'),
    cases_started: count('cases'),
    cases_closed: count('cases', "state = 'closed'"),
    cases_open: count('cases', "state <> 'closed'"),
    customers: count('customers'),
    payments: count('payments', 'amount_minor > 0'),
    payments_allocated: count('payments', 'amount_minor > 0 and allocated_minor > 0'),
    payments_unmatched: count('payments', 'amount_minor > 0 and allocated_minor = 0'),
    returned: count('payments', 'amount_minor < 0'),
    calls_offered: count('calls', "state = 'offered'"),
    calls_made: count('calls', "state <> 'offered'"),
    calls_finished: count('calls', "state = 'finished'"),
    tasks_open: count('tasks', "state = 'open'"),
    tasks_done: count('tasks', "state <> 'open'"),
    reviews_approved: count('notices', "review = 'approved'"),
    reviews_declined: count('notices', "review = 'declined'"),
    reviews_waiting: count('notices', "review = 'waiting' and state = 'pending'"),
    disputes_told: count('calls', "outcome = 'dispute'"),
    promises_told: count('calls', "outcome = 'promise'"),
    platform_writes: count('platform_writes', "state = 'done'"),
    suppressed_addresses: count('suppressions'),
    events: count('events'),
  };
  const text = Object.entries(columns)
    .map(([name, expression]) => `${expression} as ${name}`)
    .join(', ');
  const { rows } = await tx.client.query<Figures>(`select ${text}`, [tx.tenant]);
  if (!rows[0]) throw new Error('the figures could not be read');
  return rows[0];
}

/** Notices by state, each counted once. */
export async function noticesByState(tx: Tx): Promise<Record<string, number>> {
  const rows = await tx.rows<{ state: string; count: number }>(sql`
    select state, count(*)::int as count from notices where tenant_id = ${tx.tenant} and channel = 'email' group by state`);
  return Object.fromEntries(rows.map(row => [row.state, row.count]));
}

/** When each invoice was last paid in full, for those that are. */
export async function settledInstants(tx: Tx): Promise<Map<string, EpochMs>> {
  const rows = await tx.rows<{ id: string; at: EpochMs }>(sql`
    select i.id, max(p.booked_at) as at from invoices i
    join allocations a on a.tenant_id = i.tenant_id and a.invoice_id = i.id join payments p on p.tenant_id = a.tenant_id and p.id = a.payment_id
    where i.tenant_id = ${tx.tenant} and i.open_minor <= 0 group by i.id`);
  return new Map(rows.map(row => [row.id, row.at]));
}

/** True when the events of the tenant are numbered 1 to n without a gap and the tenant agrees on n. */
export async function eventsAreWhole(tx: Tx): Promise<boolean> {
  const row = await tx.one<{ whole: boolean }>(sql`
    select coalesce(max(e.seq), 0) = count(e.seq) and coalesce(min(e.seq), 1) = 1 and max(t.event_seq) = count(e.seq) as whole
    from tenants t left join events e on e.tenant_id = t.tenant_id where t.tenant_id = ${tx.tenant}`);
  return row?.whole ?? false;
}
