// record.ts: records a history per scenario on a real server, by name, when workflow code has changed on purpose:
//   node --import tsx test/replay/record.ts RELEASE
// Old histories stay: they are the runs that are still asleep somewhere.
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure } from '@temporalio/common';
import { Client, Connection } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { NativeConnection } from '@temporalio/worker';
import { workflowBundle } from '../../worker/bundle.ts';
import { createWorker } from '../../worker/create-worker.ts';
import { startTestTemporal } from '../support/temporal.ts';
import { type Scenario, scenarios } from './scenarios.ts';

const release = process.argv[2] ?? '0.1.0';
const folder = fileURLToPath(new URL('./histories/', import.meta.url));

function activitiesOf(scenario: Scenario, count: { steps: number }) {
  let batches = 0;
  let failures = 0;
  const vendor = async () => {
    if ((failures += 1) <= (scenario.vendorFailures ?? 0)) throw ApplicationFailure.retryable('the stand-in is down', 'VendorDown');
    return { offered: true, written: true, removed: 1, because: 'done' };
  };
  return {
    takeStep: async () => {
      const step = scenario.steps?.[Math.min(count.steps, scenario.steps.length - 1)];
      count.steps += 1;
      return step;
    },
    openDueCases: async () => scenario.batches?.[batches++],
    offerCall: vendor,
    stopCalls: vendor,
    noteStage: vendor,
    writeStatus: vendor,
    tellOwner: vendor,
  };
}

const server = await startTestTemporal();
const connection = await NativeConnection.connect({ address: server.address });
const client = new Client({
  connection: await Connection.connect({ address: server.address }),
  namespace: server.namespace,
  identity: 'recorder',
});
mkdirSync(folder, { recursive: true });
for (const scenario of scenarios) {
  const count = { steps: 0 };
  const taskQueue = `record-${scenario.name}`;
  const worker = await createWorker({
    connection,
    namespace: server.namespace,
    taskQueue,
    activities: activitiesOf(scenario, count),
    bundlePath: await workflowBundle('/tmp/dunlin-record'),
    dataConverter: {},
    identity: 'recorder',
  });
  await worker.runUntil(async () => {
    const input =
      scenario.workflow === 'dunning'
        ? { case: { tenant: 'acme', invoiceId: 'inv_0123456789abcdef', cycle: 1 } }
        : { tenant: 'acme', startsPerSecond: 50 };
    const handle = await client.workflow.start(scenario.workflow, { taskQueue, workflowId: `record/${scenario.name}`, args: [input] });
    const stepTaken = async (steps: number) => {
      while (count.steps < steps) await sleep(10);
      await sleep(150);
    };
    await scenario.outside?.(handle, stepTaken);
    await handle.result();
    const path = `${folder}${scenario.workflow}-${release}-${scenario.name}.json`;
    writeFileSync(path, historyToJSON(await handle.fetchHistory()));
    process.stdout.write(`${path}\n`);
  });
}
await connection.close();
await client.connection.close();
await server.stop();
process.exit(0);
