// bare-worker.ts: runs the bare workflow in a process of its own, with the worker options Dunlin's has. Tells over HTTP how
// many activities it has run, so that nobody has to poll the Temporal server while it is measured.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { bundleWorkflowCode, NativeConnection, Worker } from '@temporalio/worker';
import type { BareActivities } from '../bare-workflow.ts';

const { connectionOptions, namespace } = loadClientConnectConfig();
const taskQueue = process.argv[2] ?? 'bench-bare';
let ran = 0;
const activities: BareActivities = {
  async nothing() {
    ran += 1;
  },
};
const worker = await Worker.create({
  connection: await NativeConnection.connect(connectionOptions),
  namespace: namespace ?? 'default',
  taskQueue,
  workflowBundle: await bundleWorkflowCode({ workflowsPath: fileURLToPath(new URL('../bare-workflow.ts', import.meta.url)) }),
  activities,
  maxCachedWorkflows: 500,
  maxConcurrentActivityTaskExecutions: 40,
});
const server = createServer((_request, response) => response.end(JSON.stringify({ ran })));
await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => worker.getState() === 'RUNNING' && worker.shutdown());
const running = worker.run();
process.stdout.write(`${JSON.stringify({ ready: true, pid: process.pid, port: (server.address() as AddressInfo).port })}\n`);
await running;
server.close();
