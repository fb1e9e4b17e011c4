// output.ts: how a command answers: tables for people, one JSON document for programs, and four exit codes. stdout is the
// answer and nothing else; everything said on the way goes to stderr.
import Table from 'cli-table3';
import type { Command } from 'commander';
import colors from 'picocolors';

/** Wrong use or bad input: exit 2. The message says what, where, what was expected and what to do. */
export class BadInput extends Error {
  override readonly name = 'BadInput';
}

/** The question was understood and the answer is no: exit 1. The answer itself has been printed. */
export class AnswerIsNo extends Error {
  override readonly name = 'AnswerIsNo';
}

/** Something Dunlin needs is not there: exit 3. `fix` is the command that brings it. */
export class Missing extends Error {
  override readonly name = 'Missing';
  readonly fix: string;
  constructor(message: string, fix: string) {
    super(message);
    this.fix = fix;
  }
}

export type GlobalOptions = { readonly json: boolean; readonly tenant: string };

/** The options every command has. */
export function globalOptions(command: Command): GlobalOptions {
  const options = command.optsWithGlobals<{ json?: boolean; tenant?: string }>();
  return { json: options.json ?? false, tenant: options.tenant || process.env['DUNLIN_TENANT'] || 'acme' };
}

/** JSON as programs want it: bigint as decimal text. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'bigint' ? inner.toString() : inner), 2);
}

/** Prints the answer: `value` as the one JSON document, or whatever `people` makes of it. */
export function answer<T>(command: Command, value: T, people: (value: T) => string): void {
  process.stdout.write(`${globalOptions(command).json ? toJson(value) : people(value).trimEnd()}\n`);
}

/** Something worth knowing while it runs; never part of the answer. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Colours where a person reads, plain text elsewhere (NO_COLOR, a pipe, a file). */
export const paint = colors.createColors(process.stdout.isTTY === true && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb');

export type Column = { readonly title: string; readonly align?: 'left' | 'right' };

/** A table as wide as its content, without lines between the cells, so that it survives a copy into an e-mail. */
export function table(columns: readonly Column[], rows: readonly (readonly (string | number)[])[]): string {
  const none = '';
  const made = new Table({
    head: columns.map(({ title }) => paint.bold(title)),
    colAligns: columns.map(({ align }) => align ?? 'left'),
    chars: {
      top: none,
      'top-mid': none,
      'top-left': none,
      'top-right': none,
      bottom: none,
      'bottom-mid': none,
      'bottom-left': none,
      'bottom-right': none,
      left: none,
      'left-mid': none,
      mid: none,
      'mid-mid': none,
      right: none,
      'right-mid': none,
      middle: '  ',
    },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  made.push(...rows.map(row => row.map(String)));
  return made
    .toString()
    .split('\n')
    .map(line => line.trimEnd())
    .join('\n');
}

/** Ends the process's work with the code the failure asks for, and one clear sentence on stderr (JSON with --json). */
export function reportFailure(error: unknown, json: boolean): number {
  if (error instanceof AnswerIsNo) {
    if (error.message !== '') say(error.message);
    return 1;
  }
  const isBadInput = error instanceof BadInput || (error instanceof Error && error.name === 'SettingsError');
  const message = error instanceof Error ? error.message : String(error);
  const fix = error instanceof Missing ? error.fix : undefined;
  if (json) process.stdout.write(`${toJson({ error: message, ...(fix !== undefined && { fix }) })}\n`);
  say(`${colors.red('dunlin:')} ${message}${fix === undefined ? '' : `\n  ${fix}`}`);
  if (error instanceof Missing) return 3;
  if (isBadInput) return 2;
  // Not one of ours: where it happened is worth more than a short message.
  if (process.env['LOG_LEVEL'] === 'debug' && error instanceof Error) say(error.stack ?? '');
  return 1;
}
