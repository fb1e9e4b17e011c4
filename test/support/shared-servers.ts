// shared-servers.ts: one PostgreSQL and one Temporal server for a whole jest run, started by the first test file that
// asks and ended after the last one. Each process that uses them leaves its name; the run ends what nobody holds.
import { join } from 'node:path';
import { otherHolder } from '../../local/holders.ts';
import { stateFolder } from '../../local/home.ts';
import { withLock } from '../../local/lock.ts';

export const testFolder = join(stateFolder(), 'test');

/** Starting and ending take turns, so that nobody is given a server that is about to end. */
export function inTurn<T>(work: () => Promise<T>): Promise<T> {
  return withLock(join(testFolder, 'house'), work);
}

/** Ends the shared servers unless another run still uses them. */
export async function releaseAll(stop: () => Promise<void>): Promise<void> {
  await inTurn(async () => {
    if (!otherHolder(testFolder)) await stop();
  });
}
