// ask.ts: every request to the platform passes the shared breaker here, and its trouble becomes a failure for Temporal.
import type { Clock } from '../../domain/clock.ts';
import type { Database } from '../../store/database.ts';
import type { BreakerLimits } from '../../store/vendors.ts';
import { failureOf } from '../failures.ts';
import { guarded } from '../vendor/breaker.ts';
import type { PlatformTrouble } from './client.ts';

export type PlatformGuard = { readonly database: Database; readonly clock: Clock; readonly breaker?: BreakerLimits };

const vendor = 'platform';

/** Throws while the breaker is open, and for everything that is neither a success nor a business outcome. */
export async function askPlatform<A extends { readonly kind: string }>(
  guard: PlatformGuard,
  tenant: string,
  ask: () => Promise<A | PlatformTrouble>,
): Promise<Exclude<A, PlatformTrouble> | Extract<PlatformTrouble, { kind: 'rejected' }>> {
  const asked = await guarded(
    { database: guard.database, clock: guard.clock, ...(guard.breaker ? { limits: guard.breaker } : {}) },
    tenant,
    vendor,
    ask,
    answer => (isTrouble(answer) && answer.kind === 'failed' ? { up: false, because: answer.because } : { up: true }),
  );
  if (asked.kind === 'paused') throw failureOf(asked);
  const { answer } = asked;
  if (!isTrouble(answer)) return answer as Exclude<A, PlatformTrouble>;
  switch (answer.kind) {
    case 'failed':
      throw failureOf({ kind: 'unavailable', vendor, because: answer.because });
    case 'throttled':
    case 'not_allowed':
      throw failureOf({ ...answer, vendor });
    case 'rejected':
      return answer;
  }
}

function isTrouble(answer: { readonly kind: string }): answer is PlatformTrouble {
  return answer.kind === 'failed' || answer.kind === 'throttled' || answer.kind === 'not_allowed' || answer.kind === 'rejected';
}
