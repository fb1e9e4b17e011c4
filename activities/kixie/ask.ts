// ask.ts: every request to Kixie passes here: the day's quota is counted, the shared breaker is asked, and what came back
// is turned into a failure for Temporal when there is trouble.
import type { Clock } from '../../domain/clock.ts';
import { addDays, instantAt, localDateAt } from '../../domain/time.ts';
import { type Database, withTenant } from '../../store/database.ts';
import { type BreakerLimits, exhaustQuota, takeQuota } from '../../store/vendors.ts';
import { failureOf, type Trouble } from '../failures.ts';
import { guarded, type Health } from '../vendor/breaker.ts';

export type KixieDeps = {
  readonly database: Database;
  readonly clock: Clock;
  readonly breaker?: BreakerLimits;
  readonly dailyQuota?: number;
};

type Answer = { readonly kind: string; readonly because?: string; readonly seen?: string; readonly retryAfterMs?: number | null };

/** Half of the account's 10,000 requests a day: the rest belongs to people and other programs with the same key. */
const defaultDailyQuota = 5_000;
const vendor = 'kixie';

/** Asks unless the quota or the breaker forbids it; those two throw, everything else is answered. */
export async function askKixie<A extends Answer>(deps: KixieDeps, tenant: string, ask: () => Promise<A>): Promise<A> {
  const day = localDateAt(deps.clock.now(), 'UTC');
  const limit = deps.dailyQuota ?? defaultDailyQuota;
  const asked = await guarded(
    { database: deps.database, clock: deps.clock, ...(deps.breaker ? { limits: deps.breaker } : {}) },
    tenant,
    vendor,
    async () => ((await withTenant(deps.database, tenant, tx => takeQuota(tx, vendor, day, limit))) ? ask() : 'no_quota'),
    answer => (answer === 'no_quota' ? null : healthOf(answer)),
  );
  if (asked.kind === 'paused') throw failureOf(asked);
  if (asked.answer === 'no_quota') {
    throw failureOf({
      kind: 'throttled',
      vendor,
      because: `${limit} requests were made on ${day} (UTC), Dunlin's share of the account's quota; it goes on at 00:00 UTC`,
      retryAfterMs: untilTomorrow(deps, day),
    });
  }
  if (asked.answer.kind === 'throttled') {
    const { because = '', retryAfterMs = null } = asked.answer;
    // Without a word on when to come back this is the end of the day's quota, for every worker.
    if (retryAfterMs === null) await withTenant(deps.database, tenant, tx => exhaustQuota(tx, vendor, day, limit));
    throw failureOf({ kind: 'throttled', vendor, because, retryAfterMs: retryAfterMs ?? untilTomorrow(deps, day) });
  }
  return asked.answer;
}

function untilTomorrow(deps: KixieDeps, day: string): number {
  return Math.max(1_000, deps.clock.realMsUntil(instantAt(addDays(day, 1), 0, 'UTC')));
}

/** Throws for an answer that is neither a success nor a business outcome of an operation that may be repeated. */
export function throwIfTrouble(answer: Answer): void {
  const because = answer.because ?? answer.seen ?? answer.kind;
  const trouble: Trouble | undefined =
    answer.kind === 'not_sent' || answer.kind === 'failed'
      ? { kind: 'unavailable', vendor, because }
      : answer.kind === 'rejected' || answer.kind === 'not_allowed'
        ? { kind: answer.kind, vendor, because }
        : undefined;
  if (trouble) throw failureOf(trouble);
}

/** Not reached, no answer, or a 5xx: the vendor is in trouble. A clear no is a sign of life. */
function healthOf(answer: Answer): Health {
  const down = answer.kind === 'not_sent' || answer.kind === 'failed' || answer.kind === 'unknown';
  return down ? { up: false, because: answer.because ?? answer.seen ?? answer.kind } : { up: true };
}
