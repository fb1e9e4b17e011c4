// migrate.ts: brings the schema up to date at start. Plain SQL files, forward only, one runner at a time (advisory lock).
import { fileURLToPath } from 'node:url';
import { runner } from 'node-pg-migrate';

/** Applies what is missing and returns the names applied. `url` is the owner's: the app role may not change the schema. */
export async function migrate(url: string): Promise<string[]> {
  const applied = await runner({
    databaseUrl: url,
    dir: fileURLToPath(new URL('./migrations', import.meta.url)),
    direction: 'up',
    migrationsTable: 'schema_migrations',
    checkOrder: true,
    log: () => undefined,
    advisoryLockMode: 'wait',
  } as Parameters<typeof runner>[0]);
  return applied.map(migration => migration.name);
}
