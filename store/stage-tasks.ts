// stage-tasks.ts: a stage whose channel is a person. Strategic accounts are spoken to by their account manager only: the
// stage becomes a task with a draft, is recorded like any other notice, and counts as covered. Nobody is contacted by us.
import type { Stage } from '../domain/policy/policy.ts';
import type { EpochMs } from '../domain/time.ts';
import type { Tx } from './database.ts';
import { derivedId } from './ids.ts';
import { at, sql } from './sql.ts';

export type StageForPeople = {
  readonly customerId: string;
  readonly customerName: string;
  readonly currency: string;
  readonly invoiceId: string;
  readonly number: string;
  readonly cycle: number;
  readonly stage: Stage;
  readonly owner: string | null;
  readonly policy: string;
  readonly policyVersion: number;
  readonly customerVersion: bigint;
  readonly decidedAt: EpochMs;
};

/** Covers the stage and puts a task on the owner's worklist. The caller holds the customer's lock. */
export async function coverByTask(tx: Tx, due: StageForPeople): Promise<void> {
  const key = [due.invoiceId, due.cycle, due.stage.id, due.stage.channel];
  const noticeId = derivedId('ntc', ...key);
  const inserted = await tx.run(sql`
    insert into notices (tenant_id, id, customer_id, currency, channel, kind, stage, template, state, mode, policy, policy_version, message_id,
      customer_version, send_epoch, decided_at, due_at, finished_at, provider_reply, created_at)
    values (${tx.tenant}, ${noticeId}, ${due.customerId}, ${due.currency}, ${due.stage.channel}, 'reminder', ${due.stage.id}, ${due.stage.template}, 'suppressed', 'suggest',
      ${due.policy}, ${due.policyVersion}, ${noticeId}, ${due.customerVersion}, 1, ${at(due.decidedAt)}, ${at(due.decidedAt)}, ${at(due.decidedAt)},
      ${`handed to ${due.owner ?? 'the worklist'}`}, ${at(due.decidedAt)})
    on conflict do nothing`);
  if (inserted === 0) return;
  await tx.run(sql`
    insert into notice_lines (tenant_id, notice_id, invoice_id, cycle, stage, channel, amount_minor, invoice_version)
    select ${tx.tenant}, ${noticeId}, id, ${due.cycle}, ${due.stage.id}, ${due.stage.channel}, open_minor, version
    from invoices where tenant_id = ${tx.tenant} and id = ${due.invoiceId}`);
  await tx.run(sql`
    insert into tasks (tenant_id, id, kind, invoice_id, customer_id, notice_id, owner, title, body, due_at, opened_at)
    values (${tx.tenant}, ${derivedId('tsk', ...key)}, ${`speak_${due.stage.channel}`}, ${due.invoiceId}, ${due.customerId}, ${noticeId}, ${due.owner},
      ${`Speak with ${due.customerName} about ${due.number} (${due.stage.id})`},
      ${`This account is spoken to by people only. Draft: template ${due.stage.template}. Read the case first: dunlin case ${due.number}`},
      ${at(due.decidedAt)}, ${at(due.decidedAt)})
    on conflict do nothing`);
  tx.event({
    kind: 'stage.handed_to_people',
    subject: `invoice:${due.invoiceId}`,
    actor: 'dunlin',
    at: due.decidedAt,
    body: { stage: due.stage.id, cycle: due.cycle, channel: due.stage.channel, owner: due.owner },
  });
}
