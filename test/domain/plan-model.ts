// plan-model.ts: the order of questions as it is promised to users, as naively as possible: it walks forward in time, hour by hour, and
// asks a clock on a wall. It shares types with the rules, and no code.
import type { Facts, InvoiceFacts } from '../../domain/facts.ts';
import type { HolidayCalendar, Policy, Stage } from '../../domain/policy/policy.ts';
import { daysFrom, shownAt } from './wall-clock.ts';

const HOUR = 3_600_000;
const WEEK = 7 * 24 * 3_600_000;
/** Beyond this many days the model does not look: stages lie within 60 days of the facts it is given. */
const HORIZON_DAYS = 75;

export type Expected =
  | { kind: 'close'; outcome: string }
  | { kind: 'apologise' }
  | { kind: 'act' | 'ask'; stage: string }
  /** `until`: null until a fact changes; undefined: the page does not fix it. */
  | { kind: 'wait'; until: number | null | undefined; attention: string | null };

/** The model knows one zone per customer, no spread, no slow months, and no retries. */
export function expectedStep(policy: Policy, facts: Facts, invoiceId: string, now: number, holidays: HolidayCalendar): Expected {
  const invoice = facts.invoices.find(one => one.id === invoiceId)!;
  const zone = policy.contact.zone === 'creditor' ? facts.creditor.zone : (facts.customer.zone ?? facts.creditor.zone);
  const holds = facts.holds.filter(
    one => (one.until === null || one.until > now) && (one.invoiceId === null || one.invoiceId === invoiceId),
  );
  const reachable = facts.customer.contacts.some(one => one.email && !one.emailSuppressed);
  const open = (at: number) => windowOpen(policy, holidays, zone, at);

  // A crossed payment earns an apology before the case closes.
  if (invoice.crossedNoticeIds.length > 0 && reachable && !holds.some(one => one.kind === 'legal_stay')) {
    const stopping = holds.filter(one => one.scope === 'tenant' || one.kind === 'vendor_outage');
    if (stopping.length > 0) return heldBy(stopping);
    if (open(now)) return { kind: 'apologise' };
    return { kind: 'wait', until: walk(now, open), attention: null };
  }
  // 1. Is it over?
  if (invoice.state === 'closed' || invoice.openMinor <= 0n) return { kind: 'close', outcome: invoice.outcome ?? 'paid' };
  // 2. Is contact forbidden?
  if (holds.length > 0) return heldBy(holds);
  const known = facts.customer.contacts.filter(one => one.email || one.phone);
  const callable = facts.customer.contacts.some(one => one.phone && !one.phoneSuppressed);
  if (facts.customer.mode !== 'shadow' && known.length > 0 && !reachable && !callable)
    return { kind: 'wait', until: null, attention: 'suppressed' };
  if (invoice.openMinor < (policy.ignoreBelowMinor[facts.currency] ?? 0n)) return { kind: 'wait', until: null, attention: 'below_minimum' };
  const credits = facts.invoices
    .filter(one => one.state === 'open' && one.openMinor < 0n)
    .reduce((sum, one) => sum - one.openMinor, facts.unappliedMinor);
  if (credits >= invoice.openMinor) return { kind: 'wait', until: null, attention: 'unapplied_cash' };
  // 4. Which stage is due?
  const stageAt = (at: number) => latestStage(policy, invoice, shownAt(at, facts.creditor.zone).date);
  const mayFire = (at: number) => {
    if (!open(at)) return false;
    const stage = stageAt(at);
    return stage !== undefined && !isDone(invoice, stage.id) && withinLimits(policy, facts, zone, at);
  };
  if (invoice.covered.some(one => one.review !== 'declined' && ['claimed', 'in_data'].includes(one.state)))
    return { kind: 'wait', until: undefined, attention: null };
  const due = stageAt(now);
  if (due && isDone(invoice, due.id)) {
    const line = invoice.covered.find(
      one => one.stage === due.id && (one.review === 'declined' || !['cancelled', 'not_sent'].includes(one.state)),
    )!;
    if (line.state === 'pending' && line.review !== 'waiting' && line.review !== 'declined')
      return { kind: 'wait', until: undefined, attention: null };
    const until = walk(now, mayFire, extras(facts));
    const attention =
      line.review === 'waiting'
        ? 'awaiting_review'
        : line.state === 'unknown' && until !== null
          ? 'delivery_unknown'
          : until === null
            ? 'past_last_stage'
            : null;
    return { kind: 'wait', until, attention };
  }
  if (due && facts.customer.mode !== 'shadow' && !reachable) return { kind: 'wait', until: null, attention: 'no_recipient' };
  // 5. May we speak now?
  if (!mayFire(now)) {
    const until = walk(now, mayFire, extras(facts));
    return { kind: 'wait', until, attention: until === null ? 'past_last_stage' : null };
  }
  // 6. Does a person have to agree?
  const asks = facts.customer.mode !== 'shadow' && (facts.customer.mode === 'suggest' || due!.approval !== null);
  return { kind: asks ? 'ask' : 'act', stage: due!.id };
}

function heldBy(holds: readonly { until: number | null }[]): Expected {
  const ends = holds.flatMap(one => (one.until === null ? [] : [one.until]));
  return {
    kind: 'wait',
    until: ends.length > 0 ? Math.min(...ends) : null,
    attention: holds.some(one => one.until === null) ? 'held' : null,
  };
}

/** A living notice of any cycle speaks for it, or a person said no. */
function isDone(invoice: InvoiceFacts, stage: string): boolean {
  return invoice.covered.some(
    one => one.stage === stage && (one.review === 'declined' || (one.state !== 'cancelled' && one.state !== 'not_sent')),
  );
}

/** By age of the due date on the creditor's calendar; overdue stages wait for the grace days. */
export function latestStage(policy: Policy, invoice: { dueDate: string }, today: string): Stage | undefined {
  const age = daysFrom(invoice.dueDate, today);
  return policy.stages.filter(stage => age >= (stage.day > 0 ? stage.day + policy.graceDays : stage.day)).at(-1);
}

export function windowOpen(policy: Policy, holidays: HolidayCalendar, zone: string, at: number): boolean {
  const { date, weekday, minute } = shownAt(at, zone);
  const { days, fromMinute, toMinute } = policy.contact;
  return (
    days.some(day => day === weekday) &&
    (policy.contact.holidays === 'none' || !holidays.has(date)) &&
    minute >= fromMinute &&
    minute < toMinute
  );
}

/** Gap in calendar days of the customer, budget in any seven times twenty-four hours. */
export function withinLimits(policy: Policy, facts: Facts, zone: string, at: number): boolean {
  const spoken = facts.customer.contactedAt;
  const today = shownAt(at, zone).date;
  const gap = spoken.every(one => daysFrom(shownAt(one, zone).date, today) >= policy.contact.minGapDays);
  return gap && spoken.filter(one => one > at - WEEK).length < policy.contact.maxPer7Days;
}

/** The budget may end between two hours. */
function extras(facts: Facts): number[] {
  return facts.customer.contactedAt.map(one => one + WEEK);
}

/** The first instant at which something holds: now, on the hour (where windows open), or at one of `also`. */
function walk(now: number, holds: (at: number) => boolean, also: readonly number[] = []): number | null {
  if (holds(now)) return now;
  const more = also.filter(at => at > now).sort((a, b) => a - b);
  for (let at = Math.floor(now / HOUR) * HOUR + HOUR; at < now + HORIZON_DAYS * 24 * 3_600_000; at += HOUR) {
    const between = more.find(one => one > at - HOUR && one < at && holds(one));
    if (between !== undefined) return between;
    if (holds(at)) return at;
  }
  return null;
}
