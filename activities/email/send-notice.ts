// send-notice.ts: a notice leaves. Claim under the customer's lock, connect, store in_data with the last look, body, store
// what the server said. It may be called again at any point and by any number of workers: the notice's row decides.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../domain/clock.ts';
import type { NoticeEvent } from '../../domain/notice.ts';
import { type Database, type Tx, withTenant } from '../../store/database.ts';
import { addressRefused } from '../../store/notice-review.ts';
import { type Given, moveNotice } from '../../store/notice-transitions.ts';
import { suppress } from '../../store/suppressions.ts';
import { wakeInvoices } from '../../store/wakes.ts';
import { type Claim, type ClaimDeps, claimNotice, type SendOutcome } from './claim-notice.ts';
import { type SendAnswer, sendMessage, type SmtpSettings } from './smtp.ts';

export type { SendOutcome } from './claim-notice.ts';

export type EmailDeps = ClaimDeps & {
  readonly database: Database;
  readonly clock: Clock;
  /** Its deadline must be shorter than the lease. */
  readonly smtp: SmtpSettings;
  /** Real milliseconds to wait for another worker that has this notice, or another one of the same customer. */
  readonly patienceMs: number;
  readonly log: { warn(fields: object, text: string): void };
};

type Claimed = Extract<Claim, { kind: 'claimed' }>;

/** A refusal is tried again after 5, 10, 20 ... minutes of business time, at most 4 hours apart. */
const firstRetryMs = 5 * 60_000;
const longestRetryMs = 4 * 3_600_000;
const mostAttempts = 12;
/** How often facts may change between claim and body before it is left for the next waking. */
const mostRounds = 4;
const lookMs = 200;

/**
 * Sends one notice at most once. Never throws for a business outcome; throws when the database is out of reach or the
 * message cannot be rendered, and may then be called again.
 */
export async function sendNotice(deps: EmailDeps, tenant: string, noticeId: string): Promise<SendOutcome> {
  const until = performance.now() + deps.patienceMs;
  for (let rounds = 0; rounds < mostRounds; ) {
    const claim = await withTenant(deps.database, tenant, tx => claimNotice(deps, tx, noticeId, deps.clock.now()), 'prepared');
    if (claim.kind === 'over') return claim.outcome;
    if (claim.kind === 'others') {
      if (performance.now() + Math.min(claim.leftMs, lookMs) > until) {
        return { kind: 'busy', because: 'another message to this customer is on its way', retryAfterMs: Math.ceil(claim.leftMs) };
      }
      await sleep(Math.min(Math.ceil(claim.leftMs) + 1, lookMs));
      continue;
    }
    if (claim.kind === 'bad_address') {
      await withTenant(deps.database, tenant, tx => refuseAddress(tx, claim.address, deps.clock.now()));
      continue;
    }
    rounds += 1;
    const outcome = await deliver(deps, tenant, claim);
    if (outcome) return outcome;
  }
  return { kind: 'busy', because: 'its facts keep changing while it leaves', retryAfterMs: firstRetryMs };
}

async function refuseAddress(tx: Tx, address: string, now: number): Promise<void> {
  await suppress(tx, { channel: 'email', address, reason: 'it is not one plain mailbox', at: now }, 'dunlin');
}

/** Undefined: the last look said no, so it is judged again from the start. */
async function deliver(deps: EmailDeps, tenant: string, claim: Claimed): Promise<SendOutcome | undefined> {
  const { notice, token, message } = claim;
  const given = (because: string, more: Partial<Given> = {}): Given => ({
    now: deps.clock.now(),
    actor: 'dunlin',
    because,
    token,
    ...more,
  });
  const move = (on: NoticeEvent, told: Given) => withTenant(deps.database, tenant, tx => moveNotice(tx, on, notice.id, told), 'prepared');
  const enter = async () => (await move('enter_data', given('every line still holds'))) !== undefined;
  const answer = await sendMessage(deps.smtp, { from: message.from, to: message.to, bytes: message.bytes }, enter);
  const finish = finishFor(answer, notice.attempts, deps.clock.now());
  const stored = await insist(deps, notice.id, async () => {
    if (answer.kind !== 'address_refused') return move(finish.on, given(finish.because, finish.more));
    return withTenant(deps.database, tenant, async tx => {
      const told = { token, recipient: message.to, reply: answer.reply, now: deps.clock.now() };
      const moved = await addressRefused(tx, notice.id, told);
      await wakeInvoices(tx, moved?.invoiceIds ?? [], 'notice', `${notice.id}:address`);
      return moved;
    });
  });
  if (answer.kind === 'stopped') return undefined;
  if (!stored) deps.log.warn({ noticeId: notice.id, answer: answer.kind }, 'a notice had moved on before its answer was stored');
  return finish.outcome;
}

type Finish = { readonly on: NoticeEvent; readonly because: string; readonly more: Partial<Given>; readonly outcome: SendOutcome };

/** What an answer of the wire means for the notice. */
function finishFor(answer: SendAnswer, attempts: number, now: number): Finish {
  switch (answer.kind) {
    case 'accepted':
      return {
        on: 'accepted',
        because: 'the mail server took it',
        more: { reply: answer.reply },
        outcome: { kind: 'sent', because: answer.reply },
      };
    case 'unknown':
      return { on: 'no_answer', because: answer.seen, more: { reply: answer.seen }, outcome: { kind: 'unknown', because: answer.seen } };
    case 'refused_for_good':
    case 'address_refused':
      return {
        on: 'refused_for_good',
        because: answer.reply,
        more: { reply: answer.reply },
        outcome: { kind: 'not_sent', because: answer.reply },
      };
    case 'stopped':
      return {
        on: 'release',
        because: 'facts changed before the body',
        more: { reply: '', nextAt: now },
        outcome: { kind: 'busy', because: 'facts changed' },
      };
    case 'refused_temporarily':
    case 'not_begun': {
      const reply = answer.kind === 'not_begun' ? answer.seen : answer.reply;
      if (attempts >= mostAttempts) {
        const because = `given up after ${attempts} attempts: ${reply}`;
        return { on: 'refused_for_good', because, more: { reply }, outcome: { kind: 'not_sent', because } };
      }
      const retryAfterMs = Math.min(firstRetryMs * 2 ** (attempts - 1), longestRetryMs);
      const began = answer.kind === 'refused_temporarily' && answer.began;
      return {
        on: began ? 'refused_temporarily' : 'release',
        because: reply,
        more: { reply, nextAt: now + retryAfterMs },
        outcome: { kind: 'not_sent', because: reply, retryAfterMs },
      };
    }
  }
}

/** The answer is known and must not be lost for a second's trouble with the database; after that the lease settles it. */
async function insist<T>(deps: EmailDeps, noticeId: string, store: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await store();
    } catch (error) {
      if (attempt === 4) throw error;
      deps.log.warn({ noticeId, attempt, error: String(error) }, 'the answer of the mail server could not be stored yet');
      await sleep(attempt * 500);
    }
  }
}
