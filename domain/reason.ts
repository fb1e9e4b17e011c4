// reason.ts: why a decision fell as it did. Reasons are stored with every decision, so that "why did this customer get
// this message?" is answered from what was known then, not guessed later.

/** A stable code, one sentence for people, and the facts it rests on (JSON-safe: money and big numbers as text). */
export type Reason = { readonly code: ReasonCode; readonly text: string; readonly inputs: Readonly<Record<string, ReasonInput>> };
export type ReasonInput = string | number | boolean | null;

export type ReasonCode =
  | 'paid_or_closed'
  | 'superseded'
  | 'below_minimum'
  | 'legal_stay'
  | 'held'
  | 'data_health'
  | 'every_channel_suppressed'
  | 'no_recipient'
  | 'unapplied_cash_covers'
  | 'not_due_yet'
  | 'stage_due'
  | 'stage_covered'
  | 'stages_missed'
  | 'outside_window'
  | 'holiday'
  | 'min_gap'
  | 'budget'
  | 'needs_review'
  | 'awaiting_review'
  | 'shadow_mode'
  | 'crossed_payment'
  | 'notice_in_flight'
  | 'delivery_unknown'
  | 'past_last_stage'
  | 'stale_version'
  | 'no_window'
  | 'purchase_order_missing'
  | 'retry_later'
  | 'may_leave';

export function reason(code: ReasonCode, text: string, inputs: Record<string, ReasonInput> = {}): Reason {
  return { code, text, inputs };
}
