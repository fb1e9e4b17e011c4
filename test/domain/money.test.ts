// money.test.ts: whole minor units, never a float, never two currencies in one sum.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  add,
  allocate,
  decimalText,
  exponentOf,
  formatMoney,
  money,
  moneyFromJson,
  moneyToJson,
  parseDecimal,
  percentOf,
  subtract,
} from '../../domain/money.ts';

const currency = fc.constantFrom('USD', 'EUR', 'JPY', 'BHD', 'HUF', 'CLP');
const minor = fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n });

describe('currencies', () => {
  test.each([
    ['USD', 2],
    ['EUR', 2],
    ['GBP', 2],
    ['JPY', 0],
    ['KRW', 0],
    ['CLP', 0],
    ['BHD', 3],
    ['KWD', 3],
    // ISO 4217 has two decimals here, where everyday cash has none.
    ['HUF', 2],
    ['TWD', 2],
    ['IDR', 2],
    ['COP', 2],
  ])('%s has %i decimals, asked once or twice', (code, digits) => {
    expect([exponentOf(code), exponentOf(code)]).toEqual([digits, digits]);
  });
  test.each(['usd', 'US', 'XQQ', '', 'USDX', '$', 'AUSD', 'US1'])('"%s" is no currency', code => {
    expect(() => exponentOf(code)).toThrow(new RangeError(`found currency "${code}", expected an ISO 4217 code such as USD`));
    expect(() => money(1n, code)).toThrow(RangeError);
  });
  test('dollars and euros never add up', () => {
    expect(() => add(money(1n, 'USD'), money(1n, 'EUR'))).toThrow(new RangeError('USD and EUR never add up without a rate'));
    expect(() => subtract(money(1n, 'USD'), money(1n, 'EUR'))).toThrow(RangeError);
  });
  test('amounts of one currency add up and come apart again', () => {
    expect(add(money(150n, 'USD'), money(-50n, 'USD'))).toEqual({ minor: 100n, currency: 'USD' });
    expect(subtract(money(150n, 'USD'), money(200n, 'USD'))).toEqual({ minor: -50n, currency: 'USD' });
  });
});

describe('text', () => {
  test.each([
    ['1078.00', 'USD', 107_800n],
    ['1078', 'USD', 107_800n],
    ['1078.5', 'USD', 107_850n],
    ['0.05', 'USD', 5n],
    ['-3', 'USD', -300n],
    ['+3.10', 'USD', 310n],
    [' 7.00 ', 'EUR', 700n],
    ['5.1000', 'USD', 510n],
    ['12', 'JPY', 12n],
    ['12.000', 'JPY', 12n],
    ['1.234', 'BHD', 1234n],
    ['-0', 'USD', 0n],
    ['99999999999999.99', 'USD', 9_999_999_999_999_999n],
  ])('"%s" %s is %s minor units', (text, code, expected) => {
    expect(parseDecimal(text, code)).toEqual({ minor: expected, currency: code });
  });
  test.each(['', '.', '1.', '.5', '1,000.00', '1e3', '--1', '1 000', '$5', '5 USD', '1.0.0', 'x1', '1x'])('"%s" is not an amount', text => {
    expect(() => parseDecimal(text, 'USD')).toThrow(new RangeError(`found "${text}", expected an amount such as 1078.00`));
  });
  test('money is never rounded silently', () => {
    expect(() => parseDecimal('1.005', 'USD')).toThrow(new RangeError('found "1.005", expected at most 2 decimals for USD'));
    expect(() => parseDecimal('1.5', 'JPY')).toThrow(new RangeError('found "1.5", expected at most 0 decimals for JPY'));
  });
  test.each([
    [107_800n, 'USD', '1078.00'],
    [5n, 'USD', '0.05'],
    [-5n, 'USD', '-0.05'],
    [0n, 'USD', '0.00'],
    [-12n, 'JPY', '-12'],
    [1n, 'BHD', '0.001'],
  ])('%s minor units of %s are written %s', (amount, code, text) => {
    expect(decimalText(money(amount, code))).toBe(text);
  });
  test('what is written can be read again', () => {
    fc.assert(
      fc.property(minor, currency, (amount, code) => expect(parseDecimal(decimalText(money(amount, code)), code).minor).toBe(amount)),
    );
  });
  test('money crosses JSON without loss', () => {
    expect(moneyToJson(money(107_800n, 'USD'))).toEqual({ amount: '107800', currency: 'USD' });
    fc.assert(
      fc.property(minor, currency, (amount, code) => {
        const value = money(amount, code);
        expect(moneyFromJson(JSON.parse(JSON.stringify(moneyToJson(value))))).toEqual(value);
      }),
    );
  });
  test('people read it in their own way, to the last cent of a large sum', () => {
    expect(formatMoney(money(107_800n, 'USD'), 'en-US')).toBe('$1,078.00');
    expect(formatMoney(money(107_800n, 'USD'), 'en-US', 'code')).toBe('USD\u00a01,078.00');
    expect(formatMoney(money(107_800n, 'EUR'), 'de-DE')).toBe('1.078,00\u00a0€');
    expect(formatMoney(money(9_007_199_254_740_993n, 'USD'), 'en-US')).toBe('$90,071,992,547,409.93');
    expect(formatMoney(money(-12n, 'JPY'), 'en-US')).toBe('-¥12');
  });
});

describe('percentages', () => {
  test.each([
    [10_000n, '2', 200n],
    [10_000n, '8.5', 850n],
    [5n, '10', 1n], // half a cent goes away from zero
    [4n, '10', 0n],
    [-5n, '10', -1n],
    [-4n, '10', 0n],
    [1n, '50', 1n],
    [-1n, '50', -1n],
    [107_800n, '0', 0n],
    [107_800n, '100', 107_800n],
    [333n, '33.333', 111n],
  ])('of %s, %s percent are %s', (amount, percent, expected) => {
    expect(percentOf(amount, percent)).toBe(expected);
  });
  test.each(['', '-1', '1,5', '.5', '5%', '1.', 'x5', '5x'])('"%s" is no percentage', percent => {
    expect(() => percentOf(1n, percent)).toThrow(new RangeError(`found "${percent}", expected a percentage such as 8.5`));
  });
  test('a percentage is never off by more than half a unit, and the same to both sides of zero', () => {
    fc.assert(
      fc.property(minor, fc.integer({ min: 0, max: 20_000 }), (amount, hundredths) => {
        const percent = `${Math.floor(hundredths / 100)}.${String(hundredths % 100).padStart(2, '0')}`;
        const twiceOff = 2n * (percentOf(amount, percent) * 10_000n - amount * BigInt(hundredths));
        expect(twiceOff <= 10_000n && twiceOff >= -10_000n).toBe(true);
        expect(percentOf(-amount, percent)).toBe(-percentOf(amount, percent));
      }),
    );
  });
});

describe('sharing out', () => {
  const weights = fc
    .array(fc.bigInt({ min: 0n, max: 1_000_000n }), { minLength: 1, maxLength: 12 })
    .filter(list => list.some(weight => weight > 0n));
  const sum = (list: readonly bigint[]) => list.reduce((total, one) => total + one, 0n);

  test.each([
    [100n, [1n, 1n, 1n], [34n, 33n, 33n]],
    [101n, [1n, 1n, 1n], [34n, 34n, 33n]],
    [-100n, [1n, 1n, 1n], [-34n, -33n, -33n]],
    [100n, [1n, 2n], [33n, 67n]],
    [10n, [0n, 1n, 0n], [0n, 10n, 0n]],
    [1n, [1n, 3n, 3n], [0n, 1n, 0n]],
    [0n, [1n, 1n], [0n, 0n]],
    [7n, [3n], [7n]],
    [5n, [1n, 1n, 1n, 1n], [2n, 1n, 1n, 1n]],
  ])('%s by %s is %s', (amount, by, expected) => {
    expect(allocate(amount, by)).toEqual(expected);
  });
  test('the shares add up to the amount', () => {
    fc.assert(fc.property(minor, weights, (amount, by) => expect(sum(allocate(amount, by))).toBe(amount)));
  });
  test('no share differs from its exact value by a whole unit', () => {
    fc.assert(
      fc.property(minor, weights, (amount, by) => {
        const total = sum(by);
        for (const [index, share] of allocate(amount, by).entries()) {
          const off = share * total - amount * (by[index] ?? 0n);
          expect(off < total && off > -total).toBe(true);
        }
      }),
    );
  });
  test('among equals the first get what is left over', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 9n }), fc.integer({ min: 1, max: 12 }), (amount, count) => {
        const shares = allocate(
          amount,
          Array.from({ length: count }, () => 1n),
        );
        expect(shares).toEqual(shares.toSorted((a, b) => (a < b ? 1 : a > b ? -1 : 0)));
        expect((shares[0] ?? 0n) - (shares.at(-1) ?? 0n) <= 1n).toBe(true);
      }),
    );
  });
  test('whoever has the larger remainder gets the unit before an earlier one with a smaller', () => {
    // 10 by 3:5 is 3.75 and 6.25.
    expect(allocate(10n, [3n, 5n])).toEqual([4n, 6n]);
    expect(allocate(10n, [5n, 3n])).toEqual([6n, 4n]);
  });
  test.each([[[]], [[0n]], [[0n, 0n]], [[1n, -1n]], [[2n, -1n]]])('weights %s cannot be shared by', by => {
    expect(() => allocate(1n, by)).toThrow(new RangeError('expected whole weights with a positive sum'));
  });
});
