// cpu.ts: processor time of processes, which a busy machine changes less than it changes the clock on the wall. Linux only:
// elsewhere nothing is known and nothing is printed.
import { readdirSync, readFileSync } from 'node:fs';

/** Of /proc/PID/stat: USER_HZ is 100 on every Linux that Node.js runs on. */
const msPerTick = 10;

/** `endedMs`: of children that have ended. */
type Stat = { readonly pid: number; readonly parent: number; readonly ms: number; readonly endedMs: number };

function statOf(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command in brackets may hold spaces: fields are counted after the last bracket, the state being the 3rd.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const [user, system, childUser, childSystem] = fields.slice(11, 15).map(Number);
    return {
      pid,
      parent: Number(fields[1]),
      ms: ((user ?? 0) + (system ?? 0)) * msPerTick,
      endedMs: ((childUser ?? 0) + (childSystem ?? 0)) * msPerTick,
    };
  } catch {
    return undefined;
  }
}

/** Milliseconds of processor time of a process, and of its children when they work for it; undefined when unknown. */
export function cpuMsOf(pid: number, children: 'alone' | 'with_children'): number | undefined {
  const own = statOf(pid);
  if (!own) return undefined;
  if (children === 'alone') return own.ms;
  const theirs = readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(name => statOf(Number(name)))
    .filter(stat => stat?.parent === pid);
  return own.ms + own.endedMs + theirs.reduce((sum, child) => sum + (child?.ms ?? 0), 0);
}
