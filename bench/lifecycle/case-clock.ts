// case-clock.ts: business time for a throughput benchmark: each case has its own. Whatever a case waits for comes after the
// same real wait, and its time then stands until it has acted. One clock for all would skip stages as soon as the machine
// falls behind, and what was to be measured would not happen.
import { asyncLocalStorage } from '@temporalio/activity';
import type { Clock } from '../../domain/clock.ts';
import type { EpochMs } from '../../domain/time.ts';

type Run = { readonly fromSim: EpochMs; readonly untilSim: EpochMs; readonly fromReal: number };

/** `start`: business time of a case that has not waited yet, and of everybody else. `waitMs`: real length of every wait. */
export function caseClock(start: EpochMs, waitMs: number, caseOf: () => string | undefined = workflowOfActivity): Clock {
  const runs = new Map<string, Run>();
  const now = (): EpochMs => {
    const run = runs.get(caseOf() ?? '');
    if (!run) return start;
    const ran = Math.min(1, Math.max(0, (Date.now() - run.fromReal) / waitMs));
    return Math.floor(run.fromSim + (run.untilSim - run.fromSim) * ran);
  };
  const realMsUntil = (until: EpochMs): number => {
    const fromSim = now();
    if (until <= fromSim) return 0;
    const id = caseOf();
    if (id !== undefined) runs.set(id, { fromSim, untilSim: until, fromReal: Date.now() });
    return waitMs;
  };
  return { now, realMsUntil };
}

/** The workflow whose activity asks; undefined outside of activities. */
function workflowOfActivity(): string | undefined {
  return asyncLocalStorage.getStore()?.info.workflowExecution?.workflowId;
}
