// dunning-client.ts: the only place that knows how Dunlin's workflows are started and signalled from outside.
import { type Client, ScheduleAlreadyRunning, ScheduleOverlapPolicy, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { intakeScheduleId, intakeWorkflowId, taskQueue } from '../workflows/contract/ids.ts';
import type { IntakeInput } from '../workflows/contract/types.ts';

/** Workflow starts a second that intake keeps to: a morning's import must not starve what is running. */
const startsPerSecond = 50;

/** Looks for due cases now. When an intake is already running it will see them too. */
export async function startIntake(client: Client, tenant: string): Promise<void> {
  const input: IntakeInput = { tenant, startsPerSecond };
  try {
    await client.workflow.start('intake', {
      workflowId: intakeWorkflowId(tenant),
      taskQueue,
      args: [input],
      workflowIdConflictPolicy: 'USE_EXISTING',
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      staticSummary: `Open due cases of ${tenant}`,
    });
  } catch (error) {
    // An id may be started once a second only; the schedule or the next import looks again.
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

/** Every quarter of an hour, never twice at once: cases open on their day even when nothing is imported. */
export async function ensureIntakeSchedule(client: Client, tenant: string): Promise<void> {
  const input: IntakeInput = { tenant, startsPerSecond };
  try {
    await client.schedule.create({
      scheduleId: intakeScheduleId(tenant),
      spec: { intervals: [{ every: '15 minutes' }], jitter: '1 minute' },
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 hour' },
      action: { type: 'startWorkflow', workflowType: 'intake', workflowId: intakeWorkflowId(tenant), taskQueue, args: [input] },
      memo: { tenant },
    });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
}
