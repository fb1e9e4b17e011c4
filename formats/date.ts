// date.ts: days as files write them. 03/04/2026 is in March or in April: the column tells by another of its rows, or the
// person who imports is asked. It is never guessed.
import { dayNumber, type LocalDate } from '../domain/time.ts';

export type DateStyle = 'dmy' | 'mdy';
export type ReadDate = { readonly date: LocalDate } | { readonly expected: string };

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

const SLASHED = /^\s*\d{1,2}[/-]/;

/** First and second number of "13/02/2026" or "13-2-26", with the year; undefined for every other form. */
function slashed(text: string): { first: number; second: number; year: number } | undefined {
  const parts = /^(\d{1,2})([/-])(\d{1,2})\2(\d{4}|\d{2})(?:[ T].*)?$/.exec(text);
  if (!parts?.[1] || !parts[3] || !parts[4]) return undefined;
  return { first: Number(parts[1]), second: Number(parts[3]), year: fullYear(parts[4]) };
}

/** What one value says about its column: one style, both (the day decides nothing), or nothing (it has no such form). */
export function styleOfDate(text: string): DateStyle | 'either' | 'ambiguous' | 'none' {
  if (!SLASHED.test(text)) return 'none';
  const parts = slashed(text.trim());
  if (!parts) return 'none';
  const { first, second, year } = parts;
  const dmy = isDay(year, second, first);
  const mdy = isDay(year, first, second);
  if (dmy && mdy) return first === second ? 'either' : 'ambiguous';
  if (dmy) return 'dmy';
  return mdy ? 'mdy' : 'none';
}

/**
 * The day of `text` as "YYYY-MM-DD". Reads ISO days and instants (the day as written), 20261122, dd.mm.yyyy, "Jun 11, 2023",
 * "11 June 2023", /Date(ms)/ in UTC, and numbers with slashes or dashes in the column's `style`.
 */
export function readDate(text: string, style: DateStyle | null): ReadDate {
  const key = `${style ?? ''}${text}`;
  const known = readBefore.get(key);
  if (known) return known;
  if (readBefore.size >= DAYS_KEPT) readBefore.clear();
  const read = readAnew(text.trim(), style);
  readBefore.set(key, read);
  return read;
}

/** A million rows have a few hundred different days. */
const DAYS_KEPT = 10_000;
const readBefore = new Map<string, ReadDate>();

function readAnew(value: string, style: DateStyle | null): ReadDate {
  const iso = /^(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?:[ T].*)?$/.exec(value);
  if (iso) return day(Number(iso[1]), Number(iso[3]), Number(iso[4]));
  const compact = /^((?:19|20)\d\d)(\d\d)(\d\d)$/.exec(value);
  if (compact) return day(Number(compact[1]), Number(compact[2]), Number(compact[3]));
  const dotted = /^(\d{1,2})\. ?(\d{1,2})\. ?(\d{4}|\d{2})$/.exec(value);
  if (dotted?.[3]) return day(fullYear(dotted[3]), Number(dotted[2]), Number(dotted[1]));
  const json = /^\/Date\((-?\d+)(?:[+-]\d{4})?\)\/$/.exec(value);
  if (json) return dayOfInstant(Number(json[1]));
  const worded = readWords(value);
  if (worded) return worded;
  return readSlashed(value, style);
}

function readSlashed(value: string, style: DateStyle | null): ReadDate {
  const parts = slashed(value);
  if (!parts) return { expected: `a day such as ${style === null ? '2026-11-22' : pattern(style)}` };
  const { first, second, year } = parts;
  const seen = styleOfDate(value);
  if (seen === 'none') return { expected: 'a real day' };
  const used = style ?? (seen === 'ambiguous' ? undefined : seen === 'either' ? 'dmy' : seen);
  if (!used) return { expected: 'a day that can be read in one way only; give --date-style dmy or mdy' };
  const read = used === 'dmy' ? day(year, second, first) : day(year, first, second);
  return 'date' in read ? read : { expected: `a real day as ${pattern(used)}` };
}

function readWords(value: string): ReadDate | undefined {
  const monthFirst = /^(\p{L}{3,9})\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})$/u.exec(value);
  const dayFirst = /^(\d{1,2})(?:st|nd|rd|th)?[ -](\p{L}{3,9})\.?,?[ -](\d{4}|\d{2})$/u.exec(value);
  const [month, number, year] = monthFirst ? [monthFirst[1], monthFirst[2], monthFirst[3]] : [dayFirst?.[2], dayFirst?.[1], dayFirst?.[3]];
  if (!month || !number || !year) return undefined;
  const index = MONTHS.indexOf(month.slice(0, 3).toLowerCase());
  if (index === -1) return undefined;
  return day(fullYear(year), index + 1, Number(number));
}

function day(year: number, month: number, dayOfMonth: number): ReadDate {
  if (!isDay(year, month, dayOfMonth)) return { expected: 'a real day' };
  return { date: iso(year, month, dayOfMonth) };
}

function dayOfInstant(ms: number): ReadDate {
  const at = new Date(ms);
  return Number.isNaN(at.getTime()) ? { expected: 'a real day' } : { date: at.toISOString().slice(0, 10) };
}

function isDay(year: number, month: number, dayOfMonth: number): boolean {
  try {
    dayNumber(iso(year, month, dayOfMonth));
    return year >= 1900 && year <= 2199;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

function iso(year: number, month: number, dayOfMonth: number): LocalDate {
  return `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(dayOfMonth).padStart(2, '0')}`;
}

/** Two digits are of this century: nobody collects invoices of 1926. */
function fullYear(digits: string): number {
  return digits.length === 2 ? 2000 + Number(digits) : Number(digits);
}

function pattern(style: DateStyle): string {
  return style === 'dmy' ? 'DD/MM/YYYY' : 'MM/DD/YYYY';
}
