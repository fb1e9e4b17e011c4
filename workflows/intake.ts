// intake.ts: opens the cases that are due to start, a batch at a time, at a bounded rate. Started by a Schedule and
// after each import; it is nobody's parent, so a million cases hang on no history.
import { continueAsNew, setCurrentDetails, sleep, workflowInfo } from '@temporalio/workflow';
import type { IntakeInput, IntakeResult } from './contract/types.ts';
import { intakes } from './risk.ts';

export async function intake(input: IntakeInput): Promise<IntakeResult> {
  let started = 0;
  for (;;) {
    const batch = await intakes.openDueCases.executeWithOptions({ summary: `open up to ${input.startsPerSecond * 5} due cases` }, [
      { tenant: input.tenant, limit: input.startsPerSecond * 5 },
    ]);
    started += batch.started;
    setCurrentDetails(`Opened **${started}** cases${batch.more ? '; more are due' : '; none are left'}.`);
    if (!batch.more) return { started };
    await sleep('5 seconds', { summary: `keep to ${input.startsPerSecond} starts a second` });
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof intake>(input);
  }
}
