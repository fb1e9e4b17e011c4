// stop-shared-servers.ts: ends what test files shared, unless another run in this checkout still uses it.
import { stopPostgres } from '../../local/postgres.ts';
import { stopTemporal } from '../../local/temporal.ts';
import { testCluster } from './postgres.ts';
import { releaseAll, testTemporalFolder } from './shared-servers.ts';

export async function stopSharedServers(): Promise<void> {
  await releaseAll(async () => {
    await stopTemporal(testTemporalFolder);
    await stopPostgres(testCluster);
  });
}
