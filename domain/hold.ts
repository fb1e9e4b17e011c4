// hold.ts: which pause forbids contact about an invoice. A court's stay comes before doubtful data, and both before
// anything a person or a vendor asked for; the first in that order is the one that is told.
import type { Facts, Hold, HoldKind } from './facts.ts';
import { type Reason, type ReasonCode, reason } from './reason.ts';
import { type EpochMs, isoInstant } from './time.ts';

const order: readonly HoldKind[] = ['legal_stay', 'data_health', 'vendor_outage', 'reply_received', 'manual'];

const codes: Readonly<Record<HoldKind, ReasonCode>> = {
  legal_stay: 'legal_stay',
  data_health: 'data_health',
  vendor_outage: 'held',
  reply_received: 'held',
  manual: 'held',
};

/** Holds in force for an invoice at `now`, the strictest first. A hold ends at its `until`. */
export function holdsOn(facts: Facts, invoiceId: string, now: EpochMs): Hold[] {
  const inForce = facts.holds.filter(hold => (hold.invoiceId === null || hold.invoiceId === invoiceId) && !isOver(hold, now));
  return inForce.toSorted((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
}

function isOver(hold: Hold, now: EpochMs): boolean {
  return hold.until !== null && hold.until <= now;
}

/** Holds that stop even an apology: a court's stay, and whatever stops a whole tenant or vendor. */
export function stopsApology(hold: Hold): boolean {
  return hold.kind === 'legal_stay' || hold.kind === 'vendor_outage' || hold.scope === 'tenant';
}

export function holdReason(hold: Hold): Reason {
  const until = hold.until === null ? null : isoInstant(hold.until);
  const text = `${nameOf(hold.kind)} (${hold.reason}) ${until ? `until ${until}` : 'until somebody lifts it'}`;
  return reason(codes[hold.kind], text, { kind: hold.kind, scope: hold.scope, because: hold.reason, until });
}

function nameOf(kind: HoldKind): string {
  return kind.replace('_', ' ');
}

/** The earliest end of some holds; null when none of them has one. */
export function earliestEnd(holds: readonly Hold[]): EpochMs | null {
  const ends = holds.flatMap(hold => (hold.until === null ? [] : [hold.until]));
  return ends.length > 0 ? Math.min(...ends) : null;
}
