// Text to records: what csv-parse reads from a good file we read too, however the file is cut into pieces; a bad record is
// one bad record.
import { describe, expect, test } from '@jest/globals';
import { parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';
import fc from 'fast-check';
import iconv from 'iconv-lite';
import { csvRecords, type CsvRecord, readCsv } from '../../formats/csv.ts';
import { sniffDelimiter } from '../../formats/delimiter.ts';
import { decode } from '../../formats/encoding.ts';

async function* inPieces<T extends { length: number; slice(from: number, to: number): T }>(whole: T, size: number): AsyncGenerator<T> {
  for (let at = 0; at < whole.length; at += size) yield whole.slice(at, at + size);
}

async function recordsOf(text: string, delimiter: string, pieceSize: number): Promise<CsvRecord[]> {
  const records: CsvRecord[] = [];
  for await (const batch of csvRecords(inPieces(text, pieceSize), delimiter)) records.push(...batch);
  return records;
}

describe('records', () => {
  const cell = fc.string({ unit: fc.constantFrom('a', 'é', '"', ',', ';', '\n', '\r\n', ' ', '1', '\t'), maxLength: 8 });
  test('what csv-parse reads we read, in pieces of any size', async () => {
    const rows = fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(
        rows,
        fc.constantFrom(',', ';', '\t'),
        fc.constantFrom('\n', '\r\n'),
        fc.boolean(),
        fc.integer({ min: 1, max: 20 }),
        async (table, delimiter, ending, quoted, size) => {
          const text = stringify(table, { delimiter, record_delimiter: ending, quoted, quoted_match: /[\r\n]/ });
          const expected = parse(text, {
            delimiter,
            record_delimiter: ending,
            relax_column_count: true,
            skip_empty_lines: true,
          }) as string[][];
          const records = await recordsOf(text, delimiter, size);
          expect(records.map(record => record.problem)).toEqual(expected.map(() => null));
          expect(records.map(record => record.fields)).toEqual(expected);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('a record says on which line it begins, also after fields of several lines', () => {
    const records = readCsv('a,b\r\n\r\n1,"x\r\ny\r\nz"\r\n2,c\r\n', ',');
    expect(records.map(({ line, fields }) => [line, ...fields])).toEqual([
      [1, 'a', 'b'],
      [3, '1', 'x\r\ny\r\nz'],
      [6, '2', 'c'],
    ]);
  });

  test('a stray quote costs its own line and no other, and the line is kept as it is', async () => {
    const text = 'n,name\n1,"Joe "The Boss" Ltd"\n2,"never closed\n3,5" pipe\n4,"fine, Ltd"\n';
    for (const size of [3, 7, 1000]) {
      const records = await recordsOf(text, ',', size);
      expect(records.map(({ line, problem, raw }) => ({ line, problem, raw }))).toEqual([
        { line: 1, problem: null, raw: 'n,name' },
        { line: 2, problem: 'quote', raw: '1,"Joe "The Boss" Ltd"' },
        { line: 3, problem: 'quote', raw: '2,"never closed' },
        { line: 4, problem: null, raw: '3,5" pipe' },
        { line: 5, problem: null, raw: '4,"fine, Ltd"' },
      ]);
    }
  });

  test('a file that ends within quotes was cut off', () => {
    expect(readCsv('n,name\n1,"Amazing Sto', ',').at(-1)).toMatchObject({ line: 2, problem: 'cut_off' });
  });

  test('lines may end as on old Macintoshes', () => {
    expect(readCsv('a,b\r1,2\r3,4', ',').map(record => record.fields)).toEqual([
      ['a', 'b'],
      ['1', '2'],
      ['3', '4'],
    ]);
  });
});

describe('the delimiter', () => {
  test.each([
    [',', 'a,b,c\n1,2,3\n4,"5;6",7\n'],
    [';', 'Nummer;Betrag;Fällig\n1;1.234,56;22.11.2026\n2;99,00;23.11.2026\n'],
    ['\t', 'a\tb\n1\t2,5\n3\t4,5\n'],
    ['|', 'a|b|c\n1|2|3\n'],
    [',', 'Report of 22 November; draft\n\na,b,c\n1,2,3\n4,5,6\n'],
    [',', 'only one column\n1\n'],
  ])('is %j', (delimiter, sample) => {
    expect(sniffDelimiter(sample)).toBe(delimiter);
  });
});

describe('encodings', () => {
  const text = 'Nummer;Name;Betrag\n1;Müller & Söhne;1.234,56 €\n2;Possets® Perfume;5,00 €\n';
  const read = async (bytes: Buffer, size: number) => {
    let encoding = 'ascii';
    let read = '';
    for await (const piece of decode(inPieces(bytes, size), seen => void (encoding = seen))) read += piece;
    return { encoding, text: read.replace(/^\ufeff/, '') };
  };
  test.each([
    ['utf-8', 'utf-8', false],
    ['utf-8', 'utf-8', true],
    ['utf-16le', 'utf-16le', true],
    ['utf-16le', 'utf-16le', false],
    ['utf-16be', 'utf-16be', true],
    ['win1252', 'windows-1252', false],
  ])('%s is recognised as %s (mark: %s)', async (written, recognised, addBOM) => {
    const bytes = iconv.encode(text, written, { addBOM });
    expect(await read(bytes, 5)).toEqual({ encoding: recognised, text });
  });

  test('the first letter that is not ASCII decides, however far down it stands', async () => {
    const long = `${'1;Plain Ltd;5,00\n'.repeat(20_000)}2;Müller;5,00 €\n`;
    expect(await read(iconv.encode(long, 'win1252'), 65_536)).toEqual({ encoding: 'windows-1252', text: long });
    expect(await read(Buffer.from(long), 65_536)).toEqual({ encoding: 'utf-8', text: long });
  });

  test('a letter cut in two by the edge of a piece is one letter', async () => {
    const long = 'é'.repeat(100_000);
    expect((await read(Buffer.from(long), 65_537)).text).toBe(long);
  });
});
