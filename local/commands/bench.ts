// bench.ts: `dunlin bench NAME`: measures on this machine and prints figures. Nothing is judged here: tests assert
// behaviour, benchmarks print figures beside those of a peer that ran in the same minutes.
import type { Command } from 'commander';
import { answer, BadInput, table } from '../../client/cli/output.ts';
import { sayOnStderr } from '../progress.ts';

export function register(program: Command): void {
  const bench = program
    .command('bench')
    .description('measure speed and cost on this machine, beside a peer in the same run')
    .addHelpText(
      'after',
      '\nExamples:\n  dunlin bench lifecycle\n  dunlin bench lifecycle --cases 300 --json\n  dunlin bench fleet --cases 10000\n',
    );

  bench
    .command('lifecycle')
    .description('whole cases a second: five stages, never paid, beside a bare workflow with the same timers')
    .option('--cases <n>', 'cases a repetition', '150')
    .option('--repetitions <n>', 'how often each side takes its turn', '5')
    .option('--wait-ms <n>', 'real length of every wait between stages', '1000')
    .option('--seed <n>', 'amounts of the invoices', '1')
    .action(async (options: Record<'cases' | 'repetitions' | 'waitMs' | 'seed', string>, command: Command) => {
      const { runLifecycle } = await import('../../bench/lifecycle/lifecycle.ts');
      const result = await runLifecycle({
        cases: whole('--cases', options.cases),
        repetitions: whole('--repetitions', options.repetitions),
        waitMs: whole('--wait-ms', options.waitMs),
        seed: whole('--seed', options.seed),
        say: sayOnStderr,
      });
      answer(command, result, people);
    });

  bench
    .command('fleet')
    .description('memory of the worker while many cases sleep')
    .option('--cases <n>', 'how many cases sleep', '10000')
    .option('--starts-per-second <n>', 'the rate intake keeps to', '200')
    .option('--seed <n>', 'amounts of the invoices', '1')
    .action(async (options: Record<'cases' | 'startsPerSecond' | 'seed', string>, command: Command) => {
      const { runFleet } = await import('../../bench/fleet/fleet.ts');
      const result = await runFleet({
        cases: whole('--cases', options.cases),
        startsPerSecond: whole('--starts-per-second', options.startsPerSecond),
        seed: whole('--seed', options.seed),
        say: sayOnStderr,
      });
      answer(command, result, people);
    });
}

function whole(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new BadInput(`${name}: found "${text}", expected a whole number above 0`);
  return value;
}

/** One line a figure; what stands in a figure comes below it. */
function people({ name, figures, versions, seed }: { name: string; figures: object; versions: object; seed: number }): string {
  const lines = (of: object, before: string): [string, string][] =>
    Object.entries(of).flatMap(([key, value]) =>
      typeof value === 'object' && value !== null ? lines(value as object, `${before}${key}.`) : [[`${before}${key}`, String(value)]],
    );
  const rows = [...lines(figures, ''), ...lines(versions, ''), ['seed', String(seed)]] satisfies string[][];
  return table([{ title: name }, { title: '', align: 'right' }], rows);
}
