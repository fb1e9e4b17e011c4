// prove.ts: `dunlin prove R1`: hostile proofs with an outside witness, and a sabotaged twin that must fail.
import { execFileSync } from 'node:child_process';
import type { Command } from 'commander';
import { answer, AnswerIsNo, BadInput } from '../../client/cli/output.ts';
import { killStorm } from '../../prove/kill-storm.ts';
import { castBook } from '../cast.ts';
import { checkout } from '../home.ts';
import { sayOnStderr } from '../progress.ts';

type Options = { seed: string; kills: string; invoices: string; sabotage?: string; secondsPerDay: string };

export function register(program: Command): void {
  program
    .command('prove')
    .argument('<id>', 'R1: the kill storm')
    .description('prove a promise against an outside witness')
    .option('--seed <n>', 'the same seed gives the same book and the same moments', '1')
    .option('--kills <n>', 'kills of the worker', '30')
    .option('--invoices <n>', 'how many invoices', '60')
    .option('--seconds-per-day <n>', 'real seconds for one simulated day', '1')
    .option('--sabotage <name>', 'naive: a sender that sends, marks, and tries again; the proof must then fail')
    .addHelpText('after', '\nExamples:\n  dunlin prove R1\n  dunlin prove R1 --sabotage naive\n')
    .action(async (id: string, options: Options, command: Command) => {
      if (id !== 'R1') throw new BadInput(`prove: found "${id}", expected R1`);
      if (options.sabotage !== undefined && options.sabotage !== 'naive')
        throw new BadInput(`--sabotage: found "${options.sabotage}", expected naive`);
      const seed = Number(options.seed);
      const { ok, figures } = await killStorm({
        book: castBook({ seed, startDate: '2026-01-05', invoices: Number(options.invoices) }),
        seed,
        kills: Number(options.kills),
        sender: options.sabotage === 'naive' ? 'naive' : 'ours',
        secondsPerDay: Number(options.secondsPerDay),
        say: sayOnStderr,
      });
      answer(command, { id, ok, sabotage: options.sabotage ?? null, figures, seed, commit: commit() }, value =>
        [
          `${value.id}: ${value.ok ? 'holds' : 'does not hold'}${value.sabotage ? ` (sabotage: ${value.sabotage})` : ''}`,
          ...Object.entries(value.figures).map(([name, figure]) => `  ${name.replaceAll('_', ' ')}: ${figure}`),
          value.sabotage && !value.ok ? 'control red: ok' : '',
        ]
          .filter(Boolean)
          .join('\n'),
      );
      if (!ok && options.sabotage === undefined) throw new AnswerIsNo('');
      if (ok && options.sabotage !== undefined) throw new AnswerIsNo('the sabotaged twin passed: this proof proves nothing');
    });
}

function commit(): string | null {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      cwd: checkout,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return null;
  }
}
