// tasks.ts: what people should do now. A task is opened once by its business key, so a step that is repeated, or a
// webhook that comes twice, puts nothing on the worklist a second time.
import type { Tx } from './database.ts';
import { at, sql } from './sql.ts';

export type TaskKind =
  | 'call'
  | 'call_back'
  | 'call_outcome'
  | 'call_unknown'
  | 'unmatched_call'
  | 'unmapped_disposition'
  | 'shared_phone'
  | 'fix_contact'
  | 'reply'
  | 'unmatched_mail'
  | 'unmatched_sms'
  | 'tell_owner'
  | 'data_quality'
  | 'payment_without_customer';

export type NewTask = {
  /** Derived from the business key (store/ids.ts). */
  readonly id: string;
  readonly kind: TaskKind;
  readonly invoiceId?: string | null;
  readonly customerId?: string | null;
  readonly noticeId?: string | null;
  readonly owner?: string | null;
  /** One line: what to do. */
  readonly title: string;
  /** What a person needs to do it; plain text. */
  readonly body?: string;
  readonly dueAt: number;
};

/** Puts it on the worklist unless it was ever there. */
export async function openTask(tx: Tx, task: NewTask, actor: string, now: number): Promise<'opened' | 'known'> {
  const opened = await tx.run(sql`
    insert into tasks (tenant_id, id, kind, invoice_id, customer_id, notice_id, owner, title, body, due_at, opened_at)
    values (${tx.tenant}, ${task.id}, ${task.kind}, ${task.invoiceId ?? null}, ${task.customerId ?? null}, ${task.noticeId ?? null},
      ${task.owner ?? null}, ${task.title}, ${task.body ?? ''}, ${at(task.dueAt)}, ${at(now)})
    on conflict do nothing`);
  if (opened === 0) return 'known';
  const about = task.invoiceId ? `invoice:${task.invoiceId}` : task.customerId ? `customer:${task.customerId}` : `task:${task.id}`;
  tx.event({ kind: 'task.opened', subject: about, actor, at: now, body: { taskId: task.id, kind: task.kind, title: task.title } });
  return 'opened';
}

/** Adds a paragraph to an open task; nothing when it is closed. */
export async function addToTask(tx: Tx, taskId: string, paragraph: string): Promise<void> {
  await tx.run(sql`
    update tasks set body = body || ${`\n\n${paragraph}`}
    where tenant_id = ${tx.tenant} and id = ${taskId} and state = 'open'`);
}

/** Ends an open task: `done` when a person or an event did it, `dropped` when it is no longer wanted. */
export async function closeTask(
  tx: Tx,
  taskId: string,
  end: { readonly state: 'done' | 'dropped'; readonly because: string; readonly actor: string; readonly now: number },
): Promise<boolean> {
  const closed = await tx.one<{ invoice_id: string | null }>(sql`
    update tasks set state = ${end.state}, closed_at = ${at(end.now)}, closed_because = ${end.because}
    where tenant_id = ${tx.tenant} and id = ${taskId} and state = 'open' returning invoice_id`);
  if (!closed) return false;
  tx.event({
    kind: `task.${end.state}`,
    subject: closed.invoice_id ? `invoice:${closed.invoice_id}` : `task:${taskId}`,
    actor: end.actor,
    at: end.now,
    body: { taskId, because: end.because },
  });
  return true;
}
