// stop-shared-servers.ts: ends what test files shared, unless another run in this checkout still uses it.
import { endHouse } from '../../local/leftovers.ts';
import { releaseAll, testFolder } from './shared-servers.ts';

export async function stopSharedServers(): Promise<void> {
  await releaseAll(() => endHouse(testFolder));
}
