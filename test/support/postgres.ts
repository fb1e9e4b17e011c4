// postgres.ts: a fresh, migrated database of a real PostgreSQL for each test that asks. One server serves the whole run; a
// database is a copy of a template that was migrated once, so asking costs a tenth of a second.
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { hold } from '../../local/holders.ts';
import { startPostgres } from '../../local/postgres.ts';
import { type Database, openDatabase } from '../../store/database.ts';
import { migrate } from '../../store/migrate.ts';
import { inTurn, testFolder } from './shared-servers.ts';

export type TestDatabase = {
  /** The owner's URL: it may change the schema and sees every tenant. */
  readonly url: string;
  /** As the application sees it: one tenant at a time. */
  readonly app: Database;
  /** As the dispatcher sees it. */
  readonly dispatch: Database;
  /** Closes both pools and drops the database. */
  stop(): Promise<void>;
};

const testCluster = join(testFolder, 'postgres');

/** The template is named after the migrations it was made from: an edited migration makes a new one. */
function templateName(): string {
  const folder = fileURLToPath(new URL('../../store/migrations', import.meta.url));
  const hash = createHash('sha256');
  for (const name of readdirSync(folder).sort()) hash.update(name).update(readFileSync(join(folder, name)));
  return `template_${hash.digest('hex').slice(0, 16)}`;
}

function inDatabase(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

async function asOwner<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Makes the template if these migrations have none yet. A half-made one has another name and is dropped. */
async function ensureTemplate(serverUrl: string): Promise<string> {
  const name = templateName();
  await asOwner(serverUrl, async client => {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [name]);
    if (rowCount) return;
    await client.query(`drop database if exists "${name}_half" with (force)`);
    await client.query(`create database "${name}_half"`);
    await migrate(inDatabase(serverUrl, `${name}_half`));
    await client.query(`alter database "${name}_half" rename to "${name}"`);
  });
  return name;
}

let server: Promise<{ url: string; template: string }> | undefined;

function sharedServer(): Promise<{ url: string; template: string }> {
  server ??= inTurn(async () => {
    hold(testFolder);
    const { url, adopted } = await startPostgres({ folder: testCluster, durable: false });
    if (!adopted)
      await asOwner(url, async client => {
        const left = await client.query<{ datname: string }>(`select datname from pg_database where datname like 'test\\_%'`);
        for (const { datname } of left.rows) await client.query(`drop database if exists "${datname}" with (force)`);
      });
    return { url, template: await ensureTemplate(url) };
  });
  return server;
}

/** A database of its own, migrated and empty. Call `stop()` in afterAll. */
export async function startTestDatabase(): Promise<TestDatabase> {
  const shared = await sharedServer();
  const name = `test_${randomBytes(6).toString('hex')}`;
  await asOwner(shared.url, client => client.query(`create database "${name}" template "${shared.template}"`));
  const url = inDatabase(shared.url, name);
  const app = openDatabase(url, 'dunlin_app');
  const dispatch = openDatabase(url, 'dunlin_dispatch');
  return {
    url,
    app,
    dispatch,
    stop: async () => {
      await Promise.all([app.close(), dispatch.close()]);
      await asOwner(shared.url, client => client.query(`drop database if exists "${name}" with (force)`));
    },
  };
}
