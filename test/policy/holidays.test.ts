// holidays.test.ts: public holidays as the look-up the rules are given.
import { expect, test } from '@jest/globals';
import { holidayCalendar } from '../../activities/ledger/holidays.ts';

test.each([
  ['US', null, '2026-07-03', 'Independence Day (substitute day)'],
  ['US', null, '2026-11-26', 'Thanksgiving Day'],
  ['GB', null, '2026-08-31', 'Summer bank holiday'], // England's, where the region is not known
  ['GB', null, '2026-12-28', 'Boxing Day (substitute day)'],
  ['GB', 'GB-SCT', '2026-01-02', 'January 2nd'],
  ['GB', 'SCT', '2026-08-31', null],
  ['DE', 'DE-BY', '2026-01-06', 'Epiphany'],
  ['DE', null, '2026-01-06', null],
  ['DE', 'nowhere', '2026-12-25', 'Christmas Day'],
  ['de', 'by', '2026-01-06', 'Epiphany'],
  // Begins at sunset of the 11th; the day without work is the 12th.
  ['IL', null, '2026-09-11', null],
  ['IL', null, '2026-09-12', 'Rosh Hashanah (Yom Teruah)'],
  // Three days long.
  ['CN', null, '2026-10-03', 'National Day'],
  ['CN', null, '2026-10-04', null],
  ['US', null, '2026-02-14', null], // observed, but not public
  ['XX', null, '2026-12-25', null],
  ['', null, '2026-12-25', null],
])('%s %s on %s: %s', (country, region, date, name) => {
  const calendar = holidayCalendar(country, region);
  expect(calendar.nameOf(date)).toBe(name);
  expect(calendar.has(date)).toBe(name !== null);
});

test('a country is read once', () => {
  expect(holidayCalendar('FR', null)).toBe(holidayCalendar('FR', null));
});
