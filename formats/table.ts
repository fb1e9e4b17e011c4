// table.ts: a file as a table under a known header: its encoding, its delimiter, where its columns are, and its rows one
// batch at a time. Reads the file from the start again for each pass and keeps none of it.
import type { Problem } from '../domain/imported.ts';
import { type CsvRecord, csvRecords } from './csv.ts';
import { sniffDelimiter } from './delimiter.ts';
import { type ByteFile, decode, SAMPLE_BYTES } from './encoding.ts';
import { findHeader, HEADER_WITHIN, type Header } from './header.ts';
import type { Profile } from './profile.ts';
import { StyleEvidence, type Styles } from './styles.ts';

/** The file is not what it is taken for. The message names what was found and what to do. */
export class NotThisFile extends Error {
  override readonly name = 'NotThisFile';
  /** Set when the header lacks columns: a renamed column is a change of the source, not a wrong argument. */
  readonly profile: Profile | null;
  constructor(message: string, profile: Profile | null = null) {
    super(message);
    this.profile = profile;
  }
}

export type Table = {
  readonly file: ByteFile;
  readonly header: Header;
  readonly headerLine: number;
  readonly delimiter: string;
  /** Lines above the header: title, filters, "Last refreshed". */
  readonly preamble: readonly string[];
  /** Known for good once the file has been read to its end. */
  encoding(): string;
};

/** Finds encoding, delimiter, header and profile from the first 64 KB. Throws NotThisFile. */
export async function openTable(file: ByteFile, profiles: readonly Profile[]): Promise<Table> {
  let encoding = 'ascii';
  const first = await firstBytes(file);
  refuseOtherFormats(first, file.name);
  let sample = '';
  for await (const text of decode(once(first), seen => void (encoding = seen))) sample += text;
  const delimiter = sniffDelimiter(sample.slice(0, SAMPLE_BYTES));
  const records: CsvRecord[] = [];
  for await (const batch of csvRecords(once(sample), delimiter)) records.push(...batch.slice(0, HEADER_WITHIN - records.length));
  if (records.length === 0) throw new NotThisFile(`${file.name} is empty, expected a header row and rows of data.`);
  const header = findHeader(
    records.map(record => record.fields),
    profiles,
  );
  if (!header.found) {
    const { profile, missing, columns } = header;
    const line = records[header.row]?.line ?? 1;
    throw new NotThisFile(
      `${file.name} line ${line}: expected the column ${missing.join(' and ')} (${profile.title}), found the columns ${columns.map(column => `"${column.trim()}"`).join(', ')}. If the column has another name now, say so in a profile file and import with --profile FILE.`,
      profile,
    );
  }
  return {
    file,
    header: header.found,
    headerLine: records[header.row]?.line ?? 1,
    delimiter,
    preamble: records.slice(0, header.row).map(record => record.raw),
    encoding: () => encoding,
  };
}

/** One row under the header. */
export type TableRow = {
  readonly line: number;
  readonly raw: string;
  readonly fields: readonly string[];
  readonly problem: Problem | null;
  readonly cutOff: boolean;
};

/** The rows below the header, in batches. The last one may be marked as cut off. */
export async function* tableRows(table: Table): AsyncGenerator<TableRow[]> {
  const { width } = table.header;
  let previous: TableRow[] = [];
  for await (const batch of csvRecords(decode(table.file.open()), table.delimiter)) {
    const rows: TableRow[] = [];
    for (const record of batch) if (record.line > table.headerLine) rows.push(checkWidth(record, width));
    if (rows.length === 0) continue;
    if (previous.length > 0) yield previous;
    previous = rows;
  }
  const last = previous.at(-1);
  if (last?.problem && last.fields.length < width) previous[previous.length - 1] = { ...last, cutOff: true };
  if (previous.length > 0) yield previous;
}

function checkWidth(record: CsvRecord, width: number): TableRow {
  const { line, raw, fields, problem } = record;
  if (problem) {
    const expected = problem === 'cut_off' ? 'a quote that closes before the file ends' : 'quotes around a whole field, doubled inside it';
    return { line, raw, fields, problem: { field: 'row', found: raw.slice(0, 80), expected }, cutOff: problem === 'cut_off' };
  }
  if (raw.includes('\u0000')) {
    return { line, raw, fields, problem: { field: 'row', found: 'a zero byte', expected: 'text' }, cutOff: false };
  }
  // Some programs end every row with one more separator; a row of totals may be shorter than the header.
  const tooWide = fields.length > width && fields.slice(width).some(field => field.trim() !== '');
  const tooNarrow = fields.length < width;
  if (!tooWide && !tooNarrow) return { line, raw, fields, problem: null, cutOff: false };
  return { line, raw, fields, problem: { field: 'row', found: `${fields.length} columns`, expected: `${width} columns` }, cutOff: false };
}

/** Rows looked at before a column without any doubtful value is taken to have none. */
const ROWS_FOR_STYLE = 2000;

/** How the file writes days and amounts. Reads on to the end only while a doubtful value has found no explanation. */
export async function detectStyles(table: Table, forced: Partial<Styles>): Promise<Styles> {
  const { profile, positions, labels } = table.header;
  const fixed: Partial<Styles> = {
    ...(profile.date_style === 'detect' ? {} : { date: profile.date_style }),
    ...(profile.number_style === 'detect' ? {} : { number: profile.number_style }),
    ...forced,
  };
  const columns = (fields: readonly string[]) =>
    fields.flatMap(field => {
      const position = positions.get(field);
      return position === undefined ? [] : [{ position, label: labels.get(field) ?? field }];
    });
  const dates = fixed.date ? [] : columns(profile.dates);
  const amounts = fixed.number ? [] : columns(profile.amounts);
  const evidence = new StyleEvidence();
  let rows = 0;
  for await (const batch of tableRows(table)) {
    for (const row of batch) {
      if (row.problem) continue;
      for (const { position, label } of dates) evidence.seeDate(cleanCell(row.fields[position]), row.line, label);
      for (const { position, label } of amounts) evidence.seeAmount(cleanCell(row.fields[position]), row.line, label);
    }
    rows += batch.length;
    if (rows >= ROWS_FOR_STYLE && evidence.settled) break;
  }
  return evidence.verdict(fixed);
}

/** A cell without the blanks around it, no-break ones included; Looker's sign for "nothing" is nothing. */
export function cleanCell(text: string | undefined): string {
  const clean = (text ?? '').trim();
  return clean === '∅' ? '' : clean;
}

/** True for the header repeated further down, as in files that were put together from several. */
export function isHeaderAgain(table: Table, fields: readonly string[]): boolean {
  const { positions, labels } = table.header;
  for (const [field, position] of positions) {
    if (cleanCell(fields[position]) !== labels.get(field)) return false;
  }
  return true;
}

async function firstBytes(file: ByteFile): Promise<Uint8Array> {
  const held: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of file.open()) {
    held.push(chunk);
    size += chunk.byteLength;
    if (size >= SAMPLE_BYTES) break;
  }
  return Buffer.concat(held);
}

async function* once<T>(value: T): AsyncGenerator<T> {
  yield value;
}

function refuseOtherFormats(bytes: Uint8Array, name: string): void {
  const start = Buffer.from(bytes.subarray(0, 200)).toString('latin1');
  if (start.startsWith('%PDF')) throw new NotThisFile(`${name} is a PDF, expected CSV. Download the report again and choose CSV.`);
  if (start.startsWith('PK\u0003\u0004')) {
    throw new NotThisFile(
      `${name} is a zip archive or an Excel workbook, expected CSV. Unpack it, or save the sheet as CSV, and import that file.`,
    );
  }
  if (/^\s*(<!doctype html|<html)/i.test(start)) {
    throw new NotThisFile(
      `${name} is a web page, expected CSV. The download was probably answered by a sign-in page; sign in and export again.`,
    );
  }
}
