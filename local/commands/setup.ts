// setup.ts: `dunlin setup`: prepares the servers of a real installation, once and after every update: the schema, the books
// of a tenant, the search attributes, the intake schedule. What is there already stays as it is. `up` does the same at home.
import { Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { Command } from 'commander';
import { answer, globalOptions, Missing } from '../../client/cli/output.ts';
import { connectClient } from '../../client/connection.ts';
import { ensureIntakeSchedule } from '../../client/dunning-client.ts';
import { migrate } from '../../store/migrate.ts';
import { ownerUrlOf, readSettings } from '../../store/settings.ts';
import { addTenantOptions, newTenant, openNewBooks, type TenantOptions } from '../new-books.ts';
import { ensureSearchAttributes } from '../temporal.ts';

async function prepareTemporal(tenant: string): Promise<string> {
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  const connection = await Connection.connect({ ...connectionOptions, connectTimeout: '20s' }).catch((error: unknown) => {
    throw new Missing(
      `no Temporal server answers at ${connectionOptions.address ?? '127.0.0.1:7233'} (${error instanceof Error ? error.message : String(error)})`,
      'start it, or set TEMPORAL_ADDRESS',
    );
  });
  try {
    await ensureSearchAttributes(connection, namespace);
  } finally {
    await connection.close();
  }
  const client = await connectClient({ codecKeys: readSettings().DUNLIN_CODEC_KEYS });
  try {
    await ensureIntakeSchedule(client, tenant);
  } finally {
    await client.connection.close();
  }
  return namespace;
}

export function register(program: Command): void {
  const command = program
    .command('setup')
    .description('prepare the PostgreSQL and Temporal of a real installation; repeat after every update')
    .addHelpText(
      'after',
      '\nExample:\n  DATABASE_OWNER_URL=... TEMPORAL_ADDRESS=... dunlin setup --tenant acme --company "Acme GmbH" --zone Europe/Berlin --country DE --currency EUR\n',
    );
  addTenantOptions(command).action(async (options: TenantOptions, self: Command) => {
    const owner = ownerUrlOf(readSettings());
    if (!owner)
      throw new Missing(
        'DATABASE_OWNER_URL is not set: the login that may change the schema',
        'set DATABASE_OWNER_URL; for a machine of your own: ./dunlin up',
      );
    const { tenant } = globalOptions(self);
    const books = newTenant(tenant, options);
    const migrations = await migrate(owner);
    const opened = await openNewBooks(owner, books, Date.now());
    const namespace = await prepareTemporal(tenant);
    answer(self, { tenant, migrations, opened, namespace }, value =>
      [
        value.migrations.length === 0 ? 'The schema is up to date.' : `The schema was brought up to date: ${value.migrations.join(', ')}.`,
        value.opened ? `The books of "${value.tenant}" are open.` : `The books of "${value.tenant}" were open already.`,
        `Temporal namespace "${value.namespace}" knows our search attributes and looks for due cases every quarter of an hour.`,
      ].join('\n'),
    );
  });
}
