// services.ts: background processes with a name: started once with a log file, recognised again by pid and start time,
// adopted when an earlier start left them running as they should be, ended when not.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkout } from './home.ts';
import { endProcess, identify, isAlive, type ProcessIdentity } from './process.ts';

export type Service = {
  /** Folder of the house it belongs to: its record and its log are kept there. */
  readonly folder: string;
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Added to this process's environment; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Changes when a running process would be out of date though its command line is the same. */
  readonly stamp?: string;
  /** Asked again and again until true; may throw, which counts as "not yet". */
  readonly ready: (who: ProcessIdentity, log: string) => Promise<boolean>;
  /** Milliseconds until an unready process counts as failed. Default 60 000. */
  readonly readyWithinMs?: number;
  /** Milliseconds a stop waits between SIGTERM and SIGKILL. Default 15 000. */
  readonly graceMs?: number;
};

export type RunningService = { readonly name: string; readonly process: ProcessIdentity; readonly adopted: boolean; readonly log: string };

type ServiceRecord = ProcessIdentity & {
  readonly name: string;
  readonly fingerprint: string;
  readonly startedAtMs: number;
  readonly graceMs: number;
};

const recordPath = (folder: string, name: string) => join(folder, `${name}.service.json`);

/** Where the service writes what it says. */
export function logOf(folder: string, name: string): string {
  return join(folder, `${name}.log`);
}

function readRecord(folder: string, name: string): ServiceRecord | undefined {
  try {
    return JSON.parse(readFileSync(recordPath(folder, name), 'utf8')) as ServiceRecord;
  } catch {
    return undefined;
  }
}

/** The process of a service if it is alive. */
export function findService(folder: string, name: string): ProcessIdentity | undefined {
  const record = readRecord(folder, name);
  return record && isAlive(record) ? { pid: record.pid, started: record.started } : undefined;
}

function fingerprintOf({ command, args, env, stamp }: Service): string {
  return createHash('sha256')
    .update(JSON.stringify([command, args, env ?? {}, stamp ?? '']))
    .digest('hex');
}

/** The end of a log, for the message of a failure. */
export function endOfLog(path: string, characters = 1_500): string {
  return existsSync(path) ? readFileSync(path, 'utf8').slice(-characters).trim() : '(it said nothing)';
}

const keptLogBytes = 10 * 1024 * 1024;

function openLog(path: string): number {
  if (existsSync(path) && statSync(path).size > keptLogBytes) renameSync(path, `${path}.1`);
  return openSync(path, 'a', 0o600);
}

async function isReady(service: Service, who: ProcessIdentity): Promise<boolean> {
  try {
    return await service.ready(who, logOf(service.folder, service.name));
  } catch {
    // Refused connections and half-started servers look like this; the deadline of the caller decides.
    return false;
  }
}

async function waitReady(service: Service, who: ProcessIdentity, ms: number): Promise<boolean> {
  const until = Date.now() + ms;
  while (Date.now() < until && isAlive(who)) {
    if (await isReady(service, who)) return isAlive(who);
    await sleep(50);
  }
  return false;
}

async function launch(service: Service, log: string): Promise<ProcessIdentity> {
  const out = openLog(log);
  const child = spawn(service.command, service.args, {
    cwd: checkout,
    detached: true,
    stdio: ['ignore', out, out],
    env: { ...process.env, ...service.env },
  });
  closeSync(out);
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  child.unref();
  const who = identify(child.pid ?? 0);
  if (!who) throw new Error(`${service.name} ended at once. The end of ${log}:\n${endOfLog(log)}`);
  return who;
}

/** Starts the service, or adopts it when it runs as asked and answers. Throws with the end of its log when it does not come up. */
export async function startService(service: Service): Promise<RunningService> {
  const { folder, name } = service;
  mkdirSync(folder, { recursive: true });
  const log = logOf(folder, name);
  const known = readRecord(folder, name);
  const fingerprint = fingerprintOf(service);
  if (known && isAlive(known)) {
    const who = { pid: known.pid, started: known.started };
    if (known.fingerprint === fingerprint && (await waitReady(service, who, 5_000))) return { name, process: who, adopted: true, log };
    await stopService(folder, name);
  }
  const who = await launch(service, log);
  const record: ServiceRecord = { ...who, name, fingerprint, startedAtMs: Date.now(), graceMs: service.graceMs ?? 15_000 };
  writeFileSync(recordPath(folder, name), `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  const withinMs = service.readyWithinMs ?? 60_000;
  if (await waitReady(service, who, withinMs)) return { name, process: who, adopted: false, log };
  const died = !isAlive(who);
  await stopService(folder, name);
  throw new Error(
    `${name} ${died ? 'ended while starting' : `was not ready within ${withinMs / 1000} s`}. The end of ${log}:\n${endOfLog(log)}`,
  );
}

/** Ends a service; does nothing when it is not running. */
export async function stopService(folder: string, name: string): Promise<void> {
  const record = readRecord(folder, name);
  if (record) await endProcess(record, record.graceMs);
  rmSync(recordPath(folder, name), { force: true });
}

/** Names of the services with a record in the folder, the one started last first. */
export function servicesOf(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter(file => file.endsWith('.service.json'))
    .map(file => file.slice(0, -'.service.json'.length))
    .toSorted((a, b) => (readRecord(folder, b)?.startedAtMs ?? 0) - (readRecord(folder, a)?.startedAtMs ?? 0));
}

/** Ends every service of the folder, the one started last first. */
export async function stopServices(folder: string): Promise<void> {
  for (const name of servicesOf(folder)) await stopService(folder, name);
}
