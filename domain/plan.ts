// plan.ts: what happens next to one invoice. Questions are asked in a fixed order and the first that answers wins: is it
// over, is contact forbidden, which stage is due, may we speak now, does a person have to agree. Facts and a time go in,
// one step and its reasons come out; nothing is remembered, so a rule may change while ten thousand cases sleep.
import { closedBecause, closedWindow, contactsOf, firstMoment, firstOpening, openAt } from './calendar.ts';
import { ageOf, stageOn, stageStart } from './cadence.ts';
import { awaitsReview, covers, isCovered, isInFlight, restsUntil } from './coverage.ts';
import { creditsOf } from './credit.ts';
import type { CoveredStage, Facts, InvoiceFacts } from './facts.ts';
import { earliestEnd, holdReason, holdsOn, stopsApology } from './hold.ts';
import { decimalText } from './money.ts';
import type { HolidayCalendar, Policy, Stage } from './policy/policy.ts';
import { canReach, everyChannelSuppressed } from './reach.ts';
import { type Reason, reason } from './reason.ts';
import type { Attention, NextStage, Step } from './step.ts';
import { type EpochMs, isoInstant, localDateAt } from './time.ts';

/** How soon a message on its way is looked at again. */
const IN_FLIGHT_LOOK_MS = 5 * 60_000;

type Question = {
  readonly policy: Policy;
  readonly facts: Facts;
  readonly invoice: InvoiceFacts;
  readonly now: EpochMs;
  readonly holidays: HolidayCalendar;
};

/**
 * The next step of an invoice at `now`. Pure: the same facts and time give the same step, byte for byte. Throws when the
 * facts do not hold the invoice: whoever loaded them asked for another one.
 */
export function plan(policy: Policy, facts: Facts, invoiceId: string, now: EpochMs, holidays: HolidayCalendar): Step {
  const invoice = facts.invoices.find(one => one.id === invoiceId);
  if (!invoice) throw new Error(`invoice ${invoiceId} is not among the facts of customer ${facts.customer.id}`);
  const question = { policy, facts, invoice, now, holidays };
  return apologyFirst(question) ?? isOver(question) ?? isForbidden(question) ?? stageStep(question);
}

/** A payment crossed our message: we say sorry, when it may be said, before anything else. */
function apologyFirst(question: Question): Step | undefined {
  const { policy, facts, invoice, now, holidays } = question;
  const noticeId = invoice.crossedNoticeIds[0];
  if (noticeId === undefined) return undefined;
  const crossed = reason('crossed_payment', 'a payment arrived while a message about it was on its way', { noticeId });
  const holds = holdsOn(facts, invoice.id, now).filter(stopsApology);
  if (holds.some(hold => hold.kind === 'legal_stay') || !canReach(facts.customer, 'email')) return undefined;
  if (holds.length > 0) return waitForHolds(holds, [crossed]);
  const contacts = contactsOf(policy.contact, facts, holidays);
  const closed = closedWindow(contacts, now);
  if (closed.length === 0) return { kind: 'apologise', noticeId, reasons: [crossed] };
  const opens = openAt(contacts, now)?.start ?? null;
  if (opens === null) return undefined;
  return wait({ until: opens, because: 'the apology leaves when the window opens', reasons: [crossed, ...closed] });
}

function isOver({ facts, invoice }: Question): Step | undefined {
  if (invoice.state === 'open' && invoice.openMinor > 0n) return undefined;
  const outcome = invoice.outcome ?? 'paid';
  const inputs = { openMinor: invoice.openMinor.toString(), currency: facts.currency, state: invoice.state, outcome };
  if (outcome === 'superseded') {
    return { kind: 'close', outcome, reasons: [reason('superseded', `${invoice.number} is replaced by newer records`, inputs)] };
  }
  return { kind: 'close', outcome, reasons: [reason('paid_or_closed', `${invoice.number} is ${outcome.replace('_', ' ')}`, inputs)] };
}

function isForbidden(question: Question): Step | undefined {
  const { policy, facts, invoice, now } = question;
  const holds = holdsOn(facts, invoice.id, now);
  if (holds.length > 0) return waitForHolds(holds, []);
  const speaks = policy.stages.some(stage => stage.channel !== 'task') && facts.customer.mode !== 'shadow';
  if (speaks && everyChannelSuppressed(facts.customer)) {
    const text = `every known address of ${facts.customer.name} is suppressed`;
    const because = reason('every_channel_suppressed', text, { contacts: facts.customer.contacts.length });
    return wait({ until: null, because: text, attention: 'suppressed', reasons: [because] });
  }
  const least = policy.ignoreBelowMinor[facts.currency] ?? 0n;
  if (invoice.openMinor < least) {
    const open = amountText(invoice.openMinor, facts.currency);
    const text = `${open} is less than ${amountText(least, facts.currency)}, the least anybody is contacted for`;
    const because = reason('below_minimum', text, { openMinor: invoice.openMinor.toString(), leastMinor: least.toString() });
    return wait({ until: null, because: text, attention: 'below_minimum', reasons: [because] });
  }
  return unappliedCash(question);
}

/** Money of the customer that is not applied yet may be the payment we are about to ask for. */
function unappliedCash({ facts, invoice }: Question): Step | undefined {
  const creditsMinor = creditsOf(facts);
  if (creditsMinor < invoice.openMinor) return undefined;
  const text = `${amountText(creditsMinor, facts.currency)} of this customer is not applied yet and covers ${invoice.number}`;
  const inputs = { creditsMinor: creditsMinor.toString(), openMinor: invoice.openMinor.toString() };
  return wait({ until: null, because: text, attention: 'unapplied_cash', reasons: [reason('unapplied_cash_covers', text, inputs)] });
}

function waitForHolds(holds: ReturnType<typeof holdsOn>, before: readonly Reason[]): Step {
  const reasons = holds.map(holdReason);
  const endless = holds.some(hold => hold.until === null);
  const because = reasons[0]?.text ?? 'held';
  return wait({ until: earliestEnd(holds), because, attention: endless ? 'held' : null, reasons: [...before, ...reasons] });
}

function stageStep(question: Question): Step {
  const { policy, facts, invoice, now } = question;
  const inFlight = invoice.covered.find(line => isInFlight(line) && line.state !== 'pending');
  if (inFlight) return waitInFlight(question, inFlight);
  const due = stageOn(policy, invoice.dueDate, localDateAt(now, facts.creditor.zone));
  if (!due) return waitForStage(question, policy.stages[0], [notDueReason(question)], null);
  const line = invoice.covered.find(one => one.stage === due.id && covers(one));
  if (line) return afterCovered(question, due, line);
  return dueStep(question, due);
}

/** The due stage is spoken for. What follows depends on how far that message is. */
function afterCovered(question: Question, due: Stage, line: CoveredStage): Step {
  const after = question.policy.stages.slice(question.policy.stages.indexOf(due) + 1);
  if (isInFlight(line)) return waitInFlight(question, line);
  const at = line.at === null ? null : isoInstant(line.at);
  const inputs = { stage: due.id, noticeId: line.noticeId, state: line.state, review: line.review, at };
  const reasons = [reason('stage_covered', `stage ${due.id} is in notice ${line.noticeId} (${line.state})`, inputs)];
  const next = after.find(stage => !isCovered(question.invoice, stage.id));
  if (awaitsReview(line)) {
    reasons.push(reason('awaiting_review', `notice ${line.noticeId} waits for a person`, { noticeId: line.noticeId }));
    return waitForStage(question, next, reasons, 'awaiting_review');
  }
  if (line.state === 'unknown') {
    const text = `whether notice ${line.noticeId} arrived is not known; it counts as sent`;
    reasons.push(reason('delivery_unknown', text, { noticeId: line.noticeId }));
    return waitForStage(question, next, reasons, 'delivery_unknown');
  }
  return waitForStage(question, next, reasons, null);
}

function waitInFlight(question: Question, line: CoveredStage): Step {
  const { policy, facts, now, holidays } = question;
  const text = `notice ${line.noticeId} is on its way (${line.state})`;
  const reasons = [reason('notice_in_flight', text, { noticeId: line.noticeId, stage: line.stage, state: line.state })];
  // One that has not been claimed cannot leave before the window opens; looking earlier would only cost.
  const opens = line.state === 'pending' ? firstOpening(contactsOf(policy.contact, facts, holidays), now) : null;
  return wait({ until: Math.max(now + IN_FLIGHT_LOOK_MS, opens ?? 0), because: text, reasons });
}

/** A stage is due and nobody speaks for it yet. */
function dueStep(question: Question, due: Stage): Step {
  const { policy, facts, invoice, now, holidays } = question;
  const reasons = [...missedReasons(question, due), dueReason(question, due)];
  if (policy.purchaseOrderRequired && invoice.purchaseOrder === null) {
    const text = `${invoice.number} has no purchase order number, without which this payer does not pay`;
    reasons.push(reason('purchase_order_missing', text, { invoice: invoice.number }));
    return wait({ until: null, because: text, attention: 'purchase_order', reasons });
  }
  if (facts.customer.mode !== 'shadow' && !canReach(facts.customer, due.channel)) {
    const text = `${facts.customer.name} has no usable ${due.channel === 'call' ? 'phone number' : 'e-mail address'}`;
    reasons.push(reason('no_recipient', text, { channel: due.channel, contacts: facts.customer.contacts.length }));
    return wait({ until: null, because: text, attention: 'no_recipient', reasons });
  }
  const rest = restsUntil(invoice, due.id, now);
  if (rest !== null) {
    const text = `the last try of stage ${due.id} was refused; the next is at ${isoInstant(rest)}`;
    reasons.push(reason('retry_later', text, { stage: due.id, until: isoInstant(rest) }));
    return wait({ until: rest, because: text, next: { stage: due.id, at: rest }, reasons });
  }
  const contacts = contactsOf(policy.contact, facts, holidays);
  if (firstMoment(contacts, now) === now) return agreedStep(question, due, reasons);
  const closed = closedBecause(contacts, now);
  if (closed.length > 0) return waitForStage(question, due, [...reasons, ...closed], null);
  const place = reason('outside_window', `${facts.customer.name} has a later place in the window`, { spread: true });
  return waitForStage(question, due, [...reasons, place], null);
}

/** It may leave now: alone, recorded only, or after a person has agreed. A task is for a person already. */
function agreedStep({ facts }: Question, stage: Stage, reasons: readonly Reason[]): Step {
  const { mode } = facts.customer;
  if (mode === 'shadow') {
    const shadow = reason('shadow_mode', 'decided and recorded only: the segment is in shadow mode', { mode });
    return { kind: 'act', stage, mode: 'shadow', reasons: [...reasons, shadow] };
  }
  const asks = stage.approval ?? (mode === 'suggest' && stage.channel !== 'task' ? 'suggest' : null);
  if (asks === null) return { kind: 'act', stage, mode: 'auto', reasons };
  const text = asks === 'suggest' ? 'the segment asks a person before each message' : `stage ${stage.id} needs a decision: ${asks}`;
  return { kind: 'ask', stage, asks, reasons: [...reasons, reason('needs_review', text, { asks, mode })] };
}

/**
 * Waits for a stage, or for the later one that comes due before that stage may speak: when several came due during a
 * wait only the latest is fired.
 */
function waitForStage(question: Question, first: Stage | undefined, reasons: readonly Reason[], attention: Attention | null): Step {
  const { policy, facts, invoice, now, holidays } = question;
  const contacts = contactsOf(policy.contact, facts, holidays);
  let stage = first;
  while (stage) {
    const at = firstMoment(contacts, Math.max(now, stageStart(policy, stage, invoice.dueDate, facts.creditor.zone)));
    if (at === null) return noWindow(question, reasons);
    const latest = stageOn(policy, invoice.dueDate, localDateAt(at, facts.creditor.zone)) ?? stage;
    if (!isCovered(invoice, latest.id)) {
      return wait({ until: at, because: waitText(latest, at), next: { stage: latest.id, at }, attention, reasons });
    }
    stage = policy.stages.slice(policy.stages.indexOf(latest) + 1).find(later => !isCovered(invoice, later.id));
  }
  if (attention === 'awaiting_review')
    return wait({ until: null, because: 'a person has to decide about the last stage', attention, reasons });
  const text = `every stage of ${policy.name} is behind ${invoice.number}; a person has to decide what follows`;
  const past = reason('past_last_stage', text, { lastStage: policy.stages.at(-1)?.id ?? null, age: ageText(question) });
  return wait({ until: null, because: text, attention: 'past_last_stage', reasons: [...reasons, past] });
}

function noWindow({ facts }: Question, reasons: readonly Reason[]): Step {
  const text = `no instant suits every zone ${facts.customer.name} may live in; its own zone is needed`;
  const because = reason('no_window', text, { country: facts.customer.country, zone: facts.customer.zone });
  return wait({ until: null, because: text, attention: 'no_window', reasons: [...reasons, because] });
}

function notDueReason(question: Question): Reason {
  const { policy, invoice } = question;
  const first = policy.stages[0]?.id ?? null;
  return reason('not_due_yet', `${invoice.number} is due on ${invoice.dueDate}; no stage is due yet`, {
    dueDate: invoice.dueDate,
    age: ageText(question),
    firstStage: first,
  });
}

function dueReason(question: Question, due: Stage): Reason {
  const { policy, facts, invoice } = question;
  const age = ageText(question);
  const days = age > 0 ? `${age} days overdue` : age === 0 ? 'due today' : `due in ${-age} days`;
  return reason('stage_due', `${invoice.number} is ${days}: stage ${due.id} is due`, {
    stage: due.id,
    day: due.day,
    age,
    dueDate: invoice.dueDate,
    graceDays: policy.graceDays,
    open: decimalText({ minor: invoice.openMinor, currency: facts.currency }),
    currency: facts.currency,
  });
}

/** Stages whose day went by unspoken: told, never fired. */
function missedReasons({ policy, invoice }: Question, due: Stage): Reason[] {
  const missed = policy.stages.slice(0, policy.stages.indexOf(due)).filter(stage => !isCovered(invoice, stage.id));
  if (missed.length === 0) return [];
  const names = missed.map(stage => stage.id).join(', ');
  return [reason('stages_missed', `stages in the past are not fired: ${names}`, { stages: names })];
}

function ageText({ facts, invoice, now }: Question): number {
  return ageOf(invoice.dueDate, now, facts.creditor.zone);
}

function waitText(stage: Stage, at: EpochMs): string {
  return `waits for stage ${stage.id} at ${isoInstant(at)}`;
}

function amountText(minor: bigint, currency: string): string {
  return `${currency} ${decimalText({ minor, currency })}`;
}

function wait(answer: {
  until: EpochMs | null;
  because: string;
  next?: NextStage;
  attention?: Attention | null;
  reasons: readonly Reason[];
}): Step {
  const { until, because, next, attention, reasons } = answer;
  return { kind: 'wait', until, because, next: next ?? null, attention: attention ?? null, reasons };
}
