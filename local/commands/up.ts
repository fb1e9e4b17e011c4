// up.ts: `dunlin up`: the long-running local mode with the real clock. Everything is started in the background, or adopted
// when it runs; the command ends, the processes stay until `dunlin down`.
import type { Command } from 'commander';
import { answer, globalOptions, paint, say } from '../../client/cli/output.ts';
import { connectClient } from '../../client/connection.ts';
import { ensureIntakeSchedule } from '../../client/dunning-client.ts';
import { readSettings } from '../../store/settings.ts';
import { type House, startHouse } from '../house.ts';
import { readHouse } from '../house-record.ts';
import { addTenantOptions, newTenant, openNewBooks, type TenantOptions } from '../new-books.ts';
import { startApi, startWorker } from '../processes.ts';
import { servicesOfHouse, serviceTable } from './status.ts';

async function bothStarted<A, B>(one: Promise<A>, other: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([one, other]);
  return Promise.all([one, other]);
}

async function startPrograms(house: House, tenant: string): Promise<void> {
  const settings = readSettings();
  // Both to their end, so that none is still starting when the other's failure ends the house.
  const [worker, api] = await bothStarted(startWorker(house), startApi(house));
  house.list('worker', worker.metricsUrl);
  house.list('api', api.url);
  const client = await connectClient({
    address: house.temporalAddress,
    namespace: house.temporalNamespace,
    codecKeys: settings.DUNLIN_CODEC_KEYS,
  });
  try {
    await ensureIntakeSchedule(client, tenant);
  } finally {
    await client.connection.close();
  }
}

export function register(program: Command): void {
  const up = program
    .command('up')
    .description('start everything on this machine with the real clock, and leave it running')
    .addHelpText(
      'after',
      '\nExamples:\n  dunlin up\n  dunlin up --tenant acme --company "Acme GmbH" --zone Europe/Berlin --country DE --currency EUR\n',
    );
  addTenantOptions(up).action(async (options: TenantOptions, command: Command) => {
    const { tenant } = globalOptions(command);
    const books = newTenant(tenant, options);
    // Wrong settings are one sentence now, and not a worker that dies in the background.
    readSettings();
    const house = await startHouse({ mode: 'up' });
    try {
      if (await openNewBooks(house.databaseUrl, books, Date.now()))
        say(`Opened the books of tenant "${tenant}" (${books.company}, ${books.country}, ${books.currency}, ${books.zone}).`);
      await startPrograms(house, tenant);
      house.keep();
    } catch (error) {
      await house.stop();
      throw error;
    }
    const record = readHouse('up');
    const services = record ? await servicesOfHouse(record) : [];
    answer(command, { tenant, services }, value =>
      [
        serviceTable(value.services),
        '',
        `Next: ${paint.bold('dunlin import invoices FILE')}, and ${paint.bold('dunlin down')} to end it. The books stay.`,
      ].join('\n'),
    );
  });
}
