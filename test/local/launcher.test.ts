import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkout } from '../../local/home.ts';

describe('./dunlin', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'dunlin-launcher-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const run = (command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
    spawnSync(command, args, {
      cwd: '/',
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: '', DUNLIN_HOME: join(folder, 'home'), ...env },
    });

  /** A PATH with the tools of a plain machine, and no Node.js but the one given. */
  function plainMachine(name: string, node?: string): string {
    const bin = join(folder, name);
    mkdirSync(bin);
    for (const tool of ['sh', 'dirname', 'readlink', 'cksum', 'find', 'cat', 'tail', 'date', 'mkdir', 'sleep', 'rm']) {
      const path = spawnSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).stdout.trim();
      symlinkSync(path, join(bin, tool));
    }
    if (node !== undefined) {
      writeFileSync(join(bin, 'node'), `#!/bin/sh\necho ${node}\n`);
      chmodSync(join(bin, 'node'), 0o755);
    }
    return bin;
  }

  test('works from any folder and through a chain of symlinks', () => {
    symlinkSync(join(checkout, 'dunlin'), join(folder, 'first'));
    symlinkSync('first', join(folder, 'dunlin'));
    const { status, stdout } = run(join(folder, 'dunlin'), ['--help']);
    expect(stdout).toContain('Usage: dunlin');
    expect(status).toBe(0);
  });

  test('says what to install when Node.js is missing', () => {
    const { status, stderr } = run(join(checkout, 'dunlin'), ['--help'], { PATH: plainMachine('none') });
    expect(stderr).toBe('dunlin: Node.js is not installed.\n  Install Node.js 20.19 or later: https://nodejs.org/en/download\n');
    expect(status).toBe(3);
  });

  test('says what to install when Node.js is too old', () => {
    const { status, stderr } = run(join(checkout, 'dunlin'), ['--help'], { PATH: plainMachine('old', 'v20.18.3') });
    expect(stderr).toContain('found Node.js v20.18.3, expected 20.19 or later.');
    expect(status).toBe(3);
  });

  test('an unknown command is wrong use', () => {
    const { status, stderr, stdout } = run(join(checkout, 'dunlin'), ['dance']);
    expect(stderr).toContain("unknown command 'dance'");
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  });

  test('--json prints one document on stdout, before or after the command', () => {
    const nothing = { mode: null, services: [] };
    expect(JSON.parse(run(join(checkout, 'dunlin'), ['status', '--json']).stdout)).toEqual(nothing);
    expect(JSON.parse(run(join(checkout, 'dunlin'), ['--json', 'status']).stdout)).toEqual(nothing);
  });

  test('a wrong setting is bad input, in one sentence', () => {
    const { status, stderr } = run(join(checkout, 'dunlin'), ['up'], { API_PORT: 'eighty' });
    expect(stderr).toContain('API_PORT: found "eighty", expected a port from 1 to 65535.');
    expect(status).toBe(2);
  });
});
