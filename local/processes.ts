// processes.ts: Dunlin's own processes on this machine: the worker, the API, the stand-in vendors. Each is a service of a
// house, told by environment variables where everything is, exactly as in a real installation.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { checkout } from './home.ts';
import type { House } from './house.ts';
import { answersOn, rememberedPort } from './ports.ts';
import { findService, type RunningService, startService } from './services.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const rooms = ['domain', 'formats', 'store', 'workflows', 'activities', 'worker', 'client', 'local', 'policies'];

/** Changes with every source file, so that `up` after an update starts the new code instead of adopting the old. */
function sourceStamp(): string {
  const hash = createHash('sha256');
  const visit = (folder: string) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) visit(path);
      else hash.update(`${path} ${statSync(path).size} ${statSync(path).mtimeMs}\n`);
    }
  };
  for (const room of rooms) visit(join(checkout, room));
  return hash.digest('hex');
}

const loader = pathToFileURL(join(checkout, 'node_modules', 'tsx', 'dist', 'loader.mjs')).href;

/** Starts one of our programs as a service. `entry` is its main file, from the root of the checkout. */
export function startProgram(
  house: House,
  program: { name: string; entry: string; args?: readonly string[]; env: Environment; ready: ProgramReady },
): Promise<RunningService> {
  return startService({
    folder: house.folder,
    name: program.name,
    command: process.execPath,
    args: ['--import', loader, join(checkout, program.entry), ...(program.args ?? [])],
    env: { ...house.env, ...program.env },
    stamp: sourceStamp(),
    ready: program.ready,
    // A worker lets a mail that is on the wire finish.
    graceMs: 65_000,
  });
}

type ProgramReady = Parameters<typeof startService>[0]['ready'];

/** Our programs print {"ready":true,"pid":N} on one line when they are; the pid tells it from an earlier start in the same log. */
export const saidReady: ProgramReady = async (who, log) => readFileSync(log, 'utf8').includes(`{"ready":true,"pid":${who.pid}`);

/** A port of this house that `name` keeps from start to start. */
export function portOf(house: { readonly folder: string }, name: string): Promise<number> {
  return rememberedPort(house.folder, name, findService(house.folder, name) !== undefined);
}

export async function startWorker(house: House, env: Environment = {}): Promise<RunningService & { metricsUrl: string }> {
  const metricsPort = await portOf(house, 'worker');
  const service = await startProgram(house, {
    name: 'worker',
    entry: 'worker/main.ts',
    env: { METRICS_PORT: String(metricsPort), DUNLIN_BUNDLE_DIR: join(house.folder, 'bundles'), ...env },
    ready: saidReady,
  });
  return { ...service, metricsUrl: `http://127.0.0.1:${metricsPort}/metrics` };
}

export async function startApi(house: House, env: Environment = {}): Promise<RunningService & { url: string }> {
  const port = await portOf(house, 'api');
  const url = `http://127.0.0.1:${port}`;
  const service = await startProgram(house, {
    name: 'api',
    entry: 'client/api/main.ts',
    env: { API_HOST: '127.0.0.1', API_PORT: String(port), API_PUBLIC_URL: url, METRICS_PORT: undefined, ...env },
    ready: () => answersOn(port),
  });
  return { ...service, url };
}
