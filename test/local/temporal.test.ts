import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { searchAttributes } from '../../workflows/contract/search-attributes.ts';
import { startTestTemporal, startTimeSkipping, type TestTemporal } from '../support/temporal.ts';

describe('the Temporal servers of the tests', () => {
  let real: TestTemporal;
  let skipping: TestWorkflowEnvironment;
  beforeAll(async () => {
    real = await startTestTemporal();
    skipping = await startTimeSkipping();
  }, 600_000);
  afterAll(async () => {
    await skipping.teardown();
    await real.stop();
  });

  test('the real server knows our search attributes in the namespace of this file', async () => {
    const connection = await Connection.connect({ address: real.address });
    const client = new Client({ connection, namespace: real.namespace });
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace: real.namespace });
    expect(Object.keys(customAttributes ?? {})).toEqual(expect.arrayContaining(Object.keys(searchAttributes)));
    await expect(client.workflow.count('DunlinState = "waiting"')).resolves.toMatchObject({ count: 0 });
    await connection.close();
  });

  test('sixty days pass on the time-skipping server while we watch', async () => {
    const before = await skipping.currentTimeMs();
    await skipping.sleep('60 days');
    expect((await skipping.currentTimeMs()) - before).toBeGreaterThanOrEqual(60 * 86_400_000);
  });
});
