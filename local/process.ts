// process.ts: which process is meant. A pid alone is not an identity, for the kernel gives it out again; pid and start
// time together are. Everything that adopts or ends a process left behind goes through here.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export type ProcessIdentity = { readonly pid: number; readonly started: string };

/** Start time of a live process as the system tells it; undefined when there is none, or only a zombie. */
function startedAt(pid: number): string | undefined {
  if (process.platform === 'linux') {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      // The command in brackets may hold spaces: fields are counted after the last bracket. State is the 3rd, start the 22nd.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
    } catch {
      return undefined;
    }
  }
  try {
    const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return line === '' || line.startsWith('Z') ? undefined : line.replace(/^\S+\s+/, '');
  } catch {
    return undefined;
  }
}

/** The identity of a live process, undefined when there is none. */
export function identify(pid: number): ProcessIdentity | undefined {
  const started = startedAt(pid);
  return started === undefined ? undefined : { pid, started };
}

export function isAlive({ pid, started }: ProcessIdentity): boolean {
  return startedAt(pid) === started;
}

/** The command line of a process, empty when it cannot be read. */
export function commandLine(pid: number): string {
  try {
    if (process.platform === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
  } catch {
    return '';
  }
}

function signal(who: ProcessIdentity, name: NodeJS.Signals): void {
  if (!isAlive(who)) return;
  try {
    process.kill(who.pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Waits up to `ms` for the process to be gone; false when it is still there. */
export async function waitGone(who: ProcessIdentity, ms: number): Promise<boolean> {
  const until = Date.now() + ms;
  while (isAlive(who)) {
    if (Date.now() >= until) return false;
    await sleep(20);
  }
  return true;
}

/** Asks the process to end, and after `graceMs` ends it. `polite` is SIGTERM unless the program knows a better one. */
export async function endProcess(who: ProcessIdentity, graceMs: number, polite: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  signal(who, polite);
  if (await waitGone(who, graceMs)) return;
  signal(who, 'SIGKILL');
  await waitGone(who, 5_000);
}
