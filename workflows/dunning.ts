// dunning.ts: the patience. One run looks after one invoice: it asks for the next step, lets it be carried out, and
// sleeps until the next moment that matters or until a fact arrives. It holds no business state; whatever wakes it, it
// asks again.
import {
  allHandlersFinished,
  condition,
  continueAsNew,
  patched,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { factsChanged, paymentReceived, whatNow } from './contract/messages.ts';
import { DunlinNextActionAt, DunlinOpenMinor, DunlinOutcome, DunlinStage, DunlinState } from './contract/search-attributes.ts';
import type { DunningInput, DunningOutcome, StageAttributes, TakenStep } from './contract/types.ts';
import { FactInbox } from './fact-inbox.ts';
import { ledger } from './risk.ts';
import { StageTasks } from './stage-tasks.ts';

export async function dunning(input: DunningInput): Promise<DunningOutcome> {
  const inbox = new FactInbox(input.carried);
  const stageTasks = new StageTasks(input.case);
  let last: TakenStep | undefined;
  let stepsTaken = 0;

  setHandler(paymentReceived, told => inbox.add('payment', told));
  setHandler(factsChanged, told => inbox.add('facts', told));
  setHandler(whatNow, () => ({ because: last?.next.kind === 'wait' ? last.next.because : 'closed', story: last?.story ?? '', stepsTaken }));

  let summary = 'first look';
  for (;;) {
    const heard = inbox.drain();
    const step = await ledger.takeStep.executeWithOptions(
      { summary: heard.length > 0 ? `heard of ${heard.map(fact => fact.kind).join(', ')}` : summary },
      [{ case: input.case, heard, ...(stageTasks.finished === undefined ? {} : { carriedOut: stageTasks.finished }) }],
    );
    last = step;
    stepsTaken += 1;
    setCurrentDetails(step.story);
    if (step.attributes) upsert(step.attributes);
    if (step.next.kind === 'close') {
      await stageTasks.finish(step.tasks);
      await condition(allHandlersFinished);
      // A payment told while the case was ending is recorded before the run is gone: nobody else knows of it. Runs that
      // ended before this was so must still replay.
      if (inbox.holdsPayment() && patched('told-at-the-end')) continue;
      return { outcome: step.next.outcome };
    }
    stageTasks.start(step.stage ?? '', step.tasks);
    summary = step.next.summary;
    if (step.next.forMs === null) await condition(() => inbox.some());
    else await condition(() => inbox.some(), Math.max(1, step.next.forMs), { summary: step.next.because });
    if (workflowInfo().continueAsNewSuggested) {
      await condition(allHandlersFinished);
      await continueAsNew<typeof dunning>({ case: input.case, carried: inbox.drain(Infinity) });
    }
  }
}

/** Written together, because each write is one action. */
function upsert(attributes: StageAttributes): void {
  upsertSearchAttributes([
    { key: DunlinStage, value: attributes.stage },
    { key: DunlinState, value: attributes.state },
    { key: DunlinOpenMinor, value: attributes.openMinor },
    { key: DunlinOutcome, value: attributes.outcome ?? null },
    { key: DunlinNextActionAt, value: attributes.nextActionAt === undefined ? null : new Date(attributes.nextActionAt) },
  ]);
}
