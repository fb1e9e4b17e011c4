// status.ts: `dunlin status`: what runs in this checkout, where it answers, and which version it is.
import type { Command } from 'commander';
import { AnswerIsNo, answer, paint, table } from '../../client/cli/output.ts';
import { isKept } from '../holders.ts';
import { type HouseRecord, houseFolder, readHouse } from '../house-record.ts';
import { answersOn } from '../ports.ts';
import { findRunningPostgres } from '../postgres.ts';
import { findService } from '../services.ts';
import { join } from 'node:path';

export type ServiceState = {
  readonly name: string;
  readonly url: string;
  readonly state: 'running' | 'not answering' | 'stopped';
  readonly version: string;
};

/** A URL a person may see: without the password. */
function shown(url: string): string {
  if (!URL.canParse(url)) return url;
  const parsed = new URL(url);
  if (parsed.password !== '') parsed.password = '***';
  return parsed.href;
}

async function answers(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url.includes('://') ? url : `tcp://${url}`);
  return answersOn(Number(port), hostname);
}

/** Every service of a house, in the order in which they need each other. */
export async function servicesOfHouse(house: HouseRecord): Promise<ServiceState[]> {
  const folder = houseFolder(house.mode);
  const own = findRunningPostgres(join(folder, 'postgres'));
  const state = async (url: string, alive: boolean): Promise<ServiceState['state']> =>
    (await answers(url)) ? 'running' : alive ? 'not answering' : 'stopped';
  const temporal = findService(folder, 'temporal');
  const programs = Object.entries(house.programs).map(async ([name, url]) => ({
    name,
    url,
    state: findService(folder, name) ? await state(url, true) : ('stopped' as const),
    version: house.version,
  }));
  return Promise.all([
    state(house.databaseUrl, own !== undefined).then(found => ({
      name: 'postgresql',
      url: shown(house.databaseUrl),
      state: found,
      version: house.postgresVersion,
    })),
    state(house.temporalAddress, temporal !== undefined).then(found => ({
      name: 'temporal',
      url: house.temporalAddress,
      state: found,
      version: house.temporalVersion,
    })),
    ...(house.temporalUiUrl === undefined
      ? []
      : [
          state(house.temporalUiUrl, temporal !== undefined).then(found => ({
            name: 'temporal-ui',
            url: house.temporalUiUrl as string,
            state: found,
            version: `with ${house.temporalVersion}`,
          })),
        ]),
    ...programs,
  ]);
}

export function serviceTable(services: readonly ServiceState[]): string {
  const colour = { running: paint.green, 'not answering': paint.yellow, stopped: paint.red };
  return table(
    [{ title: 'Service' }, { title: 'State' }, { title: 'Where' }, { title: 'Version' }],
    services.map(service => [service.name, colour[service.state](service.state), service.url, service.version]),
  );
}

export function register(program: Command): void {
  program
    .command('status')
    .description('what runs in this checkout and where (exit 1 when something that should run does not)')
    .addHelpText('after', '\nExample:\n  dunlin status --json\n')
    .action(async (_options: unknown, command: Command) => {
      const house = readHouse('up') ?? (isKept(houseFolder('demo')) ? readHouse('demo') : undefined);
      const services = house ? await servicesOfHouse(house) : [];
      answer(command, { mode: house?.mode ?? null, services }, value =>
        value.services.length === 0 ? 'Nothing is running. Start it with: dunlin up' : serviceTable(value.services),
      );
      if (services.some(service => service.state !== 'running'))
        throw new AnswerIsNo('Something is not running. Start it again with: dunlin up');
    });
}
