// leftovers.ts: ends what runs in the folders of this checkout when nobody needs it any more: a launcher that was killed, an
// `up` that is over.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isKept, markKept, otherHolder } from './holders.ts';
import { stateFolder } from './home.ts';
import { withLock } from './lock.ts';
import { findRunningPostgres, stopPostgres } from './postgres.ts';
import { servicesOf, stopServices } from './services.ts';

/** Ends the services of a mode, those of folders inside it first. */
export async function endPrograms(folder: string): Promise<void> {
  for (const part of [...foldersIn(folder), folder]) await stopServices(part);
}

/** Ends everything that runs in a mode's folder, services before servers. The caller has made sure that nobody needs it. */
export async function endHouse(folder: string): Promise<void> {
  await endPrograms(folder);
  await stopPostgres(join(folder, 'postgres'));
  markKept(folder, false);
  rmSync(join(folder, 'house.json'), { force: true });
}

function foldersIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .map(entry => join(folder, entry.name));
}

/** Whether any process of a mode's folder has a record, or its PostgreSQL runs. */
export function isRunning(folder: string): boolean {
  return (
    [folder, ...foldersIn(folder)].some(part => servicesOf(part).length > 0) || findRunningPostgres(join(folder, 'postgres')) !== undefined
  );
}

/** Ends what launchers that are gone left behind, and with `kept` also what was left on purpose. Returns the folders. */
export async function endLeftovers(options: { kept: boolean }): Promise<string[]> {
  const ended: string[] = [];
  for (const folder of foldersIn(stateFolder())) {
    const stays = () => !isRunning(folder) || otherHolder(folder) !== undefined || (isKept(folder) && !options.kept);
    if (stays()) continue;
    await withLock(join(folder, 'house'), async () => {
      if (stays()) return;
      await endHouse(folder);
      ended.push(folder);
    });
  }
  return ended;
}
