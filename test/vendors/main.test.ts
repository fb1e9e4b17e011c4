// main.test.ts: a stand-in is a process of its own: it says where it listens, survives nobody, and leaves its witness behind.
import { afterAll, expect, test } from '@jest/globals';
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { CompressedClock } from '../../local/clock.ts';
import type { StandIn } from '../../local/vendors/frame.ts';
import { folder } from './staging.ts';

const { dir, remove } = folder();
afterAll(remove);

type Child = ChildProcessByStdio<null, Readable, Readable>;
const run = (args: string[], environment: Record<string, string> = {}): Child =>
  spawn(process.execPath, ['--import', 'tsx', 'local/vendors/main.ts', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });

async function ready(child: Child): Promise<StandIn> {
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return JSON.parse(line.toString('utf8')) as StandIn;
}

test('a stand-in prints one JSON line, witnesses in business time, and ends on SIGTERM', async () => {
  const clock = CompressedClock.create(join(dir, 'clock.json'), Date.UTC(2026, 0, 5), 1000);
  const child = run(['kixie', '--dir', dir, '--key', 'K', '--business', '7'], { DUNLIN_CLOCK: clock.path });
  const standIn = await ready(child);
  expect(standIn).toEqual({
    name: 'kixie',
    port: expect.any(Number),
    url: `http://127.0.0.1:${standIn.port}`,
    adminUrl: `http://127.0.0.1:${standIn.port}/admin`,
  });
  const body = JSON.stringify({ apikey: 'K', businessid: '7', eventname: 'queue' });
  const answer = await fetch(`${standIn.url}/app/event?apikey=K&businessid=7`, { method: 'POST', body });
  expect(await answer.json()).toEqual({ success: true });
  child.kill('SIGKILL');
  await once(child, 'exit');
  const witness = readFileSync(join(dir, 'witness/kixie.jsonl'), 'utf8');
  expect(JSON.parse(witness)).toMatchObject({ kind: 'queue', simAt: '2026-01-05T00:00:00.000Z', at: expect.any(String) });
  const again = run(['smtp', '--dir', dir]);
  await ready(again);
  again.kill('SIGTERM');
  expect(await once(again, 'exit')).toEqual([0, null]);
}, 20_000);

test.each([
  { args: ['acme', '--dir', dir], says: 'found "acme", expected kixie, platform, premium or smtp' },
  { args: ['kixie'], says: 'found no --dir' },
  { args: ['kixie', '--dir', dir, '--deliveries', 'never'], says: 'expected clock or word' },
])(
  'wrong use is one sentence and exit 2: $says',
  async ({ args, says }) => {
    const child = run(args);
    const [[said], [code]] = (await Promise.all([once(child.stderr, 'data'), once(child, 'exit')])) as [[Buffer], [number]];
    expect([String(said).split('\n')[0]?.includes(says), code]).toEqual([true, 2]);
  },
  20_000,
);
