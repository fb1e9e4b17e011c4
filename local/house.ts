// house.ts: PostgreSQL and Temporal together, as demo, up, bench and prove need them. Each mode has a folder of its own, so
// that a demo never touches real books. What a killed launcher left behind is ended or adopted by the next start.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { ownerUrlOf, readSettings } from '../store/settings.ts';
import { hold, isKept, markKept, otherHolder, release } from './holders.ts';
import { stateFolder } from './home.ts';
import { withLock } from './lock.ts';
import { findRunningPostgres, startPostgres, stopPostgres } from './postgres.ts';
import { type Say, sayOnStderr } from './progress.ts';
import { servicesOf, stopServices } from './services.ts';

export type HouseMode = 'up' | 'demo' | 'bench' | 'prove';

export type HouseOptions = {
  readonly mode: HouseMode;
  /** Starts with an empty database and no earlier runs. Never for `up`. */
  readonly fresh?: boolean;
  /** URL where browsers ask for decrypted payloads, told to the Temporal web page. */
  readonly codecUrl?: string;
  readonly say?: Say;
};

export type House = {
  readonly mode: HouseMode;
  /** State of this mode; logs, ports and records of its processes are kept here. */
  readonly folder: string;
  /** The owner's URL: migrations, and login of both roles. */
  readonly databaseUrl: string;
  readonly postgresVersion: string;
  readonly temporalAddress: string;
  readonly temporalNamespace: string;
  readonly temporalVersion: string;
  readonly temporalUiUrl?: string;
  /** What the processes of this house are to be told; undefined takes a variable away from them. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Ends everything of this house, its services included. Safe to call twice. */
  stop(): Promise<void>;
  /** Tells commands that run later (`dunlin why`) more of this house: its clock, its keys, its tenants. */
  lend(env: Readonly<Record<string, string>>): void;
  /** Leaves everything running after this process: the next start adopts it, `down` ends it. */
  keep(): void;
};

/** Settings that reach real vendors. A demo, a benchmark or a proof must never see them. */
const vendorVariables = [
  'SMTP_URL',
  'KIXIE_BASE_URL',
  'KIXIE_API_KEY',
  'KIXIE_BUSINESS_ID',
  'KIXIE_WEBHOOK_TOKEN',
  'PLATFORM_BASE_URL',
  'PLATFORM_KEY_FILE',
  'PLATFORM_NAMESPACE',
  'PREMIUM_DROP_DIR',
].flatMap(name => [name, `${name}_FILE`]);

/** TEMPORAL_ADDRESS names a server of the user's: none of ours is started. */
function usesExistingTemporal(): boolean {
  return Boolean(process.env['TEMPORAL_ADDRESS']);
}

export function houseFolder(mode: HouseMode): string {
  return join(stateFolder(), mode);
}

/** Ends everything that runs in a mode's folder, services before servers. The caller has made sure that nobody needs it. */
export async function endHouse(folder: string): Promise<void> {
  await stopServices(folder);
  await stopPostgres(join(folder, 'postgres'));
  markKept(folder, false);
  rmSync(join(folder, 'house.json'), { force: true });
}

function houseFolders(): string[] {
  const home = stateFolder();
  if (!existsSync(home)) return [];
  return readdirSync(home, { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .map(entry => join(home, entry.name));
}

function isRunning(folder: string): boolean {
  return servicesOf(folder).length > 0 || findRunningPostgres(join(folder, 'postgres')) !== undefined;
}

/** Ends what launchers that are gone left behind, and with `kept` also what was left on purpose. Returns the folders. */
export async function endLeftovers(options: { kept: boolean }): Promise<string[]> {
  const ended: string[] = [];
  for (const folder of houseFolders()) {
    const stays = () => !isRunning(folder) || otherHolder(folder) !== undefined || (isKept(folder) && !options.kept);
    if (stays()) continue;
    await withLock(join(folder, 'house'), async () => {
      if (stays()) return;
      await endHouse(folder);
      ended.push(folder);
    });
  }
  return ended;
}

function inDatabase(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

/** Makes sure the database of a mode exists, empty when `fresh`. */
async function provideDatabase(serverUrl: string, name: string, fresh: boolean): Promise<string> {
  const client = new pg.Client({ connectionString: serverUrl });
  await client.connect();
  try {
    if (fresh) await client.query(`drop database if exists "${name}" with (force)`);
    const { rowCount } = await client.query('select from pg_database where datname = $1', [name]);
    if (rowCount === 0) await client.query(`create database "${name}"`);
  } finally {
    await client.end();
  }
  return inDatabase(serverUrl, name);
}

async function serverVersion(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  try {
    await client.connect();
    const { rows } = await client.query<{ server_version: string }>('show server_version');
    const version = rows[0]?.server_version ?? '0';
    if (Number.parseInt(version, 10) < 15) throw new Error(`found PostgreSQL ${version}, expected 15 or later`);
    return version;
  } catch (error) {
    const { host, pathname } = new URL(url);
    throw new Error(
      `DATABASE_URL points to ${host}${pathname}: ${(error as Error).message}. Start that server, or unset DATABASE_URL to use one of our own.`,
      {
        cause: error,
      },
    );
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** DATABASE_URL's server, else our own. Every mode but `up` gets a database of its own there. */
async function providePostgres(options: HouseOptions, folder: string): Promise<{ url: string; version: string }> {
  const own = options.mode === 'up' ? undefined : `dunlin_${options.mode}`;
  const given = ownerUrlOf(readSettings());
  const server = given
    ? { url: given, version: await serverVersion(given) }
    : await startPostgres({ folder: join(folder, 'postgres'), durable: options.mode === 'up' });
  const url = own === undefined ? server.url : await provideDatabase(server.url, own, options.fresh ?? false);
  return { url, version: server.version };
}

/** Ends the house when the terminal says so, with the exit code shells expect. Returns how to stop listening. */
function endOnSignals(stop: () => Promise<void>, say: Say): () => void {
  const codes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
  const listeners = Object.entries(codes).map(([signal, code]) => {
    const listener = () => {
      say(`${signal}: ending what was started`);
      void stop().finally(() => process.exit(code));
    };
    process.on(signal, listener);
    return [signal, listener] as const;
  });
  return () => listeners.forEach(([signal, listener]) => process.off(signal, listener));
}

/** What a command that runs later needs to know of a running house. */
export type HouseRecord = Pick<
  House,
  'mode' | 'databaseUrl' | 'postgresVersion' | 'temporalAddress' | 'temporalNamespace' | 'temporalVersion'
> & {
  readonly temporalUiUrl?: string;
  readonly lent: Readonly<Record<string, string>>;
};

function writeHouse(record: HouseRecord): void {
  // It holds the password of the database: for its owner only.
  writeFileSync(join(houseFolder(record.mode), 'house.json'), `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
}

export function readHouse(mode: HouseMode): HouseRecord | undefined {
  try {
    return JSON.parse(readFileSync(join(houseFolder(mode), 'house.json'), 'utf8')) as HouseRecord;
  } catch {
    return undefined;
  }
}

/** What a command needs to speak of the house that runs in this checkout; empty when none does. `up` comes before a demo. */
export async function runningEnvironment(): Promise<Record<string, string>> {
  for (const mode of ['up', 'demo'] as const) {
    const house = readHouse(mode);
    if (!house || !isRunning(houseFolder(mode))) continue;
    return {
      DATABASE_URL: house.databaseUrl,
      TEMPORAL_ADDRESS: house.temporalAddress,
      TEMPORAL_NAMESPACE: house.temporalNamespace,
      ...(house.temporalUiUrl !== undefined && { TEMPORAL_UI_URL: house.temporalUiUrl }),
      ...house.lent,
    };
  }
  return {};
}

function environmentOf(options: HouseOptions, folder: string, databaseUrl: string, temporal: { address: string; namespace: string }) {
  // An empty profile file, so that a profile of the user's for another cluster cannot reach into ours.
  const profile = join(folder, 'temporal.toml');
  if (!usesExistingTemporal()) writeFileSync(profile, '');
  return {
    ...(options.mode !== 'up' && Object.fromEntries(vendorVariables.map(name => [name, undefined]))),
    DATABASE_URL: databaseUrl,
    DATABASE_URL_FILE: undefined,
    DATABASE_OWNER_URL: databaseUrl,
    DATABASE_OWNER_URL_FILE: undefined,
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    ...(!usesExistingTemporal() && {
      TEMPORAL_CONFIG_FILE: profile,
      TEMPORAL_PROFILE: undefined,
      TEMPORAL_API_KEY: undefined,
      TEMPORAL_TLS: undefined,
    }),
    DUNLIN_HOME: stateFolder(),
    TZ: 'UTC',
  };
}

/**
 * Starts PostgreSQL and Temporal for a mode, or adopts them. Ends them again on SIGINT, SIGTERM and when it fails halfway.
 * Throws when another live process uses the same mode in this checkout.
 */
export async function startHouse(options: HouseOptions): Promise<House> {
  const say = options.say ?? sayOnStderr;
  const folder = houseFolder(options.mode);
  await endLeftovers({ kept: false });
  // Minutes on the first start: before the lock, so that nobody waits for it.
  // Loaded here and not above: a command that only asks what runs must not wait for the Temporal client.
  const [{ startTemporal }, { provideTemporal }, { migrate }] = await Promise.all([
    import('./temporal.ts'),
    import('./temporal-binary.ts'),
    import('../store/migrate.ts'),
  ]);
  if (!usesExistingTemporal()) await provideTemporal(say);
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const user = otherHolder(folder);
  if (user && options.mode !== 'up')
    throw new Error(
      `a ${options.mode} is running already in this checkout (process ${user.pid}). Wait for it, or set DUNLIN_HOME to another folder.`,
    );
  hold(folder);
  let stopping: Promise<void> | undefined;
  let starting = true;
  const endIt = async () => {
    silence();
    await endHouse(folder);
    release(folder);
  };
  // While it starts the lock is ours already, and waiting for it would be waiting for ourselves.
  const stop = () => (stopping ??= starting ? endIt() : withLock(join(folder, 'house'), endIt));
  const silence = endOnSignals(stop, say);
  try {
    const house = await withLock(join(folder, 'house'), async () => {
      if (options.fresh) await stopServices(folder);
      const postgres = await providePostgres(options, folder);
      await migrate(postgres.url);
      const temporal = await startTemporal({
        folder,
        keep: options.mode === 'up' ? 'durable' : 'fast',
        say,
        ...(options.fresh !== undefined && { fresh: options.fresh }),
        ...(options.codecUrl !== undefined && { codecUrl: options.codecUrl }),
      });
      const record: HouseRecord = {
        mode: options.mode,
        databaseUrl: postgres.url,
        postgresVersion: postgres.version,
        temporalAddress: temporal.address,
        temporalNamespace: temporal.namespace,
        temporalVersion: temporal.version,
        ...(temporal.uiUrl !== undefined && { temporalUiUrl: temporal.uiUrl }),
        lent: {},
      };
      writeHouse(record);
      let lent: Record<string, string> = {};
      const lend = (env: Readonly<Record<string, string>>) => {
        lent = { ...lent, ...env };
        writeHouse({ ...record, lent });
      };
      const keep = () => {
        silence();
        markKept(folder, true);
        release(folder);
      };
      return { ...record, folder, env: environmentOf(options, folder, postgres.url, temporal), stop, keep, lend };
    });
    starting = false;
    return house;
  } catch (error) {
    starting = false;
    await stop();
    throw error;
  }
}
