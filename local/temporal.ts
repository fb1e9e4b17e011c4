// temporal.ts: the Temporal server beside Dunlin on one machine: the one TEMPORAL_ADDRESS names, else a development server
// of our own on remembered ports, with our search attributes and a web page that reads encrypted payloads through our codec.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { searchAttributes } from '../workflows/contract/search-attributes.ts';
import { rememberedPort } from './ports.ts';
import { type Say, sayOnStderr } from './progress.ts';
import { findService, startService, stopService } from './services.ts';
import { provideTemporal } from './temporal-binary.ts';

export type LocalTemporal = {
  readonly address: string;
  readonly namespace: string;
  /** undefined for a server that is not ours: only its operator knows. */
  readonly uiUrl?: string;
  readonly version: string;
  readonly adopted: boolean;
};

export type TemporalOptions = {
  readonly folder: string;
  /** Where runs are kept: a file that survives everything, a fast file that survives a killed process, or memory. */
  readonly keep: 'durable' | 'fast' | 'memory';
  /** Forgets earlier runs. */
  readonly fresh?: boolean;
  /** URL with which the browser asks for decrypted payloads. */
  readonly codecUrl?: string;
  readonly say?: Say;
  /** false: never use the server TEMPORAL_ADDRESS names (tests must not touch it). */
  readonly mayUseExisting?: boolean;
};

const name = 'temporal';

/** The connection settings of TEMPORAL_ADDRESS and its TLS, API key and profile variables. */
export function existingServer():
  | { connectionOptions: ReturnType<typeof loadClientConnectConfig>['connectionOptions']; namespace: string }
  | undefined {
  if (!process.env['TEMPORAL_ADDRESS']) return undefined;
  const { connectionOptions, namespace } = loadClientConnectConfig();
  return { connectionOptions, namespace: namespace ?? 'default' };
}

/** Registers our search attributes, or those given, in a namespace that has none of them. */
export async function addSearchAttributes(
  connection: Connection,
  namespace: string,
  attributes: [string, (typeof searchAttributes)[keyof typeof searchAttributes]][] = Object.entries(searchAttributes),
): Promise<void> {
  // The numbers of temporal.api.enums.v1.IndexedValueType.
  const codes = { Keyword: 2, Int: 3, Datetime: 6 } as const;
  const types = Object.fromEntries(attributes.map(([attribute, type]) => [attribute, codes[type]]));
  await connection.operatorService.addSearchAttributes({ namespace, searchAttributes: types });
}

/** Registers the search attributes the namespace lacks. Throws with the command to type when the server does not allow it. */
export async function ensureSearchAttributes(connection: Connection, namespace: string): Promise<void> {
  const known = (await connection.operatorService.listSearchAttributes({ namespace })).customAttributes ?? {};
  const missing = Object.entries(searchAttributes).filter(([attribute]) => !(attribute in known));
  if (missing.length === 0) return;
  try {
    await addSearchAttributes(connection, namespace, missing);
  } catch (error) {
    const flags = missing.map(([attribute, type]) => `--name ${attribute} --type ${type}`).join(' ');
    throw new Error(
      `namespace "${namespace}" lacks ${missing.length} search attributes and does not let us add them (${error instanceof Error ? error.message : String(error)}). Ask its operator to run: temporal operator search-attribute create --namespace ${namespace} ${flags}`,
      { cause: error },
    );
  }
}

async function useExisting(existing: NonNullable<ReturnType<typeof existingServer>>): Promise<LocalTemporal> {
  const address = existing.connectionOptions.address ?? '';
  let connection: Connection;
  try {
    connection = await Connection.connect({ ...existing.connectionOptions, connectTimeout: '10s' });
  } catch (error) {
    throw new Error(
      `TEMPORAL_ADDRESS is ${address}, but no Temporal server answers there. Start it, or unset TEMPORAL_ADDRESS to use one of our own.`,
      {
        cause: error,
      },
    );
  }
  try {
    await ensureSearchAttributes(connection, existing.namespace);
    const { serverVersion } = await connection.workflowService.getSystemInfo({});
    return { address, namespace: existing.namespace, version: serverVersion ?? 'unknown', adopted: true };
  } finally {
    await connection.close();
  }
}

/** True when the frontend of the address answers for the namespace. */
export async function temporalAnswers(address: string, namespace = 'default'): Promise<boolean> {
  const connection = await Connection.connect({ address, connectTimeout: 1_000 });
  try {
    await connection.withDeadline(Date.now() + 2_000, () => connection.workflowService.describeNamespace({ namespace }));
    return true;
  } finally {
    await connection.close();
  }
}

/** Starts or adopts the server. */
export async function startTemporal(options: TemporalOptions): Promise<LocalTemporal> {
  const existing = options.mayUseExisting === false ? undefined : existingServer();
  if (existing) return useExisting(existing);

  const { path, version } = await provideTemporal(options.say ?? sayOnStderr);
  const { folder } = options;
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'temporal.db');
  if (options.fresh) {
    await stopService(folder, name);
    for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(`${file}${suffix}`, { force: true });
  }
  // A running server holds its port, so the remembered number is taken as it is; otherwise it must be free.
  const running = findService(folder, name) !== undefined;
  const [port, uiPort] = [await rememberedPort(folder, 'temporal', running), await rememberedPort(folder, 'temporal-ui', running)];
  const address = `127.0.0.1:${port}`;
  const pragmas = options.keep === 'fast' ? ['--sqlite-pragma', 'journal_mode=WAL', '--sqlite-pragma', 'synchronous=OFF'] : [];
  const service = await startService({
    folder,
    name,
    command: path,
    args: [
      ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--log-level', 'error'],
      // Intake uses one id over and over; on one machine nobody minds how often.
      ...['--dynamic-config-value', 'history.workflowIdReuseMinimalInterval="0s"'],
      ...(options.keep === 'memory' ? ['--headless'] : ['--ui-port', String(uiPort), '--db-filename', file]),
      ...(options.codecUrl ? ['--ui-codec-endpoint', options.codecUrl] : []),
      ...pragmas,
      ...Object.entries(searchAttributes).flatMap(([attribute, type]) => ['--search-attribute', `${attribute}=${type}`]),
    ],
    ready: () => temporalAnswers(address),
  });
  return {
    address,
    namespace: 'default',
    version: /Server ([\d.]+)/.exec(version)?.[1] ?? version,
    adopted: service.adopted,
    ...(options.keep !== 'memory' && { uiUrl: `http://127.0.0.1:${uiPort}` }),
  };
}
