// holidays.ts: public holidays of a country and region, a year at a time. Asking the library day by day costs a
// millisecond a question; a year is read once and kept, so the rules get a plain look-up.
import Holidays from 'date-holidays';
import type { HolidayCalendar } from '../../domain/policy/policy.ts';
import type { LocalDate } from '../../domain/time.ts';

const HALF_DAY_MS = 12 * 3_600_000;
const DAY_MS = 24 * 3_600_000;

/** Where nobody has a holiday: an unknown country, or a policy that asks for none. */
export const noHolidays: HolidayCalendar = { has: () => false, nameOf: () => null };

/** Where holidays are a matter of regions and one is not known: the region most businesses are in. */
const usualRegions: Readonly<Record<string, string>> = { GB: 'ENG' };

const calendars = new Map<string, HolidayCalendar>();

/**
 * Public holidays of `country` (ISO 3166-1 alpha-2) and, when the library knows it, of its `region` (the last part of an
 * ISO 3166-2 code, for instance "BY" or "DE-BY"). Unknown countries have none.
 */
export function holidayCalendar(country: string, region: string | null): HolidayCalendar {
  const key = `${country} ${region ?? ''}`;
  const known = calendars.get(key);
  if (known) return known;
  const calendar = readCalendar(country.toUpperCase(), region?.split('-').at(-1)?.toUpperCase() ?? null);
  calendars.set(key, calendar);
  return calendar;
}

function readCalendar(country: string, region: string | null): HolidayCalendar {
  const library = new Holidays();
  if (!(country in library.getCountries())) return noHolidays;
  const regions: Record<string, string> = library.getStates(country) ?? {};
  const known = region !== null && region in regions ? region : (usualRegions[country] ?? '');
  library.init(country, known, '', { languages: 'en', types: ['public'] });
  const years = new Map<number, ReadonlyMap<LocalDate, string>>();
  const nameOf = (date: LocalDate) => {
    const year = Number(date.slice(0, 4));
    const days = years.get(year) ?? readYear(library, year);
    years.set(year, days);
    return days.get(date) ?? null;
  };
  return { has: date => nameOf(date) !== null, nameOf };
}

/**
 * The days of one year. A holiday that begins at sunset or spans days counts on each day whose noon lies within it; the
 * neighbours are asked too, because one may begin in December and end in January.
 */
function readYear(library: Holidays, year: number): ReadonlyMap<LocalDate, string> {
  const days = new Map<LocalDate, string>();
  for (const holiday of [year - 1, year].flatMap(one => library.getHolidays(one))) {
    if (holiday.type !== 'public') continue;
    // "2026-04-05 00:00:00" is local to the holiday; read as if it were UTC it stays on its own clock.
    const start = Date.parse(`${holiday.date.slice(0, 19).replace(' ', 'T')}Z`);
    const end = start + (holiday.end.getTime() - holiday.start.getTime());
    for (let noon = Math.floor(start / DAY_MS) * DAY_MS + HALF_DAY_MS; noon < end; noon += DAY_MS) {
      if (noon >= start) days.set(new Date(noon).toISOString().slice(0, 10), holiday.name);
    }
  }
  return days;
}
