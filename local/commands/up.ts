// up.ts: `dunlin up`: the long-running local mode with the real clock. Everything is started in the background, or adopted
// when it runs; the command ends, the processes stay until `dunlin down`.
import type { Command } from 'commander';
import { answer, BadInput, globalOptions, paint, say } from '../../client/cli/output.ts';
import { connectClient } from '../../client/connection.ts';
import { ensureIntakeSchedule } from '../../client/dunning-client.ts';
import { readSettings } from '../../store/settings.ts';
import { type House, startHouse } from '../house.ts';
import { houseFolder, readHouse } from '../house-record.ts';
import { type NewTenant, openNewBooks } from '../new-books.ts';
import { portOf, startApi, startWorker } from '../processes.ts';
import { servicesOfHouse, serviceTable } from './status.ts';

type UpOptions = { readonly company?: string; readonly zone: string; readonly country: string; readonly currency: string };

function newTenant(tenant: string, options: UpOptions): NewTenant {
  if (!Intl.supportedValuesOf('timeZone').includes(options.zone) && options.zone !== 'UTC')
    throw new BadInput(`--zone: found "${options.zone}", expected an IANA time zone such as Europe/Berlin`);
  if (!/^[A-Z]{2}$/.test(options.country))
    throw new BadInput(`--country: found "${options.country}", expected two capital letters such as DE (ISO 3166)`);
  if (!/^[A-Z]{3}$/.test(options.currency))
    throw new BadInput(`--currency: found "${options.currency}", expected three capital letters such as EUR (ISO 4217)`);
  return { tenant, company: options.company ?? tenant, zone: options.zone, country: options.country, currency: options.currency };
}

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
  program
    .command('up')
    .description('start everything on this machine with the real clock, and leave it running')
    .option('--company <name>', 'name of a new tenant, as its customers know it')
    .option('--zone <zone>', 'time zone of a new tenant', Intl.DateTimeFormat().resolvedOptions().timeZone)
    .option('--country <code>', 'country of a new tenant', 'US')
    .option('--currency <code>', 'currency of a new tenant', 'USD')
    .addHelpText(
      'after',
      '\nExamples:\n  dunlin up\n  dunlin up --tenant acme --company "Acme GmbH" --zone Europe/Berlin --country DE --currency EUR\n',
    )
    .action(async (options: UpOptions, command: Command) => {
      const { tenant } = globalOptions(command);
      const books = newTenant(tenant, options);
      // Wrong settings are one sentence now, and not a worker that dies in the background.
      const settings = readSettings();
      const codecUrl = settings.DUNLIN_CODEC_KEYS && `http://127.0.0.1:${await portOf({ folder: houseFolder('up') }, 'api')}/codec`;
      const house = await startHouse({ mode: 'up', ...(codecUrl !== undefined && { codecUrl }) });
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
