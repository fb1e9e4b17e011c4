// policy.ts: the shape of a policy once it has been read: the cadence and its limits, with every default filled in.
// The YAML text and its checks are in parse.ts; where each rule comes from is told there.
import type { LocalDate } from '../time.ts';

export type Channel = 'email' | 'call' | 'task';
export type Mode = 'shadow' | 'suggest' | 'auto';
/** What a stage does beside its message. */
export type Also = 'call' | 'platform_note' | 'tell_owner';
export type Weekday = 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun';

export type Stage = {
  /** Unique within the policy, for instance "firm". */
  readonly id: string;
  /** Days after the due date; negative before it. */
  readonly day: number;
  readonly channel: Channel;
  /** Name of the message template, for instance "reminder-3". */
  readonly template: string;
  readonly also: readonly Also[];
  /** Kind of decision a person must take before this stage leaves, for instance "final_notice". */
  readonly approval: string | null;
};

export type ContactRules = {
  readonly days: readonly Weekday[];
  /** Minutes after local midnight; the window is [fromMinute, toMinute). */
  readonly fromMinute: number;
  readonly toMinute: number;
  readonly zone: 'debtor' | 'creditor';
  readonly holidays: 'debtor' | 'creditor' | 'none';
  readonly minGapDays: number;
  readonly maxPer7Days: number;
  readonly spread: boolean;
};

export type Proposal = { readonly id: string; readonly day: number; readonly propose: string };

/** Invoices due in one of `months` (1 to 12) have their overdue stages `shiftDays` later. */
export type SlowMonths = { readonly months: readonly number[]; readonly shiftDays: number };

export type Policy = {
  readonly name: string;
  readonly entry: 'contextual';
  readonly graceDays: number;
  /** Minor units per currency below which nobody is contacted. */
  readonly ignoreBelowMinor: Readonly<Record<string, bigint>>;
  readonly contact: ContactRules;
  /** Ordered by day, then as written. */
  readonly stages: readonly Stage[];
  readonly then: readonly Proposal[];
  /** An invoice without the payer's order number waits for a person before its first message. */
  readonly purchaseOrderRequired?: boolean;
  /** Months agreed to be slow: what falls due in them is chased later. */
  readonly slowMonths?: SlowMonths;
  /** Sections that later walks read (promise, dispute, plans, authority, approvals), validated and kept as written. */
  readonly later: Readonly<Record<string, unknown>>;
};

/** Public holidays of the days a plan may look at, for one country and region. */
export type HolidayCalendar = { readonly has: (date: LocalDate) => boolean; readonly nameOf: (date: LocalDate) => string | null };
