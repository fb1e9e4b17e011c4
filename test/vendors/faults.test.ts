// faults.test.ts: misfortune must be repeatable, and every guess about a vendor must be a switch somebody really asks for.
import { describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Claims, isSwitch, type ClaimTable } from '../../local/vendors/claims.ts';
import { Faults } from '../../local/vendors/faults.ts';
import { kixieClaims } from '../../local/vendors/kixie/claims.ts';
import { platformClaims } from '../../local/vendors/platform/claims.ts';
import { premiumClaims } from '../../local/vendors/premium/claims.ts';
import { smtpClaims } from '../../local/vendors/smtp/claims.ts';

const table = { drop: { at: ['before', 'after'], says: 'drops' }, delay: { at: ['before'], says: 'waits' } } as const;
const struckBy = (rules: object[], count: number, seed = 1): boolean[] => {
  const faults = new Faults(table, seed);
  faults.set({ rules });
  return Array.from({ length: count }, (_, index) => faults.strike('before', { to: `u${index}@x.example` }).has('drop'));
};

describe('fault rules', () => {
  test('a chance falls the same way for the same seed, and about as often as it says', () => {
    const rule = { fault: 'drop', probability: 0.3 };
    const first = struckBy([rule], 500);
    expect(struckBy([rule], 500)).toEqual(first);
    expect(struckBy([rule], 500, 2)).not.toEqual(first);
    expect(first.filter(Boolean).length).toBeGreaterThan(110);
    expect(first.filter(Boolean).length).toBeLessThan(190);
  });

  test('a chance depends on what a request is about, not on when it comes', () => {
    const [one, two] = [new Faults(table, 1), new Faults(table, 1)];
    for (const faults of [one, two]) faults.set({ rules: [{ fault: 'drop', probability: 0.5 }] });
    const names = Array.from({ length: 40 }, (_, index) => `u${index}`);
    const seen = (faults: Faults, order: string[]) => new Map(order.map(to => [to, faults.strike('before', { to }).has('drop')]));
    const forward = seen(one, names);
    const backward = seen(two, names.toReversed());
    expect(names.map(name => backward.get(name))).toEqual(names.map(name => forward.get(name)));
  });

  test('times and after count the matches', () => {
    expect(struckBy([{ fault: 'drop', times: 2 }], 4)).toEqual([true, true, false, false]);
    expect(struckBy([{ fault: 'drop', after: 2 }], 4)).toEqual([false, false, true, true]);
    expect(struckBy([{ fault: 'drop', match: { to: 'u1@*' } }], 3)).toEqual([false, true, false]);
    expect(struckBy([{ fault: 'drop', match: { nothing: '*' } }], 2)).toEqual([false, false]);
    expect(struckBy([{ fault: 'drop', at: 'after' }], 2)).toEqual([false, false]);
  });

  test('a request can bring its own', () => {
    const faults = new Faults(table, 1);
    expect([...faults.strike('after', {}, 'drop@after, delay=20')]).toEqual([['drop', '']]);
    expect([...faults.strike('before', {}, 'drop@after, delay=20')]).toEqual([['delay', '20']]);
  });

  test('an unknown fault or point is told with what is known', () => {
    const faults = new Faults(table, 1);
    expect(() => faults.set({ rules: [{ fault: 'explode' }] })).toThrow('rules[0]: found fault "explode", expected one of drop, delay');
    expect(() => faults.check('delay@after')).toThrow('found "delay" at "after", expected one of before');
  });
});

const tables: readonly { name: string; claims: ClaimTable }[] = [
  { name: 'kixie', claims: kixieClaims },
  { name: 'platform', claims: platformClaims },
  { name: 'premium', claims: premiumClaims },
  { name: 'smtp', claims: smtpClaims },
];

describe('claims', () => {
  test.each(tables)('every unproven claim about $name is a switch that the code asks for', ({ name, claims }) => {
    const room = 'local/vendors';
    const files = [join(room, `${name}.ts`), ...readdirSync(join(room, name)).map(file => join(room, name, file))];
    const code = files.map(file => readFileSync(file, 'utf8')).join('\n');
    const switches = Object.entries(claims).filter(([, claim]) => isSwitch(claim));
    expect(switches.filter(([claim]) => !code.includes(`holds('${claim}')`)).map(([claim]) => claim)).toEqual([]);
    expect(Object.values(claims).every(claim => claim.source !== '' && claim.says !== '')).toBe(true);
  });

  test('what documentation settles cannot be turned', () => {
    const claims = new Claims(kixieClaims);
    expect(() => claims.turn({ phone_is_identity: false })).toThrow('documented [1P] in 1.2.3');
    expect(() => claims.turn({ moon_is_cheese: true })).toThrow('found claim "moon_is_cheese"');
    claims.turn({ quota_is_429: false });
    expect(claims.holds('quota_is_429')).toBe(false);
  });
});
