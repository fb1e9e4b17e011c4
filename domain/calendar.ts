// calendar.ts: when a customer may be spoken to. The window is what clocks show where the customer is, so every question
// is asked of a zone; a customer whose zone is unknown is spoken to only when it suits every zone of the country.
import type { Facts } from './facts.ts';
import type { ContactRules, HolidayCalendar, Weekday } from './policy/policy.ts';
import { type Reason, reason } from './reason.ts';
import {
  addDays,
  clockChangeBefore,
  DAY_MS,
  type EpochMs,
  instantAt,
  isoInstant,
  isoWeekday,
  isZone,
  type LocalDate,
  localDateAt,
  minuteOfDayAt,
  repeatOf,
  type Zone,
} from './time.ts';
import { zonesOf } from './zones.ts';

/** Half-open: `start` belongs to it, `end` does not. */
export type Interval = { readonly start: EpochMs; readonly end: EpochMs };

/** What the calendar needs to know: whose clocks, what was said already, and who is spread over the window by name. */
export type Contacts = {
  readonly rules: ContactRules;
  readonly zones: readonly Zone[];
  readonly holidays: HolidayCalendar;
  readonly customerId: string;
  /** Instants of earlier messages, ascending. */
  readonly contactedAt: readonly EpochMs[];
};

const WEEKDAYS: readonly Weekday[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
const SLOT_MS = 15 * 60_000;
/** No holidays close a window for so long: beyond it there is no common window at all. */
const SEARCH_DAYS = 45;

/**
 * The zones in which it must suit. The customer's own zone; unknown: all zones of the country, which is the most
 * restrictive reading; country unknown too: the creditor's, as for a customer next door.
 */
export function contactZones(rules: ContactRules, facts: Facts): readonly Zone[] {
  if (rules.zone === 'creditor') return [facts.creditor.zone];
  const { zone, country } = facts.customer;
  if (zone !== null && isZone(zone)) return [zone];
  const possible = zonesOf(country);
  return possible.length > 0 ? possible : [facts.creditor.zone];
}

export function contactsOf(rules: ContactRules, facts: Facts, holidays: HolidayCalendar): Contacts {
  const { id, contactedAt } = facts.customer;
  return { rules, zones: contactZones(rules, facts), holidays, customerId: id, contactedAt };
}

/**
 * When clocks in `zone` show the window on `date`. Mostly one interval; none when the window is skipped in spring; two
 * when the opening itself is repeated in autumn. A closing that is repeated means the first of the two.
 */
export function windowOn(rules: ContactRules, date: LocalDate, zone: Zone): Interval[] {
  const start = instantAt(date, rules.fromMinute, zone);
  const end = instantAt(date, rules.toMinute, zone);
  const again = repeatOf(date, rules.fromMinute, zone);
  const passes =
    again === null
      ? [{ start, end }]
      : [
          { start, end: Math.min(clockChangeBefore(again, zone), end) },
          { start: again, end },
        ];
  return passes.filter(pass => pass.start < pass.end);
}

/** The open interval of one zone that holds `at`, else the next one; null when there is none within the search. */
function openIn(contacts: Contacts, zone: Zone, at: EpochMs): Interval | null {
  const today = localDateAt(at, zone);
  for (let ahead = 0; ahead <= SEARCH_DAYS; ahead += 1) {
    const date = addDays(today, ahead);
    if (dayIsClosed(contacts, date)) continue;
    const open = windowOn(contacts.rules, date, zone).find(interval => interval.end > at);
    if (open) return open;
  }
  return null;
}

function dayIsClosed({ rules, holidays }: Contacts, date: LocalDate): 'weekday' | 'holiday' | null {
  if (!rules.days.includes(WEEKDAYS[isoWeekday(date) - 1] ?? 'sun')) return 'weekday';
  return rules.holidays !== 'none' && holidays.has(date) ? 'holiday' : null;
}

/** The open interval common to all zones that holds `at`, else the next one. */
export function openAt(contacts: Contacts, at: EpochMs): Interval | null {
  let from = at;
  while (from <= at + SEARCH_DAYS * DAY_MS) {
    let start = Number.NEGATIVE_INFINITY;
    let end = Number.POSITIVE_INFINITY;
    for (const zone of contacts.zones) {
      const open = openIn(contacts, zone, from);
      if (!open) return null;
      start = Math.max(start, open.start);
      end = Math.min(end, open.end);
    }
    if (start < end) return { start, end };
    // One zone has closed before the last one opens, and until that opens nothing is common.
    from = start;
  }
  return null;
}

/** First instant at which the gap since the last message is over: a gap of N days ends on the Nth calendar day after it. */
export function gapEnds({ rules, zones, contactedAt }: Contacts): EpochMs {
  const last = contactedAt.at(-1);
  if (last === undefined || rules.minGapDays === 0) return Number.NEGATIVE_INFINITY;
  return Math.max(...zones.map(zone => instantAt(addDays(localDateAt(last, zone), rules.minGapDays), 0, zone)));
}

/** First instant from `at` on at which one more message stays within the budget of any 7 x 24 hours. */
export function budgetAllows({ rules, contactedAt }: Contacts, at: EpochMs): EpochMs {
  const recent = contactedAt.filter(contact => contact > at - 7 * DAY_MS);
  const oldestThatCounts = recent.at(-rules.maxPer7Days);
  return oldestThatCounts === undefined ? at : oldestThatCounts + 7 * DAY_MS;
}

/**
 * The first instant from `from` on at which a message may leave: window, weekday, holiday, gap and budget all hold, and
 * the customer's place in the window has come. null when no common window was found.
 */
export function firstMoment(contacts: Contacts, from: EpochMs): EpochMs | null {
  const allowed = allowedFrom(contacts, from);
  const open = openAt(contacts, allowed);
  if (!open) return null;
  return Math.max(allowed, contacts.rules.spread ? placeIn(open, contacts.customerId) : open.start);
}

/** The same without the place in the window: the first instant at which a message that is ready may leave. */
export function firstOpening(contacts: Contacts, from: EpochMs): EpochMs | null {
  const allowed = allowedFrom(contacts, from);
  const open = openAt(contacts, allowed);
  return open ? Math.max(allowed, open.start) : null;
}

function allowedFrom(contacts: Contacts, from: EpochMs): EpochMs {
  return budgetAllows(contacts, Math.max(from, gapEnds(contacts)));
}

/** The customer's quarter of an hour in a window: always the same for a name, evenly spread over names. */
export function placeIn(window: Interval, customerId: string): EpochMs {
  const slots = Math.ceil((window.end - window.start) / SLOT_MS);
  return window.start + (hashOf(customerId) % slots) * SLOT_MS;
}

/** FNV-1a, 32 bit: the same on every machine and in every version. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const character of text) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  // The low bits of FNV move little between similar names, and slots are counted from the low bits.
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** Why nothing may leave at `at`; empty when it may. The place in the window is a courtesy and not asked here. */
export function closedBecause(contacts: Contacts, at: EpochMs): Reason[] {
  const { rules, zones, contactedAt } = contacts;
  const reasons = closedWindow(contacts, at);
  const gap = gapEnds(contacts);
  const last = contactedAt.at(-1);
  if (gap > at && last !== undefined) {
    const inputs = { lastContact: isoInstant(last), minGapDays: rules.minGapDays, until: isoInstant(gap) };
    reasons.push(reason('min_gap', `the last message left ${isoInstant(last)}; at least ${rules.minGapDays} days lie between two`, inputs));
  }
  const budget = budgetAllows(contacts, at);
  if (budget > at) {
    const sent = contactedAt.filter(contact => contact > at - 7 * DAY_MS).length;
    const inputs = { sentIn7Days: sent, maxPer7Days: rules.maxPer7Days, zones: zones.length, until: isoInstant(budget) };
    reasons.push(reason('budget', `${sent} messages left in the last 7 days, at most ${rules.maxPer7Days} may`, inputs));
  }
  return reasons;
}

/** Window, weekday and holiday only: what an apology has to respect. */
export function closedWindow(contacts: Contacts, at: EpochMs): Reason[] {
  const open = openAt(contacts, at);
  if (open && open.start <= at) return [];
  for (const zone of contacts.zones) {
    const date = localDateAt(at, zone);
    if (dayIsClosed(contacts, date) !== 'holiday') continue;
    const name = contacts.holidays.nameOf(date);
    return [reason('holiday', `${date} is a public holiday${name ? ` (${name})` : ''}`, { date, holiday: name, zone })];
  }
  const zone = contacts.zones.find(one => !isOpenIn(contacts, one, at)) ?? contacts.zones[0] ?? 'UTC';
  const { rules } = contacts;
  const window = `${rules.days.join(', ')} ${clockText(rules.fromMinute)} to ${clockText(rules.toMinute)}`;
  const local = `${localDateAt(at, zone)} ${clockText(minuteOfDayAt(at, zone))}`;
  return [
    reason('outside_window', `it is ${local} in ${zone}; messages leave ${window}`, { local, zone, window, zones: contacts.zones.length }),
  ];
}

function isOpenIn(contacts: Contacts, zone: Zone, at: EpochMs): boolean {
  const open = openIn(contacts, zone, at);
  return open !== null && open.start <= at;
}

/** "09:05" for minutes after midnight. */
export function clockText(minuteOfDay: number): string {
  return `${String(Math.floor(minuteOfDay / 60)).padStart(2, '0')}:${String(minuteOfDay % 60).padStart(2, '0')}`;
}
