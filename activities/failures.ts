// failures.ts: the one place where a vendor's trouble becomes a failure that Temporal understands. Clients return what
// they saw; only a registered activity throws, and it throws what is made here, so that retry rules stand in one table.
import { ApplicationFailure } from '@temporalio/common';

/** Why an effect did not happen. `because` is shown to people and kept in histories: never put a key or an address in it. */
export type Trouble =
  /** Not reached, or failed by itself: nothing happened that a repeat would double. */
  | { readonly kind: 'unavailable'; readonly vendor: string; readonly because: string; readonly retryAfterMs?: number | undefined }
  /** The breaker is open: others found the vendor down a moment ago. */
  | { readonly kind: 'paused'; readonly vendor: string; readonly because: string; readonly retryAfterMs: number }
  /** Too many requests, or the day's quota is used up. */
  | { readonly kind: 'throttled'; readonly vendor: string; readonly because: string; readonly retryAfterMs: number | null }
  /** The vendor understood and said no: a repeat would hear the same. */
  | { readonly kind: 'rejected'; readonly vendor: string; readonly because: string }
  /** Key, scope or address of the vendor is wrong: an operator has to act. */
  | { readonly kind: 'not_allowed'; readonly vendor: string; readonly because: string };

/** Without a word from the vendor on when to come back, real milliseconds to leave it alone. */
const throttledForMs = 60_000;

/**
 * What a registered activity throws. `type` is stable and is what retry policies and alerts name:
 * VendorUnavailable, VendorPaused, VendorThrottled are tried again; VendorRejected and VendorNotAllowed are not.
 */
export function failureOf(trouble: Trouble): ApplicationFailure {
  const message = `${trouble.vendor}: ${trouble.because}`;
  switch (trouble.kind) {
    case 'unavailable':
      return retryable('VendorUnavailable', message, trouble.retryAfterMs);
    case 'paused':
      return retryable('VendorPaused', message, trouble.retryAfterMs);
    case 'throttled':
      return retryable('VendorThrottled', message, trouble.retryAfterMs ?? throttledForMs);
    case 'rejected':
      return ApplicationFailure.create({ message, type: 'VendorRejected', nonRetryable: true });
    case 'not_allowed':
      return ApplicationFailure.create({ message, type: 'VendorNotAllowed', nonRetryable: true });
  }
}

function retryable(type: string, message: string, retryAfterMs: number | undefined): ApplicationFailure {
  return ApplicationFailure.create({
    message,
    type,
    ...(retryAfterMs === undefined ? {} : { nextRetryDelay: Math.max(1, Math.ceil(retryAfterMs)) }),
  });
}
