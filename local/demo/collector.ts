// collector.ts: the demo's stand-in collector: twice a week he works through the call list in Kixie. Kixie's webhooks tell
// Dunlin what became of each call.
import type { Stage } from './stage.ts';
import { tellVendor } from './stage.ts';

/** At most so many calls a day: he has other work too. */
const callsADay = 25;

export async function collectorCalls(stage: Stage): Promise<void> {
  await tellVendor(
    stage.vendors.kixie.adminUrl,
    '/dial',
    { powerlistId: stage.powerlistId, agent: stage.agents[0], limit: callsADay },
    'POST',
  );
}
