// clock.test.ts: compressed time must run, hold, never go back, and look the same from every process.
import { afterAll, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clockOf, CompressedClock, readClock, simTime } from '../../local/clock.ts';
import { wallClock } from '../../store/wall-clock.ts';

const dir = mkdtempSync(join(tmpdir(), 'dunlin-clock-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const start = Date.UTC(2026, 0, 5, 6, 0);
const day = 86_400_000;

describe('the compressed clock', () => {
  test('stands at its start until the driver lets it run', async () => {
    const clock = CompressedClock.create(join(dir, 'a.json'), start, 86_400);
    await new Promise(resolve => setTimeout(resolve, 10));
    expect(clock.now()).toBe(start);
    expect(readClock(clock.path).now()).toBe(start);
  });

  test('runs to the asked instant, then stands exactly there, for the driver and for readers', async () => {
    const clock = CompressedClock.create(join(dir, 'b.json'), start, 864_000);
    const reader = readClock(clock.path);
    const began = performance.now();
    await clock.runTo(start + day);
    expect(performance.now() - began).toBeGreaterThanOrEqual(95);
    await new Promise(resolve => setTimeout(resolve, 30));
    expect(clock.now()).toBe(start + day);
    expect(reader.now()).toBe(start + day);
  });

  test('never goes back, whatever the driver asks', async () => {
    const clock = CompressedClock.create(join(dir, 'c.json'), start, 864_000);
    const reader = readClock(clock.path);
    const seen: number[] = [];
    for (const to of [start + day, start, start + day / 2, start + 2 * day]) {
      await clock.runTo(to);
      seen.push(clock.now(), reader.now());
    }
    clock.advanceTo(start);
    clock.setRate(1);
    await new Promise(resolve => setTimeout(resolve, 25));
    seen.push(reader.now());
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(reader.now()).toBe(start + 2 * day);
  });

  test('tells how long to sleep as if it ran, and never a sleep too short to be worth its wake-up', () => {
    const clock = CompressedClock.create(join(dir, 'd.json'), start, 86_400);
    const reader = readClock(clock.path);
    expect(reader.realMsUntil(start + 7 * day)).toBe(7000);
    expect(reader.realMsUntil(start + 1)).toBe(6000);
    expect(reader.realMsUntil(start - day)).toBe(0);
    expect(clock.realMsUntil(start + day)).toBe(1000);
  });

  test('jumps over a stretch in which nobody has anything to do', () => {
    const clock = CompressedClock.create(join(dir, 'e.json'), start, 1);
    clock.advanceTo(start + 9 * day);
    expect(readClock(clock.path).now()).toBe(start + 9 * day);
  });

  test('reads the same in another process', () => {
    const clock = CompressedClock.create(join(dir, 'f.json'), start, 1);
    const script = `import { clockOf } from './local/clock.ts'; console.log(clockOf(process.env).now())`;
    const other = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      env: { ...process.env, DUNLIN_CLOCK: clock.path },
      encoding: 'utf8',
    });
    expect(other.stdout.trim()).toBe(String(start));
  });

  test('is the ordinary clock where none is named', () => expect(clockOf({})).toBe(wallClock));

  test('a damaged file is told with its path', () => {
    writeFileSync(join(dir, 'bad.json'), '{"rate":0}');
    expect(() => readClock(join(dir, 'bad.json'))).toThrow(/bad\.json: found .*expected/);
    expect(() => CompressedClock.create(join(dir, 'g.json'), start, 0)).toThrow(/expected a number above 0/);
  });

  test('simTime never passes the hold and never runs before its anchor', () => {
    const file = { anchorRealMs: 1000, anchorSimMs: start, rate: 10, holdAtSimMs: start + 100 };
    expect([0, 1000, 1005, 1010, 9999].map(real => simTime(file, real) - start)).toEqual([0, 0, 50, 100, 100]);
  });
});
