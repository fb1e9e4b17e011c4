// Amounts and days: known answers, and what must hold for all of them: written in any style and read back, they are the same.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decimalText } from '../../domain/money.ts';
import { dateOfDayNumber } from '../../domain/time.ts';
import { isAmbiguousAmount, readAmount, signOf, stylesOf } from '../../formats/amount.ts';
import { readDate, styleOfDate } from '../../formats/date.ts';
import { ImportQuestion, StyleEvidence } from '../../formats/styles.ts';

describe('amounts', () => {
  test.each([
    ['1,234.56', 'USD', 'point', 123456n],
    ['1.234,56', 'EUR', 'comma', 123456n],
    ['1 234,56', 'EUR', 'comma', 123456n],
    ['1\u00a0234,56 €', 'EUR', 'comma', 123456n],
    ['1\u202f234\u202f567,89', 'EUR', 'comma', 123456789n],
    ["1'234.50", 'CHF', 'point', 123450n],
    ['$1,026.00', 'USD', 'point', 102600n],
    ['$327.00', 'CAD', 'point', 32700n],
    ['CA$185.37', 'CAD', 'point', 18537n],
    ['(50.00)', 'USD', 'point', -5000n],
    ['($1,050.00)', 'USD', 'point', -105000n],
    ['-50.00', 'USD', 'point', -5000n],
    ['50.00-', 'USD', 'point', -5000n],
    ['−50.00', 'USD', 'point', -5000n],
    ['-$50.00', 'USD', 'point', -5000n],
    ['$-50.00', 'USD', 'point', -5000n],
    ['USD 12.5', 'USD', 'point', 1250n],
    ['12,34,567.00', 'INR', 'point', 123456700n],
    ['1,234', 'JPY', 'point', 1234n],
    ['1.234', 'BHD', 'point', 1234n],
    ['10.000', 'USD', 'point', 1000n],
    ['.5', 'USD', 'point', 50n],
    ['0', 'USD', 'point', 0n],
    ['-', 'USD', 'point', 0n],
  ] as const)('%s in %s, written with a %s, is %s minor units', (text, currency, style, minor) => {
    expect(readAmount(text, currency, style)).toEqual({ minor });
  });

  test.each([
    ['1.2345', 'USD', 'point', 'decimals'],
    ['12,34.00', 'USD', 'point', 'written like 1,234.56'],
    ['1.234,56', 'USD', 'point', 'written like 1,234.56'],
    ['CA$5.00', 'USD', 'point', 'in USD'],
    ['€5.00', 'USD', 'point', 'in USD'],
    ['(-5.00)', 'USD', 'point', 'an amount such as'],
    ['five', 'USD', 'point', 'an amount such as'],
    ['1 2 3', 'USD', 'point', 'written like'],
  ] as const)('%s in %s is refused, never rounded or guessed', (text, currency, style, expected) => {
    expect(readAmount(text, currency, style)).toEqual({ expected: expect.stringContaining(expected) });
  });

  test('1,234 alone could be a thousand or a little more than one', () => {
    expect(stylesOf('1,234')).toEqual(['point', 'comma']);
    expect(isAmbiguousAmount('1,234')).toBe(true);
    expect(readAmount('1,234', 'USD', null)).toEqual({ expected: expect.stringContaining('--number-style') });
    expect(isAmbiguousAmount('500')).toBe(false);
    expect(stylesOf('1,234,567')).toEqual(['point']);
    expect(stylesOf('12.50')).toEqual(['point']);
  });

  test('the sign of an amount is what stands beside the digits', () => {
    expect([signOf('CA$185.37'), signOf('$5.00'), signOf('5,00 €'), signOf('5')]).toEqual(['CA$', '$', '€', '']);
  });

  const grouped = (digits: string, separator: string) => digits.replace(/\B(?=(\d{3})+$)/g, separator);
  test('every amount, written in every style, reads back to the cent', () => {
    const currencies = fc.constantFrom('USD', 'JPY', 'BHD', 'EUR');
    const writing = fc.constantFrom<readonly ['point' | 'comma', string]>(
      ['point', ','],
      ['point', "'"],
      ['point', ''],
      ['comma', '.'],
      ['comma', ' '],
      ['comma', '\u00a0'],
      ['comma', ''],
    );
    const minus = fc.constantFrom(
      (text: string) => `-${text}`,
      (text: string) => `(${text})`,
      (text: string) => `${text}-`,
    );
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(10n ** 14n), max: 10n ** 14n }),
        currencies,
        writing,
        minus,
        (minor, currency, [style, group], negative) => {
          const [whole = '', fraction] = decimalText({ minor: minor < 0n ? -minor : minor, currency }).split('.');
          const text = grouped(whole, group) + (fraction === undefined ? '' : (style === 'point' ? '.' : ',') + fraction);
          expect(readAmount(minor < 0n ? negative(text) : text, currency, style)).toEqual({ minor });
        },
      ),
    );
  });
});

describe('days', () => {
  test.each([
    ['2026-11-22', null, '2026-11-22'],
    ['2026/11/22', null, '2026-11-22'],
    ['20261122', null, '2026-11-22'],
    ['2021-01-28T11:04:09+00:00', null, '2021-01-28'],
    ['22.11.2026', null, '2026-11-22'],
    ['22.11.26', null, '2026-11-22'],
    ['Jun 11, 2023', null, '2023-06-11'],
    ['June 11 2023', null, '2023-06-11'],
    ['11 Sept 2023', null, '2023-09-11'],
    ['11-Jun-2023', null, '2023-06-11'],
    ['/Date(1518685950940+0000)/', null, '2018-02-15'],
    ['03/04/2026', 'dmy', '2026-04-03'],
    ['03/04/2026', 'mdy', '2026-03-04'],
    ['3-4-26', 'mdy', '2026-03-04'],
    ['05/05/2026', null, '2026-05-05'],
    ['13/02/2026', null, '2026-02-13'],
  ] as const)('%s (style %s) is %s', (text, style, date) => {
    expect(readDate(text, style)).toEqual({ date });
  });

  test.each([
    ['31/02/2026', 'dmy'],
    ['2026-02-30', null],
    ['32.01.2026', null],
    ['13/13/2026', 'dmy'],
    ['02/13/2026', 'dmy'],
    ['03/04/2026', null],
    ['Foo 11, 2023', null],
    ['46348', null],
    ['soon', null],
  ] as const)('%s (style %s) is refused', (text, style) => {
    expect(readDate(text, style)).toEqual({ expected: expect.any(String) });
  });

  test('every day, written in every style, reads back', () => {
    const day = fc.integer({ min: 0, max: 47_000 }).map(dateOfDayNumber);
    fc.assert(
      fc.property(day, date => {
        const [year, month, number] = date.split('-');
        expect(readDate(`${number}/${month}/${year}`, 'dmy')).toEqual({ date });
        expect(readDate(`${month}-${number}-${year}`, 'mdy')).toEqual({ date });
        expect(readDate(`${number}.${month}.${year}`, null)).toEqual({ date });
        expect(readDate(`${year}${month}${number}`, null)).toEqual({ date });
        expect(readDate(`/Date(${Date.parse(date)})/`, null)).toEqual({ date });
      }),
    );
  });

  test('what a slashed date tells about its column', () => {
    expect(['13/02/2026', '02/13/2026', '03/04/2026', '05/05/2026', '2026-01-02', '31/31/2026'].map(styleOfDate)).toEqual([
      'dmy',
      'mdy',
      'ambiguous',
      'either',
      'none',
      'none',
    ]);
  });
});

describe('the style of a column', () => {
  test('one row that can be read in one way only decides for all', () => {
    const evidence = new StyleEvidence();
    evidence.seeDate('03/04/2026', 2, 'Due Date');
    evidence.seeDate('25/04/2026', 3, 'Due Date');
    evidence.seeAmount('1.234', 2, 'Amount');
    evidence.seeAmount('99,50', 3, 'Amount');
    expect(evidence.verdict({})).toEqual({ date: 'dmy', number: 'comma' });
  });

  test('when no row tells, the question names the line, the value and the option', () => {
    const evidence = new StyleEvidence();
    evidence.seeDate('03/04/2026', 2, 'Due Date');
    expect(() => evidence.verdict({})).toThrow(ImportQuestion);
    expect(() => evidence.verdict({})).toThrow(/Line 2, "Due Date": "03\/04\/2026".*--date-style dmy/);
    expect(evidence.verdict({ date: 'mdy' }).date).toBe('mdy');
  });

  test('a column in two styles is a question too', () => {
    const evidence = new StyleEvidence();
    evidence.seeDate('25/04/2026', 2, 'Due Date');
    evidence.seeDate('04/26/2026', 9, 'Due Date');
    expect(() => evidence.verdict({})).toThrow(/in two ways: line 2.*line 9/);
  });
});
