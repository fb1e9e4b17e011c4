// fate.ts: what will really happen to an invoice, and on which days. Fates are dealt from a deck in fixed shares, so that a
// small book still has every kind of payer in it.
import { addDays, daysBetween, isoWeekday, type LocalDate } from '../../domain/time.ts';
import { unitOf, type Draws } from '../seeded.ts';
import type { CastEvent, CastInvoice, Fate } from './book.ts';

/** Shares of a hundred invoices. */
const shares: Readonly<Record<Fate['kind'], number>> = {
  on_time: 26,
  late: 24,
  after_reminder: 18,
  part_then_rest: 8,
  twice: 4,
  overpays: 4,
  bounces: 5,
  never: 11,
};
const kinds = Object.keys(shares) as Fate['kind'][];

/** `count` fates in the fixed shares (largest remainder, each kind at least once from 8 invoices on), shuffled. */
export function dealFates(count: number, draws: Draws): Fate[] {
  const least = count >= kinds.length ? 1 : 0;
  const exact = kinds.map(kind => ({ kind, wants: (shares[kind] / 100) * count }));
  const dealt = new Map(exact.map(({ kind, wants }) => [kind, Math.max(least, Math.floor(wants))]));
  const total = (): number => [...dealt.values()].reduce((sum, each) => sum + each, 0);
  const byRemainder = exact.toSorted((a, b) => (b.wants % 1) - (a.wants % 1));
  for (let turn = 0; total() < count; turn++) {
    const next = byRemainder[turn % byRemainder.length];
    if (next) dealt.set(next.kind, (dealt.get(next.kind) ?? 0) + 1);
  }
  for (const kind of ['on_time', 'late'] as const)
    while (total() > count && (dealt.get(kind) ?? 0) > least) dealt.set(kind, (dealt.get(kind) ?? 0) - 1);
  return draws.shuffled([...dealt].flatMap(([kind, many]) => Array.from({ length: many }, () => kind))).map(kind => fateOf(kind, draws));
}

function fateOf(kind: Fate['kind'], draws: Draws): Fate {
  switch (kind) {
    case 'on_time':
      return { kind, daysBefore: draws.whole(0, 6) };
    case 'late':
      return { kind, days: draws.whole(2, 24) };
    case 'after_reminder':
      return { kind, reminder: draws.whole(2, 5), days: draws.whole(1, 3) };
    case 'part_then_rest':
      return { kind, percent: draws.pick([25, 40, 50, 60]), days: draws.whole(2, 12), restDays: draws.whole(10, 25) };
    case 'twice':
      return { kind, days: draws.whole(3, 12), againDays: draws.whole(1, 5) };
    case 'overpays':
      return { kind, days: draws.whole(2, 10), extraMinor: BigInt(draws.whole(1, 40) * 100) };
    case 'bounces':
      return { kind, days: draws.whole(2, 9), returnDays: 2, againDays: draws.next() < 0.6 ? draws.whole(12, 24) : null };
    case 'never':
      return { kind };
  }
}

/** The days of the cadence a fate may wait for: reminders 1 to 5 of the standard policy. */
const reminderDays = [-3, 1, 7, 15, 30] as const;

/**
 * The dated events of an invoice's fate, none before `startDate`: an invoice that is already old when the story begins
 * counts its days from then. Banks book at 06:00 creditor time on working days; one payment in eight arrives at midday.
 */
export function eventsOf(invoice: Omit<CastInvoice, 'fate'>, fate: Fate, startDate: LocalDate): CastEvent[] {
  const from = daysBetween(invoice.dueDate, startDate) > 0 ? startDate : invoice.dueDate;
  const after = (days: number): LocalDate => workingDay(addDays(from, days), startDate);
  const event = (nth: number, kind: CastEvent['kind'], date: LocalDate, amountMinor: bigint, returns: string | null = null): CastEvent => ({
    eventId: `${kind}/${invoice.number}/${nth}`,
    date,
    minute: unitOf('minute', invoice.number, nth) < 1 / 8 ? 12 * 60 + 10 : 6 * 60,
    kind,
    invoiceNumber: invoice.number,
    customerId: invoice.customerId,
    amountMinor,
    currency: invoice.currency,
    reference: invoice.number,
    returns,
  });
  const whole = invoice.amountMinor;
  switch (fate.kind) {
    case 'on_time':
      return [
        event(1, 'payment', from === startDate ? after(fate.daysBefore) : workingDay(addDays(from, -fate.daysBefore), startDate), whole),
      ];
    case 'late':
      return [event(1, 'payment', after(fate.days), whole)];
    case 'after_reminder':
      return [event(1, 'payment', after((reminderDays[fate.reminder - 1] ?? 1) + fate.days), whole)];
    case 'part_then_rest': {
      const part = (whole * BigInt(fate.percent)) / 100n;
      return [event(1, 'payment', after(fate.days), part), event(2, 'payment', after(fate.days + fate.restDays), whole - part)];
    }
    case 'twice':
      return [event(1, 'payment', after(fate.days), whole), event(2, 'payment', after(fate.days + fate.againDays), whole)];
    case 'overpays':
      return [event(1, 'payment', after(fate.days), whole + fate.extraMinor)];
    case 'bounces': {
      const paid = event(1, 'payment', after(fate.days), whole);
      const back = event(2, 'return', workingDay(addDays(paid.date, fate.returnDays), startDate), whole, paid.eventId);
      return fate.againDays === null ? [paid, back] : [paid, back, event(3, 'payment', after(fate.days + fate.againDays), whole)];
    }
    case 'never':
      return [];
  }
}

/** The first Monday to Friday on or after `date`, and after the first day of the story. */
function workingDay(date: LocalDate, startDate: LocalDate): LocalDate {
  let day = daysBetween(startDate, date) < 1 ? addDays(startDate, 1) : date;
  while (isoWeekday(day) > 5) day = addDays(day, 1);
  return day;
}
