// health.ts: may this file be believed? Asked before anything of it is stored. A "no" keeps the last good data, and holds
// messages that would rest on the source until a file is good again.
import type { LocalDate } from './time.ts';
import { daysBetween } from './time.ts';

export type Finding = { readonly code: FindingCode; readonly level: 'stop' | 'warn'; readonly text: string };
export type FindingCode =
  | 'empty_file'
  | 'missing_column'
  | 'missing_required'
  | 'older_report'
  | 'stale_report'
  | 'truncated'
  | 'unreadable_characters'
  | 'drafts'
  | 'assumed_currency'
  | 'assumed_due_date'
  | 'nameless_customers'
  | 'unreadable_phones'
  | 'gone'
  | 'control_totals';

/** What the reader noticed while the file went by. */
export type FileTally = {
  readonly rows: number;
  readonly skipped: number;
  /** Rows without a value the source must give, per column. */
  readonly missingPerField: ReadonlyMap<string, number>;
  /** The last row ends in the middle. */
  readonly truncated: boolean;
  readonly unreadableCharacters: number;
  readonly asOf: LocalDate | null;
  /** The day of the newest report already taken in; null when there is none. */
  readonly lastAsOf: LocalDate | null;
  readonly today: LocalDate;
};

/** Above this share of rows without a required value the whole source stops (source document 002: 10 %). */
const MISSING_SHARE_PERCENT = 10;
/** Premium refreshes once in 24 hours, and its report of yesterday is normal. */
const STALE_AFTER_DAYS = 2;

/** Everything worth saying about the file; the file may be used when no finding is a stop. */
export function judgeFile(tally: FileTally): Finding[] {
  const findings: Finding[] = [];
  const data = tally.rows - tally.skipped;
  if (data <= 0) {
    findings.push({
      code: 'empty_file',
      level: 'stop',
      text: `The file has no rows of data (${tally.rows} rows, ${tally.skipped} skipped).`,
    });
  }
  for (const [field, missing] of tally.missingPerField) {
    if (missing * 100 <= data * MISSING_SHARE_PERCENT) continue;
    const text = `"${field}" is empty in ${missing} of ${data} rows, expected at most ${MISSING_SHARE_PERCENT} %. Nothing was imported; export the file again with this column filled.`;
    findings.push({ code: 'missing_required', level: 'stop', text });
  }
  findings.push(...judgeAge(tally));
  if (tally.truncated) {
    const text = 'The file ends in the middle of a row: it was probably cut off. Invoices it does not name are not taken for gone.';
    findings.push({ code: 'truncated', level: 'warn', text });
  }
  if (tally.unreadableCharacters > 0) {
    const text = `${tally.unreadableCharacters} rows have characters that could not be read in the file's encoding.`;
    findings.push({ code: 'unreadable_characters', level: 'warn', text });
  }
  return findings;
}

function judgeAge({ asOf, lastAsOf, today }: FileTally): Finding[] {
  if (asOf === null) return [];
  if (lastAsOf !== null && asOf < lastAsOf) {
    const text = `The report is of ${asOf}, but one of ${lastAsOf} was imported already. An older report may not overwrite a newer one.`;
    return [{ code: 'older_report', level: 'stop', text }];
  }
  const age = daysBetween(asOf, today);
  if (age <= STALE_AFTER_DAYS) return [];
  const text = `The report is of ${asOf}, ${age} days old; expected one of the last ${STALE_AFTER_DAYS} days.`;
  return [{ code: 'stale_report', level: 'warn', text }];
}

export function isUsable(findings: readonly Finding[]): boolean {
  return findings.every(finding => finding.level !== 'stop');
}
