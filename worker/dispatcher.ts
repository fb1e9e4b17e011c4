// dispatcher.ts: carries wake rows to workflows as signals. LISTEN makes it quick, polling makes it sure: a lost
// notification costs a second, a doubled signal nothing, because the step that wakes reads the facts again.
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import type { Logger } from 'pino';
import type { Database } from '../store/database.ts';
import { claimWakes, listenForWakes, markDispatched, type WakeRow } from '../store/wake-dispatch.ts';

export type DispatcherDeps = { readonly database: Database; readonly client: Client; readonly log: Logger; readonly pollMs?: number };
export type Dispatcher = { stop(): Promise<void> };

const batch = 200;
const concurrency = 16;

/** `database` acts as dunlin_dispatch: it sees ids of all tenants and nothing else. */
export function startDispatcher({ database, client, log, pollMs = 1000 }: DispatcherDeps): Dispatcher {
  let stopping = false;
  let wake: () => void = () => undefined;
  let woken = false;
  const nudge = () => {
    woken = true;
    wake();
  };
  const stopListening = listenForWakes(database, nudge, error =>
    log.warn({ error: error.message }, 'listening for wakes was interrupted; polling goes on'),
  );

  const run = async () => {
    while (!stopping) {
      woken = false;
      try {
        const carried = await carry();
        if (carried === batch) continue;
      } catch (error) {
        log.warn({ error: error instanceof Error ? error.message : String(error) }, 'wakes were not carried; trying again');
      }
      if (woken || stopping) continue;
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, pollMs);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  };

  /** Claims a batch under row locks, signals, and marks it dispatched in the same transaction: a crash repeats a signal. */
  const carry = async (): Promise<number> => {
    const done: WakeRow[] = [];
    await claimWakes(database, batch, async rows => {
      const queue = [...rows];
      const lane = async () => {
        for (let row = queue.shift(); row; row = queue.shift()) {
          if (await signal(row)) done.push(row);
        }
      };
      await Promise.all(Array.from({ length: concurrency }, lane));
      return markDispatched(done);
    });
    // Of what could be carried: while Temporal is away a full batch of failures must not be tried again at once.
    return done.length;
  };

  const signal = async (row: WakeRow): Promise<boolean> => {
    // A step has read its fact meanwhile: the signal would only cost.
    if (row.seen) return true;
    const name = row.kind === 'payment' ? 'paymentReceived' : 'factsChanged';
    try {
      await client.workflow.getHandle(row.workflow_id).signal(name, { eventId: `${row.event_id}#${row.id}`, what: row.kind });
      return true;
    } catch (error) {
      // Not started yet or closed: the first step reads all facts anyway, and a closed case needs none.
      if (error instanceof WorkflowNotFoundError) return true;
      log.warn(
        { workflowId: row.workflow_id, error: error instanceof Error ? error.message : String(error) },
        'a wake was not delivered; trying again',
      );
      return false;
    }
  };

  const running = run();
  return {
    async stop() {
      stopping = true;
      wake();
      await running;
      await stopListening();
    },
  };
}
