// time-skipping.test.ts: the order of things over months, in a second: a Temporal server whose clock skips, the real
// workflow code, and steps that are told here.
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { DAY_MS } from '../../domain/time.ts';
import { workflowBundle } from '../../worker/bundle.ts';
import { createWorker } from '../../worker/create-worker.ts';
import { installRuntime } from '../../worker/telemetry.ts';
import { taskQueue } from '../../workflows/contract/ids.ts';
import type { Heard, StageTask, TakenStep } from '../../workflows/contract/types.ts';
import { startTimeSkipping } from '../support/temporal.ts';
import { quiet } from '../walks/book.ts';

jest.setTimeout(60_000);
let environment: TestWorkflowEnvironment;
let stop: () => Promise<void>;
let count = 0;

beforeAll(async () => {
  installRuntime(quiet, undefined);
  environment = await startTimeSkipping();
  const vendors = Object.fromEntries(['offerCall', 'stopCalls', 'noteStage', 'writeStatus', 'tellOwner'].map(name => [name, vendor(name)]));
  const worker = await createWorker({
    connection: environment.nativeConnection,
    namespace: environment.namespace ?? 'default',
    bundlePath: await workflowBundle(join(tmpdir(), 'dunlin-test-bundles')),
    dataConverter: {},
    identity: 'test',
    activities: { takeStep, ...vendors },
  });
  const running = worker.run();
  stop = async () => {
    worker.shutdown();
    await running;
  };
}, 300_000);
afterAll(async () => {
  await stop?.();
  await environment?.teardown();
});

const rest: Pick<TakenStep, 'story' | 'stage' | 'tasks'> = { story: 'told here', stage: null, tasks: [] };
const wait = (days: number | null, more: Partial<TakenStep> = {}): TakenStep => ({
  ...rest,
  next: { kind: 'wait', forMs: days === null ? null : days * DAY_MS, because: 'waits', summary: 'next stage' },
  ...more,
});
const close = (outcome: string, tasks: readonly StageTask[] = []): TakenStep => ({ ...rest, next: { kind: 'close', outcome }, tasks });

type Asked = { heard: readonly Heard[]; carriedOut?: string; day: number };
type Life = {
  /** Every step asked for, with the day since the start on which it was. */
  asked: Asked[];
  handle: WorkflowHandle;
  result: unknown;
  /** Day of the last step. */
  days: number;
};
type Script = {
  /** The answer of each step, given what was heard and how many came before. */
  step: (asked: Asked, index: number, handle: WorkflowHandle) => TakenStep | Promise<TakenStep>;
  vendors?: Record<string, () => Promise<unknown>>;
  outside?: (handle: WorkflowHandle, sleepDays: (days: number) => Promise<void>) => Promise<void>;
};

type Input = { case: { invoiceId: string }; heard: readonly Heard[]; carriedOut?: string };

/** Scripts of the lives under way, by invoice: one worker plays them all. */
const scripts = new Map<string, Script & { asked: Asked[]; began: number }>();

function scriptOf({ case: { invoiceId } }: Pick<Input, 'case'>) {
  const script = scripts.get(invoiceId);
  if (!script) throw ApplicationFailure.nonRetryable(`nobody told what ${invoiceId} does`);
  return script;
}

async function takeStep(input: Input): Promise<TakenStep> {
  const { step, asked, began } = scriptOf(input);
  const day = Math.round((((await environment.currentTimeMs()) - began) / DAY_MS) * 10) / 10;
  const { heard, carriedOut } = input;
  asked.push({ heard, day, ...(carriedOut === undefined ? {} : { carriedOut }) });
  return step(asked.at(-1) as Asked, asked.length - 1, environment.client.workflow.getHandle(`dunning/acme/${input.case.invoiceId}`));
}

const vendor = (name: string) => async (input: Input) =>
  scriptOf(input).vendors?.[name]?.() ?? { offered: true, written: true, removed: 0, because: '' };

/** Lives through a case on the skipping clock. */
async function live(script: Script): Promise<Life> {
  count += 1;
  const invoiceId = `inv_${count}`;
  const asked: Asked[] = [];
  scripts.set(invoiceId, { ...script, asked, began: await environment.currentTimeMs() });
  const handle = await environment.client.workflow.start('dunning', {
    workflowId: `dunning/acme/${invoiceId}`,
    taskQueue,
    args: [{ case: { tenant: 'acme', invoiceId, cycle: 1 } }],
  });
  await script.outside?.(handle, days => environment.sleep(days * DAY_MS));
  const result = await handle.result();
  // Not the clock itself: with nothing left to wait for, this server skips on to the end of some run's lifetime.
  return { asked, handle, result, days: Math.round(asked.at(-1)?.day ?? 0) };
}

test('half a year of a case takes a step at each of its moments, and no other', async () => {
  const pauses = [4, 6, 8, 15, 15, 45, 90];
  const life = await live({ step: (_asked, index) => (index < pauses.length ? wait(pauses[index] ?? 0) : close('written_off')) });
  expect(life.result).toEqual({ outcome: 'written_off' });
  expect(life.asked.map(asked => Math.round(asked.day))).toEqual([0, 4, 10, 18, 33, 48, 93, 183]);
});

test('with nothing to wait for it sleeps until a fact arrives, for months', async () => {
  const life = await live({
    step: asked => (asked.heard.length > 0 ? close('paid') : wait(null)),
    outside: async (handle, sleepDays) => {
      await sleepDays(100);
      await handle.signal('factsChanged', { eventId: 'hold-lifted' });
    },
  });
  expect(life.asked).toMatchObject([{ heard: [] }, { heard: [{ kind: 'facts', eventId: 'hold-lifted' }] }]);
  expect(life.days).toBe(100);
});

test('a payment wakes it in the middle of a wait; what it told reaches the step once', async () => {
  const payment = { amount: { amount: '107800', currency: 'USD' }, valueDate: '2026-03-02' };
  const life = await live({
    step: asked => (asked.heard.some(fact => fact.payment) ? close('paid') : wait(30)),
    outside: async (handle, sleepDays) => {
      await sleepDays(5);
      await handle.signal('paymentReceived', { eventId: 'bank-1', ...payment });
      await handle.signal('paymentReceived', { eventId: 'bank-1', ...payment }).catch(() => undefined);
    },
  });
  expect(life.asked[1]?.heard).toEqual([{ kind: 'payment', eventId: 'bank-1', payment }]);
  expect(life.days).toBe(5);
});

test('a payment told while the last step was under way is handed to one more step before the run ends', async () => {
  const payment = { amount: { amount: '107800', currency: 'USD' }, valueDate: '2026-03-02' };
  const life = await live({
    step: async (_asked, index, handle) => {
      if (index === 0) await handle.signal('paymentReceived', { eventId: 'late', ...payment });
      return close('paid');
    },
  });
  expect(life.asked.map(asked => asked.heard)).toEqual([[], [{ kind: 'payment', eventId: 'late', payment }]]);
});

test('a hint told while the last step was under way needs no further step', async () => {
  const life = await live({
    step: async (_asked, _index, handle) => {
      await handle.signal('factsChanged', { eventId: 'late' });
      return close('paid');
    },
  });
  expect(life.asked).toHaveLength(1);
});

test('a flood of facts is told to the steps in turns', async () => {
  const life = await live({
    step: (asked, index) => (index > 0 && asked.heard.length < 100 ? close('paid') : wait(30)),
    outside: async handle => {
      await Promise.all(
        Array.from({ length: 250 }, (_, n) => handle.signal('factsChanged', { eventId: `fact-${n}` }).catch(() => undefined)),
      );
    },
  });
  expect(Math.max(...life.asked.map(asked => asked.heard.length))).toBeLessThanOrEqual(100);
  const told = life.asked.flatMap(asked => asked.heard.map(fact => fact.eventId));
  expect(told).toHaveLength(new Set(told).size);
});

test('a step that fails for hours is tried until it works; the case loses nothing', async () => {
  let failures = 0;
  const life = await live({
    step: () => {
      failures += 1;
      if (failures <= 12) throw ApplicationFailure.retryable('the database is away');
      return close('paid');
    },
  });
  expect(life.result).toEqual({ outcome: 'paid' });
  expect(life.asked).toHaveLength(13);
});

const also: StageTask[] = [{ kind: 'call', stage: 'escalation', summary: 'offer a call' }];

test('side effects of a stage run beside the case: a vendor that is down for days never keeps it from hearing', async () => {
  let tries = 0;
  const life = await live({
    vendors: {
      offerCall: async () => {
        tries += 1;
        throw ApplicationFailure.retryable('down');
      },
    },
    step: asked =>
      asked.heard.length > 0
        ? close('paid', [{ kind: 'stop_calls', summary: 'take it off the lists' }])
        : wait(30, { stage: 'escalation', tasks: also }),
    outside: async (handle, sleepDays) => {
      await sleepDays(2);
      await handle.signal('paymentReceived', { eventId: 'pay_1#1' });
    },
  });
  expect(life.result).toEqual({ outcome: 'paid' });
  expect(life.days).toBe(2);
  expect(tries).toBeGreaterThan(5);
});

test('they are carried out once a stage, and the next step records that they were', async () => {
  let calls = 0;
  const life = await live({
    vendors: {
      offerCall: async () => {
        calls += 1;
        return { offered: true, because: '' };
      },
    },
    step: (_asked, index) => (index < 3 ? wait(5, { stage: 'escalation', tasks: also }) : close('paid')),
  });
  expect(calls).toBe(1);
  expect(life.asked.map(asked => asked.carriedOut)).toEqual([undefined, 'escalation', 'escalation', 'escalation']);
});

test('a side effect that is given up after five days does not end the case', async () => {
  const life = await live({
    vendors: {
      offerCall: async () => {
        throw ApplicationFailure.nonRetryable('the number is not a number');
      },
    },
    step: (_asked, index) => (index < 2 ? wait(10, { stage: 'escalation', tasks: also }) : close('paid')),
  });
  expect(life.result).toEqual({ outcome: 'paid' });
  expect(life.days).toBe(20);
});
