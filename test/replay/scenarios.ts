// scenarios.ts: the lives of a case that must replay for ever: what each step answered, and what was signalled when.
// Recorded once on a real server (test/replay/record.ts), replayed by every test run.
import type { WorkflowHandle } from '@temporalio/client';
import type { StageTask, TakenStep } from '../../workflows/contract/types.ts';

export type Scenario = {
  readonly name: string;
  readonly workflow: 'dunning' | 'intake';
  /** Answers of takeStep in order; the last one repeats. */
  readonly steps?: readonly TakenStep[];
  /** Answers of openDueCases in order. */
  readonly batches?: readonly { started: number; more: boolean }[];
  /** What happens outside while it runs. */
  readonly outside?: (handle: WorkflowHandle, stepTaken: (count: number) => Promise<void>) => Promise<void>;
  /** Vendor activities that fail this many times first. */
  readonly vendorFailures?: number;
};

const wait = (stage: string, forMs: number | null, more: Partial<TakenStep> = {}): TakenStep => ({
  next: { kind: 'wait', forMs, because: `waits for ${stage}`, summary: stage },
  story: `### Watching\n\n**Next:** ${stage}`,
  stage: null,
  tasks: [],
  ...more,
});
const close = (outcome: string, tasks: readonly StageTask[] = []): TakenStep => ({
  next: { kind: 'close', outcome },
  story: `### Closed: ${outcome}`,
  stage: 'firm',
  tasks,
  attributes: { stage: 'firm', state: 'closed', outcome, openMinor: 0 },
});
const also: StageTask[] = [
  { kind: 'call', stage: 'escalation', summary: '+15 escalation: offer a call to an agent' },
  { kind: 'platform_note', stage: 'escalation', summary: '+15 escalation: note on the platform' },
  { kind: 'tell_owner', stage: 'escalation', summary: '+15 escalation: tell the account owner' },
];

export const scenarios: readonly Scenario[] = [
  {
    name: 'five-stages-never-paid',
    workflow: 'dunning',
    steps: [...['friendly', 'gentle', 'firm', 'escalation', 'final'].map(stage => wait(stage, 20)), close('written_off')],
  },
  {
    name: 'paid-after-the-second-stage',
    workflow: 'dunning',
    steps: [wait('friendly', 20), wait('gentle', 20), wait('firm', 600_000), close('paid')],
    outside: async (handle, stepTaken) => {
      await stepTaken(3);
      await handle.signal('paymentReceived', { eventId: 'pay_1#1', what: 'payment' });
    },
  },
  {
    name: 'paid-by-a-signal-that-carries-the-payment',
    workflow: 'dunning',
    steps: [wait('friendly', 600_000), close('paid')],
    outside: async (handle, stepTaken) => {
      await stepTaken(1);
      await handle.signal('paymentReceived', { eventId: 'bank-1', amount: { amount: '107800', currency: 'USD' }, valueDate: '2026-02-03' });
      await handle
        .signal('paymentReceived', { eventId: 'bank-1', amount: { amount: '107800', currency: 'USD' }, valueDate: '2026-02-03' })
        .catch(() => undefined);
    },
  },
  {
    name: 'held-then-released-with-nothing-to-wait-for',
    workflow: 'dunning',
    steps: [
      wait('firm', null, { attributes: { stage: 'none', state: 'with_people', openMinor: 107_800 } }),
      wait('firm', 20),
      close('paid'),
    ],
    outside: async (handle, stepTaken) => {
      await stepTaken(1);
      await handle.signal('factsChanged', { eventId: 'hold_1#7', what: 'facts' });
    },
  },
  {
    name: 'side-effects-of-a-stage-beside-the-case',
    workflow: 'dunning',
    steps: [
      wait('escalation', 20),
      wait('final', 20, { stage: 'escalation', tasks: also }),
      wait('final', 20, { stage: 'escalation', tasks: also }),
      close('paid', [{ kind: 'stop_calls', summary: 'take it off the call lists' }]),
    ],
  },
  {
    name: 'paid-while-a-vendor-is-down',
    workflow: 'dunning',
    vendorFailures: 1000,
    steps: [wait('final', 600_000, { stage: 'escalation', tasks: also }), close('paid')],
    outside: async (handle, stepTaken) => {
      await stepTaken(1);
      await handle.signal('paymentReceived', { eventId: 'pay_2#9' });
    },
  },
  {
    name: 'intake-in-two-batches',
    workflow: 'intake',
    batches: [
      { started: 250, more: true },
      { started: 12, more: false },
    ],
  },
];
