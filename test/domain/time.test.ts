// time.test.ts: days are days, instants are instants, and a zone stands between them.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Temporal } from 'temporal-polyfill/implementation';
import { wallClock } from '../../store/wall-clock.ts';
import {
  addDays,
  clockChangeBefore,
  dateOfDayNumber,
  dayNumber,
  daysBetween,
  instantAt,
  isoInstant,
  isoWeekday,
  isZone,
  localDateAt,
  minuteOfDayAt,
  repeatOf,
} from '../../domain/time.ts';
import { zonesOf } from '../../domain/zones.ts';

describe('days', () => {
  test.each([
    ['1970-01-01', 0],
    ['1969-12-31', -1],
    ['2028-02-29', 21_243],
  ])('%s is day %i', (date, day) => {
    expect(dayNumber(date)).toBe(day);
    expect(dateOfDayNumber(day)).toBe(date);
  });
  test.each(['2026-02-29', '2026-13-01', '2026-1-1', '2026-04-31', '20260101', '', 'x2026-01-01', '2026-01-01x', '2026-00-10'])(
    '"%s" is no day',
    date => {
      expect(() => dayNumber(date)).toThrow(new RangeError(`found "${date}", expected a real day as YYYY-MM-DD`));
    },
  );
  test('a leap day lies between February and March, and years change at their end', () => {
    expect(addDays('2028-02-28', 1)).toBe('2028-02-29');
    expect(addDays('2027-02-28', 1)).toBe('2027-03-01');
    expect(addDays('2026-12-31', 1)).toBe('2027-01-01');
    expect(daysBetween('2026-03-02', '2026-03-09')).toBe(7);
    expect(daysBetween('2026-03-09', '2026-03-02')).toBe(-7);
  });
  test('weekdays count from Monday', () => {
    expect(['2026-03-02', '2026-03-03', '2026-03-04', '2026-03-05', '2026-03-06', '2026-03-07', '2026-03-08'].map(isoWeekday)).toEqual([
      1, 2, 3, 4, 5, 6, 7,
    ]);
    expect(isoWeekday('1969-12-31')).toBe(3);
    expect(isoWeekday('1969-12-28')).toBe(7);
  });
});

describe('zones', () => {
  const zones = [
    'Europe/London',
    'America/New_York',
    'Australia/Lord_Howe',
    'Pacific/Kiritimati',
    'Asia/Kathmandu',
    'Asia/Beirut',
    'America/Havana',
    'Africa/Casablanca',
    'Pacific/Apia',
    'America/Santiago',
    'Asia/Gaza',
    'UTC',
  ];

  test('every quarter of an hour of a decade is the one that Temporal finds', () => {
    const day = fc.integer({ min: dayNumber('2020-01-01'), max: dayNumber('2029-12-31') });
    fc.assert(
      fc.property(fc.constantFrom(...zones), day, fc.integer({ min: 0, max: 96 }), (zone, number, quarter) =>
        agrees(zone, dateOfDayNumber(number), quarter * 15),
      ),
      { numRuns: 400 },
    );
  });
  test('also on the days on which the clocks change', () => {
    for (const zone of zones) {
      for (const date of changesOf(zone)) {
        for (const ahead of [-1, 0, 1]) for (let minute = 0; minute <= 1440; minute += 30) agrees(zone, addDays(date, ahead), minute);
      }
    }
  });
  test('a day that a country skipped is the instant after it', () => {
    expect(isoInstant(instantAt('2011-12-30', 540, 'Pacific/Apia'))).toBe('2011-12-30T10:00:00Z');
    expect(localDateAt(instantAt('2011-12-30', 540, 'Pacific/Apia'), 'Pacific/Apia')).toBe('2011-12-31');
  });
  test('a change of clocks at the turn of a year is found from both sides', () => {
    // Samoa's neighbour Tokelau: any zone will do, 24:00 of December 31 belongs to the next year.
    expect(instantAt('2026-12-31', 1440, 'America/New_York')).toBe(instantAt('2027-01-01', 0, 'America/New_York'));
    expect(localDateAt(Date.parse('2027-01-01T04:59:59Z'), 'America/New_York')).toBe('2026-12-31');
    expect(minuteOfDayAt(Date.parse('2027-01-01T04:59:59Z'), 'America/New_York')).toBe(1439);
  });
  test('the last change of clocks is the one before', () => {
    expect(isoInstant(clockChangeBefore(Date.parse('2026-06-01T00:00:00Z'), 'America/New_York'))).toBe('2026-03-08T07:00:00Z');
    expect(isoInstant(clockChangeBefore(Date.parse('2026-03-08T07:00:00Z'), 'America/New_York'))).toBe('2026-03-08T07:00:00Z');
  });
  test('only real zones are zones', () => {
    expect(['UTC', 'America/New_York', 'Europe/Kyiv'].map(isZone)).toEqual([true, true, true]);
    expect(['Mars/Olympus', '', 'New York'].map(isZone)).toEqual([false, false, false]);
    expect(() => localDateAt(0, 'Mars/Olympus')).toThrow(RangeError);
  });
  test('every zone of the table of countries is real, and large countries have several', () => {
    const codes = Array.from({ length: 26 * 26 }, (_, i) => String.fromCharCode(65 + Math.floor(i / 26), 65 + (i % 26)));
    const known = codes.filter(code => zonesOf(code).length > 0);
    expect(known.length).toBeGreaterThan(230);
    expect(known.flatMap(zonesOf).filter(zone => !isZone(zone))).toEqual([]);
    expect(zonesOf('DE')).toEqual(['Europe/Berlin']);
    expect(zonesOf('US')).toHaveLength(8);
    expect(zonesOf('')).toEqual([]);
  });
});

test('an instant is written without needless fractions', () => {
  expect(isoInstant(1_772_442_000_000)).toBe('2026-03-02T09:00:00Z');
  expect(isoInstant(1_772_442_000_001)).toBe('2026-03-02T09:00:00.001Z');
});

test('the clock on the wall runs as fast as business time', () => {
  const before = wallClock.now();
  expect(wallClock.realMsUntil(before - 1000)).toBe(0);
  expect(wallClock.realMsUntil(before + 60_000)).toBeGreaterThan(50_000);
});

/** Asks Temporal itself, without our table of years. */
function agrees(zone: string, date: string, minute: number): void {
  const day = Temporal.PlainDate.from(minute < 1440 ? date : addDays(date, 1));
  const wanted = day.toPlainDateTime({ hour: Math.floor((minute % 1440) / 60), minute: minute % 60 });
  const earlier = wanted.toZonedDateTime(zone, { disambiguation: 'earlier' });
  const exists = earlier.toPlainDateTime().equals(wanted);
  const expected = exists ? earlier : earlier.getTimeZoneTransition('next');
  const later = wanted.toZonedDateTime(zone, { disambiguation: 'later' });
  const found = instantAt(date, minute, zone);
  expect([zone, date, minute, isoInstant(found)]).toEqual([zone, date, minute, isoInstant(expected?.epochMilliseconds ?? Number.NaN)]);
  expect(repeatOf(date, minute, zone)).toBe(exists && !later.equals(earlier) ? later.epochMilliseconds : null);
  const shown = Temporal.Instant.fromEpochMilliseconds(found).toZonedDateTimeISO(zone);
  expect(localDateAt(found, zone)).toBe(shown.toPlainDate().toString());
  expect(minuteOfDayAt(found, zone)).toBe(shown.hour * 60 + shown.minute);
}

/** Local days of 2026 on which clocks of a zone are changed. */
function changesOf(zone: string): string[] {
  const days: string[] = [];
  let moment = Temporal.Instant.from('2026-01-01T00:00:00Z').toZonedDateTimeISO(zone).getTimeZoneTransition('next');
  while (moment && moment.year === 2026) {
    days.push(moment.toPlainDate().toString());
    moment = moment.getTimeZoneTransition('next');
  }
  return days;
}
