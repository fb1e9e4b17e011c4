// gate.ts: the last question before a message leaves. plan.ts may have decided days ago; since then people pay,
// dispute, ask for time. So fresh facts are judged when a notice is claimed, and the verdict is stored with it.
import type { Facts } from './facts.ts';
import type { HolidayCalendar, Mode, Policy } from './policy/policy.ts';
import type { Reason, ReasonInput } from './reason.ts';
import type { EpochMs } from './time.ts';

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
