// time.ts: the only door to calendar arithmetic. Dates that are dates stay texts ("2026-11-22"), instants are
// milliseconds since 1970 UTC, and a zone is always an explicit IANA name. Nothing here reads a clock.
import { Temporal } from 'temporal-polyfill/implementation';
import { changedAt, offsetAt } from './offset.ts';

/** A calendar day without a zone, "YYYY-MM-DD". */
export type LocalDate = string;
/** Milliseconds since 1970-01-01T00:00Z. */
export type EpochMs = number;
/** An IANA zone name such as "America/Toronto". */
export type Zone = string;

export const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** Days since 1970-01-01 of a calendar day. Throws RangeError on anything but a real "YYYY-MM-DD". */
export function dayNumber(date: LocalDate): number {
  const parts = /^(\d{4})-(\d{2})-(\d{2})$/.exec(date);
  const ms = parts ? Date.UTC(Number(parts[1]), Number(parts[2]) - 1, Number(parts[3])) : Number.NaN;
  if (Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== date) {
    throw new RangeError(`found "${date}", expected a real day as YYYY-MM-DD`);
  }
  return ms / DAY_MS;
}

export function dateOfDayNumber(day: number): LocalDate {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

export function addDays(date: LocalDate, days: number): LocalDate {
  return dateOfDayNumber(dayNumber(date) + days);
}

/** Whole days from `from` to `to`; negative when `to` lies before. */
export function daysBetween(from: LocalDate, to: LocalDate): number {
  return dayNumber(to) - dayNumber(from);
}

/** 1 = Monday ... 7 = Sunday (ISO 8601). */
export function isoWeekday(date: LocalDate): number {
  return ((((dayNumber(date) + 3) % 7) + 7) % 7) + 1;
}

/** The calendar day that clocks in `zone` show at `at`. */
export function localDateAt(at: EpochMs, zone: Zone): LocalDate {
  return dateOfDayNumber(Math.floor((at + offsetAt(at, zone)) / DAY_MS));
}

/** Minutes after local midnight that clocks in `zone` show at `at` (0 to 1439). */
export function minuteOfDayAt(at: EpochMs, zone: Zone): number {
  const shown = at + offsetAt(at, zone);
  return Math.floor((shown - Math.floor(shown / DAY_MS) * DAY_MS) / MINUTE_MS);
}

/**
 * The instant at which clocks in `zone` show `date` and `minuteOfDay` (1440: the end of the day). A skipped local time
 * (spring forward) becomes the first valid instant after it; a repeated one (autumn) means the first of the two.
 */
export function instantAt(date: LocalDate, minuteOfDay: number, zone: Zone): EpochMs {
  const shown = dayNumber(date) * DAY_MS + minuteOfDay * MINUTE_MS;
  const [first] = instantsShowing(shown, zone);
  // A skipped time lies behind the change of the clocks, which is the first valid instant after it.
  return first ?? changedAt(shown - Math.min(...offsetsAround(shown, zone)), zone);
}

/** The second instant at which clocks in `zone` show this time, when they are put back over it; otherwise null. */
export function repeatOf(date: LocalDate, minuteOfDay: number, zone: Zone): EpochMs | null {
  return instantsShowing(dayNumber(date) * DAY_MS + minuteOfDay * MINUTE_MS, zone)[1] ?? null;
}

/** The last instant at or before `at` at which clocks in `zone` were changed; the first of the UTC year when there was none in it. */
export function clockChangeBefore(at: EpochMs, zone: Zone): EpochMs {
  return changedAt(at, zone);
}

/** Every instant at which clocks show this local time, ascending: one, two when it is repeated, none when it is skipped. */
function instantsShowing(shown: number, zone: Zone): EpochMs[] {
  return offsetsAround(shown, zone)
    .map(offset => shown - offset)
    .filter(at => at + offsetAt(at, zone) === shown)
    .sort((a, b) => a - b);
}

/** The offsets a day before and a day after, once when they are the same: clocks are never changed twice in two days. */
function offsetsAround(shown: number, zone: Zone): number[] {
  return [...new Set([offsetAt(shown - DAY_MS, zone), offsetAt(shown + DAY_MS, zone)])];
}

/** "2026-11-22T09:15:00Z" for people and JSON. */
export function isoInstant(at: EpochMs): string {
  return new Date(at).toISOString().replace('.000Z', 'Z');
}

/** True when the running ICU knows the zone. */
export function isZone(zone: string): boolean {
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(zone);
    return true;
  } catch {
    return false;
  }
}
