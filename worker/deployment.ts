// deployment.ts: tells the server which build new workflow tasks go to. Running cases move with it (AUTO_UPGRADE), which
// is why replayed histories guard every change of workflow code.
import type { Client } from '@temporalio/client';
import { setTimeout as sleep } from 'node:timers/promises';

/** Makes the build current once its worker has polled. Throws when the server does not know the build after `withinMs`. */
export async function makeCurrent(
  client: Client,
  namespace: string,
  deployment: { deploymentName: string; buildId: string },
  withinMs = 30_000,
): Promise<void> {
  const until = Date.now() + withinMs;
  for (;;) {
    try {
      await client.workflowService.setWorkerDeploymentCurrentVersion({
        namespace,
        deploymentName: deployment.deploymentName,
        buildId: deployment.buildId,
        identity: `dunlin@${process.pid}`,
        ignoreMissingTaskQueues: true,
      });
      return;
    } catch (error) {
      if (Date.now() > until) throw error;
      await sleep(200);
    }
  }
}
