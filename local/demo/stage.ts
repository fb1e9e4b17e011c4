// stage.ts: the demo's stage: every process a real installation has (store, Temporal, worker, API, vendors), on this
// machine, under one compressed clock, with one tenant and an empty book.
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { parse } from 'yaml';
import { registerWebhook } from '../../activities/kixie/client.ts';
import { connectClient } from '../../client/connection.ts';
import { ensureIntakeSchedule } from '../../client/dunning-client.ts';
import { instantAt } from '../../domain/time.ts';
import { type Database, openDatabase, withTenant } from '../../store/database.ts';
import { migrate } from '../../store/migrate.ts';
import { savePolicy, saveSegments, type SegmentRow } from '../../store/policies.ts';
import { saveTenant } from '../../store/tenants.ts';
import type { CastBook } from '../cast.ts';
import { CompressedClock } from '../clock.ts';
import { checkout } from '../home.ts';
import type { House } from '../house.ts';
import { rememberedPort } from '../ports.ts';
import { saidReady } from '../processes.ts';
import type { Say } from '../progress.ts';
import { startService, stopServices } from '../services.ts';

export type Stage = {
  readonly tenant: string;
  /** The creditor's zone. */
  readonly zone: string;
  readonly secondsPerDay: number;
  readonly folder: string;
  readonly database: Database;
  readonly databaseUrl: string;
  readonly client: Client;
  readonly clock: CompressedClock;
  readonly apiUrl: string;
  readonly webhookSecret: string;
  readonly powerlistId: string;
  readonly agents: readonly string[];
  readonly vendors: Readonly<Record<VendorName, { url: string; adminUrl: string; witness: string }>>;
  /** Environment of the worker and the API. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Starts the worker again when it is gone; harmless when it runs. */
  keepWorker(): Promise<void>;
  /** Closes what this process holds and leaves the rest running. */
  leave(): Promise<void>;
  stop(): Promise<void>;
};

export type VendorName = 'kixie' | 'platform' | 'smtp';

export type StageOptions = {
  readonly house: House;
  /** Chosen before the house started, because the Temporal UI is told where to decode payloads. */
  readonly apiPort: number;
  readonly book: CastBook;
  readonly secondsPerDay: number;
  /** YAML texts by policy name; they replace the shipped ones of the same name. */
  readonly policies?: Readonly<Record<string, string>>;
  /** Only the policy "standard", in mode auto, for every customer. */
  readonly oneSegment: boolean;
  /** Arguments of the worker, for proofs. */
  readonly workerArguments?: readonly string[];
  readonly say: Say;
};

const tenant = 'acme';
const powerlistId = '1969';
const agents = ['agent.one@example-platform.example', 'agent.two@example-platform.example'];
const kixieKey = 'demo-kixie-key';
const kixieToken = 'demo-kixie-token';
const mailToken = 'demo-mail-token';
const shippedPolicies = ['standard', 'strategic', 'government', 'international', 'seasonal', 'small-balance'];

export async function setStage(options: StageOptions): Promise<Stage> {
  const { house, book, say } = options;
  const folder = join(house.folder, 'stage');
  await stopServices(folder);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const clock = CompressedClock.create(
    join(folder, 'clock.json'),
    instantAt(book.startDate, 0, book.creditor.zone),
    86_400 / options.secondsPerDay,
  );
  const { databaseUrl } = house;
  await migrate(databaseUrl);
  const vendors = await startVendors(folder, clock.path, say);
  await saveTenant(databaseUrl, {
    tenant_id: tenant,
    name: book.creditor.name,
    zone: book.creditor.zone,
    country: book.creditor.country,
    locale: 'en',
    currency: 'USD',
    settings: {
      company: {
        name: book.creditor.name,
        address: '109 Example Street, Toronto',
        email: 'receivables@example-platform.example',
        phone: '+1 416 555 0100',
        payPage: 'https://pay.example-platform.example',
      },
      kixie: {
        powerlistId,
        agents,
        dispositions: {
          'Promise to pay': 'promise',
          Dispute: 'dispute',
          'Wrong number': 'wrong_number',
          'No answer': 'no_answer',
          'Call back': 'call_back',
          'Connected Call': 'connected',
          Voicemail: 'no_answer',
        },
      },
      platform: { namespace: 'ABC1' },
    },
  });
  const database = openDatabase(databaseUrl, 'dunlin_app', 6);
  await withTenant(database, tenant, async tx => {
    for (const name of options.oneSegment ? ['standard'] : shippedPolicies) {
      const source = options.policies?.[name] ?? readFileSync(join(checkout, 'policies', `${name}.yaml`), 'utf8');
      await savePolicy(tx, { name, source, by: 'demo', now: clock.now() });
    }
    await saveSegments(
      tx,
      options.oneSegment ? [{ name: 'standard', rule: {}, policy: 'standard', mode: 'auto' }] : shippedSegments(),
      'demo',
      clock.now(),
    );
  });
  const codecKey = randomBytes(32);
  const webhookSecret = `whsec_${randomBytes(32).toString('base64')}`;
  const environment = {
    ...house.env,
    ...(house.temporalUiUrl ? { TEMPORAL_UI_URL: house.temporalUiUrl } : {}),
    DUNLIN_CLOCK: clock.path,
    DUNLIN_TENANTS: tenant,
    DUNLIN_BUNDLE_DIR: join(house.folder, 'bundles'),
    DUNLIN_STAGE_ATTRIBUTES: 'each_stage',
    DUNLIN_DEPLOYMENT: 'dunlin-demo',
    DUNLIN_CODEC_KEYS: `demo:${codecKey.toString('base64')}`,
    DUNLIN_WEBHOOK_SECRETS: webhookSecret,
    DUNLIN_MAIL_TOKEN: mailToken,
    SMTP_URL: vendors.smtp.url,
    KIXIE_BASE_URL: vendors.kixie.url,
    KIXIE_API_KEY: kixieKey,
    KIXIE_BUSINESS_ID: '12345',
    KIXIE_WEBHOOK_TOKEN: kixieToken,
    PLATFORM_BASE_URL: vendors.platform.url,
    PLATFORM_KEY_FILE: join(folder, 'vendors', 'platform', 'service-account.json'),
    PLATFORM_NAMESPACE: 'ABC1',
    API_PORT: String(options.apiPort),
    LOG_LEVEL: 'info',
    TZ: 'UTC',
  };
  const apiUrl = `http://127.0.0.1:${options.apiPort}`;
  const client = await connectClient({
    address: house.temporalAddress,
    namespace: house.temporalNamespace,
    codecKeys: [{ id: 'demo', key: codecKey }],
  });
  const keepWorker = async (): Promise<void> => {
    await startService({
      folder,
      name: 'worker',
      command: process.execPath,
      args: ['--import', 'tsx', join(checkout, 'local/demo/worker.ts'), ...(options.workerArguments ?? [])],
      env: environment,
      ready: saidReady,
    });
  };
  say('starting the worker and the API');
  await Promise.all([
    keepWorker(),
    startService({
      folder,
      name: 'api',
      command: process.execPath,
      args: ['--import', 'tsx', join(checkout, 'local/demo/api.ts')],
      env: environment,
      ready: async () => (await fetch(`${apiUrl}/health/ready`)).ok,
    }),
  ]);
  // Commands of this checkout speak of the demo while it runs, and after it with --keep.
  house.lend({ DUNLIN_CLOCK: clock.path, DUNLIN_CODEC_KEYS: environment.DUNLIN_CODEC_KEYS });
  await ensureIntakeSchedule(client, tenant);
  for (const event of ['startcall', 'answeredcall', 'endcall', 'disposition', 'SMS']) {
    const answer = await registerWebhook(
      { baseUrl: vendors.kixie.url, apiKey: kixieKey, businessId: '12345' },
      { name: `dunlin-${event}`, event, location: `${apiUrl}/t/${tenant}/webhooks/kixie/${event}`, token: kixieToken },
    );
    if (answer.kind !== 'done') throw new Error(`the stand-in Kixie took no webhook for ${event}: ${JSON.stringify(answer)}`);
  }
  await tellVendor(vendors.smtp.adminUrl, '/behaviour', {
    inbound: { url: `${apiUrl}/t/${tenant}/webhooks/mail`, header: 'x-mail-token', token: mailToken },
    mail: book.mailBehaviour,
  });
  await tellVendor(vendors.kixie.adminUrl, '/behaviour', { call: book.callBehaviour });
  return {
    tenant,
    zone: book.creditor.zone,
    secondsPerDay: options.secondsPerDay,
    folder,
    database,
    databaseUrl,
    client,
    clock,
    apiUrl,
    webhookSecret,
    powerlistId,
    agents,
    vendors,
    environment,
    keepWorker,
    async leave() {
      await database.close();
      await client.connection.close();
    },
    async stop() {
      await database.close();
      await client.connection.close();
      await stopServices(folder);
    },
  };
}

function shippedSegments(): SegmentRow[] {
  const document = parse(readFileSync(join(checkout, 'policies/segments.yaml'), 'utf8')) as {
    segments: (SegmentRow & { when?: unknown })[];
  };
  return document.segments.map(segment => ({
    name: segment.name,
    rule: segment.rule ?? segment.when ?? {},
    policy: segment.policy,
    mode: segment.mode ?? 'auto',
  }));
}

async function startVendors(folder: string, clockPath: string, say: Say): Promise<Stage['vendors']> {
  say('starting the stand-in vendors');
  const start = async (name: VendorName) => {
    const dir = join(folder, 'vendors', name);
    mkdirSync(dir, { recursive: true });
    const log = join(folder, `vendor-${name}.log`);
    const readyLine = () =>
      readFileSync(log, 'utf8')
        .split('\n')
        .find(line => line.startsWith('{') && line.includes('"adminUrl"'));
    await startService({
      folder,
      name: `vendor-${name}`,
      command: process.execPath,
      args: [
        '--import',
        'tsx',
        join(checkout, 'local/vendors/main.ts'),
        name,
        '--port',
        '0',
        '--dir',
        dir,
        '--deliveries',
        'word',
        ...(name === 'kixie' ? ['--key', kixieKey] : []),
      ],
      env: { DUNLIN_CLOCK: clockPath, TZ: 'UTC' },
      ready: async () => readyLine() !== undefined,
    });
    const line = readyLine();
    if (!line) throw new Error(`the stand-in ${name} did not say where it listens; see ${log}`);
    const { url, port, adminUrl } = JSON.parse(line) as { url?: string; port: number; adminUrl: string };
    return {
      url: url ?? (name === 'smtp' ? `smtp://127.0.0.1:${port}` : `http://127.0.0.1:${port}`),
      adminUrl,
      witness: join(dir, 'witness', `${name}.jsonl`),
    };
  };
  const [kixie, platform, smtp] = await Promise.all([start('kixie'), start('platform'), start('smtp')]);
  return { kixie, platform, smtp };
}

/** Asks a stand-in to do something; waits and asks again while it starts. */
export async function tellVendor(adminUrl: string, path: string, body: unknown, method = 'PUT'): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const answer = await fetch(`${adminUrl}${path}`, {
        method,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      if (!answer.ok) throw new Error(`${adminUrl}${path}: found ${answer.status} ${await answer.text()}, expected 2xx`);
      return;
    } catch (error) {
      if (attempt === 5) throw error;
      await sleep(100 * attempt);
    }
  }
}

/** The port of the demo's API, the same each time while it is free. */
export function demoApiPort(folder: string): Promise<number> {
  return rememberedPort(folder, 'api');
}

/** A file beside the stage, for people who want to look. */
export function keepFile(stage: Stage, name: string, text: string): string {
  const path = join(stage.folder, name);
  writeFileSync(path, text);
  return path;
}

/** Lets the stand-ins send what is due by now: webhooks, bounces, replies. Returns how many went out and when the next is due. */
export async function letVendorsAnswer(stage: Stage): Promise<{ delivered: number; nextAt: number | null }> {
  let delivered = 0;
  let nextAt: number | null = null;
  for (const { adminUrl } of [stage.vendors.smtp, stage.vendors.kixie]) {
    const answer = await fetch(`${adminUrl}/deliver`, { method: 'POST' });
    const round = (await answer.json()) as { delivered: number; failed: number; nextAt: string | null };
    delivered += round.delivered + round.failed;
    const at = round.nextAt === null ? null : Date.parse(round.nextAt);
    if (at !== null && (nextAt === null || at < nextAt)) nextAt = at;
  }
  return { delivered, nextAt };
}
