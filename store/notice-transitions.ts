// notice-transitions.ts: the protocol table of domain/notice.ts as SQL. Each guard and each effect has its one fragment
// here; a transition is one UPDATE that asks all its guards, so nobody can come between the question and the answer.
import { type Effect, type Guard, type NoticeEvent, type Transition, transitionOn } from '../domain/notice.ts';
import type { Verdict } from '../domain/gate.ts';
import type { EpochMs } from '../domain/time.ts';
import type { Tx } from './database.ts';
import { at, json, type Sql, sql } from './sql.ts';

/** What was rendered for a notice, as it will go on the wire. */
export type Draft = {
  readonly recipient: string | null;
  readonly recipientName: string;
  readonly locale: string;
  readonly subject: string;
  readonly inReplyTo: string | null;
  readonly bytes: Uint8Array | null;
  readonly sha256: string | null;
  /** The version of the customer the text was made from. */
  readonly customerVersion: bigint;
};

/** What the guards and effects of a transition may need. A missing one is a bug and throws. */
export type Given = {
  readonly now: EpochMs;
  readonly actor: string;
  /** One sentence, stored in the audit event. */
  readonly because: string;
  readonly token?: bigint;
  readonly leaseMs?: number;
  readonly verdict?: Verdict;
  readonly draft?: Draft;
  readonly reply?: string;
  readonly nextAt?: EpochMs;
};

export type Moved = {
  readonly id: string;
  readonly customerId: string;
  readonly token: bigint | null;
  readonly invoiceIds: readonly string[];
};

function needed<K extends keyof Given>(given: Given, key: K): NonNullable<Given[K]> {
  const value = given[key];
  if (value === undefined || value === null) throw new Error(`a notice transition needs "${key}"`);
  return value as NonNullable<Given[K]>;
}

const verdictIs = (kind: Verdict['kind']) => (_tx: Tx, given: Given) => sql`${needed(given, 'verdict').kind}::text = ${kind}::text`;

const guardSql: Record<Guard, (tx: Tx, given: Given) => Sql> = {
  my_token: (_tx, given) => sql`n.fence_token = ${needed(given, 'token')}`,
  lease_valid: () => sql`n.lease_until > clock_timestamp()`,
  lease_expired: () => sql`n.lease_until <= clock_timestamp()`,
  sends_allowed: () =>
    sql`exists (select from tenants t where t.tenant_id = n.tenant_id and t.sends_stopped_because is null and t.send_epoch = n.send_epoch)`,
  review_allows: () => sql`n.review in ('none', 'approved')`,
  alone: () => sql`not exists (
    select from notices o where o.tenant_id = n.tenant_id and o.customer_id = n.customer_id and o.id <> n.id
      and o.state in ('claimed', 'in_data') and o.lease_until > clock_timestamp())`,
  is_due: (_tx, given) => sql`n.due_at <= ${at(given.now)}`,
  gate_sends: verdictIs('send'),
  gate_cancels: verdictIs('cancel'),
  gate_suppresses: verdictIs('suppress'),
  // The share lock is the point: a payment that is being booked is waited for and then seen, one that comes later waits
  // until in_data is stored and then marks the notice as crossed.
  facts_unchanged: () =>
    sql`exists (select from customers c where c.tenant_id = n.tenant_id and c.id = n.customer_id and c.version = n.customer_version for share)`,
  lines_open: () => sql`not exists (
    select from notice_lines l join invoices i on i.tenant_id = l.tenant_id and i.id = l.invoice_id
    where l.tenant_id = n.tenant_id and l.notice_id = n.id and n.kind = 'reminder' and (i.state <> 'open' or i.open_minor <= 0))`,
  no_hold: (_tx, given) => sql`not exists (
    select from holds h where h.tenant_id = n.tenant_id and h.lifted_at is null and h.starts_at <= ${at(given.now)}
      and (h.ends_at is null or h.ends_at > ${at(given.now)})
      and (h.scope = 'tenant' or (h.scope = 'customer' and h.customer_id = n.customer_id)
        or exists (select from notice_lines l join invoices i on i.tenant_id = l.tenant_id and i.id = l.invoice_id
          where l.tenant_id = n.tenant_id and l.notice_id = n.id
            and ((h.scope = 'invoice' and h.invoice_id = i.id) or (h.scope = 'source' and h.source = i.source)))))`,
  address_allowed: () =>
    sql`not exists (select from suppressions s where s.tenant_id = n.tenant_id and s.channel = 'email' and s.address = lower(n.recipient))`,
  lines_living: () => sql`not exists (select from notice_lines l where l.tenant_id = n.tenant_id and l.notice_id = n.id and not l.live)`,
};

const freeze = (given: Given): Sql => {
  const draft = needed(given, 'draft');
  return sql`recipient = ${draft.recipient}, recipient_name = ${draft.recipientName}, locale = ${draft.locale}, subject = ${draft.subject},
    in_reply_to = ${draft.inReplyTo}, rendered = ${draft.bytes}, rendered_sha256 = ${draft.sha256}, customer_version = ${draft.customerVersion},
    gate = ${json(needed(given, 'verdict'))}`;
};

/** free_lines is a statement of its own, in the same transaction. */
const effectSql: Record<Exclude<Effect, 'free_lines'>, (given: Given) => Sql> = {
  new_token: given => sql`fence_token = nextval('notice_fence'), attempts = n.attempts + 1,
    lease_until = clock_timestamp() + ${needed(given, 'leaseMs')}::float8 * interval '1 millisecond'`,
  freeze,
  drop_lease: () => sql`fence_token = null, lease_until = null`,
  mark_in_data: given => sql`in_data_at = ${at(given.now)}`,
  keep_verdict: given => sql`gate = ${json(needed(given, 'verdict'))}`,
  keep_reply: given => sql`provider_reply = ${needed(given, 'reply').slice(0, 500)}`,
  come_back_later: given => sql`due_at = ${at(needed(given, 'nextAt'))}`,
  finish: given => sql`finished_at = ${at(given.now)}`,
  unfinish: () => sql`finished_at = null, attempts = 0`,
  mark_crossed: () => sql`crossed_payment = true`,
  mark_bounced: () => sql`gate = coalesce(n.gate, '{}'::jsonb) || '{"bounced": true}'::jsonb`,
  name_resolver: given => sql`resolved_by = ${given.actor}`,
};

/** The statement of a transition. `protocol` is another table only in tests that show what a missing guard does. */
export function transitionSql(tx: Tx, transition: Transition, noticeId: string, given: Given): Sql {
  const writes = transition.effects.flatMap(effect => (effect === 'free_lines' ? [] : [effectSql[effect](given)]));
  return sql`update notices n set state = ${transition.to}${joined(writes, ', ')}
    where n.tenant_id = ${tx.tenant} and n.id = ${noticeId} and n.state = any(${[...transition.from]}::text[])
      ${joined(
        transition.guards.map(guard => guardSql[guard](tx, given)),
        ' and ',
      )}
    returning n.id, n.customer_id, n.fence_token`;
}

function joined(pieces: readonly Sql[], before: ', ' | ' and '): Sql {
  return pieces.reduce((all, piece) => (before === ', ' ? sql`${all}, ${piece}` : sql`${all} and ${piece}`), sql``);
}

/** Makes the transition when all its guards hold: state, effects and audit event in this transaction. Undefined when they do not. */
export async function moveNotice(tx: Tx, on: NoticeEvent, noticeId: string, given: Given): Promise<Moved | undefined> {
  const transition = transitionOn(on);
  const row = await tx.one<{ id: string; customer_id: string; fence_token: bigint | null }>(transitionSql(tx, transition, noticeId, given));
  if (!row) return undefined;
  if (transition.effects.includes('free_lines')) {
    await tx.run(sql`update notice_lines set live = false where tenant_id = ${tx.tenant} and notice_id = ${noticeId}`);
  }
  const lines = await tx.rows<{ invoice_id: string }>(
    sql`select distinct invoice_id from notice_lines where tenant_id = ${tx.tenant} and notice_id = ${noticeId} order by 1`,
  );
  const invoiceIds = lines.map(line => line.invoice_id);
  tx.event({
    kind: transition.event,
    subject: `notice:${noticeId}`,
    actor: given.actor,
    at: given.now,
    body: {
      because: given.because,
      customer: row.customer_id,
      invoices: invoiceIds,
      ...(given.reply === undefined ? {} : { reply: given.reply.slice(0, 500) }),
      ...(given.draft?.sha256 ? { rendered_sha256: given.draft.sha256 } : {}),
      ...(given.verdict ? { verdict: given.verdict.kind, reasons: given.verdict.reasons.map(reason => reason.code) } : {}),
    },
  });
  return { id: row.id, customerId: row.customer_id, token: row.fence_token, invoiceIds };
}
