import { expect, test } from '@jest/globals';
import type { Command } from 'commander';
import { commandFiles, createProgram, load } from '../../client/cli/program.ts';

/** Commands a person may type: of a family such as "policy", its members. */
function typed(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(typed);
}

function fullName(command: Command): string {
  return command.parent ? `${fullName(command.parent)} ${command.name()}` : command.name();
}

function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: part => void (text += part) });
  command.outputHelp();
  return text;
}

test('every command explains itself with an example', async () => {
  const program = createProgram();
  for (const file of commandFiles().values()) await load(file, program);
  // A family may show the examples of its members in one place.
  const commands = typed(program).map(
    command => [fullName(command), helpOf(command) + (command.parent ? helpOf(command.parent) : '')] as const,
  );
  expect(commands.map(([name]) => name)).toEqual(
    expect.arrayContaining(['dunlin demo', 'dunlin doctor', 'dunlin down', 'dunlin status', 'dunlin test', 'dunlin up']),
  );
  for (const [name, help] of commands)
    expect([name, help]).toEqual([name, expect.stringMatching(new RegExp(`Examples?:\\n.*${name.split(' ').slice(0, 2).join(' ')}\\b`))]);
}, 60_000);

test('the file of a command is called after it', async () => {
  for (const [name, file] of commandFiles()) {
    const program = createProgram();
    await load(file, program);
    expect([file, program.commands.map(command => command.name())]).toEqual([file, [name]]);
  }
}, 60_000);
