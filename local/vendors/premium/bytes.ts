// bytes.ts: a sheet as the bytes of a file, good or spoilt.
import { crc32 } from 'node:zlib';
import type { Struck } from '../faults.ts';
import type { Sheet } from './reports.ts';

/** `sheet` after the faults that change columns and rows. */
export function spoiltSheet(sheet: Sheet, struck: Struck): Sheet {
  const changed: Sheet = { header: [...sheet.header], rows: sheet.rows.map(row => [...row]), totals: [...sheet.totals] };
  const called = struck.has('xss_name')
    ? '<script>alert(1)</script>'
    : struck.has('formula_name')
      ? '=HYPERLINK("http://evil.example";"x")'
      : null;
  const names = Math.max(changed.header.indexOf('Customer Name'), changed.header.indexOf('Customer'));
  if (called !== null && changed.rows[0] && names >= 0) changed.rows[0][names] = called;
  if (struck.has('new_column')) addColumn(changed, Math.min(4, changed.header.length), struck.get('new_column') || 'Market ID');
  const missing = struck.get('missing_column');
  if (missing !== undefined) dropColumn(changed, missing || 'Currency');
  const [from = '', to = ''] = (struck.get('renamed_column') || 'Total Due=Balance Due').split('=');
  if (struck.has('renamed_column')) changed.header = changed.header.map(name => (name === from ? to : name));
  if (struck.has('totals_row') && changed.totals.length > 0) changed.rows.push(changed.totals);
  return changed;
}

function addColumn(sheet: Sheet, at: number, name: string): void {
  sheet.header.splice(at, 0, name);
  for (const row of [...sheet.rows, sheet.totals]) if (row.length > 0) row.splice(at, 0, 'default');
}

function dropColumn(sheet: Sheet, name: string): void {
  const at = sheet.header.indexOf(name);
  if (at < 0) throw new RangeError(`found no column "${name}" to leave out, expected one of ${sheet.header.join(', ')}`);
  for (const row of [sheet.header, ...sheet.rows, sheet.totals]) row.splice(at, 1);
}

/** `preamble` lines come before the header. */
export function csvBytes(sheet: Sheet, struck: Struck, { quoted, preamble }: { quoted: boolean; preamble: readonly string[] }): Buffer {
  const field = (text: string): string => (quoted || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const lines = [...preamble, ...[sheet.header, ...sheet.rows].map(row => row.map(field).join(','))];
  const end = struck.has('crlf') ? '\r\n' : '\n';
  const bytes = Buffer.from(`${struck.has('bom') ? '\ufeff' : ''}${lines.join(end)}${end}`, 'utf8');
  const percent = struck.get('truncated');
  return percent === undefined ? bytes : bytes.subarray(0, Math.floor((bytes.length * (Number(percent) || 60)) / 100));
}

/** A PDF that opens: one empty page. What somebody gets who clicks the other entry of the menu. */
export function pdfBytes(): Buffer {
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] >>',
  ];
  let text = '%PDF-1.4\n';
  const offsets = objects.map((object, index) => {
    const at = text.length;
    text += `${index + 1} 0 obj\n${object}\nendobj\n`;
    return at;
  });
  const table = offsets.map(at => `${String(at).padStart(10, '0')} 00000 n \n`).join('');
  return Buffer.from(
    `${text}xref\n0 4\n0000000000 65535 f \n${table}trailer\n<< /Size 4 /Root 1 0 R >>\nstartxref\n${text.length}\n%%EOF\n`,
    'latin1',
  );
}

/** A zip of stored files, as "Download" of a whole dashboard gives [1P] 2.2: one CSV per tile. */
export function zipBytes(files: readonly { name: string; bytes: Buffer }[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, bytes } of files) {
    const entry = entryOf(name, bytes);
    const local = Buffer.concat([u32(0x04034b50), u16(20), entry, Buffer.from(name), bytes]);
    directory.push(
      Buffer.concat([u32(0x02014b50), u16(20), u16(20), entry, u16(0), u16(0), u16(0), u32(0), u32(offset), Buffer.from(name)]),
    );
    parts.push(local);
    offset += local.length;
  }
  const index = Buffer.concat(directory);
  const end = Buffer.concat([
    u32(0x06054b50),
    u16(0),
    u16(0),
    u16(files.length),
    u16(files.length),
    u32(index.length),
    u32(offset),
    u16(0),
  ]);
  return Buffer.concat([...parts, index, end]);
}

/** What both headers of a zip entry share: UTF-8 names, stored, no date, checksum, sizes, length of the name. */
function entryOf(name: string, bytes: Buffer): Buffer {
  return Buffer.concat([
    u16(0x0800),
    u16(0),
    u16(0),
    u16(0x21),
    u32(crc32(bytes)),
    u32(bytes.length),
    u32(bytes.length),
    u16(Buffer.byteLength(name)),
    u16(0),
  ]);
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
