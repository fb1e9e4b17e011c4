// program.ts: `dunlin COMMAND`. A command is a file named after it, in commands/ here or in local/commands/; only the one
// that was asked for is loaded, so that the answer comes fast. Each exports `register(program)`.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Command, CommanderError } from 'commander';
import { reportFailure } from './output.ts';

type CommandFile = { register(program: Command): void };

const folders = ['./commands/', '../../local/commands/'].map(folder => fileURLToPath(new URL(folder, import.meta.url)));

/** Command name to file, for every command there is. */
export function commandFiles(): Map<string, string> {
  const files = new Map<string, string>();
  for (const folder of folders.filter(existsSync))
    for (const file of readdirSync(folder)
      .filter(name => name.endsWith('.ts'))
      .toSorted())
      files.set(file.slice(0, -3), join(folder, file));
  return files;
}

export async function load(file: string, program: Command): Promise<void> {
  const command = (await import(pathToFileURL(file).href)) as CommandFile;
  command.register(program);
}

export function createProgram(): Command {
  return new Command('dunlin')
    .description('Chases every overdue invoice with its own durable workflow until it is paid.')
    .option('--json', 'print one JSON document on stdout and nothing else there')
    .option('--tenant <tenant>', 'whose books (default: DUNLIN_TENANT, else "acme")')
    .configureHelp({ sortSubcommands: true, showGlobalOptions: true })
    .showHelpAfterError('(dunlin --help lists the commands, dunlin COMMAND --help explains one)')
    .addHelpText(
      'after',
      '\nExamples:\n  dunlin demo          sixty business days on a sample book, in two minutes\n  dunlin why INV-0041  why this customer got, or did not get, a message\n',
    )
    .exitOverride();
}

/** --json and --tenant are understood anywhere in the line, before the command's name and after it. */
function withGlobalsFirst(args: readonly string[]): string[] {
  const first: string[] = [];
  const rest: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    if (arg === '--') return [...first, ...rest, ...args.slice(i)];
    if (arg === '--json' || arg.startsWith('--tenant=')) first.push(arg);
    else if (arg === '--tenant') first.push(arg, ...args.slice(++i, i + 1));
    else rest.push(arg);
  }
  return [...first, ...rest];
}

/** Runs one command line and returns its exit code. */
export async function run(args: readonly string[]): Promise<number> {
  const files = commandFiles();
  const program = createProgram();
  const line = withGlobalsFirst(args);
  const asked = files.get(line.filter((arg, i) => !arg.startsWith('-') && line[i - 1] !== '--tenant')[0] ?? '');
  try {
    // The list of commands and an unknown command need all of them.
    for (const file of asked ? [asked] : files.values()) await load(file, program);
    if (line.length === 0) program.help();
    await program.parseAsync(line, { from: 'user' });
    return 0;
  } catch (error) {
    // Commander has printed its message already; help and version are not failures.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    return reportFailure(error, line.includes('--json'));
  }
}
