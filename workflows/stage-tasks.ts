// stage-tasks.ts: carries out a stage's side effects beside the case, so that a vendor's outage never keeps a case from
// hearing that it was paid.
import { CancellationScope, isCancellation, log } from '@temporalio/workflow';
import type { CaseKey } from './contract/ids.ts';
import type { StageTask } from './contract/types.ts';
import { vendors } from './risk.ts';

export class StageTasks {
  private readonly key: CaseKey;
  private readonly scope = new CancellationScope({ cancellable: true });
  private readonly begun = new Set<string>();
  private readonly running = new Set<Promise<void>>();
  /** The stage whose side effects are all carried out; the next step records it. */
  finished: string | undefined;

  constructor(key: CaseKey) {
    this.key = key;
  }

  /** Starts what this run has not started yet. What a run left behind is asked for again in the next one: all are idempotent. */
  start(stage: string, tasks: readonly StageTask[]): void {
    if (tasks.length === 0 || this.begun.has(stage)) return;
    this.begun.add(stage);
    const all = this.scope
      .run(() => Promise.all(tasks.map(task => this.carryOut(task))))
      .then(() => {
        this.finished = stage;
      })
      .finally(() => this.running.delete(all));
    this.running.add(all);
  }

  /** Before the run ends: what still waits for a vendor is given up, and the clean-up of the close is carried out. */
  async finish(cleanUp: readonly StageTask[]): Promise<void> {
    this.scope.cancel();
    await Promise.all(this.running);
    await Promise.all(cleanUp.map(task => this.carryOut(task)));
  }

  private async carryOut(task: StageTask): Promise<void> {
    const options = { summary: task.summary };
    try {
      switch (task.kind) {
        case 'call':
          await vendors.offerCall.executeWithOptions(options, [{ case: this.key, task }]);
          return;
        case 'platform_note':
          await vendors.noteStage.executeWithOptions(options, [{ case: this.key, task }]);
          return;
        case 'tell_owner':
          await vendors.tellOwner.executeWithOptions(options, [{ case: this.key, task }]);
          return;
        case 'platform_status':
          await vendors.writeStatus.executeWithOptions(options, [{ case: this.key, status: task.status }]);
          return;
        case 'stop_calls':
          await vendors.stopCalls.executeWithOptions(options, [{ case: this.key }]);
          return;
      }
    } catch (error) {
      // The activity has put its failure on the worklist; the case goes on.
      if (!isCancellation(error)) log.warn('a side effect of a stage was given up', { kind: task.kind, error: String(error) });
    }
  }
}
