// temporal.ts: a real Temporal server for tests, one for the whole run, a namespace for each test file; and the
// time-skipping server, one for each file that asks, because its clock is one for all.
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { hold } from '../../local/holders.ts';
import { addSearchAttributes, ensureSearchAttributes, startTemporal, temporalAnswers } from '../../local/temporal.ts';
import { provideTimeSkipping } from '../../local/time-skipping.ts';
import { inTurn, testFolder } from './shared-servers.ts';

export type TestTemporal = { readonly address: string; readonly namespace: string; stop(): Promise<void> };

let server: Promise<{ address: string }> | undefined;

function sharedServer(): Promise<{ address: string }> {
  server ??= inTurn(async () => {
    hold(testFolder);
    return startTemporal({ folder: testFolder, keep: 'memory', mayUseExisting: false });
  });
  return server;
}

/** A namespace of its own on the shared development server, with our search attributes: workers of other tests never poll it. */
export async function startTestTemporal(): Promise<TestTemporal> {
  const { address } = await sharedServer();
  const namespace = `test-${randomBytes(6).toString('hex')}`;
  const connection = await Connection.connect({ address });
  try {
    const day = { seconds: 86_400 as unknown as Long };
    await connection.workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod: day });
    while (!(await temporalAnswers(address, namespace).catch(() => false))) await sleep(50);
    await ensureSearchAttributes(connection, namespace);
  } finally {
    await connection.close();
  }
  return { address, namespace, stop: () => Promise.resolve() };
}

/** The SDK gives the server five seconds to start, which a machine that runs other tests beside it may not have. */
async function createPatiently(create: () => Promise<TestWorkflowEnvironment>): Promise<TestWorkflowEnvironment> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await create();
    } catch (error) {
      if (attempt === 4) throw error;
    }
  }
}

/** An environment whose time skips. Call `teardown()` in afterAll. */
export async function startTimeSkipping(): Promise<TestWorkflowEnvironment> {
  const executable = await provideTimeSkipping();
  const environment = await createPatiently(() => TestWorkflowEnvironment.createTimeSkipping({ server: { executable } }));
  try {
    // This server can add search attributes but not list them.
    await addSearchAttributes(environment.connection as Connection, 'default');
  } catch (error) {
    await environment.teardown();
    throw error;
  }
  return environment;
}
