// collector.ts: the demo's stand-in collector: once a day he calls whoever is on the call list, and writes down what he
// heard. Kixie's webhooks tell Dunlin the rest.
import { setTimeout as sleep } from 'node:timers/promises';
import { callNow } from '../../activities/kixie/call-now.ts';
import { withTenant } from '../../store/database.ts';
import { offeredCalls } from '../../store/calls.ts';
import { readTenant } from '../../store/tenants.ts';
import type { Stage } from './stage.ts';

export async function collectorCalls(stage: Stage): Promise<void> {
  const { tasks, agent } = await withTenant(stage.database, stage.tenant, async tx => ({
    tasks: await offeredCalls(tx),
    agent: (await readTenant(tx)).settings.kixie?.agents?.[0] ?? '',
  }));
  const account = { baseUrl: stage.vendors.kixie.url, apiKey: 'demo-key', businessId: '12345' };
  for (const task of tasks) {
    await callNow(
      { database: stage.database, clock: stage.clock, kixieOf: () => account },
      {
        case: { tenant: stage.tenant, invoiceId: task.invoiceId, cycle: task.cycle },
        agentEmail: agent,
        wishId: task.taskId,
        actor: 'person:collector',
      },
    );
    await sleep(5);
  }
}
