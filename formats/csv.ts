// csv.ts: text to records, one bad record at a time. A record that cannot be read is handed on with its line and its
// original text, and reading goes on at the next line: one stray quote must not swallow the rest of a month.
// (Our own reader, checked against csv-parse in the tests: csv-parse in streaming mode neither keeps the text of a bad
// record nor starts again behind it, and takes ten times as long.)

export type CsvRecord = {
  /** Line of the file on which the record begins, from 1. */
  readonly line: number;
  /** Of a record that could not be read: its pieces between delimiters, quotes and all. */
  readonly fields: readonly string[];
  /** The record as it stands in the file, without its line ending. */
  readonly raw: string;
  /** Why it could not be read; null when it could. */
  readonly problem: 'quote' | 'cut_off' | null;
};

/** A quoted field longer than this is taken for a quote that nobody closed. */
const LONGEST_RECORD = 1_000_000;

/** Records in batches, one per piece of text. Empty lines are no records. */
export async function* csvRecords(text: AsyncIterable<string>, delimiter: string): AsyncGenerator<CsvRecord[]> {
  const reader = new RecordReader(delimiter);
  for await (const piece of text) yield reader.read(piece, false);
  yield reader.read('', true);
}

/** All records of a text that is complete. */
export function readCsv(text: string, delimiter: string): CsvRecord[] {
  return new RecordReader(delimiter).read(text, true);
}

type Span = { readonly fields: string[]; readonly end: number; readonly lines: number };

class RecordReader {
  readonly #delimiter: string;
  #rest = '';
  #line = 1;
  #started = false;
  /** Old Macintosh files end their lines with a lone carriage return. */
  #newline = '\n';

  constructor(delimiter: string) {
    this.#delimiter = delimiter;
  }

  read(piece: string, last: boolean): CsvRecord[] {
    let text = this.#rest + piece;
    if (!this.#started && text.length > 0) {
      if (text.charCodeAt(0) === 0xfeff) text = text.slice(1);
      if (!text.includes('\n') && text.includes('\r') && !text.endsWith('\r')) this.#newline = '\r';
      this.#started = true;
    }
    const records: CsvRecord[] = [];
    let at = 0;
    while (at < text.length) {
      const lineEnd = text.indexOf(this.#newline, at);
      if (lineEnd === -1 && !last) break;
      const end = lineEnd === -1 ? text.length : lineEnd;
      const raw = withoutReturn(text, at, end);
      if (raw.length === 0) {
        at = end + 1;
        this.#line++;
        continue;
      }
      if (!raw.includes('"')) {
        records.push({ line: this.#line, fields: raw.split(this.#delimiter), raw, problem: null });
        at = end + 1;
        this.#line++;
        continue;
      }
      const span = this.#quoted(text, at);
      // Nothing is certain at the edge of a piece: the next one may go on with a second quote.
      if (!last && text.length - at < LONGEST_RECORD && (span === 'open' || (span !== 'bad' && span.end >= text.length))) break;
      if (typeof span === 'string') {
        // Only this line is given up. At the very end of a file an open quote means that the file was cut off.
        const cutOff = span === 'open' && last && text.length - at < LONGEST_RECORD && end >= text.length - 1;
        records.push({ line: this.#line, fields: raw.split(this.#delimiter), raw, problem: cutOff ? 'cut_off' : 'quote' });
        at = end + 1;
        this.#line++;
        continue;
      }
      records.push({ line: this.#line, fields: span.fields, raw: withoutReturn(text, at, span.end), problem: null });
      at = span.end + 1;
      this.#line += span.lines;
    }
    this.#rest = text.slice(Math.min(at, text.length));
    return records;
  }

  /** One record that has quotes: "open" when the text ends within a quoted field, "bad" when text follows a closing quote. */
  #quoted(text: string, start: number): Span | 'open' | 'bad' {
    const fields: string[] = [];
    let lines = 1;
    let at = start;
    for (;;) {
      if (text.charCodeAt(at) === 34) {
        const close = closingQuote(text, at + 1);
        if (close === -1) return 'open';
        const inner = text.slice(at + 1, close);
        fields.push(inner.includes('""') ? inner.replaceAll('""', '"') : inner);
        for (let from = inner.indexOf(this.#newline); from !== -1; from = inner.indexOf(this.#newline, from + 1)) lines++;
        at = close + 1;
      } else {
        const next = this.#fieldEnd(text, at);
        fields.push(withoutReturn(text, at, next));
        at = next;
      }
      if (text[at] === '\r' && this.#newline === '\n' && (at + 1 >= text.length || text[at + 1] === '\n')) at++;
      if (at >= text.length || text[at] === this.#newline) return { fields, end: at, lines };
      if (text[at] !== this.#delimiter) return 'bad';
      at++;
    }
  }

  #fieldEnd(text: string, from: number): number {
    const delimiter = text.indexOf(this.#delimiter, from);
    const newline = text.indexOf(this.#newline, from);
    if (delimiter === -1) return newline === -1 ? text.length : newline;
    return newline === -1 || delimiter < newline ? delimiter : newline;
  }
}

function closingQuote(text: string, from: number): number {
  for (let at = text.indexOf('"', from); at !== -1; at = text.indexOf('"', at + 2)) {
    if (text.charCodeAt(at + 1) !== 34) return at;
  }
  return -1;
}

function withoutReturn(text: string, start: number, end: number): string {
  return text.slice(start, end > start && text.charCodeAt(end - 1) === 13 ? end - 1 : end);
}
