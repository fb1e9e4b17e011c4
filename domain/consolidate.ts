// consolidate.ts: what one message to a customer says. A customer with five overdue invoices gets one message with five
// lines, each at its own stage, because every case asks for all of its customer under the same lock.
import type { Facts } from './facts.ts';
import { plan } from './plan.ts';
import type { HolidayCalendar, Policy, Stage } from './policy/policy.ts';
import type { EpochMs } from './time.ts';

/** A line may leave alone (`act`) or only after a person agreed (`ask`, with what is asked): the two are never mixed in one message. */
export type GatheredLine = {
  readonly invoiceId: string;
  readonly stage: Stage;
  readonly kind: 'act' | 'ask';
  readonly asks: string | null;
};

/** Every open invoice with an open case whose e-mail stage is due and may leave at `now`, in the order of the facts. */
export function gather(policy: Policy, facts: Facts, now: EpochMs, holidays: HolidayCalendar): GatheredLine[] {
  const cases = facts.invoices.filter(invoice => invoice.state === 'open' && invoice.openedAt !== null);
  return cases.flatMap(invoice => {
    const step = plan(policy, facts, invoice.id, now, holidays);
    if ((step.kind !== 'act' && step.kind !== 'ask') || step.stage.channel !== 'email') return [];
    return [{ invoiceId: invoice.id, stage: step.stage, kind: step.kind, asks: step.kind === 'ask' ? step.asks : null }];
  });
}
