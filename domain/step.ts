// step.ts: the answer of plan(): exactly one thing to do next, always with the reasons in the order they were asked.
import type { CloseOutcome } from './facts.ts';
import type { Stage } from './policy/policy.ts';
import type { Reason } from './reason.ts';
import type { EpochMs } from './time.ts';

/** The stage a waiting case is waiting for. */
export type NextStage = { readonly stage: string; readonly at: EpochMs };

export type Step =
  | { readonly kind: 'close'; readonly outcome: CloseOutcome; readonly reasons: readonly Reason[] }
  | {
      readonly kind: 'wait';
      /** null: until something changes; never without a place on somebody's worklist. */
      readonly until: EpochMs | null;
      readonly because: string;
      readonly next: NextStage | null;
      /** Set when a person has to look at it; becomes a worklist entry. */
      readonly attention: Attention | null;
      readonly reasons: readonly Reason[];
    }
  | { readonly kind: 'act'; readonly stage: Stage; readonly mode: 'auto' | 'shadow'; readonly reasons: readonly Reason[] }
  | { readonly kind: 'apologise'; readonly noticeId: string; readonly reasons: readonly Reason[] }
  | { readonly kind: 'ask'; readonly stage: Stage; readonly asks: string; readonly reasons: readonly Reason[] };

/**
 * Why a person should look: `held` has no end of its own, `no_window` means that no instant suits every zone the customer
 * may live in, `purchase_order` is missing where the payer demands one; the others say it themselves.
 */
export type Attention =
  | 'past_last_stage'
  | 'no_recipient'
  | 'unapplied_cash'
  | 'awaiting_review'
  | 'delivery_unknown'
  | 'suppressed'
  | 'held'
  | 'below_minimum'
  | 'no_window'
  | 'purchase_order';
