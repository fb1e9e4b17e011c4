// credit.ts: money of the customer that is not applied to any invoice: payments nobody matched yet, credit notes, and
// what was paid too much. It is the customer's money, so it is counted before anybody is chased.
import type { Facts } from './facts.ts';

/** Minor units in the currency of the facts; never negative. */
export function creditsOf(facts: Facts): bigint {
  const openCredits = facts.invoices.filter(invoice => invoice.state === 'open' && invoice.openMinor < 0n);
  return openCredits.reduce((sum, credit) => sum - credit.openMinor, facts.unappliedMinor);
}
