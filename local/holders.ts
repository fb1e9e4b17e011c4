// holders.ts: who still needs the servers of a folder. Every process that uses them leaves its name; a name counts while its
// process lives, so a killed one holds nothing and the next start can tidy up after it.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { identify, isAlive, type ProcessIdentity } from './process.ts';

type Holder = ProcessIdentity & { readonly parent: number };

const namesIn = (folder: string) => join(folder, 'holders');
const keptMark = (folder: string) => join(folder, 'kept');

/** Says that this process needs what runs in `folder`, until it ends or releases it. */
export function hold(folder: string): void {
  mkdirSync(namesIn(folder), { recursive: true });
  const self = identify(process.pid);
  if (!self) throw new Error(`cannot read the start time of process ${process.pid}: is /proc mounted?`);
  const holder: Holder = { ...self, parent: process.ppid };
  writeFileSync(join(namesIn(folder), `${process.pid}.json`), JSON.stringify(holder));
}

export function release(folder: string): void {
  rmSync(join(namesIn(folder), `${process.pid}.json`), { force: true });
}

/** Another live process that holds the folder; this process and its children do not count. */
export function otherHolder(folder: string): ProcessIdentity | undefined {
  if (!existsSync(namesIn(folder))) return undefined;
  for (const name of readdirSync(namesIn(folder))) {
    const path = join(namesIn(folder), name);
    let holder: Holder;
    try {
      holder = JSON.parse(readFileSync(path, 'utf8')) as Holder;
    } catch {
      // Released, or being written at this instant; a half-written name is one that will be there at the next look.
      continue;
    }
    const ours = holder.pid === process.pid || holder.parent === process.pid;
    if (!ours && isAlive(holder)) return holder;
    if (!isAlive(holder)) rmSync(path, { force: true });
  }
  return undefined;
}

/** Marks the folder as left running on purpose (`up`, `demo --keep`): nobody needs to hold it. */
export function markKept(folder: string, kept: boolean): void {
  if (kept) writeFileSync(keptMark(folder), '');
  else rmSync(keptMark(folder), { force: true });
}

export function isKept(folder: string): boolean {
  return existsSync(keptMark(folder));
}
