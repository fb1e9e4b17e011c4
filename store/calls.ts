// calls.ts: calls that were offered to agents or asked for, and how they ended. Kixie can only be told things and tells
// us things later: this table is the record of what was asked, and webhooks are the only evidence of what happened.
import type { Tx } from './database.ts';
import { at, sql } from './sql.ts';

export type CallState = 'offered' | 'intent' | 'ringing' | 'rejected' | 'unknown' | 'finished';
export type CallOutcome = 'promise' | 'dispute' | 'wrong_number' | 'no_answer' | 'call_back' | 'connected' | 'other' | 'stopped';

export type CallRow = {
  id: string;
  invoice_id: string;
  customer_id: string;
  task_id: string | null;
  agent_email: string;
  phone: string;
  state: CallState;
  kixie_uuid: string | null;
  kixie_number: string | null;
  disposition: string | null;
  outcome: CallOutcome | null;
  duration_seconds: number | null;
  note: string | null;
  requested_at: number;
  finished_at: number | null;
};

const columns = sql`id, invoice_id, customer_id, task_id, agent_email, phone, state, kixie_uuid, kixie_number, disposition, outcome,
  duration_seconds, note, requested_at, finished_at`;

export type NewCall = {
  /** "inv_4f2a/1/escalation", or "inv_4f2a/1/now/..." for a person's call. */
  readonly id: string;
  readonly invoiceId: string;
  readonly customerId: string;
  readonly taskId: string | null;
  readonly agentEmail: string;
  readonly phone: string;
  readonly state: 'offered' | 'intent';
  readonly requestedAt: number;
};

/** Written before anything is asked of Kixie. `known`: this call was asked for before; do not ask again. */
export async function insertCall(tx: Tx, wanted: NewCall): Promise<'new' | 'known'> {
  const inserted = await tx.run(sql`
    insert into calls (tenant_id, id, invoice_id, customer_id, task_id, agent_email, phone, state, requested_at)
    values (${tx.tenant}, ${wanted.id}, ${wanted.invoiceId}, ${wanted.customerId}, ${wanted.taskId}, ${wanted.agentEmail}, ${wanted.phone},
      ${wanted.state}, ${at(wanted.requestedAt)})
    on conflict do nothing`);
  return inserted === 1 ? 'new' : 'known';
}

export async function readCall(tx: Tx, id: string): Promise<CallRow | undefined> {
  return tx.one<CallRow>(sql`select ${columns} from calls where tenant_id = ${tx.tenant} and id = ${id}`);
}

/** What came back for a call that was asked for. A webhook may have told more already: only `intent` moves. */
export async function settleCall(
  tx: Tx,
  id: string,
  end: { readonly state: 'ringing' | 'rejected' | 'unknown'; readonly kixieId: string | null; readonly note: string | null },
): Promise<void> {
  const kixieUuid = end.kixieId && !/^\d+$/.test(end.kixieId) ? end.kixieId : null;
  const kixieNumber = end.kixieId && /^\d+$/.test(end.kixieId) ? end.kixieId : null;
  await tx.run(sql`
    update calls set state = ${end.state}, kixie_uuid = coalesce(kixie_uuid, ${kixieUuid}), kixie_number = coalesce(kixie_number, ${kixieNumber}),
      note = coalesce(note, ${end.note})
    where tenant_id = ${tx.tenant} and id = ${id} and state = 'intent'`);
}

/** The customer's call task that is still open, so that a second invoice joins it instead of ringing twice. */
export async function openCallTask(tx: Tx, customerId: string): Promise<string | undefined> {
  const [first] = await tx.rows<{ id: string }>(sql`
    select t.id from tasks t join calls c on c.tenant_id = t.tenant_id and c.task_id = t.id
    where t.tenant_id = ${tx.tenant} and t.customer_id = ${customerId} and t.kind = 'call' and t.state = 'open' and c.state = 'offered'
    order by t.opened_at, t.id limit 1`);
  return first?.id;
}

/** Ends the offers of one invoice. Returns the tasks that no other offer needs. */
export async function withdrawOffers(tx: Tx, invoiceId: string, now: number): Promise<string[]> {
  const ended = await tx.rows<{ task_id: string | null }>(sql`
    update calls set state = 'finished', outcome = 'stopped', finished_at = ${at(now)}
    where tenant_id = ${tx.tenant} and invoice_id = ${invoiceId} and state = 'offered' returning task_id`);
  const tasks = [...new Set(ended.map(row => row.task_id).filter(id => id !== null))];
  const needed = await tx.rows<{ task_id: string }>(sql`
    select distinct task_id from calls where tenant_id = ${tx.tenant} and state = 'offered' and task_id = any(${tasks})`);
  return tasks.filter(id => !needed.some(row => row.task_id === id));
}

/** Does any other open case of the customer still want its call? */
export async function otherOffers(tx: Tx, customerId: string, invoiceId: string): Promise<boolean> {
  const found = await tx.rows(sql`
    select 1 from calls c join cases k on k.tenant_id = c.tenant_id and k.invoice_id = c.invoice_id and k.state <> 'closed'
    where c.tenant_id = ${tx.tenant} and c.customer_id = ${customerId} and c.invoice_id <> ${invoiceId} and c.state = 'offered' limit 1`);
  return found.length > 0;
}

/** Calls that carry one of these ids, whichever of the two names Kixie used. */
export async function callsByKixieId(tx: Tx, ids: readonly string[]): Promise<CallRow[]> {
  return tx.rows<CallRow>(sql`
    select ${columns} from calls where tenant_id = ${tx.tenant} and (kixie_uuid = any(${ids}) or kixie_number = any(${ids}))
    order by requested_at desc, id`);
}

/**
 * Calls that a webhook without a known id may be about: the number is one of the customer's, the agent is the one asked,
 * and it was asked for shortly before (a ringing call) or is still on offer.
 */
export async function callsByNumber(
  tx: Tx,
  about: {
    readonly phone: string;
    readonly agentEmail: string | null;
    readonly at: number;
    readonly ringingSince: number;
    readonly offeredSince: number;
  },
): Promise<CallRow[]> {
  return tx.rows<CallRow>(sql`
    select ${columns} from calls c
    where c.tenant_id = ${tx.tenant} and c.requested_at <= ${at(about.at)}
      and (${about.agentEmail}::text is null or lower(c.agent_email) = lower(${about.agentEmail}))
      and ((c.state in ('intent', 'ringing', 'unknown') and c.requested_at >= ${at(about.ringingSince)})
        or (c.state = 'offered' and c.requested_at >= ${at(about.offeredSince)}))
      and (c.phone = ${about.phone} or exists (select from contacts p where p.tenant_id = c.tenant_id and p.customer_id = c.customer_id and p.phone = ${about.phone}))
    order by (c.state = 'offered'), c.requested_at desc, c.id`);
}

export type CallReport = {
  readonly kixieUuid: string | null;
  readonly kixieNumber: string | null;
  readonly disposition: string | null;
  readonly outcome: CallOutcome | null;
  readonly durationSeconds: number | null;
  readonly note: string | null;
  /** Set when the call is over; null while it only rings or was not answered and stays on offer. */
  readonly finishedAt: number | null;
};

/** Adds what a webhook told. What is known stays when the webhook is silent about it. */
export async function reportCall(tx: Tx, id: string, report: CallReport): Promise<void> {
  await tx.run(sql`
    update calls set
      kixie_uuid = coalesce(${report.kixieUuid}, kixie_uuid), kixie_number = coalesce(${report.kixieNumber}, kixie_number),
      disposition = coalesce(${report.disposition}, disposition), outcome = coalesce(${report.outcome}, outcome),
      duration_seconds = coalesce(${report.durationSeconds}, duration_seconds), note = coalesce(${report.note}, note),
      state = case when ${report.finishedAt === null} then state else 'finished' end,
      finished_at = coalesce(finished_at, ${report.finishedAt === null ? null : at(report.finishedAt)})
    where tenant_id = ${tx.tenant} and id = ${id}`);
}

/** Every call that shares the task of this one is settled by the same conversation. */
export async function finishOffersOfTask(tx: Tx, taskId: string, outcome: CallOutcome, now: number): Promise<string[]> {
  const ended = await tx.rows<{ invoice_id: string }>(sql`
    update calls set state = 'finished', outcome = ${outcome}, finished_at = ${at(now)}
    where tenant_id = ${tx.tenant} and task_id = ${taskId} and state = 'offered' returning invoice_id`);
  return ended.map(row => row.invoice_id);
}

/** Finished conversations about the invoice that the platform has not been told about. */
export async function callsToLog(tx: Tx, invoiceId: string): Promise<CallRow[]> {
  return tx.rows<CallRow>(sql`
    select ${columns} from calls c
    where c.tenant_id = ${tx.tenant} and c.invoice_id = ${invoiceId} and c.state = 'finished' and c.kixie_uuid is not null
      and not exists (select from platform_writes w where w.tenant_id = c.tenant_id and w.external_id = 'dunlin:call:' || c.kixie_uuid and w.state in ('done', 'rejected'))
    order by c.finished_at, c.id`);
}
