// end-of-run.mjs: jest calls this once when all test files are done: the servers they shared are ended. Plain JavaScript,
// because jest loads it outside its own TypeScript transform.
import { tsImport } from 'tsx/esm/api';

export default async function endOfRun() {
  const { stopSharedServers } = await tsImport('./stop-shared-servers.ts', import.meta.url);
  await stopSharedServers();
}
