// offset.ts: how far clocks in a zone are from UTC. The zone rules are asked once per zone and year and kept, because a
// plan asks hundreds of times; afterwards calendar arithmetic is plain addition.
import { Temporal } from 'temporal-polyfill/implementation';

/** The offset of a zone from `from` on, until the next change. */
type Change = { readonly from: number; readonly offsetMs: number };

const years = new Map<string, readonly Change[]>();

/** Milliseconds to add to UTC to get what clocks in `zone` show at `at`. Throws RangeError on an unknown zone. */
export function offsetAt(at: number, zone: string): number {
  return changeAt(at, zone).offsetMs;
}

/** The last instant at or before `at`, in the same UTC year, at which clocks in `zone` were changed; else the year's first. */
export function changedAt(at: number, zone: string): number {
  return changeAt(at, zone).from;
}

function changeAt(at: number, zone: string): Change {
  const year = new Date(at).getUTCFullYear();
  const key = `${zone} ${year}`;
  const known = years.get(key) ?? readYear(year, zone);
  years.set(key, known);
  return known.findLast(change => change.from <= at) ?? { from: at, offsetMs: Number.NaN };
}

function readYear(year: number, zone: string): readonly Change[] {
  const end = Date.UTC(year + 1, 0, 1);
  const changes: Change[] = [];
  let moment: Temporal.ZonedDateTime | null = Temporal.Instant.fromEpochMilliseconds(Date.UTC(year, 0, 1)).toZonedDateTimeISO(zone);
  while (moment && moment.epochMilliseconds < end) {
    changes.push({ from: moment.epochMilliseconds, offsetMs: moment.offsetNanoseconds / 1_000_000 });
    moment = moment.getTimeZoneTransition('next');
  }
  return changes;
}
