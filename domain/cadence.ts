// cadence.ts: which day belongs to which stage. A day here is a calendar day in the creditor's contract zone, because
// that is where an invoice falls due; at what hour a message may leave is calendar.ts.
import type { Policy, Stage } from './policy/policy.ts';
import { addDays, daysBetween, type EpochMs, instantAt, type LocalDate, localDateAt, type Zone } from './time.ts';

/** Days past due: 0 on the due date, which is not overdue yet; negative before it. */
export function ageOf(dueDate: LocalDate, now: EpochMs, creditorZone: Zone): number {
  return daysBetween(dueDate, localDateAt(now, creditorZone));
}

/** Days after the due date on which a stage is due, with grace and agreed slow months: both delay only what comes after it. */
export function dayOf(policy: Policy, stage: Stage, dueDate: LocalDate): number {
  if (stage.day <= 0) return stage.day;
  const slow = policy.slowMonths;
  const shift = slow?.months.includes(Number(dueDate.slice(5, 7))) ? slow.shiftDays : 0;
  return stage.day + policy.graceDays + shift;
}

/** The latest stage that is due on the creditor's day `today`; earlier ones are missed and never fired. */
export function stageOn(policy: Policy, dueDate: LocalDate, today: LocalDate): Stage | undefined {
  const age = daysBetween(dueDate, today);
  return policy.stages.findLast(stage => dayOf(policy, stage, dueDate) <= age);
}

/** The first instant of the day on which a stage is due. */
export function stageStart(policy: Policy, stage: Stage, dueDate: LocalDate, creditorZone: Zone): EpochMs {
  return instantAt(addDays(dueDate, dayOf(policy, stage, dueDate)), 0, creditorZone);
}
