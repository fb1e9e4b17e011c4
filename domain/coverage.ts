// coverage.ts: what a message says about a stage. A stage that a living notice speaks for, in this cycle or an earlier
// one, counts as done, also when a person said no to it; one that was cancelled or refused by the server does not.
import type { CoveredStage, InvoiceFacts } from './facts.ts';
import type { EpochMs } from './time.ts';

/** How long a message that the server refused is left alone before it is tried again. */
const RETRY_REFUSED_MS = 15 * 60_000;

export function covers(line: CoveredStage): boolean {
  return line.review === 'declined' || (line.state !== 'cancelled' && line.state !== 'not_sent');
}

export function isCovered(invoice: InvoiceFacts, stage: string): boolean {
  return invoice.covered.some(line => line.stage === stage && covers(line));
}

/** On its way to the wire or on it, with nobody asked: it ends by itself, soon. */
export function isInFlight(line: CoveredStage): boolean {
  if (line.review === 'waiting' || line.review === 'declined') return false;
  return line.state === 'pending' || line.state === 'claimed' || line.state === 'in_data';
}

/** A person was asked and has not answered. */
export function awaitsReview(line: CoveredStage): boolean {
  return line.review === 'waiting' && covers(line) && line.state !== 'suppressed';
}

/** The end of the rest after the last refusal of a stage; null when it may be tried. */
export function restsUntil(invoice: InvoiceFacts, stage: string, now: EpochMs): EpochMs | null {
  const refused = invoice.covered.filter(line => line.stage === stage && line.state === 'not_sent' && !covers(line));
  const ends = refused.flatMap(line => (line.at === null ? [] : [line.at + RETRY_REFUSED_MS])).filter(end => end > now);
  return ends.length > 0 ? Math.max(...ends) : null;
}
