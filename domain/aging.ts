// aging.ts: how old the open money is. Age runs from the due date in the creditor's zone; an invoice due today is
// current. Currencies are never summed, and credits stand apart, so that a bucket never hides what somebody owes.
import { daysBetween, type LocalDate } from './time.ts';

export const agingBuckets = ['current', '1-30', '31-60', '61-90', '91-120', '120+'] as const;
export type AgingBucket = (typeof agingBuckets)[number];

/** An open item; a negative amount is a credit. */
export type AgingItem = { readonly currency: string; readonly dueDate: LocalDate; readonly openMinor: bigint };

export type Aging = {
  readonly currency: string;
  /** Minor units of open items by age; both edges belong to a bucket, so 120 days are in 91-120. */
  readonly buckets: Readonly<Record<AgingBucket, bigint>>;
  /** Credits, not positive. */
  readonly creditsMinor: bigint;
  /** Sum of the buckets, without credits. */
  readonly grossMinor: bigint;
  /** Gross less current. */
  readonly overdueMinor: bigint;
  readonly items: number;
};

/** The bucket of an age in days past due. */
export function bucketOf(daysPastDue: number): AgingBucket {
  if (daysPastDue <= 0) return 'current';
  if (daysPastDue <= 30) return '1-30';
  if (daysPastDue <= 60) return '31-60';
  if (daysPastDue <= 90) return '61-90';
  return daysPastDue <= 120 ? '91-120' : '120+';
}

/** One row per currency, in the order of their codes. `asOf` is the creditor's day. */
export function agingOf(items: readonly AgingItem[], asOf: LocalDate): Aging[] {
  const currencies = [...new Set(items.map(item => item.currency))].toSorted();
  return currencies.map(currency =>
    ageOne(
      currency,
      items.filter(item => item.currency === currency),
      asOf,
    ),
  );
}

function ageOne(currency: string, items: readonly AgingItem[], asOf: LocalDate): Aging {
  const buckets: Record<AgingBucket, bigint> = { current: 0n, '1-30': 0n, '31-60': 0n, '61-90': 0n, '91-120': 0n, '120+': 0n };
  let creditsMinor = 0n;
  for (const item of items) {
    if (item.openMinor < 0n) creditsMinor += item.openMinor;
    else buckets[bucketOf(daysBetween(item.dueDate, asOf))] += item.openMinor;
  }
  const grossMinor = agingBuckets.reduce((sum, bucket) => sum + buckets[bucket], 0n);
  return { currency, buckets, creditsMinor, grossMinor, overdueMinor: grossMinor - buckets.current, items: items.length };
}
