// aging.test.ts: how old the open money is, as of any day.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type AgingItem, agingBuckets, agingOf, bucketOf } from '../../domain/aging.ts';
import { addDays } from '../../domain/time.ts';

test.each([
  [-40, 'current'],
  [0, 'current'], // due today is not overdue
  [1, '1-30'],
  [30, '1-30'],
  [31, '31-60'],
  [60, '31-60'],
  [61, '61-90'],
  [90, '61-90'],
  [91, '91-120'],
  [120, '91-120'],
  [121, '120+'],
  [5000, '120+'],
] as const)('%i days past due belong to %s', (days, bucket) => {
  expect(bucketOf(days)).toBe(bucket);
});

describe('a report', () => {
  const asOf = '2025-01-15';
  const item = (days: number, openMinor: bigint, currency = 'USD'): AgingItem => ({ currency, dueDate: addDays(asOf, -days), openMinor });

  test('the summary of the source document adds up', () => {
    // In thousands: 8,920 current, 1,850, 980, 420, 150 and 80 make 12,400.
    const [usd] = agingOf([item(0, 8920n), item(10, 1850n), item(45, 980n), item(75, 420n), item(100, 150n), item(130, 80n)], asOf);
    expect(usd).toEqual({
      currency: 'USD',
      buckets: { current: 8920n, '1-30': 1850n, '31-60': 980n, '61-90': 420n, '91-120': 150n, '120+': 80n },
      creditsMinor: 0n,
      grossMinor: 12_400n,
      overdueMinor: 3480n,
      items: 6,
    });
  });
  test('currencies are never summed, and stand in the order of their codes', () => {
    expect(
      agingOf([item(10, 5n, 'USD'), item(10, 7n, 'EUR'), item(40, 1n, 'EUR')], asOf).map(row => [row.currency, row.grossMinor]),
    ).toEqual([
      ['EUR', 8n],
      ['USD', 5n],
    ]);
  });
  test('credits stand apart and hide nothing', () => {
    expect(agingOf([item(10, 500n), item(10, -200n), item(-5, -100n)], asOf)).toMatchObject([
      { grossMinor: 500n, overdueMinor: 500n, creditsMinor: -300n, items: 3, buckets: { '1-30': 500n, current: 0n } },
    ]);
  });
  test('the same book is older tomorrow', () => {
    const book = [item(30, 100n)];
    expect(agingOf(book, asOf)[0]?.buckets['1-30']).toBe(100n);
    expect(agingOf(book, addDays(asOf, 1))[0]?.buckets['31-60']).toBe(100n);
  });
  test('nothing open is no row', () => {
    expect(agingOf([], asOf)).toEqual([]);
  });
  test('whatever is open is in exactly one bucket', () => {
    const book = fc.array(
      fc.record({
        currency: fc.constantFrom('USD', 'EUR'),
        days: fc.integer({ min: -400, max: 400 }),
        openMinor: fc.bigInt({ min: -1000n, max: 1000n }),
      }),
    );
    fc.assert(
      fc.property(book, items => {
        const rows = agingOf(
          items.map(one => item(one.days, one.openMinor, one.currency)),
          asOf,
        );
        for (const row of rows) {
          const own = items.filter(one => one.currency === row.currency);
          const total = own.reduce((sum, one) => sum + one.openMinor, 0n);
          expect(agingBuckets.reduce((sum, bucket) => sum + row.buckets[bucket], 0n) + row.creditsMinor).toBe(total);
          expect(row.grossMinor + row.creditsMinor).toBe(total);
          expect(row.overdueMinor).toBe(row.grossMinor - row.buckets.current);
          expect(row.items).toBe(own.length);
        }
      }),
    );
  });
});
