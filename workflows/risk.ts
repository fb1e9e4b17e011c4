// risk.ts: activity calls grouped by what a repeat would cost, with the reason beside each limit.
import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type { CallActivities, IntakeActivities, LedgerActivities, PlatformActivities, WorklistActivities } from './contract/activities.ts';

// Same facts, same rows, every effect claimed in the store first: repeat until it works. The time limit covers one e-mail
// on a slow line (45 s) with room for the store; a killed worker is noticed by its missing heartbeat. Steps shorter than
// the first heartbeat send none.
export const ledger = proxyActivities<LedgerActivities>({
  startToCloseTimeout: '2 minutes',
  heartbeatTimeout: '12 seconds',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '5 minutes' },
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
});

// Idempotent by external id or by phone number. A vendor that is down holds these, never the case.
export const vendors = proxyActivities<CallActivities & PlatformActivities & WorklistActivities>({
  startToCloseTimeout: '1 minute',
  scheduleToCloseTimeout: '5 days',
  retry: { initialInterval: '5 seconds', backoffCoefficient: 3, maximumInterval: '1 hour' },
  cancellationType: ActivityCancellationType.TRY_CANCEL,
});

// Case rows are unique: opening twice opens once.
export const intakes = proxyActivities<IntakeActivities>({
  startToCloseTimeout: '5 minutes',
  heartbeatTimeout: '1 minute',
  retry: { initialInterval: '1 second', maximumInterval: '1 minute' },
  cancellationType: ActivityCancellationType.TRY_CANCEL,
});
