// inbox.ts: every fact from outside passes here once. Its sender's event id is the key: a repeat is acknowledged and
// changes nothing, whatever order events come in.
import type { Tx } from './database.ts';
import { at, json, sql } from './sql.ts';

export type InboxEvent = {
  readonly source: string;
  readonly eventId: string;
  readonly kind: string;
  readonly payload: unknown;
  readonly receivedAt: number;
};

/** Takes the event in the caller's transaction. `duplicate` means: answer 200, do nothing. */
export async function receive(tx: Tx, event: InboxEvent): Promise<'new' | 'duplicate'> {
  const inserted = await tx.run(sql`
    insert into inbox (tenant_id, source, event_id, kind, payload, received_at)
    values (${tx.tenant}, ${event.source}, ${event.eventId}, ${event.kind}, ${json(event.payload)}, ${at(event.receivedAt)})
    on conflict do nothing`);
  return inserted === 1 ? 'new' : 'duplicate';
}

/** Says what became of it; an event without a result is what the sweeper looks for. */
export async function settleInbox(tx: Tx, source: string, eventId: string, result: string, handledAt: number): Promise<void> {
  await tx.run(sql`
    update inbox set handled_at = ${at(handledAt)}, result = ${result}
    where tenant_id = ${tx.tenant} and source = ${source} and event_id = ${eventId}`);
}
