// house.ts: PostgreSQL and Temporal together, as demo, up, bench and prove need them. Each mode has a folder of its own, so
// that a demo never touches real books. What a killed launcher left behind is ended or adopted by the next start.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hold, isKept, markKept, otherHolder, release } from './holders.ts';
import { checkout, stateFolder } from './home.ts';
import { providePostgres } from './house-database.ts';
import { type HouseMode, type HouseRecord, houseFolder, writeHouse } from './house-record.ts';
import { endHouse, endLeftovers, endPrograms } from './leftovers.ts';
import { withLock } from './lock.ts';
import { type Say, sayOnStderr } from './progress.ts';

export { houseFolder, runningEnvironment } from './house-record.ts';

export type HouseOptions = {
  readonly mode: HouseMode;
  /** Starts with an empty database and no earlier runs. Never for `up`. */
  readonly fresh?: boolean;
  /** URL where browsers ask for decrypted payloads, told to the Temporal web page. */
  readonly codecUrl?: string;
  readonly say?: Say;
};

export type House = Omit<HouseRecord, 'lent' | 'programs'> & {
  /** State of this mode; logs, ports and records of its processes are kept here. */
  readonly folder: string;
  /** What the processes of this house are to be told; undefined takes a variable away from them. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Ends everything of this house, its services included. Safe to call twice. */
  stop(): Promise<void>;
  /** Tells commands that run later (`dunlin why`) more of this house: its clock, its keys, its tenants. */
  lend(env: Readonly<Record<string, string>>): void;
  /** Puts a program into `dunlin status`, with the address where it answers. */
  list(name: string, url: string): void;
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

function dunlinVersion(): string {
  return (JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')) as { version: string }).version;
}

function environmentOf(options: HouseOptions, folder: string, databaseUrl: string, temporal: { address: string; namespace: string }) {
  // An empty profile file, so that a profile of the user's for another cluster cannot reach into ours.
  const profile = join(folder, 'temporal.toml');
  if (!usesExistingTemporal()) writeFileSync(profile, '[profile.default]\n');
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
  const wasKept = isKept(folder);
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
      if (options.fresh) await endPrograms(folder);
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
        programs: {},
        version: dunlinVersion(),
      };
      let latest = record;
      const write = (changed: Partial<HouseRecord>) => writeHouse((latest = { ...latest, ...changed }));
      write({});
      const lend = (env: Readonly<Record<string, string>>) => write({ lent: { ...latest.lent, ...env } });
      const list = (name: string, url: string) => write({ programs: { ...latest.programs, [name]: url } });
      const keep = () => {
        silence();
        markKept(folder, true);
        release(folder);
      };
      return { ...record, folder, env: environmentOf(options, folder, postgres.url, temporal), stop, keep, lend, list };
    });
    starting = false;
    return house;
  } catch (error) {
    starting = false;
    // A second `up` that fails must not take down what the first one started.
    if (wasKept) release(folder);
    else await stop();
    throw error;
  }
}
