// run-worker.ts: one worker process from start to end: runs workflows and activities, carries wakes, sweeps. SIGTERM lets
// what runs finish.
import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection } from '@temporalio/worker';
import { createCaseStarter } from '../activities/intake/case-starter.ts';
import { dataConverter } from '../formats/payload-codec.ts';
import { openDatabase } from '../store/database.ts';
import { readSettings } from '../store/settings.ts';
import { tenantIds } from '../store/wake-dispatch.ts';
import { workflowBundle, workflowCodeVersion } from './bundle.ts';
import type { Clock } from '../domain/clock.ts';
import { type Composition, composeActivities } from './compose.ts';
import { createWorker } from './create-worker.ts';
import { makeCurrent } from './deployment.ts';
import { startDispatcher } from './dispatcher.ts';
import { startSweeper } from './sweeper.ts';
import { listRemoval } from './vendor-activities.ts';
import { createLog, installRuntime, tracing } from './telemetry.ts';

export type WorkerChoices = Pick<Composition, 'leaseMs' | 'sender'> & { readonly sweepEveryMs?: number };

/** Runs until SIGTERM or SIGINT. `clock` is business time. */
export async function runWorker(clock: Clock, { sweepEveryMs, ...choices }: WorkerChoices = {}): Promise<void> {
  // The workflow sandbox shows the host's zone to Intl: one zone everywhere, or two workers would decide differently.
  process.env['TZ'] = 'UTC';
  const settings = readSettings(['DATABASE_URL']);
  const log = createLog(settings.LOG_LEVEL, 'dunlin-worker');
  installRuntime(log, settings.METRICS_PORT === undefined ? undefined : `127.0.0.1:${settings.METRICS_PORT}`);
  const plugins = tracing(settings.OTEL_EXPORTER_OTLP_ENDPOINT, 'dunlin-worker');
  const converter = dataConverter(settings.DUNLIN_CODEC_KEYS ?? []);
  const config = loadClientConnectConfig();
  const namespace = config.namespace ?? 'default';
  const connection = await NativeConnection.connect(config.connectionOptions);
  const clientConnection = await Connection.connect(config.connectionOptions);
  const client = new Client({ connection: clientConnection, namespace, dataConverter: converter, plugins });
  const database = openDatabase(settings.DATABASE_URL, 'dunlin_app', 24);
  const dispatchDatabase = openDatabase(settings.DATABASE_URL, 'dunlin_dispatch', 4);
  const bundleDir = settings.DUNLIN_BUNDLE_DIR ?? join(tmpdir(), `dunlin-bundles-${process.getuid?.() ?? 0}`);
  mkdirSync(bundleDir, { recursive: true });
  const codeVersion = settings.DUNLIN_BUILD_ID ?? workflowCodeVersion();
  const deployment = settings.DUNLIN_DEPLOYMENT ? { deploymentName: settings.DUNLIN_DEPLOYMENT, buildId: codeVersion } : undefined;

  const worker = await createWorker({
    connection,
    namespace,
    activities: composeActivities({ database, client, clock, settings, codeVersion, log, ...choices }),
    bundlePath: await workflowBundle(bundleDir),
    dataConverter: converter,
    identity: `dunlin-worker@${process.pid}`,
    plugins,
    ...(deployment ? { deployment } : {}),
  });
  const dispatcher = startDispatcher({ database: dispatchDatabase, client, log });
  const sweeper = startSweeper({
    database,
    client,
    clock,
    starter: createCaseStarter(client),
    ...(sweepEveryMs === undefined ? {} : { everyMs: sweepEveryMs }),
    removeFromLists: listRemoval({ database, clock, settings }),
    tenants: settings.DUNLIN_TENANTS ?? (await tenantIds(dispatchDatabase)),
    log,
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => worker.getState() === 'RUNNING' && worker.shutdown());

  const running = worker.run();
  if (deployment) await makeCurrent(client, namespace, deployment);
  log.info({ codeVersion, namespace }, 'the worker runs');
  process.stdout.write(`${JSON.stringify({ ready: true, pid: process.pid, codeVersion })}\n`);
  await running;
  await dispatcher.stop();
  await sweeper.stop();
  await Promise.all([database.close(), dispatchDatabase.close(), clientConnection.close(), connection.close()]);
  log.info('the worker has stopped');
}
