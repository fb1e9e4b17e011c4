// row-reader.ts: rows of a table to records of one kind, each accepted, skipped with a reason, or put into quarantine with
// what was found and what was expected. Every row of the file ends in exactly one of the three.
import type { CustomerReference, Problem, RowOutcome } from '../domain/imported.ts';
import { exponentOf } from '../domain/money.ts';
import type { LocalDate } from '../domain/time.ts';
import { isAmbiguousAmount, readAmount, stylesOf } from './amount.ts';
import { readDate, styleOfDate } from './date.ts';
import type { Profile } from './profile.ts';
import { ImportQuestion, type Styles } from './styles.ts';
import { cleanCell, isHeaderAgain, type Table, type TableRow, tableRows } from './table.ts';

/** What the reader has seen of a file so far. */
export type Tally = {
  rows: number;
  skipped: number;
  readonly skippedBecause: Map<string, number>;
  readonly missingPerField: Map<string, number>;
  truncated: boolean;
  unreadableCharacters: number;
  drafts: number;
  assumedCurrency: number;
  assumedDueDate: number;
  namelessCustomers: number;
  unreadablePhones: number;
};

export function emptyTally(): Tally {
  return {
    rows: 0,
    skipped: 0,
    skippedBecause: new Map(),
    missingPerField: new Map(),
    truncated: false,
    unreadableCharacters: 0,
    drafts: 0,
    assumedCurrency: 0,
    assumedDueDate: 0,
    namelessCustomers: 0,
    unreadablePhones: 0,
  };
}

export type ReadContext = {
  readonly table: Table;
  readonly styles: Styles;
  /** Which styles were given by a person: a row of another style is then a fault of the row. */
  readonly forced: { readonly date: boolean; readonly number: boolean };
  /** Currency of rows in files that have no such column. */
  readonly currency: string;
  readonly tally: Tally;
};

/** The cells of one row by our field names, with the problems found while reading them. */
export class Cells {
  readonly problems: Problem[] = [];
  readonly context: ReadContext;
  readonly line: number;
  readonly #fields: readonly string[];

  constructor(context: ReadContext, row: TableRow) {
    this.context = context;
    this.line = row.line;
    this.#fields = row.fields;
  }

  get profile(): Profile {
    return this.context.table.header.profile;
  }

  /** The cell, "" when it is empty or the file has no such column. */
  text(field: string): string {
    const position = this.context.table.header.positions.get(field);
    return position === undefined ? '' : cleanCell(this.#fields[position]);
  }

  has(field: string): boolean {
    return this.context.table.header.positions.has(field);
  }

  label(field: string): string {
    return this.context.table.header.labels.get(field) ?? this.profile.columns[field]?.[0] ?? field;
  }

  problem(field: string, expected: string, found = this.text(field)): undefined {
    this.problems.push({ field: this.label(field), found, expected });
    return undefined;
  }

  missing(field: string): undefined {
    this.problems.push({ field: this.label(field), found: '', expected: 'a value', missing: true });
    return undefined;
  }

  /** undefined when the cell is empty, or is no amount (then with a problem). */
  amount(field: string, currency: string): bigint | undefined {
    const text = this.text(field);
    if (text === '') return undefined;
    const { styles, forced } = this.context;
    if (!forced.number && styles.number) {
      const other = stylesOf(text);
      if (other.length === 1 && other[0] !== styles.number) throw this.#twoWays('amounts', field, text, '--number-style point or comma');
    }
    if (!forced.number && !styles.number && isAmbiguousAmount(text)) throw this.#undecided(field, text, '--number-style point or comma');
    const read = readAmount(text, currency, styles.number);
    return 'minor' in read ? read.minor : this.problem(field, read.expected);
  }

  date(field: string): LocalDate | undefined {
    const text = this.text(field);
    if (text === '') return undefined;
    const { styles, forced } = this.context;
    const seen = styleOfDate(text);
    if (!forced.date && styles.date && (seen === 'dmy' || seen === 'mdy') && seen !== styles.date) {
      throw this.#twoWays('dates', field, text, '--date-style dmy or mdy');
    }
    if (!forced.date && !styles.date && seen === 'ambiguous') throw this.#undecided(field, text, '--date-style dmy or mdy');
    const read = readDate(text, styles.date);
    return 'date' in read ? read.date : this.problem(field, read.expected);
  }

  /** The row's currency: its column, the sign of its amount, or the one the file is read in. */
  currency(amountField: string, signs: (text: string) => string): string | undefined {
    if (!this.has('currency')) {
      const bySign = this.profile.currency_of_sign[signs(this.text(amountField))];
      if (bySign) return bySign;
      this.context.tally.assumedCurrency++;
      return this.context.currency;
    }
    const text = this.text('currency').toUpperCase();
    if (text === '') return this.missing('currency');
    try {
      exponentOf(text);
      return text;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return this.problem('currency', 'an ISO 4217 code such as USD');
    }
  }

  /** Who the customer is: by the source's number, else by name. */
  customer(): CustomerReference | undefined {
    const id = this.text('customer_id');
    if (id !== '') return customerReference(this.profile, id);
    const name = this.text('customer_name');
    if (name === '') return undefined;
    this.context.tally.namelessCustomers++;
    return { system: this.profile.system, kind: 'name', externalId: name.normalize('NFKC').replace(/\s+/g, ' ').toLowerCase() };
  }

  #twoWays(what: string, field: string, text: string, option: string): ImportQuestion {
    return new ImportQuestion(
      `The file writes ${what} in two ways: line ${this.line}, "${this.label(field)}" has "${text}", other rows the other way round. Say which one holds with ${option}; rows of the other kind then go to quarantine.`,
    );
  }

  #undecided(field: string, text: string, option: string): ImportQuestion {
    return new ImportQuestion(`Line ${this.line}, "${this.label(field)}": "${text}" can be read in two ways. Give ${option}.`);
  }
}

/** An account-group number of Premium is one wherever it stands, so contacts from any file find their customer. */
export function customerReference(profile: Profile, externalId: string): CustomerReference {
  if (/^AG-[A-Z0-9]{6,}$/.test(externalId)) return { system: 'premium', kind: 'account_group', externalId };
  return { system: profile.system, kind: 'customer', externalId };
}

/** Reads one row; undefined after it has put its problems into the cells. A text says why the row is skipped. */
export type ReadRow<Row> = (cells: Cells) => Row | { readonly skip: string } | undefined;

const TOTAL = /^(grand |sub|sub-|sub )?totals?\b|^(gesamt|gesamtsumme|summe|total général|suma)\b/i;

/** Every row of the table, judged. Throws ImportQuestion when the rows contradict the styles found at the start. */
export async function* readRows<Row extends object>(
  context: ReadContext,
  readRow: ReadRow<Row>,
  keyOf: (cells: Cells) => string,
): AsyncGenerator<RowOutcome<Row>[]> {
  const { table, tally } = context;
  const { profile } = table.header;
  for await (const batch of tableRows(table)) {
    const outcomes: RowOutcome<Row>[] = [];
    for (const row of batch) {
      tally.rows++;
      if (row.cutOff) tally.truncated = true;
      const cells = new Cells(context, row);
      const skip = whySkipped(table, profile, cells, row);
      const outcome = skip ? ({ kind: 'skip', line: row.line, reason: skip } as const) : judgeRow(cells, row, readRow, keyOf);
      if (outcome.kind === 'skip') {
        tally.skipped++;
        tally.skippedBecause.set(outcome.reason, (tally.skippedBecause.get(outcome.reason) ?? 0) + 1);
      }
      if (outcome.kind === 'reject') countMissing(tally, outcome.problems);
      if (outcome.kind === 'row' && row.raw.includes('\ufffd')) tally.unreadableCharacters++;
      outcomes.push(outcome);
    }
    yield outcomes;
  }
}

function judgeRow<Row extends object>(
  cells: Cells,
  row: TableRow,
  readRow: ReadRow<Row>,
  keyOf: (cells: Cells) => string,
): RowOutcome<Row> {
  if (row.problem) return rejected(row, cells, keyOf, [row.problem]);
  for (const need of cells.profile.required) {
    const choices = typeof need === 'string' ? [need] : need;
    if (choices.every(field => cells.text(field) === '')) cells.missing(choices.find(field => cells.has(field)) ?? choices[0] ?? '');
  }
  if (cells.problems.length > 0) return rejected(row, cells, keyOf, cells.problems);
  const read = readRow(cells);
  if (cells.problems.length > 0 || read === undefined) return rejected(row, cells, keyOf, cells.problems);
  if ('skip' in read) return { kind: 'skip', line: row.line, reason: String(read.skip) };
  return { kind: 'row', line: row.line, row: read };
}

/** The key is read as well as the row allows, so that an invoice in quarantine is not taken for gone. */
function rejected(row: TableRow, cells: Cells, keyOf: (cells: Cells) => string, problems: readonly Problem[]): RowOutcome<never> {
  const key = keyOf(cells).replace(/^"|"$/g, '');
  return { kind: 'reject', line: row.line, raw: row.raw, key: key === '' ? null : key, problems };
}

function whySkipped(table: Table, profile: Profile, cells: Cells, row: TableRow): string | undefined {
  // A row of totals often has fewer columns than the header: it is no broken row.
  if (row.problem && row.problem.field === 'row' && !isTotalShort(row)) return undefined;
  if (row.fields.every(field => cleanCell(field) === '')) return 'empty row';
  if (profile.totals_lack.every(field => cells.text(field) === '' || TOTAL.test(cells.text(field))) && saysTotal(row))
    return 'row of totals';
  if (isHeaderAgain(table, row.fields)) return 'header repeated';
  for (const rule of profile.skip) {
    if (!rule.unless.some(value => value.toLowerCase() === cells.text(rule.field).toLowerCase())) return rule.reason;
  }
  return undefined;
}

function saysTotal(row: TableRow): boolean {
  return row.fields.some(field => TOTAL.test(cleanCell(field)));
}

function isTotalShort(row: TableRow): boolean {
  return !row.cutOff && row.fields.length > 1 && TOTAL.test(cleanCell(row.fields.find(field => cleanCell(field) !== '')));
}

function countMissing(tally: Tally, problems: readonly Problem[]): void {
  for (const { field, missing } of problems) {
    if (missing) tally.missingPerField.set(field, (tally.missingPerField.get(field) ?? 0) + 1);
  }
}
