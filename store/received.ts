// received.ts: events from outside that are stored and wait to be understood. Storing and understanding are two
// transactions: a payload we trip over is not lost, and its sender does not have to send it again.
import type { Tx } from './database.ts';
import { sql } from './sql.ts';

export type Received = { event_id: string; kind: string; payload: unknown; received_at: number };

/** Claims one event that nobody has handled, until this transaction ends; undefined when another has it or it is done. */
export async function claimReceived(tx: Tx, source: string, eventId: string): Promise<Received | undefined> {
  return tx.one<Received>(sql`
    select event_id, kind, payload, received_at from inbox
    where tenant_id = ${tx.tenant} and source = ${source} and event_id = ${eventId} and handled_at is null for update skip locked`);
}

/** Events of a source that nobody has handled, oldest first. */
export async function waitingEvents(tx: Tx, source: string): Promise<string[]> {
  const rows = await tx.rows<{ event_id: string }>(sql`
    select event_id from inbox where tenant_id = ${tx.tenant} and source = ${source} and handled_at is null order by received_at, event_id limit 200`);
  return rows.map(row => row.event_id);
}
