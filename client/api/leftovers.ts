// leftovers.ts: books what was received and not understood at the time: the process died in between, or the database was
// busy. Run at start and every minute by the process that has the door.
import { withTenant } from '../../store/database.ts';
import { waitingEvents } from '../../store/received.ts';
import type { ServerDeps } from './doors.ts';
import { handleKixie } from './kixie.ts';
import { handleMail } from './mail.ts';

export type Leftovers = { readonly booked: number; readonly failed: readonly { readonly eventId: string; readonly because: string }[] };

/** One event that cannot be booked does not keep the others. */
export async function bookLeftovers(deps: Pick<ServerDeps, 'database' | 'clock'>, tenant: string): Promise<Leftovers> {
  const failed: { eventId: string; because: string }[] = [];
  let booked = 0;
  for (const [source, handle] of [
    ['kixie', handleKixie],
    ['mail', handleMail],
  ] as const) {
    const waiting = await withTenant(deps.database, tenant, tx => waitingEvents(tx, source));
    for (const eventId of waiting) {
      try {
        await handle(deps, tenant, eventId);
        booked += 1;
      } catch (error) {
        failed.push({ eventId, because: (error as Error).message });
      }
    }
  }
  return { booked, failed };
}
