// demo.ts: `dunlin demo`: everything on one machine with the compressed clock.
import { existsSync, readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { answer, BadInput, globalOptions, paint } from '../../client/cli/output.ts';
import { readPolicy } from '../../domain/policy/parse.ts';
import { castBook } from '../cast.ts';
import { ibmBook } from '../cast/ibm.ts';
import { runDemo } from '../demo/run.ts';
import { tellDemo } from '../demo/summary.ts';
import { sayOnStderr } from '../progress.ts';

type Options = { seed: string; secondsPerDay: string; invoices?: string; book?: string; policy?: string; keep?: boolean };

/** The Monday on which the story of the seeded book begins. */
const firstDay = '2026-01-05';

export function register(program: Command): void {
  program
    .command('demo')
    .description('sixty business days on a sample book, everything on this machine')
    .option('--seed <n>', 'the same seed gives the same counts', '1')
    .option('--seconds-per-day <n>', 'real seconds for one simulated day', '1')
    .option('--invoices <n>', 'how many invoices (of the book: the first so many)')
    .option('--book <file>', 'a CSV of real invoices instead of the seeded book, with the days they were really settled')
    .option('--policy <file>', 'a policy to follow instead of the shipped "standard"')
    .option('--keep', 'leave everything running afterwards')
    .addHelpText(
      'after',
      '\nExamples:\n  dunlin demo\n  dunlin demo --seed 7 --json\n  dunlin demo --book invoices.csv --invoices 400 --policy policies/standard.yaml\n',
    )
    .action(async (options: Options, command: Command) => {
      const json = globalOptions(command).json;
      const book = bookOf(options);
      const result = await runDemo({
        book,
        secondsPerDay: positive('--seconds-per-day', options.secondsPerDay, false),
        policies: policiesOf(options.policy),
        oneSegment: options.book !== undefined,
        keep: options.keep ?? false,
        say: sayOnStderr,
        onDay: progress(json),
      });
      answer(command, result, tellDemo);
    });
}

function bookOf(options: Options) {
  const invoices = options.invoices === undefined ? undefined : positive('--invoices', options.invoices, true);
  if (!options.book)
    return castBook({ seed: positive('--seed', options.seed, true), startDate: firstDay, ...(invoices === undefined ? {} : { invoices }) });
  if (!existsSync(options.book))
    throw new BadInput(`--book: found no file "${options.book}", expected a CSV of invoices with the days they were settled`);
  try {
    return ibmBook(readFileSync(options.book, 'utf8'), invoices === undefined ? {} : { invoices });
  } catch (error) {
    throw new BadInput(`--book ${options.book}: ${(error as Error).message}`);
  }
}

function policiesOf(path: string | undefined): Record<string, string> {
  if (!path) return {};
  if (!existsSync(path)) throw new BadInput(`--policy: found no file "${path}", expected a policy in YAML`);
  const source = readFileSync(path, 'utf8');
  const read = readPolicy(source);
  if (read.ok) return { standard: source };
  const [first] = read.errors;
  throw new BadInput(
    `${path}:${first?.line}:${first?.column} ${first?.path}: found ${first?.found}, expected ${first?.expected}; see all with: dunlin policy check ${path}`,
  );
}

function positive(name: string, text: string, whole: boolean): number {
  const value = Number(text);
  if (!(value > 0) || (whole && !Number.isInteger(value)))
    throw new BadInput(`${name}: found "${text}", expected a ${whole ? 'whole ' : ''}number above 0`);
  return value;
}

/** One line that moves where somebody watches, a line a month where nobody does. */
function progress(json: boolean): (day: string, done: number, days: number) => void {
  const moves = process.stderr.isTTY === true && !json;
  return (day, done, days) => {
    if (moves)
      process.stderr.write(
        `\r${paint.dim(`${day}  day ${done} of ${days} `)}${'█'.repeat(Math.round((done / days) * 30)).padEnd(30, '░')}${done === days ? '\n' : ''}`,
      );
    else if (done % 28 === 0 || done === days) process.stderr.write(`day ${done} of ${days}: ${day}\n`);
  };
}
