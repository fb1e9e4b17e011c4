// breaker.ts: asks the shared breaker before a vendor is called and tells it how that went. While it is open nobody
// queues up a burst: each waiting step is told when to come back, reads the facts again then, and may find that it is
// no longer wanted.
import type { Clock } from '../../domain/clock.ts';
import { type Database, withTenant } from '../../store/database.ts';
import { type BreakerLimits, enterBreaker, vendorAnswered, vendorFailed } from '../../store/vendors.ts';
import type { Trouble } from '../failures.ts';

export type VendorGuard = { readonly database: Database; readonly clock: Clock; readonly limits?: BreakerLimits };

/** A vendor is taken for down after five failures in a row, and is asked once every 15 seconds whether it is back. */
const breakerLimits: BreakerLimits = { failures: 5, probeEveryMs: 15_000 };

/** What the vendor's health tells about one answer: `down` counts against it, `up` shows that it is there. */
export type Health = { readonly up: true } | { readonly up: false; readonly because: string };

/** Runs `ask` unless the breaker is open; then returns the trouble to throw. Health null: the vendor was not asked after all. */
export async function guarded<Answer>(
  guard: VendorGuard,
  tenant: string,
  vendor: string,
  ask: () => Promise<Answer>,
  healthOf: (answer: Answer) => Health | null,
): Promise<{ readonly kind: 'answered'; readonly answer: Answer } | Extract<Trouble, { kind: 'paused' }>> {
  const limits = guard.limits ?? breakerLimits;
  const entry = await withTenant(guard.database, tenant, tx => enterBreaker(tx, vendor, limits));
  if (entry.kind === 'wait') {
    return { kind: 'paused', vendor, because: `paused, it was down: ${entry.because}`, retryAfterMs: entry.forMs + spreadMs(limits) };
  }
  const answer = await ask();
  const health = healthOf(answer);
  if (!health) return { kind: 'answered', answer };
  await withTenant(guard.database, tenant, tx =>
    health.up ? vendorAnswered(tx, vendor, guard.clock.now()) : vendorFailed(tx, vendor, health.because, limits, guard.clock.now()),
  );
  return { kind: 'answered', answer };
}

/** Waiting steps come back one after the other, not in the same millisecond. */
function spreadMs(limits: BreakerLimits): number {
  return Math.random() * limits.probeEveryMs;
}
