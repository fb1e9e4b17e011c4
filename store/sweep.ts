// sweep.ts: what the sweeper looks for, once a minute: facts without effect, invoices without a workflow, workflows
// without an open case. Signals may be lost and processes killed; the difference between facts and cases is what counts.
import type { EpochMs, LocalDate } from '../domain/time.ts';
import type { Tx } from './database.ts';
import { at, sql } from './sql.ts';

/** A wake is carried again after 1, 2, 4 ... times the first patience, at most so often doubled: an hour's outage must not become a flood. */
const mostDoublings = 6;

/** Wakes carried more than `olderThanMs` ago that no step has read: they go out again, less and less often. Gives their number. */
export async function redispatchUnseen(tx: Tx, olderThanMs: number): Promise<number> {
  return tx.run(sql`
    update wakes w set dispatched_at = null
    where w.tenant_id = ${tx.tenant} and w.seen_at is null
      and w.dispatched_at < now() - make_interval(secs => ${olderThanMs / 1000} * power(2, least(greatest(w.attempts - 1, 0), ${mostDoublings})))
      and exists (select from cases k where k.tenant_id = w.tenant_id and k.workflow_id = w.workflow_id and k.state <> 'closed')`);
}

/** Wakes of closed cases have nothing left to tell. */
export async function settleWakesOfClosed(tx: Tx, now: EpochMs): Promise<number> {
  return tx.run(sql`
    update wakes w set seen_at = ${at(now)}
    where w.tenant_id = ${tx.tenant} and w.seen_at is null
      and exists (select from cases k where k.tenant_id = w.tenant_id and k.workflow_id = w.workflow_id and k.state = 'closed')`);
}

export type StaleCase = {
  invoice_id: string;
  cycle: number;
  customer_id: string;
  number: string;
  workflow_id: string;
  state: string;
  next_action_at: EpochMs | null;
  /** Something is on its way to it already: another wake would tell it nothing new. */
  awaited: boolean;
};

/** Wakes that were carried so often and read by nobody say that nobody is there. */
const mostCarried = 2;

/**
 * Open cases whose next moment passed more than `graceMs` of business time ago, those that never took a first step, and
 * those that do not hear what is carried to them.
 */
export async function staleCases(tx: Tx, now: EpochMs, graceMs: number): Promise<StaleCase[]> {
  return tx.rows<StaleCase>(sql`
    select k.invoice_id, k.cycle, k.customer_id, i.number, k.workflow_id, k.state, k.next_action_at,
      exists (select from wakes w where w.tenant_id = k.tenant_id and w.workflow_id = k.workflow_id and w.seen_at is null) as awaited
    from cases k join invoices i on i.tenant_id = k.tenant_id and i.id = k.invoice_id
    where k.tenant_id = ${tx.tenant} and k.state <> 'closed'
      and (k.next_action_at < ${at(now - graceMs)} or (k.planned_at is null and k.opened_at < ${at(now - graceMs)})
        or exists (select from wakes w where w.tenant_id = k.tenant_id and w.workflow_id = k.workflow_id and w.seen_at is null and w.attempts >= ${mostCarried}))
    order by k.next_action_at nulls first limit 500`);
}

/** Open invoices that should have a case by now and have none. */
export async function invoicesWithoutCase(tx: Tx, today: LocalDate): Promise<number> {
  const row = await tx.one<{ count: bigint }>(sql`
    select count(*) from invoices i where i.tenant_id = ${tx.tenant} and i.state = 'open' and i.open_minor > 0 and i.intake_on < ${today}
      and not exists (select from cases k where k.tenant_id = i.tenant_id and k.invoice_id = i.id and k.cycle = i.cycle)`);
  return Number(row?.count ?? 0n);
}

/** Which of these workflow ids belong to a case that is still open. */
export async function openWorkflowIds(tx: Tx, workflowIds: readonly string[]): Promise<Set<string>> {
  const rows = await tx.rows<{ workflow_id: string }>(sql`
    select workflow_id from cases where tenant_id = ${tx.tenant} and workflow_id = any(${workflowIds}) and state <> 'closed'`);
  return new Set(rows.map(row => row.workflow_id));
}

/** Records that a case had lost its workflow and was given a new one. */
export function reportLostWorkflow(tx: Tx, stale: StaleCase, now: EpochMs): void {
  tx.event({
    kind: 'case.workflow_lost',
    subject: `invoice:${stale.invoice_id}`,
    actor: 'dunlin',
    at: now,
    body: { workflow: stale.workflow_id },
  });
}

/** Events that came in, were stored, and had no effect within a minute. */
export async function unhandledInbox(tx: Tx, before: EpochMs): Promise<{ source: string; event_id: string; kind: string }[]> {
  return tx.rows(sql`
    select source, event_id, kind from inbox where tenant_id = ${tx.tenant} and handled_at is null and received_at < ${at(before)} order by received_at limit 200`);
}
