// create-worker.ts: the one definition of a worker: production, tests and replay use it, so that what is tested is what runs.
import type { DataConverter } from '@temporalio/common';
import type { OpenTelemetryPlugin } from '@temporalio/interceptors-opentelemetry';
import { type NativeConnection, type ReplayWorkerOptions, Worker, type WorkerOptions } from '@temporalio/worker';
import { taskQueue } from '../workflows/contract/ids.ts';

export type WorkerSetup = {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly activities: object;
  /** Path of the pre-built bundle. */
  readonly bundlePath: string;
  readonly dataConverter: DataConverter;
  readonly identity: string;
  /** Build id of this code; without it the worker takes part in no deployment. */
  readonly deployment?: { readonly deploymentName: string; readonly buildId: string };
  readonly plugins?: OpenTelemetryPlugin[];
  readonly taskQueue?: string;
  /** How many runs stay in memory; a sleeping run needs none. Tests set 3 to replay all the time. */
  readonly maxCachedWorkflows?: number;
};

export async function createWorker(setup: WorkerSetup): Promise<Worker> {
  const options: WorkerOptions = {
    connection: setup.connection,
    namespace: setup.namespace,
    taskQueue: setup.taskQueue ?? taskQueue,
    workflowBundle: { codePath: setup.bundlePath },
    activities: setup.activities,
    dataConverter: setup.dataConverter,
    identity: setup.identity,
    // A running activity may hold a mail on the wire: it gets its time to finish.
    shutdownGraceTime: '60 seconds',
    maxCachedWorkflows: setup.maxCachedWorkflows ?? 500,
    maxConcurrentActivityTaskExecutions: 40,
    plugins: setup.plugins ?? [],
    ...(setup.deployment
      ? { workerDeploymentOptions: { version: setup.deployment, useWorkerVersioning: true, defaultVersioningBehavior: 'AUTO_UPGRADE' } }
      : {}),
  };
  return Worker.create(options);
}

/** The same worker for histories: same bundle, same converter. */
export function replayOptions(setup: Pick<WorkerSetup, 'bundlePath' | 'dataConverter'>): ReplayWorkerOptions {
  return { workflowBundle: { codePath: setup.bundlePath }, dataConverter: setup.dataConverter };
}
