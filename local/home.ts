// home.ts: where Dunlin keeps what it needs on one machine: state (a folder per checkout, so that two checkouts never
// meet) and downloads (one folder per user, by version).
import { createHash } from 'node:crypto';
import { existsSync, realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export type User = { readonly name: string; readonly uid: number; readonly gid: number };

/** The root of this checkout, symlinks resolved. */
export const checkout = realpathSync(fileURLToPath(new URL('..', import.meta.url)));

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}

export const isRoot = process.getuid?.() === 0;

/** Whether `user` may walk through every existing folder on the way to `path`. */
export function reachableBy(user: User, path: string): boolean {
  let folder = resolve(path);
  while (!existsSync(folder)) folder = dirname(folder);
  for (folder = realpathSync(folder); ; folder = dirname(folder)) {
    const { mode, uid, gid } = statSync(folder);
    const execute = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
    if ((mode & execute) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

const anybody: User = { name: 'nobody', uid: 65534, gid: 65534 };

/** A folder for `name` that a service user can reach: root's own home is usually closed to everybody else. */
export function reachableFolder(wanted: string): string {
  return isRoot && !reachableBy(anybody, wanted) ? join('/var/lib/dunlin', shortHash(wanted)) : wanted;
}

/** The state folder: DUNLIN_HOME, else XDG_STATE_HOME/dunlin/<checkout>, else ~/.local/state/dunlin/<checkout>. */
export function stateFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env['DUNLIN_HOME']) return resolve(env['DUNLIN_HOME']);
  const base = env['XDG_STATE_HOME'] || join(homedir(), '.local', 'state');
  const wanted = join(base, 'dunlin', shortHash(checkout));
  return isRoot && !reachableBy(anybody, wanted) ? join('/var/lib/dunlin', shortHash(checkout)) : wanted;
}

/** Downloads and builds that any checkout of this user may share. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  return join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'dunlin');
}
