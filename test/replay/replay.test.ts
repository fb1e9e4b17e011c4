// replay.test.ts: runs that were started by an earlier release are asleep for weeks. Every recorded history must still
// replay on today's workflow code; and the test is tested: a history that tells another story must fail.
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { DeterminismViolationError } from '@temporalio/workflow';
import { Worker } from '@temporalio/worker';
import { workflowBundle } from '../../worker/bundle.ts';
import { replayOptions } from '../../worker/create-worker.ts';
import { scenarios } from './scenarios.ts';

const folder = fileURLToPath(new URL('./histories/', import.meta.url));
const files = readdirSync(folder).filter(name => name.endsWith('.json'));
type History = { events: { eventType: string; activityTaskScheduledEventAttributes?: { activityType: { name: string } } }[] };
const readHistory = (name: string): History => JSON.parse(readFileSync(join(folder, name), 'utf8')) as History;

let bundlePath: string;
beforeAll(async () => {
  bundlePath = await workflowBundle(join(tmpdir(), 'dunlin-test-bundles'));
}, 60_000);

describe('runs of earlier releases', () => {
  test.each(files)(
    '%s replays on the workflow code of today',
    async name => {
      await expect(
        Worker.runReplayHistory(replayOptions({ bundlePath, dataConverter: {} }), readHistory(name), `replay-${name}`),
      ).resolves.toBeUndefined();
    },
    30_000,
  );

  test('every scenario has a recorded history', () => {
    const recorded = files.map(name => name.replace(/^(dunning|intake)-[\d.]+-/, '').replace('.json', ''));
    expect(scenarios.map(scenario => scenario.name).filter(name => !recorded.includes(name))).toEqual([]);
  });

  test('a history in which another activity was called is refused', async () => {
    const history = readHistory(files.find(name => name.includes('five-stages')) ?? '');
    const scheduled = history.events.filter(event => event.activityTaskScheduledEventAttributes)[2];
    if (!scheduled?.activityTaskScheduledEventAttributes) throw new Error('the history has no third activity to tamper with');
    scheduled.activityTaskScheduledEventAttributes.activityType.name = 'sendTwice';
    await expect(Worker.runReplayHistory(replayOptions({ bundlePath, dataConverter: {} }), history, 'tampered')).rejects.toThrow(
      DeterminismViolationError,
    );
  }, 30_000);

  test('five stages that are never paid stay within 70 events', () => {
    const history = readHistory(files.find(name => name.includes('five-stages')) ?? '');
    expect(history.events.length).toBeLessThanOrEqual(70);
  });
});
