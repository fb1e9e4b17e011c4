import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identify, isAlive, waitGone } from '../../local/process.ts';
import { findService, type Service, startService, stopService, stopServices } from '../../local/services.ts';

describe('a background process with a name', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dunlin-services-'));
  });
  afterEach(async () => {
    await stopServices(folder);
    rmSync(folder, { recursive: true, force: true });
  });

  const clerk = (script: string, changes: Partial<Service> = {}): Service => ({
    folder,
    name: 'clerk',
    command: process.execPath,
    args: ['-e', script],
    env: { NODE_OPTIONS: undefined },
    ready: async (_who, log) => readFileSync(log, 'utf8').includes('open for business'),
    ...changes,
  });
  const works = "console.log('open for business'); setInterval(() => {}, 1000)";

  test('is started once: who asks again gets the one that runs', async () => {
    const first = await startService(clerk(works));
    const second = await startService(clerk(works));
    expect(first.adopted).toBe(false);
    expect(second).toEqual({ ...first, adopted: true });
  });

  test('is started anew when it should run differently, and the old one is gone', async () => {
    const first = await startService(clerk(works));
    const second = await startService(clerk(works, { env: { NODE_OPTIONS: undefined, SHIFT: 'night' } }));
    expect(second.adopted).toBe(false);
    expect(isAlive(first.process)).toBe(false);
  });

  test('is started anew after it was killed', async () => {
    const first = await startService(clerk(works));
    process.kill(first.process.pid, 'SIGKILL');
    await waitGone(first.process, 5_000);
    const second = await startService(clerk(works));
    expect(second.process).not.toEqual(first.process);
    expect(isAlive(second.process)).toBe(true);
  });

  test('that does not listen to SIGTERM is ended all the same', async () => {
    const { process: who } = await startService(clerk(`process.on('SIGTERM', () => {}); ${works}`, { graceMs: 200 }));
    await stopService(folder, 'clerk');
    expect(isAlive(who)).toBe(false);
  });

  test('that dies while starting says why', async () => {
    await expect(startService(clerk("console.error('the till is empty'); process.exit(1)"))).rejects.toThrow(
      /clerk ended while starting\. The end of .*clerk\.log:\nthe till is empty/,
    );
    expect(findService(folder, 'clerk')).toBeUndefined();
  });

  test('is never confused with another process that was given its number', async () => {
    const self = identify(process.pid);
    const record = { pid: process.pid, started: `${self?.started}0`, name: 'clerk', fingerprint: '', startedAtMs: 0, graceMs: 100 };
    writeFileSync(join(folder, 'clerk.service.json'), JSON.stringify(record));
    expect(findService(folder, 'clerk')).toBeUndefined();
    await stopService(folder, 'clerk');
  });
});
