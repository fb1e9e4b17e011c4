// world.ts: one customer and its invoices in memory, living through whatever happens: payments, returned payments, holds,
// amendments, refusals, people who decide. It does what the shell around the rules does, and writes down every message.
import fc from 'fast-check';
import { gather } from '../../domain/consolidate.ts';
import type { CoveredStage, Facts, Hold, HoldKind, InvoiceFacts, NoticeState } from '../../domain/facts.ts';
import { type GateNotice, gate } from '../../domain/gate.ts';
import { plan } from '../../domain/plan.ts';
import type { Mode, Policy } from '../../domain/policy/policy.ts';
import type { Step } from '../../domain/step.ts';
import { addDays } from '../../domain/time.ts';
import { at, contact, factsOf, holidays, invoice, NEW_YORK } from './facts-builder.ts';

/** Whether it happens at once, or in the middle of the next send: before the gate is asked, or while the body is on the wire. */
type MidSend = 'no' | 'before' | 'during';

export type Happening =
  | { kind: 'tick'; hours: number }
  | { kind: 'pay'; invoice: number; percent: number; midSend: MidSend }
  | { kind: 'overpay'; invoice: number }
  | { kind: 'unapplied'; percent: number }
  | { kind: 'return'; invoice: number }
  | { kind: 'amend'; invoice: number; days: number }
  | { kind: 'hold'; what: HoldKind; days: number | null; invoice: number | null; midSend: MidSend }
  | { kind: 'release' }
  | { kind: 'mode'; mode: Mode }
  | { kind: 'decide'; yes: boolean }
  | { kind: 'address'; usable: boolean }
  | { kind: 'outcome'; next: 'sent' | 'unknown' | 'not_sent' };

type Line = { invoiceId: string; cycle: number; stage: string; channel: 'email'; amountMinor: bigint; invoiceVersion: number };
export type Message = {
  id: string;
  kind: 'reminder' | 'apology';
  lines: Line[];
  mode: Mode;
  review: CoveredStage['review'];
  state: NoticeState;
  at: number | null;
  crossed: boolean;
  apologised: boolean;
};
/** What was true at the instant a message left, for whoever checks afterwards. */
export type Sent = { message: Message; at: number; facts: Facts };
export type Look = { facts: Facts; invoiceId: string; at: number; step: Step };

const START = at('2026-02-16 08:00');
export const feast = holidays('2026-02-19', '2026-03-17', '2026-03-18');

export class World {
  now = START;
  readonly policy: Policy;
  readonly messages: Message[] = [];
  readonly sent: Sent[] = [];
  readonly looks: Look[] = [];
  private invoices: InvoiceFacts[];
  private holds: Hold[] = [];
  private unappliedMinor = 0n;
  private mode: Mode = 'auto';
  private usable = true;
  private outcome: 'sent' | 'unknown' | 'not_sent' = 'sent';
  private readonly midSend: { before: Happening[]; during: Happening[] } = { before: [], during: [] };

  constructor(policy: Policy, dueDays: readonly number[]) {
    this.policy = policy;
    this.invoices = dueDays.map((days, index) =>
      invoice({
        id: `i${index}`,
        number: `INV-${index}`,
        dueDate: addDays('2026-02-20', days),
        openedAt: START,
        amountMinor: 10_000n,
        openMinor: 10_000n,
      }),
    );
  }

  facts(): Facts {
    const spoken = this.messages.filter(
      one => one.at !== null && (one.state === 'sent' || one.state === 'unknown' || one.state === 'in_data'),
    );
    const contacts = [{ ...contact, phone: null, emailSuppressed: !this.usable }];
    return factsOf({
      customer: { mode: this.mode, contacts, contactedAt: spoken.map(one => one.at ?? 0).sort((a, b) => a - b) },
      invoices: this.invoices.map(one => ({ ...one, ...this.saidAbout(one.id) })),
      holds: this.holds,
      unappliedMinor: this.unappliedMinor,
    });
  }

  private saidAbout(invoiceId: string): Pick<InvoiceFacts, 'covered' | 'crossedNoticeIds'> {
    const about = this.messages.filter(one => one.lines.some(line => line.invoiceId === invoiceId));
    const covered = about
      .filter(one => one.kind === 'reminder')
      .flatMap(one =>
        one.lines
          .filter(line => line.invoiceId === invoiceId)
          .map(line => ({
            stage: line.stage,
            channel: line.channel,
            cycle: line.cycle,
            noticeId: one.id,
            state: one.state,
            review: one.review,
            at: one.at,
          })),
      );
    return { covered, crossedNoticeIds: about.filter(one => one.crossed && !one.apologised).map(one => one.id) };
  }

  /** Lives through a happening, and lets every case act until all of them rest. */
  live(happening: Happening): void {
    if (happening.kind === 'tick') return this.pass(this.now + happening.hours * 3_600_000);
    if ('midSend' in happening && happening.midSend !== 'no') this.midSend[happening.midSend].push(happening);
    else this.apply(happening);
    this.settle();
  }

  /** Time goes by, and each case is woken when it asked to be. */
  private pass(target: number): void {
    for (let wakes = 0; ; wakes += 1) {
      const next = Math.min(...this.settle());
      if (next > target) break;
      if (wakes > 3000) throw new Error('cases wake without end');
      this.now = next;
    }
    this.now = target;
    this.settle();
  }

  /** Every open case takes its steps until it rests; answers when they want to be woken. */
  private settle(): number[] {
    const wakes = this.invoices.map(one => this.takeSteps(one.id));
    return wakes.some(wake => wake === 'acted') ? this.settle() : wakes.map(wake => (wake === 'acted' ? Number.POSITIVE_INFINITY : wake));
  }

  private takeSteps(invoiceId: string): number | 'acted' {
    const facts = this.facts();
    const step = plan(this.policy, facts, invoiceId, this.now, feast);
    this.looks.push({ facts, invoiceId, at: this.now, step });
    if (step.kind === 'close') return Number.POSITIVE_INFINITY;
    if (step.kind === 'wait') return step.until ?? Number.POSITIVE_INFINITY;
    if (step.kind === 'apologise') {
      const lines = [this.lineOf(facts, invoiceId, 'apology')];
      const apology = this.open('apology', lines, 'auto', 'none');
      this.send(apology);
      const about = this.messages.find(one => one.id === step.noticeId);
      if (about && apology.state !== 'cancelled') about.apologised = true;
      return 'acted';
    }
    const due = gather(this.policy, facts, this.now, feast).filter(line => line.kind === step.kind);
    const lines = due.map(line => this.lineOf(facts, line.invoiceId, line.stage.id));
    const message = this.open('reminder', lines, step.kind === 'act' ? step.mode : this.mode, step.kind === 'ask' ? 'waiting' : 'none');
    if (step.kind === 'act') this.send(message);
    return 'acted';
  }

  private lineOf(facts: Facts, invoiceId: string, stage: string): Line {
    const about = facts.invoices.find(one => one.id === invoiceId);
    if (!about) throw new Error(`no ${invoiceId}`);
    return { invoiceId, cycle: about.cycle, stage, channel: 'email', amountMinor: about.openMinor, invoiceVersion: about.version };
  }

  private open(kind: Message['kind'], lines: Line[], mode: Mode, review: Message['review']): Message {
    const message: Message = {
      id: `n${this.messages.length}`,
      kind,
      lines,
      mode,
      review,
      state: 'pending',
      at: null,
      crossed: false,
      apologised: false,
    };
    this.messages.push(message);
    return message;
  }

  /** Claim, ask the gate, body, answer. Whatever is to happen in the middle of a send happens before the gate or after it. */
  private send(message: Message): void {
    message.state = 'claimed';
    const before = this.midSend.before.shift();
    if (before) this.apply(before);
    if ((message.state as NoticeState) === 'cancelled') return;
    const facts = this.facts();
    const question: GateNotice = { ...message, stage: message.lines[0]?.stage ?? '', recipient: contact.email };
    const verdict = gate(this.policy, facts, question, this.now, feast);
    if (verdict.kind !== 'send') {
      message.state = verdict.kind === 'cancel' ? 'cancelled' : 'suppressed';
      message.at = verdict.kind === 'cancel' ? null : this.now;
      return;
    }
    message.state = 'in_data';
    message.at = this.now;
    this.sent.push({ message, at: this.now, facts });
    const during = this.midSend.during.shift();
    if (during) this.apply(during);
    message.state = this.outcome;
    if (this.outcome === 'not_sent') this.outcome = 'sent';
  }

  private change(index: number, what: (one: InvoiceFacts) => Partial<InvoiceFacts>): void {
    const which = index % this.invoices.length;
    this.invoices = this.invoices.map((one, i) => (i === which ? { ...one, ...what(one), version: one.version + 1 } : one));
  }

  private apply(happening: Happening): void {
    switch (happening.kind) {
      case 'tick':
        return;
      case 'pay':
      case 'overpay':
        return this.pay(happening.invoice, happening.kind === 'pay' ? happening.percent : 120);
      case 'unapplied':
        this.unappliedMinor = BigInt(happening.percent) * 100n;
        return;
      case 'return':
        return this.change(happening.invoice, one =>
          one.state === 'closed'
            ? { state: 'open', outcome: null, openMinor: one.amountMinor, cycle: one.cycle + 1 }
            : { openMinor: one.amountMinor },
        );
      case 'amend':
        return this.change(happening.invoice, one => ({ dueDate: addDays(one.dueDate, happening.days) }));
      case 'hold': {
        const about = happening.invoice === null ? null : `i${happening.invoice % this.invoices.length}`;
        const until = happening.days === null ? null : this.now + happening.days * 24 * 3_600_000;
        this.holds = [
          ...this.holds,
          { kind: happening.what, scope: about ? 'invoice' : 'customer', invoiceId: about, reason: 'asked', until },
        ];
        return;
      }
      case 'release':
        this.holds = [];
        return;
      case 'mode':
        this.mode = happening.mode;
        return;
      case 'address':
        this.usable = happening.usable;
        return;
      case 'outcome':
        this.outcome = happening.next;
        return;
      case 'decide': {
        const waiting = this.messages.find(one => one.review === 'waiting');
        if (!waiting) return;
        waiting.review = happening.yes ? 'approved' : 'declined';
        if (happening.yes) this.send(waiting);
        else waiting.state = 'cancelled';
      }
    }
  }

  /** A payment cancels what has not left, and marks what is on the wire. */
  private pay(index: number, percent: number): void {
    this.change(index, one => {
      const openMinor = one.openMinor - (one.amountMinor * BigInt(percent)) / 100n;
      return openMinor <= 0n ? { openMinor, state: 'closed', outcome: 'paid' } : { openMinor };
    });
    const paid = `i${index % this.invoices.length}`;
    for (const message of this.messages.filter(one => one.kind === 'reminder' && one.lines.some(line => line.invoiceId === paid))) {
      if (message.state === 'pending' || message.state === 'claimed') message.state = 'cancelled';
      if (message.state === 'in_data') message.crossed = true;
    }
  }
}

const midSend = fc.constantFrom<MidSend>('no', 'before', 'during');
const which = fc.integer({ min: 0, max: 3 });
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('tick' as const), hours: fc.integer({ min: 1, max: 300 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('pay' as const), invoice: which, percent: fc.constantFrom(30, 50, 100), midSend }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('overpay' as const), invoice: which }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('unapplied' as const), percent: fc.constantFrom(0, 0, 50, 100) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('return' as const), invoice: which }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('amend' as const), invoice: which, days: fc.integer({ min: -12, max: 12 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('hold' as const),
      what: fc.constantFrom<HoldKind>('manual', 'reply_received', 'legal_stay', 'data_health', 'vendor_outage'),
      days: fc.option(fc.integer({ min: 1, max: 12 })),
      invoice: fc.option(which),
      midSend,
    }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'release' as const }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('mode' as const), mode: fc.constantFrom<Mode>('auto', 'auto', 'suggest', 'shadow') }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('decide' as const), yes: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('address' as const), usable: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('outcome' as const),
      next: fc.constantFrom('sent' as const, 'unknown' as const, 'not_sent' as const),
    }),
  },
);

type Story = { dueDays: readonly number[]; happenings: readonly Happening[] };

/** Due days of one to four invoices, and what happens to them. */
export const stories = fc.record({
  dueDays: fc.array(fc.integer({ min: -20, max: 15 }), { minLength: 1, maxLength: 4 }),
  happenings: fc.array(happening, { minLength: 3, maxLength: 25 }),
});

const told = new Map<string, World>();

/** The same story told again is the same world: properties that ask the same stories share them. */
export function tell(policy: Policy, story: Story): World {
  const key = JSON.stringify([policy.contact, policy.graceDays, story]);
  const known = told.get(key);
  if (known) return known;
  const world = new World(policy, story.dueDays);
  for (const one of story.happenings) world.live(one);
  world.live({ kind: 'tick', hours: 24 * 20 });
  told.set(key, world);
  return world;
}

export const customerZone = NEW_YORK;
