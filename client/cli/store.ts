// store.ts: how commands reach the facts: DATABASE_URL where it is set, else the PostgreSQL of this checkout. They read
// business time from the same clock as the workers they speak of.
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import type { Clock } from '../../domain/clock.ts';
import { wallClock } from '../../store/wall-clock.ts';
import { type Database, openDatabase, type Tx, withTenant } from '../../store/database.ts';
import { findInvoices } from '../../store/cases.ts';
import { readSettings, type Settings } from '../../store/settings.ts';
import { BadInput, globalOptions, Missing } from './output.ts';

export type Store = { readonly database: Database; readonly tenant: string; readonly clock: Clock; readonly settings: Settings };

/** Runs `work` with an open store and closes it. Missing (exit 3) when there is no database to ask. */
export async function withStore<T>(command: Command, work: (store: Store) => Promise<T>): Promise<T> {
  const environment = await localEnvironment();
  const settings = readSettings([], environment);
  if (!settings.DATABASE_URL) throw new Missing('no database is running for this checkout and DATABASE_URL is not set', './dunlin up');
  const database = openDatabase(settings.DATABASE_URL, 'dunlin_app', 4);
  try {
    return await work({ database, tenant: globalOptions(command).tenant, clock: await clockOfSettings(settings), settings });
  } finally {
    await database.close();
  }
}

/** The environment with what the local house of this checkout adds, when it runs. */
export async function localEnvironment(): Promise<NodeJS.ProcessEnv> {
  if (process.env['DATABASE_URL']) return process.env;
  const house = new URL('../../local/house.ts', import.meta.url);
  if (!existsSync(house)) return process.env;
  const { runningEnvironment } = (await import(house.href)) as { runningEnvironment: () => Promise<Record<string, string>> };
  return { ...(await runningEnvironment()), ...process.env };
}

async function clockOfSettings(settings: Settings): Promise<Clock> {
  if (!settings.DUNLIN_CLOCK || !existsSync(settings.DUNLIN_CLOCK)) return wallClock;
  const { readClock } = (await import(new URL('../../local/clock.ts', import.meta.url).href)) as { readClock: (path: string) => Clock };
  return readClock(settings.DUNLIN_CLOCK);
}

export type FoundInvoice = Awaited<ReturnType<typeof findInvoices>>[number];

/** The one invoice of that number or id. BadInput when there is none, or when several customers use the number. */
export async function oneInvoice(tx: Tx, numberOrId: string): Promise<FoundInvoice> {
  const found = await findInvoices(tx, numberOrId);
  const [first] = found;
  if (!first)
    throw new BadInput(
      `invoice "${numberOrId}": found none of that number in tenant "${tx.tenant}", expected a number such as INV-0041; list them with: dunlin cases`,
    );
  if (found.length > 1) {
    const choices = found.map(invoice => `${invoice.id} (${invoice.customer_name}, ${invoice.state})`).join(', ');
    throw new BadInput(`invoice "${numberOrId}": found ${found.length} of that number, expected one; ask by id: ${choices}`);
  }
  return first;
}

/** Runs `read` in one transaction of the tenant. */
export async function inTenant<T>(command: Command, read: (tx: Tx, store: Store) => Promise<T>): Promise<T> {
  return withStore(command, store => withTenant(store.database, store.tenant, tx => read(tx, store)));
}
