// import.ts: `dunlin import KIND FILE`: a report file becomes facts and cases. Says what came in, what did not and why, and
// what the file means for invoices that were there before.
import { existsSync, statSync } from 'node:fs';
import type { Command } from 'commander';
import { decimalText, type MoneyJson } from '../../../domain/money.ts';
import { isUsable } from '../../../domain/health.ts';
import { dayNumber } from '../../../domain/time.ts';
import { ImportQuestion } from '../../../formats/styles.ts';
import { NotThisFile } from '../../../formats/table.ts';
import { connectClient } from '../../connection.ts';
import { startIntake } from '../../dunning-client.ts';
import { type FileReport, importFile } from '../import-file.ts';
import { AnswerIsNo, answer, BadInput, globalOptions, paint, say, table } from '../output.ts';
import { localEnvironment, type Store, withStore } from '../store.ts';

const kinds = ['premium-aging', 'premium-invoices', 'invoices', 'customers', 'payments', 'auto'] as const;
type Kind = (typeof kinds)[number];

type Options = { profile?: string; dryRun?: boolean; asOf?: string; dateStyle?: string; numberStyle?: string; part?: boolean };

export function register(program: Command): void {
  program
    .command('import')
    .argument('<kind>', kinds.join(', '))
    .argument('<file>', 'CSV file')
    .option('--profile <name>', 'a shipped import profile, or a profile file of your own (.yaml)')
    .option('--dry-run', 'say what would be new, changed and gone; change nothing')
    .option('--as-of <date>', 'YYYY-MM-DD: the day the report speaks of')
    .option('--date-style <style>', 'dmy (day first) or mdy (month first), where the file cannot tell')
    .option('--number-style <style>', 'point (1,234.56) or comma (1.234,56), where the file cannot tell')
    .option('--part', 'the file holds only part of the book: what it leaves out is not gone')
    .description('bring in invoices, aging reports, customers or payments')
    .addHelpText(
      'after',
      '\nExamples:\n  dunlin import invoices invoices.csv --dry-run\n  dunlin import premium-aging aging.csv --as-of 2026-11-20\n',
    )
    .action(async (kindText: string, path: string, options: Options, command: Command) => {
      const kind = oneOf('kind', kindText, kinds);
      const request = { kind, path: readable(path), ...checked(options) };
      const report = await withStore(command, async store => {
        const taken = await importFile({ ...store }, { ...request, actor: 'person:cli' }).catch((error: unknown) =>
          refuse(command, kind, error),
        );
        if (taken.runId !== null) await askIntake(store);
        return taken;
      });
      answer(command, asJson(report), () => forPeople(report));
      if (!isUsable(report.findings)) throw new AnswerIsNo('');
    });
}

function checked(options: Options) {
  if (options.asOf !== undefined) {
    try {
      dayNumber(options.asOf);
    } catch (error) {
      throw new BadInput(`--as-of: ${(error as Error).message}`);
    }
  }
  return {
    profile: options.profile,
    asOf: options.asOf,
    dryRun: options.dryRun,
    part: options.part,
    dateStyle: options.dateStyle === undefined ? undefined : oneOf('--date-style', options.dateStyle, ['dmy', 'mdy'] as const),
    numberStyle: options.numberStyle === undefined ? undefined : oneOf('--number-style', options.numberStyle, ['point', 'comma'] as const),
  };
}

function oneOf<const Choice extends string>(what: string, found: string, choices: readonly Choice[]): Choice {
  const choice = choices.find(one => one === found);
  if (choice === undefined) throw new BadInput(`${what}: found "${found}", expected one of ${choices.join(', ')}`);
  return choice;
}

function readable(path: string): string {
  if (!existsSync(path) || !statSync(path).isFile()) throw new BadInput(`${path}: found no such file, expected the path of a CSV file`);
  return path;
}

/** A question or a wrong file is for the person who asked: exit 2. A source that lost a column is a "no": exit 1. */
function refuse(command: Command, kind: Kind, error: unknown): never {
  if (error instanceof NotThisFile && error.profile && kind !== 'auto') {
    const { profile } = error;
    const health = { ok: false, findings: [{ code: 'missing_column', level: 'stop', text: error.message }] };
    const nothing = { rows: 0, accepted: 0, quarantined: 0, skipped: 0, rejects: [], new: 0, changed: 0, gone: 0 };
    if (globalOptions(command).json) {
      answer(command, { kind: profile.kind, profile: profile.profile, format: 'csv', ...nothing, health, control_totals: [] }, () => '');
    }
    throw new AnswerIsNo(
      `${error.message} Nothing was imported, and messages that rest on "${profile.source}" wait until a good file comes.`,
    );
  }
  if (error instanceof ImportQuestion || error instanceof NotThisFile) throw new BadInput(error.message);
  if (error instanceof Error && /^found profile |^profile "|is not an import profile/.test(error.message))
    throw new BadInput(error.message);
  throw error;
}

/** New invoices may be due for a case now. Without a Temporal server, the schedule finds them once there is one. */
async function askIntake(store: Store): Promise<void> {
  const environment = await localEnvironment();
  if (!environment['TEMPORAL_ADDRESS'] && !environment['TEMPORAL_CONFIG_FILE'] && !environment['TEMPORAL_PROFILE']) {
    say(
      'The cases open with the next intake: no Temporal server is running for this checkout and TEMPORAL_ADDRESS is not set (./dunlin up).',
    );
    return;
  }
  try {
    const client = await connectClient({
      address: environment['TEMPORAL_ADDRESS'],
      namespace: environment['TEMPORAL_NAMESPACE'],
      codecKeys: store.settings.DUNLIN_CODEC_KEYS,
    });
    try {
      await startIntake(client, store.tenant);
    } finally {
      await client.connection.close();
    }
  } catch (error) {
    say(`The cases open with the next intake, not now: Temporal did not answer (${(error as Error).message}).`);
  }
}

function money(minor: bigint, currency: string): MoneyJson {
  return { amount: minor.toString(), currency };
}

function asJson(report: FileReport) {
  const { findings } = report;
  return {
    kind: report.kind,
    profile: report.profile,
    source: report.source,
    file: report.file,
    format: report.format,
    encoding: report.encoding,
    delimiter: report.delimiter,
    date_style: report.styles.date,
    number_style: report.styles.number,
    as_of: report.asOf,
    dry_run: report.dryRun,
    run: report.runId,
    same_as: report.sameAs?.runId ?? null,
    rows: report.rows,
    accepted: report.accepted,
    quarantined: report.quarantined,
    skipped: report.skipped,
    skipped_because: report.skippedBecause,
    rejects: report.rejects,
    new: report.new,
    changed: report.changed,
    gone: report.gone,
    superseded: report.superseded,
    health: { ok: isUsable(findings), findings },
    control_totals: report.controlTotals.map(total => ({
      customer: total.customer,
      name: total.name,
      currency: total.currency,
      total: money(total.totalMinor, total.currency),
      overdue: money(total.overdueMinor, total.currency),
      ledger_total: total.ledgerTotalMinor === null ? null : money(total.ledgerTotalMinor, total.currency),
      ok: total.ok,
    })),
  };
}

const REJECTS_SHOWN = 20;

function forPeople(report: FileReport): string {
  const lines: string[] = [];
  const stopped = !isUsable(report.findings);
  const counts = `${report.rows} rows: ${report.accepted} accepted, ${report.quarantined} in quarantine, ${report.skipped} skipped`;
  const news = `${report.new} new, ${report.changed} changed, ${report.gone} gone${report.superseded > 0 ? `, ${report.superseded} superseded` : ''}`;
  if (report.sameAs) {
    lines.push(
      `${report.file} was imported before (${report.sameAs.runId}, ${new Date(report.sameAs.at).toISOString().slice(0, 16)}Z); nothing changed.`,
    );
  } else if (stopped) {
    lines.push(
      paint.red(
        `${report.file} was not imported${report.kind === 'customers' ? '' : `; messages that rest on "${report.source}" wait until a good file comes`}.`,
      ),
      counts,
    );
  } else {
    lines.push(`${report.dryRun ? 'Would import' : 'Imported'} ${report.file} as ${report.profile}: ${news}.`, counts);
  }
  for (const [reason, rows] of Object.entries(report.skippedBecause)) lines.push(`  skipped ${rows}: ${reason}`);
  for (const { level, text } of report.findings) lines.push(`${level === 'stop' ? paint.red('stop') : paint.yellow('note')}  ${text}`);
  if (report.rejects.length > 0) lines.push('', rejectsTable(report));
  const differing = report.controlTotals.filter(total => !total.ok && total.ledgerTotalMinor !== null);
  if (differing.length > 0) lines.push('', totalsTable(differing));
  return lines.join('\n');
}

function rejectsTable({ rejects, file }: FileReport): string {
  const shown = rejects.slice(0, REJECTS_SHOWN).map(({ line, field, found, expected }) => [line, field, found, expected]);
  const rest = rejects.length > REJECTS_SHOWN ? `\n... and ${rejects.length - REJECTS_SHOWN} more (--json lists them)` : '';
  const head = [{ title: `Line of ${file}`, align: 'right' as const }, { title: 'Column' }, { title: 'Found' }, { title: 'Expected' }];
  return table(head, shown) + rest;
}

function totalsTable(totals: FileReport['controlTotals']): string {
  const text = (minor: bigint | null, currency: string) => (minor === null ? '' : decimalText({ minor, currency }));
  return table(
    [{ title: 'Customer' }, { title: 'Currency' }, { title: 'Report', align: 'right' }, { title: 'Dunlin', align: 'right' }],
    totals
      .slice(0, REJECTS_SHOWN)
      .map(total => [
        total.name || total.customer,
        total.currency,
        text(total.totalMinor, total.currency),
        text(total.ledgerTotalMinor, total.currency),
      ]),
  );
}
