// fleet.ts: what a sleeping case costs the worker: nothing. Ten thousand invoices come in by the real import and the real
// intake, each case takes its first look and sleeps for days; the worker's memory is read before, on the way and after.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { connectClient } from '../../client/connection.ts';
import { wallClock } from '../../store/wall-clock.ts';
import { type House, startHouse } from '../../local/house.ts';
import type { Say } from '../../local/progress.ts';
import { logOf } from '../../local/services.ts';
import { type Database, openDatabase, withTenant } from '../../store/database.ts';
import { sql } from '../../store/sql.ts';
import { intakeWorkflowId, taskQueue } from '../../workflows/contract/ids.ts';
import type { IntakeInput } from '../../workflows/contract/types.ts';
import { importBook, openBooks, tenant } from '../book.ts';
import { type BenchResult, loadNow, rounded, versionsOf } from '../measure.ts';
import { ask, launch, type Program } from '../programs.ts';

export type FleetOptions = {
  readonly cases: number;
  /** The rate intake keeps to. */
  readonly startsPerSecond: number;
  readonly seed: number;
  readonly say: Say;
};

type Memory = { readonly cases: number; readonly rss_mb: number; readonly heap_mb: number };

export type FleetFigures = {
  readonly cases: number;
  /** How the cases came to be: the real import and the real intake, at this bound. */
  readonly path: 'import and intake';
  readonly starts_per_second_limit: number;
  readonly seconds: number;
  readonly cases_per_second: number;
  /** Runs a worker keeps in memory however many sleep. */
  readonly cached_runs: number;
  readonly before: Memory;
  /** When as many cases sleep as the cache holds twice over: from here on memory must not grow. */
  readonly cache_full: Memory;
  readonly all_started: Memory;
  readonly asleep: Memory;
  /** Growth from cache_full to asleep, a case. Noise of the allocator makes it a little more or less than 0. */
  readonly rss_bytes_per_sleeping_case: number;
  readonly heap_bytes_per_sleeping_case: number;
  readonly samples: readonly Memory[];
};

/** As in worker/create-worker.ts. */
const cachedRuns = 500;
const megabyte = 1_048_576;
/** Real ms the fleet sleeps before it is looked at again: longer than the sticky queues of the server remember a worker. */
const napMs = 15_000;
const patienceMs = 20 * 60_000;

export async function runFleet(options: FleetOptions): Promise<BenchResult<FleetFigures>> {
  const load = loadNow();
  const house = await startHouse({ mode: 'bench', fresh: true, say: options.say });
  const database = openDatabase(house.databaseUrl, 'dunlin_app', 4);
  let client: Client | undefined;
  try {
    client = await connectClient({ address: house.temporalAddress, namespace: house.temporalNamespace });
    await openBooks(house.databaseUrl, database, Date.now());
    const books = { database, clock: wallClock, folder: join(house.folder, 'files') };
    options.say(`importing ${options.cases} invoices`);
    await importBook(books, { batch: 'F', count: options.cases, seed: options.seed });
    const worker = await startFleetWorker(house);
    const figures = await measure(options, { client, database, worker });
    return { name: 'fleet', figures, versions: versionsOf(house, load), seed: options.seed };
  } finally {
    await client?.connection.close();
    await database.close();
    await house.stop();
  }
}

async function startFleetWorker(house: House): Promise<Program> {
  const name = 'worker';
  const worker = await launch(house, {
    name,
    entry: 'bench/fleet/worker.ts',
    env: { DUNLIN_TENANTS: tenant, DUNLIN_BUNDLE_DIR: join(house.folder, 'bundles'), LOG_LEVEL: 'warn' },
  });
  const line = readFileSync(logOf(house.folder, name), 'utf8')
    .split('\n')
    .findLast(text => text.startsWith('{"memory":true'));
  return { ...worker, said: JSON.parse(line ?? '{}') as Record<string, unknown> };
}

type Fleet = { readonly client: Client; readonly database: Database; readonly worker: Program };

async function measure({ cases, startsPerSecond, say }: FleetOptions, { client, database, worker }: Fleet): Promise<FleetFigures> {
  const read = async (planned: number): Promise<Memory> => {
    const { rss, heapUsed } = await ask<{ rss: number; heapUsed: number }>(worker);
    return { cases: planned, rss_mb: rounded(rss / megabyte), heap_mb: rounded(heapUsed / megabyte) };
  };
  const before = await read(0);
  const samples = [before];
  const step = Math.max(2 * cachedRuns, Math.ceil(cases / 10));
  const began = performance.now();
  const input: IntakeInput = { tenant, startsPerSecond };
  await client.workflow.start('intake', { workflowId: intakeWorkflowId(tenant), taskQueue, args: [input] });
  const giveUpAt = Date.now() + patienceMs;
  for (let planned = 0; planned < cases; ) {
    await sleep(250);
    planned = await asleepNow(database);
    if (planned >= step * samples.length) {
      samples.push(await read(planned));
      say(`${planned} of ${cases} sleep; the worker uses ${samples.at(-1)?.rss_mb.toFixed(0)} MB`);
    }
    if (Date.now() > giveUpAt)
      throw new Error(`after ${patienceMs / 60_000} minutes ${planned} of ${cases} cases sleep; look at the worker's log`);
  }
  const seconds = (performance.now() - began) / 1000;
  const allStarted = await read(cases);
  await sleep(napMs);
  const asleep = await read(cases);
  const cacheFull = samples.find(sample => sample.cases >= 2 * cachedRuns) ?? before;
  const grown = Math.max(1, cases - cacheFull.cases);
  const perCase = (key: 'rss_mb' | 'heap_mb') => Math.round(((asleep[key] - cacheFull[key]) * megabyte) / grown);
  return {
    cases,
    path: 'import and intake',
    starts_per_second_limit: startsPerSecond,
    seconds: rounded(seconds),
    cases_per_second: rounded(cases / seconds),
    cached_runs: cachedRuns,
    before,
    cache_full: cacheFull,
    all_started: allStarted,
    asleep,
    rss_bytes_per_sleeping_case: perCase('rss_mb'),
    heap_bytes_per_sleeping_case: perCase('heap_mb'),
    samples,
  };
}

/** Cases that have taken their first look and planned the next one. */
async function asleepNow(database: Database): Promise<number> {
  const row = await withTenant(database, tenant, tx =>
    tx.one<{ count: number }>(sql`select count(*)::int as count from cases where tenant_id = ${tenant} and planned_at is not null`),
  );
  return row?.count ?? 0;
}
