// postgres.ts: a PostgreSQL of our own on this machine: made once, started on a remembered port of 127.0.0.1, adopted when
// an earlier start left it running, ended by SIGINT (its "fast" shutdown). Nobody reaches it without the password.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { reachableFolder, type User } from './home.ts';
import { withLock } from './lock.ts';
import { rememberedPort } from './ports.ts';
import { findPostgres, type PostgresBinaries, serviceUser } from './postgres-binaries.ts';
import { commandLine, endProcess, identify, isAlive, type ProcessIdentity } from './process.ts';

export type LocalPostgres = {
  /** The superuser's URL, database `dunlin`. */
  readonly url: string;
  readonly port: number;
  readonly version: string;
  /** True when it was running already. */
  readonly adopted: boolean;
  readonly process: ProcessIdentity;
};

export type PostgresOptions = {
  /** Folder of this cluster; data, log, port and password live below it. */
  readonly folder: string;
  /** false: no fsync. A crash of the machine may lose data, a crash of a process does not. For the demo and tests. */
  readonly durable: boolean;
};

const superuser = 'dunlin';

/** Makes the folder and what is missing above it, open to walk through whatever the umask: the data below stays 0700. */
function makeReachable(folder: string): void {
  const first = mkdirSync(folder, { recursive: true });
  for (let made = folder; first !== undefined && made.length >= first.length; made = dirname(made)) chmodSync(made, 0o755);
}

/** Where the cluster of `folder` really is: root's service user cannot enter a folder below /root. */
function placesOf(folder: string) {
  const root = reachableFolder(folder);
  return { root, data: join(root, 'data'), log: join(root, 'postgres.log'), password: join(root, 'password') };
}

async function run(command: string, args: readonly string[], user: User | undefined, cwd: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: serverEnv(),
      ...(user && { uid: user.uid, gid: user.gid }),
    });
    let said = '';
    child.stdout.on('data', (text: Buffer) => (said += text.toString()));
    child.stderr.on('data', (text: Buffer) => (said += text.toString()));
    child.once('error', reject);
    child.once('close', code => (code === 0 ? resolve() : reject(new Error(`${command} ended with ${code}: ${said.trim().slice(-600)}`))));
  });
}

/** A server must not inherit the caller's PG* variables, locale or time zone. */
function serverEnv(): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C.UTF-8', TZ: 'UTC' };
}

function own(user: User | undefined, path: string): void {
  if (user) chownSync(path, user.uid, user.gid);
}

/** Makes the cluster under another name and renames it at the end, so that an interrupted start leaves no half of one. */
async function makeCluster(binaries: PostgresBinaries, user: User | undefined, { folder, durable }: PostgresOptions): Promise<void> {
  const { root, data, password } = placesOf(folder);
  const half = join(root, 'data.new');
  rmSync(half, { recursive: true, force: true });
  mkdirSync(half, { mode: 0o700 });
  own(user, half);
  const secret = randomBytes(24).toString('base64url');
  // initdb reads the password as the service user, so it gets a file of its own that is gone a moment later.
  const handover = join(root, 'password.new');
  writeFileSync(handover, `${secret}\n`, { mode: 0o600 });
  own(user, handover);
  const args = [
    '-D',
    half,
    '-U',
    superuser,
    '--auth=scram-sha-256',
    `--pwfile=${handover}`,
    '--encoding=UTF8',
    '--locale=C.UTF-8',
    '--no-instructions',
    ...(durable ? [] : ['--no-sync']),
  ];
  try {
    await run(join(binaries.bin, 'initdb'), args, user, half);
  } finally {
    rmSync(handover, { force: true });
  }
  writeFileSync(password, secret, { mode: 0o600 });
  renameSync(half, data);
}

/** The server recorded in postmaster.pid, if that process is alive and really serves this folder. */
function runningServer(data: string): { process: ProcessIdentity; port: number } | undefined {
  const file = join(data, 'postmaster.pid');
  if (!existsSync(file)) return undefined;
  const lines = readFileSync(file, 'utf8').split('\n');
  const process = identify(Number(lines[0]));
  const port = Number(lines[3]);
  if (process && port > 0 && commandLine(process.pid).includes(data)) return { process, port };
  return undefined;
}

function connectionUrl(folder: string, port: number, database: string): string {
  const secret = readFileSync(placesOf(folder).password, 'utf8').trim();
  return `postgresql://${superuser}:${secret}@127.0.0.1:${port}/${database}`;
}

async function accepts(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('select 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function ensureDatabase(adminUrl: string, name: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [name]);
    if (rowCount === 0) await client.query(`create database "${name}"`);
  } finally {
    await client.end();
  }
}

async function launch(
  binaries: PostgresBinaries,
  user: User | undefined,
  options: PostgresOptions,
  port: number,
): Promise<ProcessIdentity | undefined> {
  const { data, log } = placesOf(options.folder);
  const quick = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off'];
  const settings = [
    'listen_addresses=127.0.0.1',
    `port=${port}`,
    'unix_socket_directories=',
    'max_connections=200',
    'timezone=UTC',
    'log_timezone=UTC',
    'log_min_messages=warning',
    ...(options.durable ? [] : quick),
  ];
  const out = openSync(log, 'a', 0o600);
  const child = spawn(join(binaries.bin, 'postgres'), ['-D', data, ...settings.flatMap(setting => ['-c', setting])], {
    cwd: data,
    detached: true,
    stdio: ['ignore', out, out],
    env: serverEnv(),
    ...(user && { uid: user.uid, gid: user.gid }),
  });
  closeSync(out);
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  child.unref();
  return child.pid === undefined ? undefined : identify(child.pid);
}

/**
 * Waits for the server to take connections. undefined: it gave up starting, which happens for an instant after a kill,
 * while the children of the killed server still hold its shared memory.
 */
async function waitReady(who: ProcessIdentity, url: string, ms: number): Promise<boolean> {
  const until = Date.now() + ms;
  while (Date.now() < until && isAlive(who)) {
    if (await accepts(url)) return true;
    await sleep(30);
  }
  return false;
}

/** Starts the cluster of a folder, or adopts the running one. Throws with the end of its log when it does not come up. */
export async function startPostgres(options: PostgresOptions): Promise<LocalPostgres> {
  const { root, data, log } = placesOf(options.folder);
  makeReachable(root);
  return withLock(join(root, 'postgres'), async () => {
    const user = serviceUser(data);
    const binaries = findPostgres(data);
    if (!binaries)
      throw new Error(
        'no PostgreSQL found: the npm package has none for this platform and no system server of version 15 or later is installed. Install one, or set DATABASE_URL.',
      );
    if (!existsSync(join(data, 'PG_VERSION'))) await makeCluster(binaries, user, options);
    const made = readFileSync(join(data, 'PG_VERSION'), 'utf8').trim();
    if (made !== binaries.version.split('.')[0])
      throw new Error(
        `${data} was made by PostgreSQL ${made}, found PostgreSQL ${binaries.version}. Install version ${made}, or move the folder away to start anew.`,
      );

    const running = runningServer(data);
    if (running && (await waitReady(running.process, connectionUrl(options.folder, running.port, 'postgres'), 10_000))) {
      const url = connectionUrl(options.folder, running.port, superuser);
      await ensureDatabase(connectionUrl(options.folder, running.port, 'postgres'), superuser);
      return { url, port: running.port, version: binaries.version, adopted: true, process: running.process };
    }
    // Neither alive nor ours: PostgreSQL itself would refuse when some other process has been given the recorded pid.
    if (!running) rmSync(join(data, 'postmaster.pid'), { force: true });
    for (let attempt = 1; attempt <= 5; attempt++) {
      const port = await rememberedPort(root, 'postgres');
      const started = await launch(binaries, user, options, port);
      const adminUrl = connectionUrl(options.folder, port, 'postgres');
      if (started && (await waitReady(started, adminUrl, 30_000))) {
        await ensureDatabase(adminUrl, superuser);
        return { url: connectionUrl(options.folder, port, superuser), port, version: binaries.version, adopted: false, process: started };
      }
      if (started) await endProcess(started, 2_000, 'SIGQUIT');
      await sleep(300 * attempt);
    }
    throw new Error(`PostgreSQL did not start. The end of ${log}:\n${readFileSync(log, 'utf8').slice(-1_200)}`);
  });
}

/** The running server of a folder, without starting one. */
export function findRunningPostgres(folder: string): { url: string; port: number; process: ProcessIdentity } | undefined {
  const running = runningServer(placesOf(folder).data);
  return running && { ...running, url: connectionUrl(folder, running.port, superuser) };
}

/** Ends the server of a folder: open sessions are cut, data is written. Does nothing when none runs. */
export async function stopPostgres(folder: string): Promise<void> {
  const { root, data } = placesOf(folder);
  if (!existsSync(data)) return;
  await withLock(join(root, 'postgres'), async () => {
    const running = runningServer(data);
    if (running) await endProcess(running.process, 20_000, 'SIGINT');
  });
}

/** Where the cluster of a folder keeps its data. */
export function clusterFolder(folder: string): string {
  return placesOf(folder).data;
}
