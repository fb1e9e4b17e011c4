// lifecycle.ts: how many whole cases a machine carries a second, beside a bare workflow on the same Temporal server: five
// stages, never paid, every notice really sent, until the case is handed to people. The two take turns, because a machine
// is never the same twice.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { connectClient } from '../../client/connection.ts';
import type { Clock } from '../../domain/clock.ts';
import { type House, startHouse } from '../../local/house.ts';
import { findRunningPostgres } from '../../local/postgres.ts';
import type { Say } from '../../local/progress.ts';
import { findService } from '../../local/services.ts';
import { type Database, openDatabase, withTenant } from '../../store/database.ts';
import { sql } from '../../store/sql.ts';
import { dunningWorkflowId, intakeWorkflowId, taskQueue } from '../../workflows/contract/ids.ts';
import type { IntakeInput } from '../../workflows/contract/types.ts';
import type { BareInput } from '../bare-workflow.ts';
import { importBook, openBooks, stages, tenant } from '../book.ts';
import { cpuMsOf } from '../cpu.ts';
import { costOf } from '../history-cost.ts';
import { type BenchResult, loadNow, median, rounded, type Spread, spreadOf, versionsOf } from '../measure.ts';
import { ask, launch, type Program } from '../programs.ts';

export type LifecycleOptions = {
  readonly cases: number;
  readonly repetitions: number;
  /** Real length of every wait, in ms. */
  readonly waitMs: number;
  readonly seed: number;
  readonly say: Say;
};

export type LifecycleFigures = {
  readonly cases: number;
  readonly repetitions: number;
  readonly wait_ms: number;
  readonly lifecycles_per_second: number;
  readonly bare_per_second: number;
  /** Median of the ratios of neighbouring repetitions. */
  readonly ratio: number;
  readonly spread: { readonly lifecycles_per_second: Spread; readonly bare_per_second: Spread; readonly ratio: Spread };
  readonly events_per_case: number;
  readonly bytes_per_case: number;
  readonly actions_per_case: number;
  readonly bare: { readonly events_per_case: number; readonly bytes_per_case: number; readonly actions_per_case: number };
  readonly mails: { readonly expected: number; readonly accepted: number; readonly notices: number };
  /** Processor time a case, by process; null where the system does not tell. */
  readonly cpu_ms_per_case: { readonly dunlin: CpuTimes; readonly bare: CpuTimes } | null;
};

type CpuTimes = Readonly<Record<string, number>>;

/** Monday noon of the creditor: every case begins then. */
const start = Date.parse('2026-01-05T12:00:00Z');
const bareQueue = 'bench-bare';
/** Starts under way at once, as intake has them. */
const lanes = 8;
/** How many histories are looked at. */
const sampled = 20;
/** Real ms for what is left to do on the server after the last step, before somebody else is measured. */
const restMs = 1_500;
const patienceMs = 600_000;

type Bench = {
  readonly options: LifecycleOptions;
  readonly house: House;
  readonly client: Client;
  readonly database: Database;
  readonly bare: Program;
  readonly sink: Program;
  /** Process ids by name. */
  readonly pids: Readonly<Record<string, number>>;
};

type Run = { readonly perSecond: number; readonly cpu: CpuTimes | null };

export async function runLifecycle(options: LifecycleOptions): Promise<BenchResult<LifecycleFigures>> {
  const load = loadNow();
  const house = await startHouse({ mode: 'bench', fresh: true, say: options.say });
  const database = openDatabase(house.databaseUrl, 'dunlin_app', 4);
  let client: Client | undefined;
  try {
    client = await connectClient({ address: house.temporalAddress, namespace: house.temporalNamespace });
    await openBooks(house.databaseUrl, database, start);
    const bench = await setUp(options, house, client, database);
    const figures = await measure(bench);
    return { name: 'lifecycle', figures, versions: versionsOf(house, load), seed: options.seed };
  } finally {
    await client?.connection.close();
    await database.close();
    await house.stop();
  }
}

async function setUp(options: LifecycleOptions, house: House, client: Client, database: Database): Promise<Bench> {
  options.say('starting the worker, the bare worker and a mail server');
  const sink = await launch(house, { name: 'mail-sink', entry: 'bench/lifecycle/mail-sink.ts' });
  const [worker, bare] = await Promise.all([
    launch(house, {
      name: 'worker',
      entry: 'bench/lifecycle/worker.ts',
      args: [String(start), String(options.waitMs)],
      env: {
        DUNLIN_TENANTS: tenant,
        DUNLIN_BUNDLE_DIR: join(house.folder, 'bundles'),
        SMTP_URL: `smtp://127.0.0.1:${String(sink.said['smtpPort'])}`,
        LOG_LEVEL: 'warn',
      },
    }),
    launch(house, { name: 'bare-worker', entry: 'bench/lifecycle/bare-worker.ts', args: [bareQueue] }),
  ]);
  const temporal = findService(house.folder, 'temporal');
  const postgres = findRunningPostgres(join(house.folder, 'postgres'));
  const pids = {
    worker: worker.pid,
    bare_worker: bare.pid,
    mail_server: sink.pid,
    driver: process.pid,
    ...(temporal && { temporal: temporal.pid }),
    ...(postgres && { postgres: postgres.process.pid }),
  };
  return { options, house, client, database, bare, sink, pids };
}

async function measure(bench: Bench): Promise<LifecycleFigures> {
  const { cases, repetitions, waitMs, say } = bench.options;
  // Compilers and caches of both sides get warm before anything counts.
  await runDunlin(bench, 'W', Math.min(cases, 40));
  await runBare(bench, 'W', Math.min(cases, 40));
  const ours: Run[] = [];
  const bare: Run[] = [];
  for (let repetition = 1; repetition <= repetitions; repetition += 1) {
    ours.push(await runDunlin(bench, `R${repetition}`, cases));
    bare.push(await runBare(bench, `R${repetition}`, cases));
    const [a, b] = [ours.at(-1)?.perSecond ?? 0, bare.at(-1)?.perSecond ?? 0];
    say(`${repetition} of ${repetitions}: Dunlin ${a.toFixed(1)}/s, bare ${b.toFixed(1)}/s, ratio ${(a / b).toFixed(2)}`);
  }
  const ratios = ours.map((run, index) => run.perSecond / (bare[index]?.perSecond ?? run.perSecond));
  const speeds = { ours: spreadOf(ours.map(run => run.perSecond)), bare: spreadOf(bare.map(run => run.perSecond)) };
  const mails = await ask<{ mails: number; notices: number }>(bench.sink);
  const cost = await costs(bench, await workflowIdsOf(bench, `R${repetitions}`));
  return {
    cases,
    repetitions,
    wait_ms: waitMs,
    lifecycles_per_second: speeds.ours.median,
    bare_per_second: speeds.bare.median,
    ratio: spreadOf(ratios).median,
    spread: { lifecycles_per_second: speeds.ours, bare_per_second: speeds.bare, ratio: spreadOf(ratios) },
    ...cost,
    bare: await costs(
      bench,
      Array.from({ length: Math.min(sampled, cases) }, (_, index) => bareId(`R${repetitions}`, index)),
    ),
    mails: { expected: (cases * repetitions + Math.min(cases, 40)) * stages.length, accepted: mails.mails, notices: mails.notices },
    cpu_ms_per_case: cpuPerCase(ours, bare),
  };
}

/** From the start of intake until every case's fifth notice is sent and its row says that people have it. */
async function runDunlin(bench: Bench, batch: string, cases: number): Promise<Run> {
  const clock: Clock = { now: () => start, realMsUntil: until => until - start };
  await importBook(
    { database: bench.database, clock, folder: join(bench.house.folder, 'files') },
    { batch, count: cases, seed: bench.options.seed },
  );
  const before = await withPeople(bench);
  return timed(bench, cases, async () => {
    const input: IntakeInput = { tenant, startsPerSecond: cases };
    await bench.client.workflow.start('intake', { workflowId: intakeWorkflowId(tenant), taskQueue, args: [input] });
    await until(async () => (await withPeople(bench)) - before >= cases);
  });
}

async function withPeople({ database }: Bench): Promise<number> {
  const row = await withTenant(database, tenant, tx =>
    tx.one<{ count: number }>(sql`select count(*)::int as count from cases where tenant_id = ${tenant} and state = 'with_people'`),
  );
  return row?.count ?? 0;
}

/** From the first start until the last activity has run: a case of ours is open at that point too. */
async function runBare(bench: Bench, batch: string, cases: number): Promise<Run> {
  const ran = async () => (await ask<{ ran: number }>(bench.bare)).ran;
  const before = await ran();
  const input: BareInput = { stages: stages.length, waitMs: bench.options.waitMs };
  return timed(bench, cases, async () => {
    const queue = Array.from({ length: cases }, (_, index) => bareId(batch, index));
    const lane = async () => {
      for (let workflowId = queue.shift(); workflowId; workflowId = queue.shift())
        await bench.client.workflow.start('bare', { workflowId, taskQueue: bareQueue, args: [input] });
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    await until(async () => (await ran()) - before >= cases * stages.length);
  });
}

function bareId(batch: string, index: number): string {
  return `bare/${batch}/${index}`;
}

async function timed(bench: Bench, cases: number, work: () => Promise<void>): Promise<Run> {
  const cpuBefore = cpuTimes(bench);
  const began = performance.now();
  await work();
  const seconds = (performance.now() - began) / 1000;
  await sleep(restMs);
  const cpuAfter = cpuTimes(bench);
  const cpu =
    cpuBefore &&
    cpuAfter &&
    Object.fromEntries(Object.entries(cpuAfter).map(([name, ms]) => [name, (ms - (cpuBefore[name] ?? 0)) / cases]));
  return { perSecond: cases / seconds, cpu };
}

async function until(done: () => Promise<boolean>): Promise<void> {
  const giveUpAt = Date.now() + patienceMs;
  while (!(await done())) {
    if (Date.now() > giveUpAt)
      throw new Error(`after ${patienceMs / 60_000} minutes not every case was through; look at the logs of the house`);
    await sleep(50);
  }
}

async function workflowIdsOf({ database, options }: Bench, batch: string): Promise<string[]> {
  const rows = await withTenant(database, tenant, tx =>
    tx.rows<{ id: string; cycle: number }>(sql`
      select id, cycle from invoices where tenant_id = ${tenant} and number like ${`${batch}-%`} order by number limit ${Math.min(sampled, options.cases)}`),
  );
  return rows.map(({ id, cycle }) => dunningWorkflowId({ tenant, invoiceId: id, cycle }));
}

/** Medians over some runs, read from their histories as they stand. */
async function costs(
  { client }: Bench,
  workflowIds: readonly string[],
): Promise<{ events_per_case: number; bytes_per_case: number; actions_per_case: number }> {
  const read = await Promise.all(
    workflowIds.map(async id => {
      const handle = client.workflow.getHandle(id);
      const [history, description] = await Promise.all([handle.fetchHistory(), handle.describe()]);
      return { ...costOf(history.events ?? []), bytes: description.historySize ?? 0 };
    }),
  );
  return {
    events_per_case: median(read.map(one => one.events)),
    bytes_per_case: median(read.map(one => one.bytes)),
    actions_per_case: median(read.map(one => one.actions)),
  };
}

function cpuTimes({ pids }: Bench): CpuTimes | null {
  const times = Object.entries(pids).map(([name, pid]) => [name, cpuMsOf(pid, name === 'postgres' ? 'with_children' : 'alone')] as const);
  return times.some(([, ms]) => ms === undefined) ? null : Object.fromEntries(times.map(([name, ms]) => [name, ms ?? 0]));
}

function cpuPerCase(ours: readonly Run[], bare: readonly Run[]): LifecycleFigures['cpu_ms_per_case'] {
  const medians = (runs: readonly Run[]): CpuTimes =>
    Object.fromEntries(Object.keys(runs[0]?.cpu ?? {}).map(name => [name, rounded(median(runs.map(run => run.cpu?.[name] ?? 0)))]));
  return ours[0]?.cpu ? { dunlin: medians(ours), bare: medians(bare) } : null;
}
