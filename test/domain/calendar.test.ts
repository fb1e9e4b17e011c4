// calendar.test.ts: nobody is contacted outside the window, whatever the clocks do, and nobody above the budget.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  budgetAllows,
  type Contacts,
  closedBecause,
  closedWindow,
  contactZones,
  firstMoment,
  firstOpening,
  gapEnds,
  openAt,
  placeIn,
  windowOn,
} from '../../domain/calendar.ts';
import type { ContactRules, HolidayCalendar } from '../../domain/policy/policy.ts';
import { addDays, DAY_MS, instantAt, isoInstant } from '../../domain/time.ts';
import { at, factsOf, holidays, noHolidays, standard } from './facts-builder.ts';
import { daysFrom, shownAt } from './wall-clock.ts';

const everyDay: ContactRules = { ...standard.contact, spread: true, days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] };

function contacts(changes: Partial<Omit<Contacts, 'rules'>> & { rules?: Partial<ContactRules> } = {}): Contacts {
  const { rules, ...others } = changes;
  return {
    zones: ['America/New_York'],
    holidays: noHolidays,
    customerId: 'c',
    contactedAt: [],
    ...others,
    rules: { ...standard.contact, ...rules },
  };
}

/** Does a clock on a wall in this zone show a time at which messages may leave? */
function wallSaysOpen(instant: number, zone: string, rules: ContactRules, free: HolidayCalendar): boolean {
  const { date, weekday, minute } = shownAt(instant, zone);
  return rules.days.some(day => day === weekday) && !free.has(date) && minute >= rules.fromMinute && minute < rules.toMinute;
}

const zones = [
  'America/New_York',
  'America/Los_Angeles',
  'America/Sao_Paulo',
  'America/St_Johns',
  'America/Santiago',
  'Europe/London',
  'Europe/Berlin',
  'Africa/Cairo',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Pacific/Kiritimati',
  'Asia/Beirut',
];
// Both changes of the clocks in 2026 of every zone above that has them, a leap day, a year end, a holiday.
const days = [
  '2026-03-08',
  '2026-03-29',
  '2026-04-05',
  '2026-09-06',
  '2026-10-04',
  '2026-10-25',
  '2026-11-01',
  '2028-02-29',
  '2026-12-31',
  '2027-01-01',
];
const windows = [
  { fromMinute: 540, toMinute: 1020 },
  { fromMinute: 90, toMinute: 165 },
  { fromMinute: 0, toMinute: 1440 },
];
const free = holidays('2027-01-01');
const rows = zones.flatMap(zone =>
  days.flatMap(date =>
    windows.flatMap(({ fromMinute, toMinute }) =>
      [fromMinute, toMinute].flatMap(edge => [-1000, 0, 1000].map(offset => ({ zone, date, fromMinute, toMinute, edge, offset }))),
    ),
  ),
);

describe('twelve zones, every edge of the window, a second before and after', () => {
  test(`${rows.length} rows: open exactly when a clock on the wall says so, and the next moment is always inside the window`, () => {
    const wrong: string[] = [];
    for (const { zone, date, fromMinute, toMinute, edge, offset } of rows) {
      const rules = { ...everyDay, fromMinute, toMinute };
      const told = contacts({ zones: [zone], rules, holidays: free });
      const instant = instantAt(date, edge, zone) + offset;
      const open = closedWindow(told, instant).length === 0;
      if (open && !wallSaysOpen(instant, zone, rules, free)) wrong.push(`${zone} ${date} ${edge} ${offset}: open, the wall says closed`);
      // A closing that the clocks repeat is the first of the two: then the wall alone would still say open.
      if (!open && wallSaysOpen(instant, zone, rules, free) && !repeated(instant, zone))
        wrong.push(`${zone} ${date} ${edge} ${offset}: closed, the wall says open`);
      const next = firstMoment(told, instant) ?? Number.NaN;
      if (!(next >= instant) || !wallSaysOpen(next, zone, rules, free))
        wrong.push(`${zone} ${date} ${edge} ${offset}: next ${isoInstant(next)}`);
      if (open && next !== openOrPlace(told, instant)) wrong.push(`${zone} ${date} ${edge} ${offset}: open, but next ${isoInstant(next)}`);
    }
    expect(wrong).toEqual([]);
    expect(rows.length).toBeGreaterThan(400);
  });
});

/** True in the second of two hours that clocks show. */
function repeated(instant: number, zone: string): boolean {
  const now = shownAt(instant, zone);
  return [30, 60, 120].some(minutes => {
    const before = shownAt(instant - minutes * 60_000, zone);
    return before.date === now.date && before.minute === now.minute;
  });
}

function openOrPlace(told: Contacts, instant: number): number {
  const open = openAt(told, instant);
  return Math.max(instant, open && told.rules.spread ? placeIn(open, told.customerId) : instant);
}

describe('when the clocks change', () => {
  const night = { fromMinute: 120, toMinute: 180 };
  test.each([
    // zone, day, window from and to in minutes, the intervals in UTC. Source: tz database 2025c, checked by hand.
    ['America/New_York', '2026-03-08', 540, 1020, ['2026-03-08T13:00:00Z/2026-03-08T21:00:00Z']],
    ['America/New_York', '2026-03-08', 120, 180, []], // 02:00 to 03:00 does not exist that night
    ['America/New_York', '2026-03-08', 90, 150, ['2026-03-08T06:30:00Z/2026-03-08T07:00:00Z']],
    ['America/New_York', '2026-03-08', 150, 210, ['2026-03-08T07:00:00Z/2026-03-08T07:30:00Z']],
    ['America/New_York', '2026-11-01', 540, 1020, ['2026-11-01T14:00:00Z/2026-11-01T22:00:00Z']],
    ['America/New_York', '2026-11-01', 60, 90, ['2026-11-01T05:00:00Z/2026-11-01T05:30:00Z']], // the first of the two
    ['America/New_York', '2026-11-01', 90, 150, ['2026-11-01T05:30:00Z/2026-11-01T06:00:00Z', '2026-11-01T06:30:00Z/2026-11-01T07:30:00Z']],
    ['America/New_York', '2026-11-01', 30, 90, ['2026-11-01T04:30:00Z/2026-11-01T05:30:00Z']],
    ['America/New_York', '2026-11-01', 0, 1440, ['2026-11-01T04:00:00Z/2026-11-02T05:00:00Z']], // 25 hours
    ['Europe/London', '2026-03-29', 540, 1020, ['2026-03-29T08:00:00Z/2026-03-29T16:00:00Z']],
    ['Europe/London', '2026-10-25', 540, 1020, ['2026-10-25T09:00:00Z/2026-10-25T17:00:00Z']],
    ['Australia/Lord_Howe', '2026-10-04', 120, 180, ['2026-10-03T15:30:00Z/2026-10-03T16:00:00Z']], // half an hour is skipped
    [
      'Australia/Lord_Howe',
      '2026-04-05',
      90,
      120,
      ['2026-04-04T14:30:00Z/2026-04-04T15:00:00Z', '2026-04-04T15:00:00Z/2026-04-04T15:30:00Z'],
    ],
    ['Asia/Kathmandu', '2026-07-01', 540, 1020, ['2026-07-01T03:15:00Z/2026-07-01T11:15:00Z']],
    ['Pacific/Kiritimati', '2026-07-01', 540, 1020, ['2026-06-30T19:00:00Z/2026-07-01T03:00:00Z']],
    ['Asia/Beirut', '2026-03-29', 0, 60, []], // midnight does not exist: the day starts at 01:00
    ['Asia/Beirut', '2026-10-24', 1380, 1440, ['2026-10-24T20:00:00Z/2026-10-24T21:00:00Z', '2026-10-24T21:00:00Z/2026-10-24T22:00:00Z']],
    ['Europe/Berlin', '2028-02-29', 540, 1020, ['2028-02-29T08:00:00Z/2028-02-29T16:00:00Z']],
  ])('in %s on %s from minute %i to %i', (zone, date, fromMinute, toMinute, expected) => {
    const found = windowOn({ ...everyDay, fromMinute, toMinute }, date, zone);
    expect(found.map(({ start, end }) => `${isoInstant(start)}/${isoInstant(end)}`)).toEqual(expected);
  });
  test('a window that is skipped for a night opens the next one', () => {
    const told = contacts({ rules: { ...everyDay, ...night, spread: false } });
    expect(isoInstant(firstMoment(told, at('2026-03-08 00:00')) ?? 0)).toBe('2026-03-09T06:00:00Z');
  });
});

describe('a customer whose zone is unknown', () => {
  const us = factsOf({ customer: { zone: null } });
  test('is spoken to only when it suits every zone of the country', () => {
    const told = contacts({ zones: contactZones(standard.contact, us), rules: { spread: false } });
    expect(told.zones).toContain('Pacific/Honolulu');
    // 09:00 in Honolulu is 14:00 in New York in winter, and New York closes at 17:00.
    expect(openAt(told, Date.parse('2026-01-14T00:00:00Z'))).toEqual({
      start: Date.parse('2026-01-14T19:00:00Z'),
      end: Date.parse('2026-01-14T22:00:00Z'),
    });
    expect(firstMoment(told, Date.parse('2026-01-14T22:00:00Z'))).toBe(Date.parse('2026-01-15T19:00:00Z'));
    expect(closedWindow(told, Date.parse('2026-01-14T18:59:59Z'))).toMatchObject([
      { code: 'outside_window', inputs: { zones: told.zones.length } },
    ]);
    expect(closedWindow(told, Date.parse('2026-01-14T19:00:00Z'))).toEqual([]);
  });
  test('in no country at all has the zone of the creditor', () => {
    const facts = factsOf({ customer: { zone: null, country: '' }, creditorZone: 'Asia/Tokyo' });
    expect(contactZones(standard.contact, facts)).toEqual(['Asia/Tokyo']);
    expect(contactZones(standard.contact, factsOf({ customer: { zone: null, country: 'XX' } }))).toEqual(['America/New_York']);
  });
  test('with a zone that no clock knows counts as unknown', () => {
    expect(contactZones(standard.contact, factsOf({ customer: { zone: 'Mars/Olympus', country: 'DE' } }))).toEqual(['Europe/Berlin']);
  });
  test('has its own zone when it is known, and the creditor decides where the policy says so', () => {
    const facts = factsOf({ customer: { zone: 'Asia/Kathmandu' }, creditorZone: 'Europe/Paris' });
    expect(contactZones(standard.contact, facts)).toEqual(['Asia/Kathmandu']);
    expect(contactZones({ ...standard.contact, zone: 'creditor' }, facts)).toEqual(['Europe/Paris']);
  });
  test('in a country too wide for one window is never spoken to', () => {
    const told = contacts({ zones: contactZones(standard.contact, factsOf({ customer: { zone: null, country: 'RU' } })) });
    expect(firstMoment(told, at('2026-03-03 12:00'))).toBeNull();
    expect(firstOpening(told, at('2026-03-03 12:00'))).toBeNull();
    expect(closedBecause(told, at('2026-03-03 12:00'))).toMatchObject([{ code: 'outside_window' }]);
  });
  test('two zones whose windows touch without overlapping have nothing in common', () => {
    // 09:00 to 17:00 in UTC and 17:00 to 01:00 UTC eight hours west.
    expect(firstMoment(contacts({ zones: ['UTC', 'Etc/GMT+8'] }), at('2026-03-03 12:00'))).toBeNull();
    const overlapping = openAt(contacts({ zones: ['UTC', 'Etc/GMT+7'] }), Date.parse('2026-03-03T12:00:00Z'));
    expect(overlapping).toEqual({ start: Date.parse('2026-03-03T16:00:00Z'), end: Date.parse('2026-03-03T17:00:00Z') });
  });
});

describe('weekends, holidays and long closures', () => {
  test('a message decided on Friday evening leaves on Monday morning', () => {
    expect(firstOpening(contacts(), at('2026-03-06 17:00'))).toBe(at('2026-03-09 09:00'));
  });
  test.each([
    ['2026-03-02', 'mon'],
    ['2026-03-03', 'tue'],
    ['2026-03-04', 'wed'],
    ['2026-03-05', 'thu'],
    ['2026-03-06', 'fri'],
    ['2026-03-07', 'sat'],
    ['2026-03-08', 'sun'],
  ] as const)('%s is a %s, and closed when that day is not allowed', (date, day) => {
    const only = contacts({ rules: { days: [day] } });
    const others = contacts({ rules: { days: everyDay.days.filter(one => one !== day) } });
    expect(closedWindow(only, at(`${date} 12:00`))).toEqual([]);
    expect(closedWindow(others, at(`${date} 12:00`))).toMatchObject([{ code: 'outside_window' }]);
  });
  test('a closed day says what the clock shows and when messages leave', () => {
    expect(closedWindow(contacts(), at('2026-03-07 12:05'))).toEqual([
      {
        code: 'outside_window',
        text: 'it is 2026-03-07 12:05 in America/New_York; messages leave mon, tue, wed, thu, fri 09:00 to 17:00',
        inputs: { local: '2026-03-07 12:05', zone: 'America/New_York', window: 'mon, tue, wed, thu, fri 09:00 to 17:00', zones: 1 },
      },
    ]);
  });
  test('with several zones the one that is closed is named', () => {
    const told = contacts({ zones: ['Europe/London', 'America/New_York'] });
    expect(closedWindow(told, Date.parse('2026-03-03T12:00:00Z'))).toMatchObject([{ inputs: { zone: 'America/New_York', zones: 2 } }]);
    const opening = contacts({ zones: ['Europe/London', 'Europe/Lisbon', 'Atlantic/Azores'] });
    expect(closedWindow(opening, Date.parse('2026-03-03T09:00:00Z'))).toMatchObject([{ inputs: { zone: 'Atlantic/Azores' } }]);
  });
  test('a holiday without a name is told without one', () => {
    const nameless: HolidayCalendar = { has: () => true, nameOf: () => null };
    expect(closedWindow(contacts({ holidays: nameless }), at('2026-03-03 12:00'))[0]?.text).toBe('2026-03-03 is a public holiday');
  });
  test('a policy that knows no holidays works through them', () => {
    const told = contacts({ holidays: holidays('2026-03-03'), rules: { holidays: 'none' } });
    expect(closedWindow(told, at('2026-03-03 12:00'))).toEqual([]);
  });
  test('a closure of six weeks is waited out, one of two months is nobody’s holiday', () => {
    const shut = (length: number) => holidays(...Array.from({ length }, (_, day) => addDays('2026-03-03', day)));
    expect(firstOpening(contacts({ holidays: shut(42) }), at('2026-03-03 12:00'))).toBe(at('2026-04-14 09:00'));
    expect(firstOpening(contacts({ holidays: shut(60) }), at('2026-03-03 12:00'))).toBeNull();
  });
});

describe('gap and budget', () => {
  test('a gap of three days ends at midnight of the third day, however late the last message was', () => {
    const told = contacts({ contactedAt: [at('2026-02-20 09:00'), at('2026-03-03 16:59')] });
    expect(gapEnds(told)).toBe(at('2026-03-06 00:00'));
    expect(firstOpening(told, at('2026-03-03 17:00'))).toBe(at('2026-03-06 09:00'));
    expect(closedBecause(told, at('2026-03-05 12:00'))).toMatchObject([
      {
        code: 'min_gap',
        text: 'the last message left 2026-03-03T21:59:00Z; at least 3 days lie between two',
        inputs: { lastContact: '2026-03-03T21:59:00Z', minGapDays: 3, until: '2026-03-06T05:00:00Z' },
      },
    ]);
  });
  test('a gap of one day means not on the same day', () => {
    const told = contacts({ contactedAt: [at('2026-03-03 10:00')], rules: { minGapDays: 1 } });
    expect(firstOpening(told, at('2026-03-03 11:00'))).toBe(at('2026-03-04 09:00'));
  });
  test('no gap is no gap', () => {
    const told = contacts({ contactedAt: [at('2026-03-03 10:00')], rules: { minGapDays: 0 } });
    expect(gapEnds(told)).toBe(Number.NEGATIVE_INFINITY);
    expect(firstOpening(told, at('2026-03-03 10:00'))).toBe(at('2026-03-03 10:00'));
  });
  test('with several zones the gap ends when the last of them has turned the page', () => {
    const told = contacts({ zones: ['Asia/Tokyo', 'America/New_York'], contactedAt: [at('2026-03-03 16:00')] });
    expect(gapEnds(told)).toBe(Math.max(instantAt('2026-03-07', 0, 'Asia/Tokyo'), at('2026-03-06 00:00')));
  });
  test('the budget of two in seven days is over to the millisecond', () => {
    const first = at('2026-03-02 10:00');
    const told = contacts({ contactedAt: [first, at('2026-03-05 11:00')], rules: { minGapDays: 0 } });
    expect(budgetAllows(told, at('2026-03-06 10:00'))).toBe(first + 7 * DAY_MS);
    expect(budgetAllows(told, first + 7 * DAY_MS)).toBe(first + 7 * DAY_MS);
    expect(budgetAllows(told, first + 7 * DAY_MS - 1)).toBe(first + 7 * DAY_MS);
    // The clocks change on the 8th, so seven days of 24 hours end an hour later on the wall.
    expect(firstOpening(told, at('2026-03-06 10:00'))).toBe(at('2026-03-09 11:00'));
    expect(closedBecause(told, at('2026-03-06 10:00'))).toEqual([
      {
        code: 'budget',
        text: '2 messages left in the last 7 days, at most 2 may',
        inputs: { sentIn7Days: 2, maxPer7Days: 2, zones: 1, until: '2026-03-09T15:00:00Z' },
      },
    ]);
  });
  test('the budget looks at the latest messages when there were more than it allows', () => {
    const contactedAt = [at('2026-03-02 10:00'), at('2026-03-03 10:00'), at('2026-03-04 10:00')];
    expect(budgetAllows(contacts({ contactedAt }), at('2026-03-05 10:00'))).toBe(contactedAt[1]! + 7 * DAY_MS);
  });
  test('what is over is not told as a reason: a gap at its end, a budget at its end, messages of last week', () => {
    const gapOver = contacts({ contactedAt: [at('2026-03-03 10:00')], rules: { ...everyDay, fromMinute: 0, toMinute: 1440 } });
    expect(closedBecause(gapOver, at('2026-03-06 00:00'))).toEqual([]);
    expect(closedBecause(gapOver, at('2026-03-06 00:00') - 1)).toMatchObject([{ code: 'min_gap' }]);
    const tuesday = at('2026-02-17 12:00');
    const week = contacts({ contactedAt: [tuesday - DAY_MS, tuesday, tuesday + 1], rules: { minGapDays: 0, maxPer7Days: 1 } });
    expect(closedBecause(week, tuesday + 7 * DAY_MS)).toMatchObject([{ code: 'budget', inputs: { sentIn7Days: 1 } }]);
    expect(closedBecause(week, tuesday + 7 * DAY_MS + 1)).toEqual([]);
  });
  test('one message counts for itself', () => {
    const told = contacts({ contactedAt: [at('2026-03-03 10:00')], rules: { minGapDays: 0, maxPer7Days: 1 } });
    expect(firstOpening(told, at('2026-03-04 10:00'))).toBe(at('2026-03-10 11:00'));
  });
});

describe('a place in the window', () => {
  const window = { start: at('2026-03-03 09:00'), end: at('2026-03-03 17:00') };
  test('is always the same for a customer, and within the window', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 26 * 60 }), (customer, minutes) => {
        const shorter = { start: window.start, end: window.start + minutes * 60_000 };
        const place = placeIn(shorter, customer);
        expect(place).toBe(placeIn(shorter, customer));
        expect(place).toBeGreaterThanOrEqual(shorter.start);
        expect(place).toBeLessThan(shorter.end);
        expect((place - shorter.start) % (15 * 60_000)).toBe(0);
      }),
    );
  });
  test('never changes between versions: these customers have had theirs from the start', () => {
    const places = ['cust-1', 'cust-2', 'AG-H6LPVMG7TK', 'ABC1', ''].map(id => shownAt(placeIn(window, id), 'America/New_York').minute);
    expect(places).toEqual([810, 705, 645, 585, 960]);
  });
  test('spreads a thousand customers over all thirty-two quarters of the day, none with more than twice its share', () => {
    const counts = new Map<number, number>();
    for (let i = 0; i < 1000; i += 1) {
      const place = placeIn(window, `CUST-${String(i).padStart(5, '0')}`);
      counts.set(place, (counts.get(place) ?? 0) + 1);
    }
    expect(counts.size).toBe(32);
    expect(Math.max(...counts.values())).toBeLessThan(63);
  });
  test('the last quarter of the window is somebody’s too', () => {
    const places = new Set(Array.from({ length: 300 }, (_, i) => placeIn(window, `c${i}`)));
    expect(places).toContain(window.start);
    expect(places).toContain(window.end - 15 * 60_000);
  });
  test('whoever comes due after it leaves at once, and the next day at the place again', () => {
    const told = contacts({ customerId: 'cust-1', rules: { spread: true } });
    const place = placeIn(window, 'cust-1');
    expect(firstMoment(told, window.start)).toBe(place);
    expect(firstMoment(told, place)).toBe(place);
    expect(firstMoment(told, place + 1)).toBe(place + 1);
    expect(firstMoment(told, window.end - 1)).toBe(window.end - 1);
    expect(firstMoment(told, window.end)).toBe(place + DAY_MS);
  });
});

test('the first moment is the first: nothing between asking and it was open, by any clock on a wall', () => {
  const zone = fc.constantFrom('America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'Europe/Berlin');
  const minutes = fc.integer({ min: 0, max: 400 * 24 * 4 });
  fc.assert(
    fc.property(
      zone,
      minutes,
      fc.array(fc.integer({ min: 0, max: 1200 }), { maxLength: 3 }),
      fc.integer({ min: 0, max: 5 }),
      (where, quarter, hoursAgo, minGapDays) => {
        const from = Date.parse('2026-01-01T00:00:00Z') + quarter * 15 * 60_000;
        const contactedAt = hoursAgo.map(hours => from - hours * 3_600_000).sort((a, b) => a - b);
        const rules = { ...standard.contact, spread: false, minGapDays };
        const told = contacts({ zones: [where], rules, contactedAt });
        const moment = firstMoment(told, from) ?? Number.NaN;
        const may = (instant: number) =>
          wallSaysOpen(instant, where, rules, noHolidays) &&
          contactedAt.every(contact => daysFrom(shownAt(contact, where).date, shownAt(instant, where).date) >= minGapDays) &&
          contactedAt.filter(contact => contact > instant - 7 * DAY_MS).length < rules.maxPer7Days;
        expect(may(moment)).toBe(true);
        for (let instant = from; instant < moment; instant += 15 * 60_000) expect(may(instant)).toBe(false);
        expect(may(moment - 1) && moment > from).toBe(false);
        expect(closedBecause(told, from).length === 0).toBe(moment === from);
      },
    ),
    { numRuns: 60 },
  );
});
