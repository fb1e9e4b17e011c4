// history-cost.ts: what a run costs, counted from its real history: events, and the actions Temporal Cloud would bill
// (https://docs.temporal.io/cloud/actions). Free there: search attributes given at the start, current details, replay.
import type { temporal } from '@temporalio/proto';

type Event = temporal.api.history.v1.IHistoryEvent;

export type HistoryCost = { readonly events: number; readonly actions: number };

/** Actions that one event stands for. A retry writes no event of its own: the last start tells how many there were. */
function actionsOf(event: Event): number {
  if (event.workflowExecutionStartedEventAttributes) return 1;
  if (event.workflowExecutionContinuedAsNewEventAttributes) return 1;
  if (event.timerStartedEventAttributes) return 1;
  if (event.activityTaskStartedEventAttributes) return event.activityTaskStartedEventAttributes.attempt ?? 1;
  if (event.workflowExecutionSignaledEventAttributes) return 1;
  if (event.workflowExecutionUpdateAcceptedEventAttributes || event.workflowExecutionUpdateRejectedEventAttributes) return 1;
  if (event.startChildWorkflowExecutionInitiatedEventAttributes) return 2;
  if (event.signalExternalWorkflowExecutionInitiatedEventAttributes) return 1;
  if (event.markerRecordedEventAttributes) return event.markerRecordedEventAttributes.markerName === 'core_local_activity' ? 1 : 0;
  const written = event.upsertWorkflowSearchAttributesEventAttributes?.searchAttributes?.indexedFields;
  if (written) return Object.keys(written).some(name => name !== 'TemporalChangeVersion') ? 1 : 0;
  return 0;
}

/** Costs of a run so far; it may still be open. */
export function costOf(events: readonly Event[]): HistoryCost {
  return { events: events.length, actions: events.reduce((sum, event) => sum + actionsOf(event), 0) };
}
