import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { checkout } from '../../local/home.ts';
import { commandLine, identify, type ProcessIdentity, waitGone } from '../../local/process.ts';

type Place = { readonly databaseUrl: string; readonly temporalAddress: string };

describe('a house of its own', () => {
  let home: string;
  const launchers: ChildProcess[] = [];

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'dunlin-house-'));
    chmodSync(home, 0o755);
  });
  afterEach(async () => {
    for (const launcher of launchers.splice(0)) launcher.kill('SIGKILL');
    await dunlin('down');
    rmSync(home, { recursive: true, force: true });
  }, 60_000);

  const environment = () => ({ ...process.env, DUNLIN_HOME: home, NODE_OPTIONS: '', TEMPORAL_ADDRESS: '', DATABASE_URL: '' });

  /** Starts a launcher and waits until its house stands. */
  async function launch(): Promise<{ launcher: ChildProcess; place: Place }> {
    const launcher = spawn(process.execPath, ['--import', 'tsx', join(checkout, 'test/local/fixtures/keep-house.ts')], {
      cwd: checkout,
      env: environment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    launchers.push(launcher);
    let said = '';
    launcher.stderr?.on('data', (text: Buffer) => (said += text.toString()));
    const line = await Promise.race([
      once(launcher.stdout as NodeJS.ReadableStream, 'data').then(([text]) => String(text)),
      once(launcher, 'exit').then(() => {
        throw new Error(`the launcher ended: ${said}`);
      }),
    ]);
    return { launcher, place: JSON.parse(line) as Place };
  }

  async function dunlin(...args: string[]): Promise<{ code: number | null; said: string }> {
    const child = spawn(join(checkout, 'dunlin'), args, { env: environment(), stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (said += text.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, said };
  }

  /** PostgreSQL and Temporal of this house, as processes. */
  function servers(): ProcessIdentity[] {
    const postgres = Number(readFileSync(join(home, 'prove/postgres/data/postmaster.pid'), 'utf8').split('\n')[0]);
    const temporal = (JSON.parse(readFileSync(join(home, 'prove/temporal.service.json'), 'utf8')) as { pid: number }).pid;
    return [postgres, temporal].map(pid => {
      const found = identify(pid);
      if (!found) throw new Error(`process ${pid} is not there: ${commandLine(pid)}`);
      return found;
    });
  }

  const gone = async (processes: readonly ProcessIdentity[]) => Promise.all(processes.map(found => waitGone(found, 15_000)));

  test('SIGTERM to its launcher ends everything', async () => {
    const { launcher } = await launch();
    const running = servers();
    launcher.kill('SIGTERM');
    const [code] = (await once(launcher, 'exit')) as [number];
    expect(code).toBe(143);
    expect(await gone(running)).toEqual([true, true]);
  }, 120_000);

  test('what a killed launcher leaves behind is taken over by the next start, on the same ports', async () => {
    const first = await launch();
    const before = servers();
    first.launcher.kill('SIGKILL');
    await once(first.launcher, 'exit');
    const second = await launch();
    expect(second.place).toEqual(first.place);
    const client = new pg.Client({ connectionString: second.place.databaseUrl });
    await client.connect();
    expect((await client.query('select count(*)::int as tenants from tenants')).rows).toEqual([{ tenants: 0 }]);
    await client.end();
    second.launcher.kill('SIGTERM');
    await once(second.launcher, 'exit');
    expect(await gone(before)).toEqual([true, true]);
  }, 120_000);

  test('what a killed launcher leaves behind is ended by dunlin down', async () => {
    const { launcher } = await launch();
    const running = servers();
    launcher.kill('SIGKILL');
    await once(launcher, 'exit');
    expect(await dunlin('down')).toEqual({ code: 0, said: 'Ended: prove.\n' });
    expect(await gone(running)).toEqual([true, true]);
  }, 120_000);

  test('a second launcher of the same mode is refused, and the first goes on', async () => {
    const { launcher } = await launch();
    await expect(launch()).rejects.toThrow(/a prove is running already in this checkout \(process \d+\)/);
    expect(servers()).toHaveLength(2);
    launcher.kill('SIGTERM');
    await once(launcher, 'exit');
  }, 120_000);
});
