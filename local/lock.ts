// lock.ts: one at a time among processes of this machine, by a folder that only one of them can create. Its owner is
// written inside, so that the lock of a killed process is taken over and not waited for.
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { identify, isAlive, type ProcessIdentity } from './process.ts';

function holderOf(folder: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, 'holder.json'), 'utf8')) as ProcessIdentity;
  } catch {
    return undefined;
  }
}

/** True when the owner is gone, or never wrote its name within five seconds of making the folder. */
function isAbandoned(folder: string): boolean {
  const holder = holderOf(folder);
  if (holder) return !isAlive(holder);
  try {
    return Date.now() - statSync(folder).mtimeMs > 5_000;
  } catch {
    return false;
  }
}

function take(folder: string): boolean {
  try {
    mkdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  writeFileSync(join(folder, 'holder.json'), JSON.stringify(identify(process.pid)));
  return true;
}

/** Runs `work` while no other process holds `name`. Throws after `waitMs`, naming the process that holds it. */
export async function withLock<T>(name: string, work: () => Promise<T>, waitMs = 600_000): Promise<T> {
  mkdirSync(dirname(name), { recursive: true });
  const folder = `${name}.lock`;
  const until = Date.now() + waitMs;
  while (!take(folder)) {
    if (isAbandoned(folder)) rmSync(folder, { recursive: true, force: true });
    else if (Date.now() > until)
      throw new Error(
        `${folder} has been held for ${waitMs / 1000} s by process ${holderOf(folder)?.pid ?? '?'}. End that process and try again.`,
      );
    else await sleep(50);
  }
  try {
    return await work();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
