// types.ts: what crosses between workflows, activities and clients. Payloads are JSON: money as { amount, currency },
// instants as milliseconds. Fields may be added and must then be optional: runs started months ago still send the old form.
import type { MoneyJson } from '../../domain/money.ts';
import type { CaseKey } from './ids.ts';

export type DunningInput = {
  readonly case: CaseKey;
  /** Facts heard but not yet recorded when the run continued as new. */
  readonly carried?: readonly Heard[];
};

export type DunningOutcome = { readonly outcome: string };

/** A fact a signal brought. With `eventId` only, it is a hint: the fact is already in the store. */
export type Heard = { readonly kind: 'payment' | 'facts'; readonly eventId: string; readonly payment?: ToldPayment };

/** A payment as it was told: the step that records it checks it, nobody has before. */
export type ToldPayment = { readonly [Field in keyof PaymentSignal]?: unknown };

/** A payment told by signal: recorded once, by its event id, before anything is decided. */
export type PaymentSignal = {
  readonly amount: MoneyJson;
  /** YYYY-MM-DD. */
  readonly valueDate: string;
  readonly reference?: string;
};

/** Search attributes to write, only when they are worth an action. */
export type StageAttributes = {
  readonly stage: string;
  readonly state: string;
  readonly outcome?: string;
  readonly nextActionAt?: number;
  readonly openMinor: number;
};

/** A side effect of a stage that has its own vendor, its own retries and its own line in the Temporal UI. */
export type StageTask =
  | { readonly kind: 'call'; readonly stage: string; readonly summary: string }
  | { readonly kind: 'platform_note'; readonly stage: string; readonly summary: string }
  | { readonly kind: 'tell_owner'; readonly stage: string; readonly summary: string }
  | { readonly kind: 'platform_status'; readonly status: string; readonly summary: string }
  | { readonly kind: 'stop_calls'; readonly summary: string };

/** What a case does after its facts were read, the due notice (if any) sent, and the next moment planned. */
export type TakenStep = {
  readonly next:
    | { readonly kind: 'wait'; readonly forMs: number | null; readonly because: string; readonly summary: string }
    | { readonly kind: 'close'; readonly outcome: string };
  /** Markdown for the "current details" of the run in the Temporal UI. */
  readonly story: string;
  /** The stage the tasks belong to: the latest that left. */
  readonly stage: string | null;
  readonly tasks: readonly StageTask[];
  readonly attributes?: StageAttributes;
};

export type IntakeInput = { readonly tenant: string; readonly startsPerSecond: number };
export type IntakeResult = { readonly started: number };
