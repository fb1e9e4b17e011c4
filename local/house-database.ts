// house-database.ts: the database of a house: on the server DATABASE_URL names, else on a PostgreSQL of our own. Demo,
// benchmark and proof always get one of their own beside the real books.
import { join } from 'node:path';
import pg from 'pg';
import { ownerUrlOf, readSettings } from '../store/settings.ts';
import type { HouseMode } from './house-record.ts';
import { startPostgres } from './postgres.ts';

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
export async function providePostgres(
  options: { mode: HouseMode; fresh?: boolean },
  folder: string,
): Promise<{ url: string; version: string }> {
  const own = options.mode === 'up' ? undefined : `dunlin_${options.mode}`;
  const given = ownerUrlOf(readSettings());
  const server = given
    ? { url: given, version: await serverVersion(given) }
    : await startPostgres({ folder: join(folder, 'postgres'), durable: options.mode === 'up' });
  const url = own === undefined ? server.url : await provideDatabase(server.url, own, options.fresh ?? false);
  return { url, version: server.version };
}
