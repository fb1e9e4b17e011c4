// segment.test.ts: which customer follows which policy, and why.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { readSegmentRules } from '../../domain/policy/segments.ts';
import { type CustomerProfile, explain, type Segment, type SegmentRule, segmentOf } from '../../domain/segment.ts';

const plain: CustomerProfile = {
  id: 'C-1',
  country: 'US',
  region: 'CA',
  locale: 'en-US',
  naturalPerson: false,
  owner: 'olivia',
  creditorCountry: 'US',
  attributes: {},
  openMinor: { USD: 500_000n },
  oldestDays: 12,
  openInvoices: 3,
};

function holds(when: SegmentRule, changes: Partial<CustomerProfile> = {}): boolean {
  return segmentOf([{ name: 'asked', policy: 'p', mode: 'auto', when }], { ...plain, ...changes }).name === 'asked';
}

describe('a rule', () => {
  test.each<[string, SegmentRule, boolean]>([
    ['without conditions holds for everybody', {}, true],
    ['asks the id', { id: 'C-1' }, true],
    ['asks the country', { country: 'CA' }, false],
    ['asks for one of several', { country: ['CA', 'US'] }, true],
    ['asks for one of others', { country: ['CA', 'MX'] }, false],
    ['asks the region', { region: 'CA' }, true],
    ['asks the language', { locale: 'en-US' }, true],
    ['asks the owner', { owner: ['olivia', 'omar'] }, true],
    ['asks for a natural person', { natural_person: false }, true],
    ['asks who lives abroad', { abroad: true }, false],
    ['asks the age of the oldest invoice', { oldest_days: { min: 12, max: 12 } }, true],
    ['asks for an older one', { oldest_days: { min: 13 } }, false],
    ['asks for a younger one', { oldest_days: { max: 11 } }, false],
    ['asks for few invoices', { open_invoices: { max: 3 } }, true],
    ['asks for a number that must be exact', { open_invoices: 3 }, true],
    ['asks a text for a range, which no text is in', { country: { min: 1 } }, false],
    ['asks an attribute nobody delivered', { 'attributes.tier': 'gold' }, false],
    ['asks something unknown', { weather: 'fine' }, false],
    ['asks two things of which one fails', { country: 'US', oldest_days: { min: 90 } }, false],
  ])('%s', (_name, when, expected) => {
    expect(holds(when)).toBe(expected);
  });
  test('what is missing never matches, not even a list or a range', () => {
    const bare = { country: '', region: null, owner: null };
    expect(holds({ country: ['', 'US'] }, bare)).toBe(false);
    expect(holds({ region: 'CA' }, bare)).toBe(false);
    expect(holds({ owner: 'olivia' }, bare)).toBe(false);
  });
  test('attributes may be texts, numbers and switches; anything deeper does not count', () => {
    expect(holds({ 'attributes.tier': 'gold' }, { attributes: { tier: 'gold' } })).toBe(true);
    expect(holds({ 'attributes.seats': { min: 10 } }, { attributes: { seats: 10 } })).toBe(true);
    expect(holds({ 'attributes.vip': true }, { attributes: { vip: true } })).toBe(true);
    expect(holds({ 'attributes.deep': 'x' }, { attributes: { deep: { x: 'x' } } })).toBe(false);
  });
  test('whoever has no country is not abroad', () => {
    expect(holds({ abroad: true }, { country: 'DE' })).toBe(true);
    expect(holds({ abroad: true }, { country: '' })).toBe(false);
    expect(holds({ abroad: false }, { country: '' })).toBe(true);
  });
});

describe('a balance', () => {
  test.each<[string, SegmentRule[string], Record<string, bigint>, boolean]>([
    ['up to the limit', { max: { USD: '100.00' } }, { USD: 10_000n }, true],
    ['above it', { max: { USD: '100.00' } }, { USD: 10_001n }, false],
    ['at the least', { min: { USD: '100.00' } }, { USD: 10_000n }, true],
    ['below the least', { min: { USD: '100.00' } }, { USD: 9_999n }, false],
    ['between', { min: { USD: '1' }, max: { USD: '2' } }, { USD: 150n }, true],
    ['in a currency the rule does not name', { max: { USD: '100.00' } }, { EUR: 1n }, false],
    ['in a currency the rule does not name as least', { min: { USD: '1' } }, { EUR: 1n }, false],
    ['in two currencies, one above', { max: { USD: '100.00', EUR: '1' } }, { USD: 1n, EUR: 101n }, false],
    ['in two currencies, both within', { max: { USD: '100.00', EUR: '1' } }, { USD: 1n, EUR: 100n }, true],
    ['of nothing', { max: { USD: '100.00' } }, {}, false],
    ['that is a credit', { max: { USD: '100.00' } }, { USD: -5n }, false],
  ])('%s', (_name, balance, openMinor, expected) => {
    expect(holds({ balance: balance ?? {} }, { openMinor })).toBe(expected);
  });
});

test('the first rule that holds wins, and the answer names every rule asked before it', () => {
  const segments: Segment[] = [
    { name: 'big', policy: 'strategic', mode: 'suggest', when: { balance: { min: { USD: '1000000' } } } },
    { name: 'west', policy: 'standard', mode: 'auto', when: { region: ['CA', 'OR'], oldest_days: { max: 30 } } },
    { name: 'all', policy: 'standard', mode: 'auto', when: {} },
  ];
  expect(explain(segments, plain)).toEqual({
    segment: segments[1],
    asked: [
      { segment: 'big', holds: false, conditions: [{ asked: 'balance {"min":{"USD":"1000000"}}', found: 'USD 5000.00', holds: false }] },
      {
        segment: 'west',
        holds: true,
        conditions: [
          { asked: 'region ["CA","OR"]', found: 'CA', holds: true },
          { asked: 'oldest_days {"max":30}', found: '12', holds: true },
        ],
      },
    ],
  });
});

test('where nothing holds, the standard policy does', () => {
  const answer = explain([{ name: 'none', policy: 'p', mode: 'auto', when: { owner: 'nobody', balance: { max: { USD: '1' } } } }], {
    ...plain,
    owner: null,
    openMinor: {},
  });
  expect(answer.segment).toEqual({ name: 'standard', policy: 'standard', mode: 'auto', when: {} });
  expect(answer.asked.map(one => [one.segment, one.holds])).toEqual([
    ['none', false],
    ['standard', true],
  ]);
  expect(answer.asked[0]?.conditions.map(condition => condition.found)).toEqual(['nothing', 'nothing']);
});

describe('the segments that come with Dunlin', () => {
  const read = readSegmentRules(readFileSync(new URL('../../policies/segments.yaml', import.meta.url), 'utf8'));
  const segments = read.ok ? read.segments : [];
  test.each<[string, Partial<CustomerProfile>, string]>([
    ['a strategic account', { attributes: { tier: 'strategic' }, country: 'DE' }, 'strategic'],
    ['a ministry', { attributes: { sector: 'government' } }, 'government'],
    ['a ski resort', { attributes: { seasonal: true } }, 'seasonal'],
    ['a customer abroad', { country: 'DE' }, 'international'],
    ['somebody who owes little', { openMinor: { USD: 9_900n } }, 'small-balance'],
    ['anybody else', {}, 'standard'],
  ])('%s is %s', (_name, changes, expected) => {
    expect(segmentOf(segments, { ...plain, ...changes }).name).toBe(expected);
  });
});
