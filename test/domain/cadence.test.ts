// cadence.test.ts: which day belongs to which stage.
import { expect, test } from '@jest/globals';
import { ageOf, dayOf, stageOn, stageStart } from '../../domain/cadence.ts';
import { isoInstant } from '../../domain/time.ts';
import { at, standard } from './facts-builder.ts';

test('age is counted in days of the creditor', () => {
  expect(ageOf('2026-03-02', at('2026-03-02 23:59:59'), 'America/New_York')).toBe(0);
  expect(ageOf('2026-03-02', at('2026-03-03 00:00'), 'America/New_York')).toBe(1);
  expect(ageOf('2026-03-02', at('2026-03-02 10:00'), 'Asia/Tokyo')).toBe(1);
  expect(ageOf('2026-03-02', at('2026-02-27 10:00'), 'America/New_York')).toBe(-3);
});

test('a stage starts at midnight of its day, also on the day the clocks change', () => {
  const gentle = standard.stages[1]!;
  expect(isoInstant(stageStart(standard, gentle, '2026-03-07', 'America/New_York'))).toBe('2026-03-08T05:00:00Z');
  expect(isoInstant(stageStart(standard, gentle, '2026-03-08', 'America/New_York'))).toBe('2026-03-09T04:00:00Z');
  expect(isoInstant(stageStart(standard, gentle, '2026-03-28', 'Asia/Beirut'))).toBe('2026-03-28T22:00:00Z'); // no midnight: 01:00
});

test('a stage on the due date itself is not delayed by grace', () => {
  const stage = { ...standard.stages[0]!, day: 0 };
  expect(dayOf({ ...standard, graceDays: 5 }, stage, '2026-03-02')).toBe(0);
  expect(dayOf({ ...standard, graceDays: 5 }, { ...stage, day: 1 }, '2026-03-02')).toBe(6);
});

test('slow months are months of the due date, and add to grace', () => {
  const policy = { ...standard, graceDays: 2, slowMonths: { months: [1, 12], shiftDays: 30 } };
  const firm = standard.stages[2]!;
  expect(['2026-01-31', '2026-02-01', '2026-11-30', '2026-12-01'].map(due => dayOf(policy, firm, due))).toEqual([39, 9, 9, 39]);
});

test('before its first stage an invoice has none', () => {
  expect(stageOn(standard, '2026-03-10', '2026-03-06')).toBeUndefined();
  expect(stageOn(standard, '2026-03-10', '2026-03-07')?.id).toBe('friendly');
  expect(stageOn(standard, '2026-03-10', '2027-03-07')?.id).toBe('final');
});
