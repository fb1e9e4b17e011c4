// shared-servers.ts: one PostgreSQL and one Temporal server for a whole jest run, started by the first test file that
// asks and ended after the last one. Each process that uses them leaves its name; the run ends what nobody holds.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stateFolder } from '../../local/home.ts';
import { withLock } from '../../local/lock.ts';
import { identify, isAlive, type ProcessIdentity } from '../../local/process.ts';

export const testFolder = join(stateFolder(), 'test');
export const testTemporalFolder = join(testFolder, 'temporal');
const holdersFolder = join(testFolder, 'holders');

type Holder = ProcessIdentity & { readonly parent: number };

/** Says that this process needs the shared servers until it ends. */
export function hold(): void {
  mkdirSync(holdersFolder, { recursive: true });
  const holder: Holder = { ...(identify(process.pid) as ProcessIdentity), parent: process.ppid };
  writeFileSync(join(holdersFolder, `${process.pid}.json`), JSON.stringify(holder));
}

function stillHeld(): boolean {
  let names: string[];
  try {
    names = readdirSync(holdersFolder);
  } catch {
    return false;
  }
  return names.some(name => {
    const path = join(holdersFolder, name);
    const holder = JSON.parse(readFileSync(path, 'utf8')) as Holder;
    const mine = holder.pid === process.pid || holder.parent === process.pid;
    if (!mine && isAlive(holder)) return true;
    rmSync(path, { force: true });
    return false;
  });
}

/** Starting and ending take turns, so that nobody is given a server that is about to end. */
export function inTurn<T>(work: () => Promise<T>): Promise<T> {
  return withLock(join(testFolder, 'servers'), work, 300_000);
}

/** Ends the shared servers unless another run still uses them. */
export async function releaseAll(stop: () => Promise<void>): Promise<void> {
  await inTurn(async () => {
    if (!stillHeld()) await stop();
  });
}
