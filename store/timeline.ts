// timeline.ts: everything that happened to one invoice, in the order it happened: what came in, what was decided, what
// left, who called, what was paid.
import type { EpochMs } from '../domain/time.ts';
import type { Tx } from './database.ts';
import { at, sql } from './sql.ts';

export type TimelineEntry = {
  at: EpochMs;
  kind: 'import' | 'case' | 'notice' | 'payment' | 'call' | 'task' | 'hold' | 'platform';
  what: string;
  detail: string;
  id: string;
};

/** Oldest first. */
export async function timelineOf(tx: Tx, invoiceId: string, customerId: string): Promise<TimelineEntry[]> {
  const t = tx.tenant;
  const entries = await tx.rows<TimelineEntry>(sql`
    select created_at as at, 'import' as kind, 'came in from ' || source as what, number as detail, id from invoices where tenant_id = ${t} and id = ${invoiceId}
    union all
    select opened_at, 'case', 'case opened' || case when cycle > 1 then ' again (cycle ' || cycle || ')' else '' end, 'policy ' || policy || ' v' || policy_version, workflow_id
      from cases where tenant_id = ${t} and invoice_id = ${invoiceId}
    union all
    select closed_at, 'case', 'case closed: ' || replace(outcome, '_', ' '), '', workflow_id from cases where tenant_id = ${t} and invoice_id = ${invoiceId} and state = 'closed'
    union all
    select coalesce(n.finished_at, n.in_data_at, n.decided_at), 'notice',
      l.stage || ' ' || case n.kind when 'apology' then 'apology' else n.channel end || ' ' || replace(n.state, '_', ' ') || case when n.review = 'waiting' then ', waits for a review' else '' end,
      coalesce(n.subject, '') || coalesce(' to ' || n.recipient, '') || coalesce(' (' || n.provider_reply || ')', ''), n.id
      from notice_lines l join notices n on n.tenant_id = l.tenant_id and n.id = l.notice_id where l.tenant_id = ${t} and l.invoice_id = ${invoiceId}
    union all
    select p.booked_at, 'payment', case when a.amount_minor > 0 then 'payment' else 'payment returned' end || ' ' || a.amount_minor || ' ' || p.currency || ' (minor units)',
      p.source || ' ' || p.external_id || ', value date ' || p.value_date, p.id
      from allocations a join payments p on p.tenant_id = a.tenant_id and p.id = a.payment_id where a.tenant_id = ${t} and a.invoice_id = ${invoiceId}
    union all
    select requested_at, 'call', 'call ' || state, coalesce(disposition, '') || coalesce(': ' || note, ''), id from calls where tenant_id = ${t} and invoice_id = ${invoiceId}
    union all
    select opened_at, 'task', title, state || coalesce(', ' || closed_because, ''), id from tasks where tenant_id = ${t} and invoice_id = ${invoiceId}
    union all
    select starts_at, 'hold', replace(kind, '_', ' ') || ' on the ' || scope, reason || case when lifted_at is not null then ' (lifted)' else '' end, id
      from holds where tenant_id = ${t} and (invoice_id = ${invoiceId} or (scope = 'customer' and customer_id = ${customerId}))
    union all
    select at, 'platform', 'platform ' || replace(kind, '_', ' '), state || coalesce(': ' || detail, ''), external_id from platform_writes where tenant_id = ${t} and invoice_id = ${invoiceId}`);
  return entries.sort((a, b) => a.at - b.at);
}

export type NoticeOfInvoice = {
  id: string;
  stage: string;
  cycle: number;
  state: string;
  review: string;
  /** What a person was asked to decide; null when nobody was. */
  review_asks: string | null;
  kind: string;
  channel: string;
  recipient: string | null;
  subject: string | null;
  decided_at: EpochMs;
  finished_at: EpochMs | null;
  policy: string;
  policy_version: number;
  /** The verdict with everything it looked at; a bounce leaves its mark beside it. */
  gate: { kind?: string; inputs?: Record<string, unknown>; reasons?: { code: string; text: string }[]; bounced?: boolean } | null;
  provider_reply: string | null;
  message_id: string;
  reviewed_by: string | null;
  crossed_payment: boolean;
};

/**
 * Every notice that had a line for the invoice, oldest first: sent, suppressed and cancelled ones alike, as they stood at
 * `until`: what happened to them later is not told.
 */
export async function noticesOf(tx: Tx, invoiceId: string, until: EpochMs): Promise<NoticeOfInvoice[]> {
  const rows = await tx.rows<NoticeOfInvoice>(sql`
    select n.id, l.stage, l.cycle, n.state, n.review, n.review_asks, n.kind, n.channel, n.recipient, n.subject, n.decided_at, n.finished_at, n.policy, n.policy_version, n.gate,
      n.provider_reply, n.message_id, n.reviewed_by, n.crossed_payment
    from notice_lines l join notices n on n.tenant_id = l.tenant_id and n.id = l.notice_id
    where l.tenant_id = ${tx.tenant} and l.invoice_id = ${invoiceId} and n.decided_at <= ${at(until)} order by n.decided_at, n.id`);
  return rows.map(row =>
    row.finished_at !== null && row.finished_at > until
      ? { ...row, state: 'pending', finished_at: null, gate: null, provider_reply: null, crossed_payment: false }
      : row,
  );
}
