// notice-claims.ts: what a sender reads before it claims a notice, and what the sweeper does with those whose sender died.
import type { GateLine, GateNotice } from '../domain/gate.ts';
import type { NoticeState } from '../domain/facts.ts';
import type { Mode } from '../domain/policy/policy.ts';
import type { EpochMs } from '../domain/time.ts';
import type { Tx } from './database.ts';
import { moveNotice } from './notice-transitions.ts';
import { sql } from './sql.ts';
import { wakeInvoices } from './wakes.ts';

export type Notice = {
  readonly id: string;
  readonly customerId: string;
  readonly currency: string;
  readonly kind: GateNotice['kind'];
  readonly stage: string;
  readonly template: string;
  readonly state: NoticeState;
  readonly review: GateNotice['review'];
  readonly mode: Mode;
  readonly policy: string;
  readonly policyVersion: number;
  readonly messageId: string;
  readonly apologisesFor: string | null;
  readonly attempts: number;
  readonly dueAt: EpochMs;
  readonly decidedAt: EpochMs;
  readonly providerReply: string | null;
  readonly drafted: boolean;
  /** Real milliseconds until its lease runs out; null without a lease, 0 when it has. */
  readonly leaseLeftMs: number | null;
  readonly lines: readonly GateLine[];
};

type NoticeRow = {
  id: string;
  customer_id: string;
  currency: string;
  kind: Notice['kind'];
  stage: string;
  template: string;
  state: NoticeState;
  review: Notice['review'];
  mode: Mode;
  policy: string;
  policy_version: number;
  message_id: string;
  apologises_for: string | null;
  attempts: number;
  due_at: number;
  decided_at: number;
  provider_reply: string | null;
  drafted: boolean;
  lease_left_ms: number | null;
};

type LineRow = { invoice_id: string; cycle: number; stage: string; amount_minor: bigint; invoice_version: bigint };

/** The notice with its lines, by invoice; undefined when there is none. */
export async function readNotice(tx: Tx, id: string): Promise<Notice | undefined> {
  const row = await tx.one<NoticeRow>(sql`
    select id, customer_id, currency, kind, stage, template, state, review, mode, policy, policy_version, message_id, apologises_for, attempts,
      due_at, decided_at, provider_reply, rendered is not null as drafted,
      greatest(0, extract(epoch from lease_until - clock_timestamp()) * 1000)::float8 as lease_left_ms
    from notices where tenant_id = ${tx.tenant} and id = ${id}`);
  if (!row) return undefined;
  const lines = await tx.rows<LineRow>(sql`
    select invoice_id, cycle, stage, amount_minor, invoice_version from notice_lines
    where tenant_id = ${tx.tenant} and notice_id = ${id} order by invoice_id, stage`);
  return {
    id: row.id,
    customerId: row.customer_id,
    currency: row.currency,
    kind: row.kind,
    stage: row.stage,
    template: row.template,
    state: row.state,
    review: row.review,
    mode: row.mode,
    policy: row.policy,
    policyVersion: row.policy_version,
    messageId: row.message_id,
    apologisesFor: row.apologises_for,
    attempts: row.attempts,
    dueAt: row.due_at,
    decidedAt: row.decided_at,
    providerReply: row.provider_reply,
    drafted: row.drafted,
    leaseLeftMs: row.lease_left_ms,
    lines: lines.map(line => ({
      invoiceId: line.invoice_id,
      cycle: line.cycle,
      stage: line.stage,
      amountMinor: line.amount_minor,
      invoiceVersion: Number(line.invoice_version),
    })),
  };
}

/** Real milliseconds until the last other notice of this customer that is on its way must have ended; 0 when there is none. */
export async function othersOnTheirWayMs(tx: Tx, notice: Notice): Promise<number> {
  const row = await tx.one<{ left_ms: number | null }>(sql`
    select max(extract(epoch from lease_until - clock_timestamp()) * 1000)::float8 as left_ms from notices
    where tenant_id = ${tx.tenant} and customer_id = ${notice.customerId} and id <> ${notice.id}
      and state in ('claimed', 'in_data') and lease_until > clock_timestamp()`);
  return row?.left_ms ?? 0;
}

/** True when the tenant's sending is not stopped and the notice belongs to its present send epoch. */
export async function sendsAllowed(tx: Tx, noticeId: string): Promise<{ allowed: boolean; because: string }> {
  const row = await tx.one<{ stopped: string | null; same_epoch: boolean }>(sql`
    select t.sends_stopped_because as stopped, t.send_epoch = n.send_epoch as same_epoch
    from notices n join tenants t on t.tenant_id = n.tenant_id where n.tenant_id = ${tx.tenant} and n.id = ${noticeId}`);
  if (!row) return { allowed: false, because: `notice ${noticeId} does not exist` };
  if (row.stopped !== null) return { allowed: false, because: `sending is stopped: ${row.stopped}` };
  if (!row.same_epoch) return { allowed: false, because: 'it was opened before sending was re-started; reconcile first' };
  return { allowed: true, because: '' };
}

export type ThreadLink = { readonly messageId: string; readonly subject: string | null; readonly at: EpochMs };

/** Earlier messages to this customer in this currency, oldest first: what a mail program needs to show one conversation. */
export async function readThread(tx: Tx, notice: Notice): Promise<ThreadLink[]> {
  const rows = await tx.rows<{ message_id: string; subject: string | null; at: number }>(sql`
    select message_id, subject, coalesce(in_data_at, finished_at) as at from notices
    where tenant_id = ${tx.tenant} and customer_id = ${notice.customerId} and currency = ${notice.currency} and channel = 'email'
      and id <> ${notice.id} and state in ('sent', 'unknown', 'in_data') and coalesce(in_data_at, finished_at) is not null
    order by coalesce(in_data_at, finished_at) desc, id limit 10`);
  return rows.map(row => ({ messageId: row.message_id, subject: row.subject, at: row.at })).reverse();
}

/** Stores what a person will read before agreeing; the bytes that leave are rendered again when it is claimed. */
export async function saveDraft(
  tx: Tx,
  noticeId: string,
  draft: { recipient: string | null; recipientName: string; locale: string; subject: string; bytes: Uint8Array },
): Promise<void> {
  await tx.run(sql`
    update notices set recipient = ${draft.recipient}, recipient_name = ${draft.recipientName}, locale = ${draft.locale}, subject = ${draft.subject},
      rendered = ${draft.bytes}
    where tenant_id = ${tx.tenant} and id = ${noticeId} and state in ('pending', 'suppressed')`);
}

/**
 * Ends what a dead sender left behind: a body that was on the wire becomes unknown, and the cases of an abandoned claim are
 * woken so that one of them takes it over. Run it every minute, per tenant.
 */
export async function sweepNotices(tx: Tx, now: EpochMs): Promise<{ unknown: number; abandoned: number }> {
  const stale = await tx.rows<{ id: string; state: NoticeState }>(sql`
    select id, state from notices where tenant_id = ${tx.tenant} and state in ('claimed', 'in_data') and lease_until <= clock_timestamp() order by id`);
  let unknown = 0;
  let abandoned = 0;
  for (const { id, state } of stale) {
    if (state === 'in_data') {
      const swept = await moveNotice(tx, 'sweep', id, { now, actor: 'dunlin', because: 'its worker ended while the body was on the wire' });
      if (!swept) continue;
      unknown += 1;
      await wakeInvoices(tx, swept.invoiceIds, 'notice', `${id}:unknown`);
    } else {
      abandoned += 1;
      const lines = await tx.rows<{ invoice_id: string }>(
        sql`select distinct invoice_id from notice_lines where tenant_id = ${tx.tenant} and notice_id = ${id} order by 1`,
      );
      await wakeAbandoned(
        tx,
        id,
        lines.map(line => line.invoice_id),
      );
    }
  }
  return { unknown, abandoned };
}

/** One wake is enough: a sweep every minute must not pile them up. */
async function wakeAbandoned(tx: Tx, id: string, invoiceIds: readonly string[]): Promise<void> {
  const waiting = await tx.one<{ found: boolean }>(sql`
    select exists (select from wakes where tenant_id = ${tx.tenant} and event_id = ${`${id}:abandoned`} and invoice_id = any(${[...invoiceIds]}::text[])
      and seen_at is null) as found`);
  if (!waiting?.found) await wakeInvoices(tx, invoiceIds, 'notice', `${id}:abandoned`);
}
