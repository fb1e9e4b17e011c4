// plan.properties.test.ts: what must hold whatever happens, one property at a time.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { plan } from '../../domain/plan.ts';
import type { Policy } from '../../domain/policy/policy.ts';
import { DAY_MS } from '../../domain/time.ts';
import { standard, withContact } from './facts-builder.ts';
import { expectedStep, latestStage, windowOpen, withinLimits } from './plan-model.ts';
import { shownAt } from './wall-clock.ts';
import { customerZone, feast, stories, tell, type World } from './world.ts';

const asking: Policy = {
  ...standard,
  stages: standard.stages.map(stage => (stage.id === 'final' ? { ...stage, approval: 'final_notice' } : stage)),
};
const policies: readonly Policy[] = [
  asking,
  withContact(asking, { spread: true }),
  { ...withContact(asking, { minGapDays: 0, maxPer7Days: 1, days: ['mon', 'thu'] }), graceDays: 2 },
  withContact(asking, {
    minGapDays: 1,
    maxPer7Days: 3,
    fromMinute: 60,
    toMinute: 210,
    days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'],
  }),
];

/** Tells many stories and asks the same of each. A failing one is printed with its seed. */
function always(check: (world: World) => void, numRuns = 80): void {
  fc.assert(
    fc.property(fc.constantFrom(...policies), stories, (policy, story) => check(tell(policy, story))),
    { numRuns, seed: 20260302 },
  );
}

const reminders = (world: World) => world.sent.filter(({ message }) => message.kind === 'reminder');

describe('whatever happens', () => {
  test('there are messages to speak about', () => {
    let sent = 0;
    let apologies = 0;
    always(world => {
      sent += reminders(world).length;
      apologies += world.sent.length - reminders(world).length;
    });
    expect(sent).toBeGreaterThan(200);
    expect(apologies).toBeGreaterThan(0);
  });
  test('there are never two messages for one invoice, cycle, stage and channel', () => {
    always(world => {
      const said = reminders(world)
        .filter(({ message }) => message.state !== 'not_sent')
        .flatMap(({ message }) => message.lines.map(line => `${line.invoiceId} ${line.stage} ${line.channel}`));
      expect(new Set(said).size).toBe(said.length);
    });
  });
  test('nobody is asked for money that is not open', () => {
    always(world => {
      for (const { message, facts } of reminders(world)) {
        for (const line of message.lines) {
          const about = facts.invoices.find(one => one.id === line.invoiceId);
          expect([about?.state, about?.openMinor]).toEqual(['open', line.amountMinor]);
          expect(line.amountMinor > 0n).toBe(true);
        }
      }
    });
  });
  test('nothing leaves under a legal stay, and no reminder under any hold', () => {
    always(world => {
      for (const { message, facts, at } of world.sent) {
        const ids = message.lines.map(line => line.invoiceId);
        const held = facts.holds.filter(
          one => (one.until === null || one.until > at) && (one.invoiceId === null || ids.includes(one.invoiceId)),
        );
        expect(message.kind === 'reminder' ? held : held.filter(one => one.kind === 'legal_stay')).toEqual([]);
      }
    });
  });
  test('nothing leaves outside the window or on a holiday', () => {
    always(world => {
      for (const { at } of world.sent) expect(windowOpen(world.policy, feast, customerZone, at)).toBe(true);
    });
  });
  test('no reminder leaves within the gap or above the budget', () => {
    always(world => {
      for (const { facts, at } of reminders(world)) expect(withinLimits(world.policy, facts, customerZone, at)).toBe(true);
    });
  });
  test('no message leaves to an address that may not be used, in shadow mode, or without the person it needs', () => {
    always(world => {
      for (const { message, facts } of world.sent) {
        expect(facts.customer.contacts.some(one => !one.emailSuppressed)).toBe(true);
        expect([message.mode, facts.customer.mode]).not.toContain('shadow');
        const needs = facts.customer.mode === 'suggest' || message.mode === 'suggest' || message.lines.some(line => line.stage === 'final');
        if (message.kind === 'reminder' && needs) expect(message.review).toBe('approved');
      }
    });
  });
  test('money that is not applied yet is never asked for a second time', () => {
    always(world => {
      for (const { message, facts } of reminders(world))
        for (const line of message.lines) expect(facts.unappliedMinor < line.amountMinor).toBe(true);
    });
  });
  test('every case ends, has a next moment, or is on somebody’s list', () => {
    always(world => {
      for (const { step, at } of world.looks) {
        if (step.kind !== 'wait') continue;
        if (step.until === null) expect(step.attention).not.toBeNull();
        else expect(step.until).toBeGreaterThan(at);
        expect(step.reasons.length).toBeGreaterThan(0);
      }
    });
  });
  test('the same facts and time give the same step, byte for byte, and facts are not touched', () => {
    const text = (value: unknown) => JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'bigint' ? `${inner}n` : inner));
    always(world => {
      for (const { facts, invoiceId, at, step } of world.looks.slice(-30)) {
        const before = text(facts);
        const again = plan(structuredClone(world.policy), structuredClone(facts), invoiceId, at, feast);
        expect(text(again)).toBe(text(step));
        expect(text(facts)).toBe(before);
        expect(JSON.parse(JSON.stringify(step))).toEqual(step); // nothing in it that JSON would lose
      }
    }, 40);
  });
  test('a stage in the past is never fired: what leaves is the latest stage that is due', () => {
    always(world => {
      for (const { message, facts, at } of reminders(world)) {
        for (const line of message.lines) {
          const about = facts.invoices.find(one => one.id === line.invoiceId)!;
          expect(line.stage).toBe(latestStage(world.policy, about, shownAt(at, facts.creditor.zone).date)?.id);
        }
      }
    });
  });
  test('after a long pause each invoice is spoken about once, at its latest stage', () => {
    fc.assert(
      fc.property(fc.constantFrom(...policies.slice(0, 2)), stories, fc.integer({ min: 8, max: 40 }), (policy, { dueDays }, days) => {
        const world = tell(policy, {
          dueDays,
          happenings: [
            { kind: 'hold', what: 'data_health', days, invoice: null, midSend: 'no' },
            { kind: 'tick', hours: days * 24 - 1 },
          ],
        });
        for (const id of dueDays.map((_, index) => `i${index}`)) {
          const said = reminders(world).filter(({ message }) => message.lines.some(line => line.invoiceId === id));
          const first = said[0];
          const dueAtEnd =
            dueDays.length > 0 &&
            first &&
            latestStage(policy, first.facts.invoices.find(one => one.id === id)!, shownAt(first.at, customerZone).date);
          if (first && dueAtEnd) expect(first.message.lines.find(line => line.invoiceId === id)?.stage).toBe(dueAtEnd.id);
          const stages = said.flatMap(({ message }) => message.lines.filter(line => line.invoiceId === id).map(line => line.stage));
          const order = stages.map(stage => policy.stages.findIndex(one => one.id === stage));
          expect(order).toEqual(order.toSorted((a, b) => a - b));
        }
      }),
      { numRuns: 60, seed: 7 },
    );
  });
  test('one customer gets one message a morning, however many invoices are due', () => {
    always(world => {
      const mornings = reminders(world)
        .filter(({ message }) => message.state !== 'not_sent')
        .map(({ at }) => shownAt(at, customerZone).date);
      if (world.policy.contact.minGapDays > 0) expect(new Set(mornings).size).toBe(mornings.length);
    });
  });
  test('an apology leaves at most once for a message that crossed a payment', () => {
    always(world => {
      for (const crossed of world.messages.filter(one => one.crossed)) expect(crossed.kind).toBe('reminder');
      const apologies = world.sent.filter(({ message }) => message.kind === 'apology').length;
      expect(apologies).toBeLessThanOrEqual(world.messages.filter(one => one.crossed && one.apologised).length);
    });
  });
});

test('the rules answer what the page says, wherever a story leads', () => {
  let compared = 0;
  fc.assert(
    fc.property(fc.constantFrom(...policies.filter(policy => !policy.contact.spread)), stories, (policy, story) => {
      const world = tell(policy, story);
      for (const { facts, invoiceId, at, step } of world.looks.filter((_, index) => index % 7 === 0).slice(0, 25)) {
        // A refused message rests for a quarter of an hour, of which the page says nothing.
        const about = facts.invoices.find(one => one.id === invoiceId)!;
        if (about.covered.some(one => one.state === 'not_sent' && (one.at ?? 0) > at - DAY_MS)) continue;
        const expected = expectedStep(policy, facts, invoiceId, at, feast);
        compared += 1;
        expect(step.kind).toBe(expected.kind);
        if (step.kind === 'close' && expected.kind === 'close') expect(step.outcome).toBe(expected.outcome);
        if ((step.kind === 'act' || step.kind === 'ask') && 'stage' in expected) expect(step.stage.id).toBe(expected.stage);
        if (step.kind === 'wait' && expected.kind === 'wait') {
          expect(step.attention).toBe(expected.attention);
          if (expected.until !== undefined) expect(step.until).toBe(expected.until);
        }
      }
    }),
    { numRuns: 60, seed: 11 },
  );
  expect(compared).toBeGreaterThan(300);
});
