// notice-lists.ts: notices as people read them: which wait for somebody, which are unknown, and one with its whole story.
import type { NoticeState } from '../domain/facts.ts';
import type { EpochMs } from '../domain/time.ts';
import type { Tx } from './database.ts';
import { sql } from './sql.ts';

export type ListedNotice = {
  readonly id: string;
  readonly customer: string;
  readonly currency: string;
  readonly kind: 'reminder' | 'apology';
  readonly stage: string;
  readonly state: NoticeState;
  readonly review: 'none' | 'waiting' | 'approved' | 'declined';
  readonly reviewAsks: string | null;
  readonly subject: string | null;
  /** Invoice numbers with their stage: "INV-41 firm". */
  readonly lines: readonly string[];
  readonly totalMinor: string;
  readonly crossedPayment: boolean;
  readonly decidedAt: EpochMs;
  readonly dueAt: EpochMs;
  readonly inDataAt: EpochMs | null;
  readonly finishedAt: EpochMs | null;
  readonly providerReply: string | null;
};

export type NoticeFilter = { readonly state?: string; readonly customerId?: string; readonly id?: string; readonly limit?: number };

/** Newest first. `state` is a notice state, or "waiting" for those a person has to read. */
export async function listNotices(tx: Tx, filter: NoticeFilter = {}): Promise<ListedNotice[]> {
  const state = filter.state === 'waiting' ? null : (filter.state ?? null);
  return tx.rows<ListedNotice>(sql`
    select n.id, c.name as customer, n.currency, n.kind, n.stage, n.state, n.review, n.review_asks as "reviewAsks", n.subject,
      (select coalesce(array_agg(i.number || ' ' || l.stage order by i.due_date, i.id), '{}') from notice_lines l
        join invoices i on i.tenant_id = l.tenant_id and i.id = l.invoice_id where l.tenant_id = n.tenant_id and l.notice_id = n.id) as lines,
      (select coalesce(sum(l.amount_minor), 0)::text from notice_lines l where l.tenant_id = n.tenant_id and l.notice_id = n.id) as "totalMinor",
      n.crossed_payment as "crossedPayment", n.decided_at as "decidedAt", n.due_at as "dueAt", n.in_data_at as "inDataAt",
      n.finished_at as "finishedAt", n.provider_reply as "providerReply"
    from notices n join customers c on c.tenant_id = n.tenant_id and c.id = n.customer_id
    where n.tenant_id = ${tx.tenant} and n.channel = 'email'
      and (${state}::text is null or n.state = ${state})
      and (${filter.state === 'waiting'}::boolean is false or (n.state = 'pending' and n.review = 'waiting'))
      and (${filter.customerId ?? null}::text is null or n.customer_id = ${filter.customerId ?? null})
      and (${filter.id ?? null}::text is null or n.id = ${filter.id ?? null})
    order by n.decided_at desc, n.id limit ${filter.limit ?? 200}`);
}

export type ShownNotice = ListedNotice & {
  readonly customerId: string;
  readonly mode: string;
  readonly policy: string;
  readonly policyVersion: number;
  readonly template: string;
  readonly recipient: string | null;
  readonly locale: string | null;
  readonly messageId: string;
  readonly rendered: Uint8Array | null;
  readonly gate: unknown;
  readonly attempts: number;
  readonly apologisesFor: string | null;
  readonly reviewedBy: string | null;
  readonly reviewNote: string | null;
  readonly resolvedBy: string | null;
  readonly history: readonly { readonly at: EpochMs; readonly kind: string; readonly actor: string; readonly because: string }[];
};

/** One notice with its bytes, its gate verdict and its events; undefined when there is none. */
export async function showNotice(tx: Tx, id: string): Promise<ShownNotice | undefined> {
  const [listed] = await listNotices(tx, { id });
  if (!listed) return undefined;
  const more = await tx.one<Omit<ShownNotice, keyof ListedNotice | 'history'>>(sql`
    select customer_id as "customerId", mode, policy, policy_version as "policyVersion", template, recipient, locale, message_id as "messageId",
      rendered, gate, attempts, apologises_for as "apologisesFor", reviewed_by as "reviewedBy", review_note as "reviewNote", resolved_by as "resolvedBy"
    from notices where tenant_id = ${tx.tenant} and id = ${id}`);
  const events = await tx.rows<{ at: number; kind: string; actor: string; body: string }>(sql`
    select at, kind, actor, body from events where tenant_id = ${tx.tenant} and subject = ${`notice:${id}`} order by seq`);
  const history = events.map(event => ({
    at: event.at,
    kind: event.kind,
    actor: event.actor,
    because: (JSON.parse(event.body) as { because?: string }).because ?? '',
  }));
  return more ? { ...listed, ...more, history } : undefined;
}

/** Every notice with its state and its lines as "invoice/cycle/stage". */
export async function noticeStandings(tx: Tx): Promise<{ id: string; state: string; lines: string[] }[]> {
  return tx.rows(sql`
    select n.id, n.state, array_agg(l.invoice_id || '/' || l.cycle || '/' || l.stage order by l.invoice_id) as lines
    from notices n join notice_lines l on l.tenant_id = n.tenant_id and l.notice_id = n.id
    where n.tenant_id = ${tx.tenant} group by n.id, n.state order by n.id`);
}
