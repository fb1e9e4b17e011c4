// test.ts: `dunlin test [pattern]`: the static checks, then every test, against real servers that the tests start
// themselves and share. The last line counts them.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { Command } from 'commander';
import { AnswerIsNo, globalOptions, paint, say, toJson } from '../../client/cli/output.ts';
import { checkout, stateFolder } from '../home.ts';
import { endLeftovers } from '../leftovers.ts';
import { provideTemporal } from '../temporal-binary.ts';
import { provideTimeSkipping } from '../time-skipping.ts';

type Check = { readonly title: string; readonly program: string; readonly args: readonly string[] };
type Outcome = {
  readonly title: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly seconds: number;
};

const rooms = ['domain', 'formats', 'store', 'workflows', 'activities', 'worker', 'client', 'local'];

const staticChecks: readonly Check[] = [
  { title: 'types', program: 'tsc', args: ['--noEmit'] },
  { title: 'lint', program: 'oxlint', args: ['--type-aware'] },
  { title: 'format', program: 'biome', args: ['format', '.'] },
  { title: 'layers', program: 'depcruise', args: ['--config', '.dependency-cruiser.cjs', ...rooms] },
  { title: 'dead code', program: 'knip', args: [] },
];

// A developer's own settings must not steer the tests, nor the tests reach his servers and vendors.
const ownSettings = /^(DUNLIN_(?!HOME$)|DATABASE_|TEMPORAL_|SMTP_|KIXIE_|PLATFORM_|PREMIUM_|API_|METRICS_PORT|OTEL_)/;

function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ownSettings.test(name)));
}

const binary = (program: string) => join(checkout, 'node_modules', '.bin', program);

/** Runs a program to its end. Its children end with it when we are told to stop. */
function runToEnd(
  program: string,
  args: readonly string[],
  options: { env: NodeJS.ProcessEnv; show: boolean },
): Promise<{ code: number; said: string }> {
  return new Promise((resolve, reject) => {
    // Our stdout is for the answer: what the program says goes to stderr.
    const child = spawn(program, args, {
      cwd: checkout,
      detached: true,
      env: options.env,
      stdio: options.show ? ['ignore', 2, 2] : ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text: Buffer) => (said += text.toString()));
    // Its own group, so that the workers of jest end with it: what a group leader leaves behind would hold the test servers.
    const endGroup = (signal: NodeJS.Signals) => {
      interrupted = true;
      try {
        process.kill(-(child.pid as number), signal);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    };
    const forward = () => {
      endGroup('SIGTERM');
      setTimeout(() => endGroup('SIGKILL'), 3_000).unref();
    };
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, forward);
    child.once('error', reject);
    child.once('close', code => {
      for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.off(name, forward);
      if (interrupted) endGroup('SIGKILL');
      resolve({ code: code ?? 1, said });
    });
  });
}

let interrupted = false;

function report({ title, passed, failed, skipped, seconds }: Outcome): void {
  const mark = failed === 0 ? paint.green('ok') : paint.red('FAILED');
  const counts = passed + failed + skipped === 1 ? '' : `  ${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
  say(`${mark}  ${title}${counts}  ${seconds.toFixed(1)} s`);
}

async function runCheck(check: Check): Promise<Outcome> {
  const startedMs = performance.now();
  const { code, said } = await runToEnd(binary(check.program), check.args, { env: cleanEnvironment(), show: false });
  const outcome = {
    title: check.title,
    passed: code === 0 ? 1 : 0,
    failed: code === 0 ? 0 : 1,
    skipped: 0,
    seconds: (performance.now() - startedMs) / 1000,
  };
  report(outcome);
  if (code !== 0) say(said.trimEnd());
  return outcome;
}

type JestResult = { numPassedTests: number; numFailedTests: number; numPendingTests: number; numRuntimeErrorTestSuites: number };

async function runTests(pattern: string | undefined): Promise<Outcome> {
  const startedMs = performance.now();
  const results = join(checkout, '.dunlin', 'test-results.json');
  mkdirSync(join(checkout, '.dunlin'), { recursive: true });
  rmSync(results, { force: true });
  const jest = join(checkout, 'node_modules', 'jest', 'bin', 'jest.js');
  const args = [jest, '--maxWorkers=2', '--json', `--outputFile=${results}`, ...(pattern === undefined ? [] : [pattern])];
  const env = {
    ...cleanEnvironment(),
    NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} --experimental-vm-modules --no-warnings`.trim(),
  };
  const { code } = await runToEnd(process.execPath, args, { env, show: true });
  const seconds = (performance.now() - startedMs) / 1000;
  if (!existsSync(results)) return { title: 'tests', passed: 0, failed: 1, skipped: 0, seconds };
  const result = JSON.parse(readFileSync(results, 'utf8')) as JestResult;
  const failed = result.numFailedTests + result.numRuntimeErrorTestSuites;
  // Jest may say no without a failed test: coverage below its limit, nothing matched the pattern.
  return {
    title: 'tests',
    passed: result.numPassedTests,
    failed: failed === 0 && code !== 0 ? 1 : failed,
    skipped: result.numPendingTests,
    seconds,
  };
}

/** Ends the servers of the tests even when jest was killed before it could. */
async function endSharedServers(): Promise<void> {
  const path = pathToFileURL(join(checkout, 'test', 'support', 'stop-shared-servers.ts')).href;
  // Workers that were killed a moment ago are not gone before the kernel says so.
  if (interrupted) await sleep(500);
  const { stopSharedServers } = (await import(path)) as { stopSharedServers: () => Promise<void> };
  await stopSharedServers();
}

async function runAll(pattern: string | undefined): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  if (pattern === undefined) for (const check of interrupted ? [] : staticChecks) outcomes.push(await runCheck(check));
  // Brought before the tests: a test that waits three minutes for a compiler would run into its own time limit.
  await provideTemporal();
  await provideTimeSkipping();
  try {
    const tests = await runTests(pattern);
    report(tests);
    outcomes.push(tests);
  } finally {
    await endSharedServers();
  }
  return outcomes;
}

export function register(program: Command): void {
  program
    .command('test')
    .argument('[pattern]', 'only test files whose path matches, and no static checks')
    .description('the whole test suite, with a real PostgreSQL and a real Temporal server')
    .addHelpText('after', '\nExamples:\n  dunlin test\n  dunlin test test/domain/plan\n')
    .action(async (pattern: string | undefined, _options: unknown, command: Command) => {
      await endLeftovers({ kept: false });
      const outcomes = await runAll(pattern);
      const passed = outcomes.reduce((sum, outcome) => sum + outcome.passed, 0);
      const failed = outcomes.reduce((sum, outcome) => sum + outcome.failed, 0);
      if (globalOptions(command).json) process.stdout.write(`${toJson({ passed, failed, checks: outcomes, state: stateFolder() })}\n`);
      else process.stdout.write(`${passed} passed, ${failed} failed\n`);
      if (failed > 0) throw new AnswerIsNo('');
    });
}
