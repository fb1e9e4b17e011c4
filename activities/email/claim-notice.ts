// claim-notice.ts: everything that happens before the wire, in one transaction under the lock of the customer: is it still
// wanted, may it leave now, what does it say. What comes out is a claimed notice with its bytes, or the reason why not.
import type { NoticeState } from '../../domain/facts.ts';
import { gate } from '../../domain/gate.ts';
import type { HolidayCalendar, Policy } from '../../domain/policy/policy.ts';
import { recipientFor } from '../../domain/recipient.ts';
import type { EpochMs } from '../../domain/time.ts';
import type { Tx } from '../../store/database.ts';
import { loadFacts } from '../../store/facts.ts';
import { type Notice, othersOnTheirWayMs, readNotice, saveDraft, sendsAllowed } from '../../store/notice-claims.ts';
import { moveNotice } from '../../store/notice-transitions.ts';
import { lockCustomer, wakeInvoices } from '../../store/wakes.ts';
import { oneAddress } from './address.ts';
import { renderNotice, type RenderedNotice } from './render-notice.ts';
import type { TemplateBook } from './templates.ts';

export type ClaimDeps = {
  readonly templates: TemplateBook;
  readonly holidaysOf: (country: string, region: string | null) => HolidayCalendar;
  readonly policyOf: (tx: Tx, name: string, version: number) => Promise<Policy>;
  /** Real milliseconds a claim is good for. */
  readonly leaseMs: number;
};

export type SendOutcome = {
  /** busy: somebody else has it, or it may not leave yet; drafted: a person has something to read now. */
  readonly kind: 'sent' | 'unknown' | 'not_sent' | 'cancelled' | 'suppressed' | 'busy' | 'drafted';
  readonly because: string;
  /** Business milliseconds after which another look is worth it. */
  readonly retryAfterMs?: number;
};

export type Claim =
  | { readonly kind: 'claimed'; readonly notice: Notice; readonly token: bigint; readonly message: RenderedNotice }
  | { readonly kind: 'over'; readonly outcome: SendOutcome }
  /** Another worker is at it, or at another message for this customer; real milliseconds until it must have ended. */
  | { readonly kind: 'others'; readonly leftMs: number }
  /** The contact's address is not one mailbox: it has to be suppressed before anything else is decided. */
  | { readonly kind: 'bad_address'; readonly address: string };

const ended: Partial<Record<NoticeState, SendOutcome['kind']>> = {
  sent: 'sent',
  unknown: 'unknown',
  not_sent: 'not_sent',
  cancelled: 'cancelled',
  suppressed: 'suppressed',
};

/** Throws when the notice does not exist, or cannot be rendered. */
export async function claimNotice(deps: ClaimDeps, tx: Tx, noticeId: string, now: EpochMs): Promise<Claim> {
  const known = await readNotice(tx, noticeId);
  if (!known) throw new Error(`notice ${noticeId} does not exist; list notices with: dunlin notices`);
  await lockCustomer(tx, known.customerId, 'reads');
  const notice = (await readNotice(tx, noticeId)) ?? known;
  const end = ended[notice.state];
  if (end) return over(end, `the notice is ${notice.state.replace('_', ' ')}`);
  if (notice.state !== 'pending' && (notice.leaseLeftMs ?? 0) > 0) return { kind: 'others', leftMs: notice.leaseLeftMs ?? 0 };
  if (notice.state === 'in_data') return sweepOne(tx, notice, now);
  if (notice.review === 'declined') return over('suppressed', 'a person said no');
  if (notice.dueAt > now) return over('busy', 'its next attempt comes later', notice.dueAt - now);
  const sends = await sendsAllowed(tx, notice.id);
  if (!sends.allowed) return over('busy', sends.because);
  const leftMs = await othersOnTheirWayMs(tx, notice);
  if (leftMs > 0) return { kind: 'others', leftMs };
  return judge(deps, tx, notice, now);
}

function over(kind: SendOutcome['kind'], because: string, retryAfterMs?: number): Claim {
  return { kind: 'over', outcome: { kind, because, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) } };
}

async function sweepOne(tx: Tx, notice: Notice, now: EpochMs): Promise<Claim> {
  const because = 'its worker ended while the body was on the wire';
  const swept = await moveNotice(tx, 'sweep', notice.id, { now, actor: 'dunlin', because });
  return swept ? over('unknown', because) : { kind: 'others', leftMs: 1 };
}

async function judge(deps: ClaimDeps, tx: Tx, notice: Notice, now: EpochMs): Promise<Claim> {
  const facts = await loadFacts(tx, notice.customerId, notice.currency, now);
  const policy = await deps.policyOf(tx, notice.policy, notice.policyVersion);
  const contact = recipientFor(facts.customer.contacts, notice.stage);
  if (contact?.email && !oneAddress(contact.email)) return { kind: 'bad_address', address: contact.email };
  const render = () => (contact ? renderNotice(deps.templates, tx, { notice, facts, policy, contact, now }) : undefined);
  if (notice.review === 'waiting') return draftForPerson(tx, notice, await render());
  const rules = policy.contact.holidays;
  const holidays =
    rules === 'debtor'
      ? deps.holidaysOf(facts.customer.country, facts.customer.region)
      : deps.holidaysOf(rules === 'creditor' ? facts.creditor.country : '', null);
  const verdict = gate(policy, facts, { ...notice, recipient: contact?.email ?? null }, now, holidays);
  const because = verdict.reasons.map(reason => reason.text).join('; ');
  const told = { now, actor: 'dunlin', because, verdict };
  if (verdict.kind === 'cancel') {
    const cancelled = await moveNotice(tx, 'cancel', notice.id, told);
    await wakeInvoices(tx, cancelled?.invoiceIds ?? [], 'notice', `${notice.id}:cancelled`);
    return over('cancelled', because);
  }
  const message = await render();
  if (verdict.kind === 'suppress') {
    await moveNotice(tx, 'suppress', notice.id, told);
    if (message) await keepDraft(tx, notice, message);
    return over('suppressed', because);
  }
  if (!message) return over('busy', 'the gate said send, but nobody can be written to');
  const move = notice.state === 'claimed' ? 'reclaim_expired' : 'claim';
  const claimed = await moveNotice(tx, move, notice.id, { ...told, leaseMs: deps.leaseMs, draft: message.draft });
  if (!claimed?.token) return over('busy', 'another worker was quicker');
  return { kind: 'claimed', notice: { ...notice, attempts: notice.attempts + 1 }, token: claimed.token, message };
}

/** What a person reads before agreeing. Rendered again, with that day's figures, when it leaves. */
async function draftForPerson(tx: Tx, notice: Notice, message: RenderedNotice | undefined): Promise<Claim> {
  if (notice.drafted || !message) return over('busy', 'a person has to agree first; see: dunlin notices review');
  await keepDraft(tx, notice, message);
  return over('drafted', 'a person has to agree first; see: dunlin notices review');
}

async function keepDraft(tx: Tx, notice: Notice, message: RenderedNotice): Promise<void> {
  const { recipient, recipientName, locale, subject } = message.draft;
  await saveDraft(tx, notice.id, { recipient, recipientName, locale, subject, bytes: message.bytes });
}
