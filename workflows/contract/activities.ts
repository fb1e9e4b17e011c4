// activities.ts: what workflows may ask for, as interfaces. activities/ implements them, tests may too; the compiler
// checks both against this file.
import type { CaseKey } from './ids.ts';
import type { Heard, StageTask, TakenStep } from './types.ts';

export type LedgerActivities = {
  /**
   * Records what was heard, reads the facts, decides, sends the notice that is due, and plans the next moment. Safe to
   * repeat at any point: every effect is claimed by its business key in the store first.
   */
  takeStep(input: { case: CaseKey; heard: readonly Heard[]; carriedOut?: string }): Promise<TakenStep>;
};

export type IntakeActivities = {
  /** Opens up to `limit` cases that are due to start and starts their workflows; `more` says whether others wait. */
  openDueCases(input: { tenant: string; limit: number }): Promise<{ started: number; more: boolean }>;
};

export type CallActivities = {
  /** Puts the contact on the PowerList (merge) and a call task with its script on the worklist. */
  offerCall(input: { case: CaseKey; task: StageTask }): Promise<{ offered: boolean; because: string }>;
  /** Takes the customer's numbers off all lists and closes the call tasks. */
  stopCalls(input: { case: CaseKey }): Promise<{ removed: number }>;
};

export type PlatformActivities = {
  /** Upserts a CRM task and note for the stage, by external id. */
  noteStage(input: { case: CaseKey; task: StageTask }): Promise<{ written: boolean; because: string }>;
  /** Upserts the collections status of the case, by external id. */
  writeStatus(input: { case: CaseKey; status: string }): Promise<{ written: boolean; because: string }>;
};

export type WorklistActivities = {
  /** A task for the customer's owner: this case reached a stage he should know about. */
  tellOwner(input: { case: CaseKey; task: StageTask }): Promise<void>;
};

export type DunningActivities = LedgerActivities & CallActivities & PlatformActivities & WorklistActivities;
