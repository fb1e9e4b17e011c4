// gate.ts: the last question before a message leaves. plan.ts may have decided days ago; since then people pay,
// dispute, ask for time. So fresh facts are judged when a notice is claimed, and the verdict is stored with it.
import { stageOn } from './cadence.ts';
import { clockText, closedBecause, closedWindow, type Contacts, contactsOf } from './calendar.ts';
import { covers } from './coverage.ts';
import { creditsOf } from './credit.ts';
import type { Facts, InvoiceFacts } from './facts.ts';
import { holdReason, holdsOn, stopsApology } from './hold.ts';
import type { HolidayCalendar, Mode, Policy } from './policy/policy.ts';
import { type Reason, type ReasonInput, reason } from './reason.ts';
import { addressOf, canReach, everyChannelSuppressed } from './reach.ts';
import { DAY_MS, type EpochMs, isoInstant, localDateAt, minuteOfDayAt } from './time.ts';

/** One invoice of a notice at its own stage. */
export type GateLine = {
  readonly invoiceId: string;
  readonly cycle: number;
  readonly stage: string;
  readonly amountMinor: bigint;
  readonly invoiceVersion: number;
};

export type GateNotice = {
  readonly id: string;
  readonly kind: 'reminder' | 'apology';
  readonly stage: string;
  readonly mode: Mode;
  readonly review: 'none' | 'waiting' | 'approved' | 'declined';
  readonly recipient: string | null;
  readonly lines: readonly GateLine[];
};

/** `inputs` is everything the verdict looked at, stored for sends and for suppressions alike. */
export type Verdict =
  | { readonly kind: 'send'; readonly reasons: readonly Reason[]; readonly inputs: Readonly<Record<string, ReasonInput>> }
  /** A line no longer holds, or it may not leave now: this notice ends, the stages are gathered again when plan() says so. */
  | { readonly kind: 'cancel'; readonly reasons: readonly Reason[]; readonly inputs: Readonly<Record<string, ReasonInput>> }
  /** Decided and recorded, nobody is contacted (shadow mode, no address that may be used): the stage counts as covered. */
  | { readonly kind: 'suppress'; readonly reasons: readonly Reason[]; readonly inputs: Readonly<Record<string, ReasonInput>> };

export type Gate = (policy: Policy, facts: Facts, notice: GateNotice, now: EpochMs, holidays: HolidayCalendar) => Verdict;

/**
 * Judges a claimed notice by fresh facts. All objections are told, not only the first; `suppress` only when nothing but
 * the way to the customer is missing, because a suppressed stage counts as done.
 */
export const gate: Gate = (policy, facts, notice, now, holidays) => {
  const contacts = contactsOf(policy.contact, facts, holidays);
  const inputs = inputsOf(policy, facts, notice, contacts, now);
  const apology = notice.kind === 'apology';
  const objections = [
    ...notice.lines.flatMap(line => holdReasons(facts, notice, line, now)),
    ...(apology ? closedWindow(contacts, now) : closedBecause(contacts, now)),
    ...(apology
      ? []
      : [...notice.lines.flatMap(line => lineReasons(policy, facts, notice, line, now)), ...reviewReasons(policy, facts, notice)]),
  ];
  if (notice.lines.length === 0) objections.push(reason('stale_version', `notice ${notice.id} has no lines`));
  if (objections.length > 0) return { kind: 'cancel', reasons: unique(objections), inputs };
  if (notice.mode === 'shadow' || facts.customer.mode === 'shadow') {
    return {
      kind: 'suppress',
      reasons: [reason('shadow_mode', 'decided and recorded only: shadow mode', { mode: facts.customer.mode })],
      inputs,
    };
  }
  const address = addressReason(facts, notice);
  if (address) return { ...address, inputs };
  const text = `${notice.lines.length} of ${notice.lines.length} lines still hold and the window is open`;
  return { kind: 'send', reasons: [reason('may_leave', text, { at: isoInstant(now), lines: notice.lines.length })], inputs };
};

function holdReasons(facts: Facts, notice: GateNotice, line: GateLine, now: EpochMs): Reason[] {
  const holds = holdsOn(facts, line.invoiceId, now);
  return (notice.kind === 'apology' ? holds.filter(stopsApology) : holds).map(holdReason);
}

/** Is this line still what was decided: open, unchanged, the latest stage due, and in no other message? */
function lineReasons(policy: Policy, facts: Facts, notice: GateNotice, line: GateLine, now: EpochMs): Reason[] {
  const invoice = facts.invoices.find(one => one.id === line.invoiceId);
  if (!invoice) return [reason('paid_or_closed', `invoice ${line.invoiceId} is no longer open`, { invoice: line.invoiceId })];
  const { number } = invoice;
  if (invoice.state === 'closed' || invoice.openMinor <= 0n) {
    const inputs = { invoice: number, openMinor: invoice.openMinor.toString(), outcome: invoice.outcome };
    return [reason('paid_or_closed', `${number} is no longer open`, inputs)];
  }
  const reasons: Reason[] = [];
  if (changed(invoice, line)) {
    const inputs = { invoice: number, decidedVersion: line.invoiceVersion, version: invoice.version, cycle: invoice.cycle };
    const amounts = { decidedMinor: line.amountMinor.toString(), openMinor: invoice.openMinor.toString() };
    reasons.push(reason('stale_version', `${number} changed since the message was decided`, { ...inputs, ...amounts }));
  }
  if (invoice.openMinor < (policy.ignoreBelowMinor[facts.currency] ?? 0n)) {
    reasons.push(reason('below_minimum', `${number} is below the least anybody is contacted for`, { invoice: number }));
  }
  if (creditsOf(facts) >= invoice.openMinor) {
    const inputs = { invoice: number, creditsMinor: creditsOf(facts).toString(), openMinor: invoice.openMinor.toString() };
    reasons.push(reason('unapplied_cash_covers', `money not applied yet covers ${number}`, inputs));
  }
  const other = invoice.covered.find(one => one.stage === line.stage && one.noticeId !== notice.id && covers(one));
  if (other) {
    const inputs = { invoice: number, stage: line.stage, noticeId: other.noticeId };
    reasons.push(reason('stage_covered', `stage ${line.stage} of ${number} is in notice ${other.noticeId}`, inputs));
  }
  const due = stageOn(policy, invoice.dueDate, localDateAt(now, facts.creditor.zone));
  if (due?.id !== line.stage) {
    const inputs = { invoice: number, stage: line.stage, due: due?.id ?? null };
    reasons.push(reason('stages_missed', `stage ${line.stage} of ${number} is not the one that is due`, inputs));
  }
  return reasons;
}

function changed(invoice: InvoiceFacts, line: GateLine): boolean {
  return invoice.version !== line.invoiceVersion || invoice.cycle !== line.cycle || invoice.openMinor !== line.amountMinor;
}

/** A person's yes is needed when the notice asked for it, when the segment asks now, or when a stage of it does. */
function reviewReasons(policy: Policy, facts: Facts, notice: GateNotice): Reason[] {
  const { review } = notice;
  if (review === 'waiting') return [reason('awaiting_review', 'a person has not decided yet', { review })];
  if (review === 'declined') return [reason('needs_review', 'a person declined this message', { review })];
  if (review === 'approved' || notice.mode === 'shadow' || facts.customer.mode === 'shadow') return [];
  const approval = policy.stages.find(stage => stage.approval !== null && notice.lines.some(line => line.stage === stage.id));
  if (notice.mode !== 'suggest' && facts.customer.mode !== 'suggest' && !approval) return [];
  return [reason('needs_review', 'a person has to agree to this message first', { review, asks: approval?.approval ?? 'suggest' })];
}

/** The address of the notice must still be one of the customer's, and usable. */
function addressReason(facts: Facts, notice: GateNotice): { kind: 'suppress' | 'cancel'; reasons: Reason[] } | undefined {
  const { customer } = facts;
  const wanted = notice.recipient?.toLowerCase() ?? null;
  if (wanted !== null && customer.contacts.some(contact => addressOf(contact, 'email')?.toLowerCase() === wanted)) return undefined;
  const inputs = { contacts: customer.contacts.length, hadRecipient: wanted !== null };
  if (canReach(customer, 'email')) {
    return {
      kind: 'cancel',
      reasons: [reason('no_recipient', 'the address of this message may not be used any more; another one may', inputs)],
    };
  }
  const code = everyChannelSuppressed(customer) ? 'every_channel_suppressed' : 'no_recipient';
  return { kind: 'suppress', reasons: [reason(code, `${customer.name} has no e-mail address that may be used`, inputs)] };
}

/** What the verdict looked at. Addresses stay out: they are in the notice, and inputs are kept for years. */
function inputsOf(policy: Policy, facts: Facts, notice: GateNotice, contacts: Contacts, now: EpochMs): Record<string, ReasonInput> {
  const zone = contacts.zones[0] ?? 'UTC';
  const date = localDateAt(now, zone);
  const last = contacts.contactedAt.at(-1);
  const inputs: Record<string, ReasonInput> = {
    at: isoInstant(now),
    kind: notice.kind,
    policy: policy.name,
    mode: facts.customer.mode,
    noticeMode: notice.mode,
    review: notice.review,
    hasRecipient: notice.recipient !== null,
    customerVersion: facts.customer.version,
    zones: contacts.zones.join(' '),
    localTime: `${date} ${clockText(minuteOfDayAt(now, zone))}`,
    window: `${clockText(policy.contact.fromMinute)}-${clockText(policy.contact.toMinute)}`,
    holiday: policy.contact.holidays === 'none' ? null : contacts.holidays.nameOf(date),
    lastContact: last === undefined ? null : isoInstant(last),
    minGapDays: policy.contact.minGapDays,
    sentIn7Days: contacts.contactedAt.filter(contact => contact > now - 7 * DAY_MS).length,
    maxPer7Days: policy.contact.maxPer7Days,
    creditsMinor: creditsOf(facts).toString(),
    holds: facts.holds.length,
  };
  for (const line of notice.lines) {
    const invoice = facts.invoices.find(one => one.id === line.invoiceId);
    inputs[`line ${invoice?.number ?? line.invoiceId}`] = invoice
      ? `stage ${line.stage}, open ${invoice.openMinor} of ${line.amountMinor} decided, version ${invoice.version} of ${line.invoiceVersion}`
      : `stage ${line.stage}, not open any more`;
  }
  return inputs;
}

/** The same objection to several lines is told once. */
function unique(reasons: readonly Reason[]): Reason[] {
  return [...new Map(reasons.map(one => [`${one.code} ${one.text}`, one])).values()];
}
