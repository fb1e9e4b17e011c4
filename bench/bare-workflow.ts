// bare-workflow.ts: the peer of the lifecycle benchmark: the same timers, and one activity a stage that does nothing. It is
// as fast as the Temporal server and the SDK let any such workflow be.
import { proxyActivities, sleep } from '@temporalio/workflow';

export type BareActivities = { nothing(): Promise<void> };
export type BareInput = { readonly stages: number; readonly waitMs: number };

const { nothing } = proxyActivities<BareActivities>({ startToCloseTimeout: '2 minutes' });

export async function bare({ stages, waitMs }: BareInput): Promise<void> {
  for (let stage = 0; stage < stages; stage += 1) {
    await sleep(waitMs);
    await nothing();
  }
}
