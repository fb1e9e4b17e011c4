// measure.ts: how a benchmark speaks: medians with their spread, the versions it ran on, one JSON document. A speed on a
// shared machine means little alone, so the peer of the same run stands beside it.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { checkout } from '../local/home.ts';
import type { House } from '../local/house.ts';

export type BenchResult<Figures> = {
  readonly name: string;
  readonly figures: Figures;
  readonly versions: Readonly<Record<string, string>>;
  readonly seed: number;
};

/** Median, smallest and largest of some repetitions. */
export type Spread = { readonly median: number; readonly min: number; readonly max: number };

/** The middle value; of two middle values their mean. Throws on nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  if (upper === undefined || lower === undefined) throw new RangeError('found no values, expected at least one to take the median of');
  return (upper + lower) / 2;
}

export function spreadOf(values: readonly number[]): Spread {
  return { median: rounded(median(values)), min: rounded(Math.min(...values)), max: rounded(Math.max(...values)) };
}

/** Three decimals: more would pretend. */
export function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/** What the figures were measured on. `load_1m` is the machine's load average as the run began. */
export function versionsOf(house: House, load1m: number): Record<string, string> {
  return {
    dunlin: commitOf() ?? house.version,
    node: process.version,
    temporal_server: house.temporalVersion,
    temporal_sdk: versionOf('@temporalio/worker'),
    postgres: house.postgresVersion,
    cpu: `${availableParallelism()} x ${cpus()[0]?.model.trim() ?? process.arch}`,
    load_1m: load1m.toFixed(2),
  };
}

/** Load average of the last minute; 0 where the system has none. */
export function loadNow(): number {
  return loadavg()[0] ?? 0;
}

function versionOf(name: string): string {
  return (JSON.parse(readFileSync(join(checkout, 'node_modules', name, 'package.json'), 'utf8')) as { version: string }).version;
}

/** An installed package has no repository around it. */
function commitOf(): string | undefined {
  try {
    return execFileSync('git', ['-C', checkout, 'describe', '--always', '--dirty'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return undefined;
  }
}
