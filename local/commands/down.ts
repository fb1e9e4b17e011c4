// down.ts: `dunlin down`: ends what `up` or `demo --keep` left running, and what killed launchers left behind. Nothing is
// deleted: the next `up` goes on where this one stopped.
import type { Command } from 'commander';
import { basename } from 'node:path';
import { answer } from '../../client/cli/output.ts';
import { endLeftovers } from '../leftovers.ts';

export function register(program: Command): void {
  program
    .command('down')
    .description('end what up, or demo --keep, left running; the books stay')
    .addHelpText('after', '\nExample:\n  dunlin down\n')
    .action(async (_options: unknown, command: Command) => {
      const ended = (await endLeftovers({ kept: true })).map(folder => basename(folder));
      answer(command, { ended }, value => (value.ended.length === 0 ? 'Nothing was running.' : `Ended: ${value.ended.join(', ')}.`));
    });
}
