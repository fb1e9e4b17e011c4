// clock.ts: the compressed clock of the demo, and the only place that knows business time can run fast. One small JSON
// file is the clock: the driver replaces it in one rename, every process reads it. Time runs at `rate` up to the instant
// at which it is held, so a slow machine changes how long a demo takes and never what happens in it.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../domain/clock.ts';
import { wallClock } from '../store/wall-clock.ts';
import type { EpochMs } from '../domain/time.ts';

/** What the clock file says: at real instant `anchorRealMs` it was `anchorSimMs`, and one real ms is `rate` business ms. */
export type ClockFile = {
  readonly anchorRealMs: number;
  readonly anchorSimMs: EpochMs;
  readonly rate: number;
  /** Business time stops here until the driver moves it on. */
  readonly holdAtSimMs: EpochMs;
};

/** How long a reader may go on with what it read (real ms): the file is small, but a worker asks for the time often. */
const freshForMs = 20;

/** Real ms below which a sleep is not worth its wake-up. */
const leastSleepMs = 6_000;

/** Business time at real instant `realMs`, in whole ms, never past the hold. */
export function simTime(file: ClockFile, realMs: number): EpochMs {
  const ran = Math.max(0, realMs - file.anchorRealMs) * file.rate;
  return Math.min(Math.floor(file.anchorSimMs + ran), file.holdAtSimMs);
}

/** Reads a clock file. Throws with the path and what was expected when it is absent or damaged. */
function readClockFile(path: string): ClockFile {
  const found: unknown = JSON.parse(readFileSync(path, 'utf8'));
  if (isClockFile(found)) return found;
  throw new Error(
    `${path}: found ${JSON.stringify(found)}, expected {anchorRealMs, anchorSimMs, rate > 0, holdAtSimMs}; let the driver of the demo write it again`,
  );
}

function isClockFile(found: unknown): found is ClockFile {
  if (typeof found !== 'object' || found === null) return false;
  const { anchorRealMs, anchorSimMs, rate, holdAtSimMs } = found as Record<string, unknown>;
  return [anchorRealMs, anchorSimMs, rate, holdAtSimMs].every(Number.isFinite) && Number(rate) > 0;
}

/** The clock another process drives. Never goes back, even where the machine's own clock does. */
export function readClock(path: string): Clock {
  let file = readClockFile(path);
  let readAt = performance.now();
  let latest = -Infinity;
  const now = (): EpochMs => {
    if (performance.now() - readAt >= freshForMs) {
      file = readClockFile(path);
      readAt = performance.now();
    }
    latest = Math.max(latest, simTime(file, Date.now()));
    return latest;
  };
  // While the clock is held nobody can know for how long. Who sleeps only as long as it would run without holds asks again
  // and again; so nobody sleeps less than this, and the driver rings when an instant has come.
  const realMsUntil = (until: EpochMs): number => (until <= now() ? 0 : Math.max(leastSleepMs, Math.ceil((until - now()) / file.rate)));
  return { now, realMsUntil };
}

/** The clock of this process: the compressed one named by DUNLIN_CLOCK, else the ordinary one. */
export function clockOf(environment: { readonly DUNLIN_CLOCK?: string | undefined }): Clock {
  return environment.DUNLIN_CLOCK ? readClock(environment.DUNLIN_CLOCK) : wallClock;
}

/** The driver's side: creates the file and moves time on. One driver per file. */
export class CompressedClock implements Clock {
  readonly path: string;
  private file: ClockFile;

  private constructor(path: string, file: ClockFile) {
    this.path = path;
    this.file = file;
    this.write(file);
  }

  /** A clock that stands at `startSim`. `rate` is business ms per real ms: 86,400 is a day a second. */
  static create(path: string, startSim: EpochMs, rate: number): CompressedClock {
    if (!(rate > 0 && Number.isFinite(rate))) throw new RangeError(`found a clock rate of ${rate}, expected a number above 0`);
    return new CompressedClock(path, { anchorRealMs: Date.now(), anchorSimMs: startSim, rate, holdAtSimMs: startSim });
  }

  now(): EpochMs {
    return simTime(this.file, Date.now());
  }

  realMsUntil(until: EpochMs): number {
    return Math.max(0, Math.ceil((until - this.now()) / this.file.rate));
  }

  /** Lets time run, but never past `sim`. An instant already past holds the clock where it is: time never goes back. */
  holdAt(sim: EpochMs): void {
    const real = Date.now();
    const anchorSimMs = simTime(this.file, real);
    this.write({ ...this.file, anchorRealMs: real, anchorSimMs, holdAtSimMs: Math.max(anchorSimMs, sim) });
  }

  /** Runs at the clock's rate until `sim`, then stands exactly there. Returns at once when it is already that late. */
  async runTo(sim: EpochMs): Promise<void> {
    this.holdAt(sim);
    while (this.now() < sim) await sleep(Math.max(1, this.realMsUntil(sim)));
  }

  /** Stands at `sim` at once, whatever the rate: for the stretches in which nobody has anything to do. */
  advanceTo(sim: EpochMs): void {
    const anchorSimMs = Math.max(this.now(), sim);
    this.write({ ...this.file, anchorRealMs: Date.now(), anchorSimMs, holdAtSimMs: anchorSimMs });
  }

  /** From now on one real ms is `rate` business ms; the hold stays. */
  setRate(rate: number): void {
    if (!(rate > 0 && Number.isFinite(rate))) throw new RangeError(`found a clock rate of ${rate}, expected a number above 0`);
    const real = Date.now();
    this.write({ ...this.file, anchorRealMs: real, anchorSimMs: simTime(this.file, real), rate });
  }

  /** Written beside and renamed: a reader sees the old file or the new one, never half of one. */
  private write(file: ClockFile): void {
    const beside = `${this.path}.${process.pid}.new`;
    writeFileSync(beside, JSON.stringify(file));
    renameSync(beside, this.path);
    this.file = file;
  }
}
