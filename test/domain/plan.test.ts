// plan.test.ts: what happens next to an invoice, question by question.
import { describe, expect, test } from '@jest/globals';
import type { Facts } from '../../domain/facts.ts';
import { plan } from '../../domain/plan.ts';
import type { Policy } from '../../domain/policy/policy.ts';
import type { Step } from '../../domain/step.ts';
import { isoInstant } from '../../domain/time.ts';
import { at, contact, covered, factsOf, hold, holidays, invoice, noHolidays, shipped, standard, withContact } from './facts-builder.ts';

function next(facts: Facts, when: string, policy: Policy = standard): Step {
  return plan(policy, facts, 'i1', at(when), noHolidays);
}

function codes(step: Step): string[] {
  return step.reasons.map(reason => reason.code);
}

/** The wait as "until / stage / attention". */
function waits(step: Step): { until: string | null; stage: string | null; attention: string | null } {
  if (step.kind !== 'wait') throw new Error(`expected a wait, found ${step.kind}`);
  return { until: step.until === null ? null : isoInstant(step.until), stage: step.next?.stage ?? null, attention: step.attention };
}

/** An invoice due on Monday 2026-03-02 whose stages up to a name have left. */
function overdue(...done: readonly string[]) {
  return invoice({ covered: done.map(stage => covered(stage)) });
}

describe('is it over?', () => {
  test.each(['paid', 'credited', 'written_off', 'placed', 'voided', 'merged', 'transferred'] as const)(
    'an invoice that was %s closes so',
    outcome => {
      const step = next(factsOf({ invoices: [invoice({ state: 'closed', outcome, openMinor: 0n })] }), '2026-03-10 10:00');
      expect(step).toMatchObject({ kind: 'close', outcome });
      expect(codes(step)).toEqual(['paid_or_closed']);
    },
  );
  test('an invoice with nothing open closes as paid, also when nobody has marked it yet', () => {
    expect(next(factsOf({ invoices: [invoice({ openMinor: 0n })] }), '2026-03-10 10:00')).toMatchObject({ kind: 'close', outcome: 'paid' });
  });
  test('an invoice that was paid too much closes as paid', () => {
    expect(next(factsOf({ invoices: [invoice({ openMinor: -1n })] }), '2026-03-10 10:00')).toMatchObject({
      kind: 'close',
      outcome: 'paid',
    });
  });
  test('the reason tells what was seen', () => {
    const step = next(factsOf({ invoices: [invoice({ state: 'closed', outcome: 'written_off', openMinor: 5n })] }), '2026-03-10 10:00');
    expect(step.reasons).toEqual([
      {
        code: 'paid_or_closed',
        text: 'INV-1 is written off',
        inputs: { openMinor: '5', currency: 'USD', state: 'closed', outcome: 'written_off' },
      },
    ]);
  });
  test('one cent open is open', () => {
    const policy = { ...standard, ignoreBelowMinor: {} };
    expect(next(factsOf({ invoices: [invoice({ openMinor: 1n })] }), '2026-03-10 10:00', policy)).toMatchObject({ kind: 'act' });
  });
  test('an invoice written off with money still open closes, because somebody decided so', () => {
    const step = next(factsOf({ invoices: [invoice({ state: 'closed', outcome: 'written_off' })] }), '2026-03-10 10:00');
    expect(step).toMatchObject({ kind: 'close', outcome: 'written_off' });
  });
  test('a balance that newer records replace says so', () => {
    const step = next(factsOf({ invoices: [invoice({ state: 'closed', outcome: 'superseded' })] }), '2026-03-10 10:00');
    expect(step).toMatchObject({
      kind: 'close',
      outcome: 'superseded',
      reasons: [{ code: 'superseded', text: 'INV-1 is replaced by newer records' }],
    });
  });
  test('asking about an invoice that is not among the facts is an error, not a decision', () => {
    expect(() => plan(standard, factsOf(), 'other', at('2026-03-10 10:00'), noHolidays)).toThrow(
      'invoice other is not among the facts of customer cust-1',
    );
  });
});

describe('a payment crossed our message', () => {
  const crossed = factsOf({ invoices: [invoice({ openMinor: 0n, state: 'closed', outcome: 'paid', crossedNoticeIds: ['n-firm'] })] });
  test('we apologise before the case closes', () => {
    expect(next(crossed, '2026-03-10 10:00')).toMatchObject({
      kind: 'apologise',
      noticeId: 'n-firm',
      reasons: [{ code: 'crossed_payment' }],
    });
  });
  test('the reason names the message that crossed', () => {
    expect(next(crossed, '2026-03-10 10:00').reasons).toEqual([
      { code: 'crossed_payment', text: 'a payment arrived while a message about it was on its way', inputs: { noticeId: 'n-firm' } },
    ]);
  });
  test('the apology waits for the window, not for gap or budget', () => {
    const spoken = [at('2026-03-09 16:00'), at('2026-03-09 16:30'), at('2026-03-09 16:50')];
    const facts = { ...crossed, customer: { ...crossed.customer, contactedAt: spoken } };
    expect(next(facts, '2026-03-09 16:59')).toMatchObject({ kind: 'apologise' });
    const step = next(facts, '2026-03-09 17:00');
    expect(waits(step)).toEqual({ until: '2026-03-10T13:00:00Z', stage: null, attention: null });
    expect(step).toMatchObject({ because: 'the apology leaves when the window opens' });
    expect(codes(step)).toEqual(['crossed_payment', 'outside_window']);
  });
  test('under a legal stay nothing leaves, not even an apology: the case closes', () => {
    expect(next({ ...crossed, holds: [hold({ kind: 'legal_stay' })] }, '2026-03-10 10:00')).toMatchObject({ kind: 'close' });
  });
  test('without an address that may be used the case closes', () => {
    const facts = { ...crossed, customer: { ...crossed.customer, contacts: [{ ...contact, emailSuppressed: true }] } };
    expect(next(facts, '2026-03-10 10:00')).toMatchObject({ kind: 'close', outcome: 'paid' });
  });
  test('a vendor outage delays it, a pause asked for by sales does not', () => {
    const until = at('2026-03-10 11:00');
    const outage = next({ ...crossed, holds: [hold({ kind: 'vendor_outage', scope: 'tenant', until })] }, '2026-03-10 10:00');
    expect(waits(outage)).toEqual({ until: isoInstant(until), stage: null, attention: null });
    expect(codes(outage)).toEqual(['crossed_payment', 'held']);
    expect(next({ ...crossed, holds: [hold()] }, '2026-03-10 10:00')).toMatchObject({ kind: 'apologise' });
  });
  test('when the whole tenant stopped sending, the apology waits for a person', () => {
    const step = next({ ...crossed, holds: [hold({ scope: 'tenant' })] }, '2026-03-10 10:00');
    expect(waits(step)).toEqual({ until: null, stage: null, attention: 'held' });
  });
  test('a part payment that crossed earns an apology too, not a chase', () => {
    expect(next(factsOf({ invoices: [invoice({ crossedNoticeIds: ['n-firm'] })] }), '2026-03-10 10:00')).toMatchObject({
      kind: 'apologise',
    });
  });
  test('where no zone suits, the apology gives way', () => {
    const facts = { ...crossed, customer: { ...crossed.customer, zone: null, country: 'RU' } };
    expect(next(facts, '2026-03-10 10:00')).toMatchObject({ kind: 'close' });
  });
});

describe('is contact forbidden?', () => {
  test('a hold with an end waits for its end', () => {
    const until = at('2026-03-12 08:00');
    const step = next(factsOf({ holds: [hold({ until })] }), '2026-03-10 10:00');
    expect(waits(step)).toEqual({ until: isoInstant(until), stage: null, attention: null });
    expect(step).toMatchObject({ because: 'manual (asked by sales) until 2026-03-12T12:00:00Z' });
  });
  test('a hold without an end waits for a person', () => {
    const step = next(factsOf({ holds: [hold()] }), '2026-03-10 10:00');
    expect(waits(step)).toEqual({ until: null, stage: null, attention: 'held' });
    expect(step).toMatchObject({ because: 'manual (asked by sales) until somebody lifts it' });
  });
  test('a hold that is over holds nothing', () => {
    expect(next(factsOf({ holds: [hold({ until: at('2026-03-10 10:00') })] }), '2026-03-10 10:00')).toMatchObject({ kind: 'act' });
    expect(next(factsOf({ holds: [hold({ until: at('2026-03-10 10:00:01') })] }), '2026-03-10 10:00')).toMatchObject({ kind: 'wait' });
  });
  test('a hold on another invoice holds only that one', () => {
    expect(next(factsOf({ holds: [hold({ scope: 'invoice', invoiceId: 'i2' })] }), '2026-03-10 10:00')).toMatchObject({ kind: 'act' });
    expect(next(factsOf({ holds: [hold({ scope: 'invoice', invoiceId: 'i1' })] }), '2026-03-10 10:00')).toMatchObject({ kind: 'wait' });
  });
  test('a legal stay is told before doubtful data, and both before a pause', () => {
    const holds = [
      hold(),
      hold({ kind: 'reply_received' }),
      hold({ kind: 'vendor_outage' }),
      hold({ kind: 'data_health' }),
      hold({ kind: 'legal_stay' }),
    ];
    const step = next(factsOf({ holds }), '2026-03-10 10:00');
    expect(codes(step)).toEqual(['legal_stay', 'data_health', 'held', 'held', 'held']);
    expect(step.reasons.map(reason => reason.inputs['kind'])).toEqual([
      'legal_stay',
      'data_health',
      'vendor_outage',
      'reply_received',
      'manual',
    ]);
    expect(step).toMatchObject({ because: 'legal stay (asked by sales) until somebody lifts it' });
  });
  test('with several holds it looks again at the earliest end, and a person sees the endless one', () => {
    const holds = [hold({ until: at('2026-03-20 10:00') }), hold({ until: at('2026-03-12 10:00') }), hold({ kind: 'legal_stay' })];
    expect(waits(next(factsOf({ holds }), '2026-03-10 10:00'))).toEqual({ until: '2026-03-12T14:00:00Z', stage: null, attention: 'held' });
  });
  test('a customer who suppressed every channel is not contacted', () => {
    const contacts = [
      { ...contact, emailSuppressed: true, phoneSuppressed: true },
      { ...contact, id: 'c2', email: null, phone: null },
    ];
    const step = next(factsOf({ customer: { contacts } }), '2026-03-10 10:00');
    expect(waits(step)).toEqual({ until: null, stage: null, attention: 'suppressed' });
    expect(codes(step)).toEqual(['every_channel_suppressed']);
    expect(step).toMatchObject({ because: 'every known address of Example Ltd is suppressed', reasons: [{ inputs: { contacts: 2 } }] });
  });
  test('what is suppressed does not stop a policy whose stages are tasks for our own people, nor shadow mode', () => {
    const contacts = [{ ...contact, emailSuppressed: true, phoneSuppressed: true }];
    expect(next(factsOf({ customer: { contacts } }), '2026-03-10 10:00', shipped('strategic'))).toMatchObject({
      kind: 'act',
      stage: { channel: 'task' },
    });
    expect(next(factsOf({ customer: { contacts, mode: 'shadow' } }), '2026-03-10 10:00')).toMatchObject({ kind: 'act', mode: 'shadow' });
  });
  test('one stage by e-mail among tasks is enough for suppression to matter', () => {
    const strategic = shipped('strategic');
    const mixed = {
      ...strategic,
      stages: strategic.stages.map(stage => (stage.id === 'talk' ? { ...stage, channel: 'email' as const } : stage)),
    };
    const contacts = [{ ...contact, emailSuppressed: true, phoneSuppressed: true }];
    expect(waits(next(factsOf({ customer: { contacts } }), '2026-03-10 10:00', mixed)).attention).toBe('suppressed');
  });
  test('less than the minimum of its currency contacts nobody', () => {
    const step = next(factsOf({ invoices: [invoice({ openMinor: 499n })] }), '2026-03-10 10:00');
    expect(waits(step)).toEqual({ until: null, stage: null, attention: 'below_minimum' });
    expect(step).toMatchObject({ because: 'USD 4.99 is less than USD 5.00, the least anybody is contacted for' });
    expect(step.reasons).toEqual([{ code: 'below_minimum', text: expect.any(String), inputs: { openMinor: '499', leastMinor: '500' } }]);
    expect(next(factsOf({ invoices: [invoice({ openMinor: 500n })] }), '2026-03-10 10:00')).toMatchObject({ kind: 'act' });
  });
  test('a currency without a minimum has none', () => {
    expect(next(factsOf({ currency: 'CHF', invoices: [invoice({ openMinor: 1n })] }), '2026-03-10 10:00')).toMatchObject({ kind: 'act' });
  });
  test("the customer's own money that nobody applied yet holds contact when it covers the invoice", () => {
    const step = next(factsOf({ unappliedMinor: 107_800n }), '2026-03-10 10:00');
    expect(waits(step)).toEqual({ until: null, stage: null, attention: 'unapplied_cash' });
    expect(step).toMatchObject({ because: 'USD 1078.00 of this customer is not applied yet and covers INV-1' });
    expect(step.reasons[0]).toMatchObject({ code: 'unapplied_cash_covers', inputs: { creditsMinor: '107800', openMinor: '107800' } });
    expect(next(factsOf({ unappliedMinor: 107_799n }), '2026-03-10 10:00')).toMatchObject({ kind: 'act' });
  });
  test('an open credit note counts like money not applied, a closed one does not', () => {
    const credit = invoice({ id: 'i2', openMinor: -107_800n, amountMinor: -107_800n });
    expect(waits(next(factsOf({ invoices: [invoice(), credit] }), '2026-03-10 10:00')).attention).toBe('unapplied_cash');
    expect(next(factsOf({ invoices: [invoice(), { ...credit, state: 'closed' }] }), '2026-03-10 10:00')).toMatchObject({ kind: 'act' });
  });
});

describe('which stage is due?', () => {
  test.each([
    // The Monday is the due date; stages at -3, 1, 7, 15, 30. The instant is noon in New York.
    ['2026-02-26', null],
    ['2026-02-27', 'friendly'],
    ['2026-03-02', 'friendly'],
    ['2026-03-03', 'gentle'],
    ['2026-03-06', 'gentle'],
    ['2026-03-09', 'firm'],
    ['2026-03-16', 'firm'],
    ['2026-03-17', 'escalation'],
    ['2026-03-31', 'escalation'],
    ['2026-04-01', 'final'],
    ['2027-04-01', 'final'],
  ])('found on %s the invoice enters at %s', (date, stage) => {
    const step = next(factsOf(), `${date} 12:00`);
    if (stage === null) expect(waits(step)).toEqual({ until: '2026-02-27T14:00:00Z', stage: 'friendly', attention: null });
    else expect(step).toMatchObject({ kind: 'act', stage: { id: stage }, mode: 'auto' });
  });
  test('before the first stage the reason names the due date', () => {
    const step = next(factsOf(), '2026-02-20 12:00');
    expect(step.reasons).toEqual([
      {
        code: 'not_due_yet',
        text: 'INV-1 is due on 2026-03-02; no stage is due yet',
        inputs: { dueDate: '2026-03-02', age: -10, firstStage: 'friendly' },
      },
    ]);
    expect(step).toMatchObject({ because: 'waits for stage friendly at 2026-02-27T14:00:00Z' });
  });
  test('on its due date an invoice is not overdue', () => {
    const step = next(factsOf(), '2026-03-02 12:00');
    expect(step.reasons.at(-1)).toEqual({
      code: 'stage_due',
      text: 'INV-1 is due today: stage friendly is due',
      inputs: { stage: 'friendly', day: -3, age: 0, dueDate: '2026-03-02', graceDays: 0, open: '1078.00', currency: 'USD' },
    });
    expect(next(factsOf(), '2026-03-03 12:00').reasons.at(-1)?.text).toBe('INV-1 is 1 days overdue: stage gentle is due');
    expect(next(factsOf(), '2026-02-27 12:00').reasons.at(-1)?.text).toBe('INV-1 is due in 3 days: stage friendly is due');
  });
  test('missed stages are told and never fired', () => {
    const step = next(factsOf({ invoices: [overdue('gentle')] }), '2026-03-17 12:00');
    expect(codes(step)).toEqual(['stages_missed', 'stage_due']);
    expect(step.reasons[0]).toMatchObject({
      text: 'stages in the past are not fired: friendly, firm',
      inputs: { stages: 'friendly, firm' },
    });
  });
  test('where nothing was missed, nothing is told to be', () => {
    expect(codes(next(factsOf({ invoices: [overdue('friendly')] }), '2026-03-04 12:00'))).toEqual(['stage_due']);
  });
  test("the day is the creditor's day, not the customer's", () => {
    const tokyo = factsOf({ creditorZone: 'Asia/Tokyo' });
    expect(waits(plan(standard, tokyo, 'i1', at('2026-02-26 09:59'), noHolidays)).stage).toBe('friendly');
    // 10:00 in New York is midnight of the 27th in Tokyo.
    expect(plan(standard, tokyo, 'i1', at('2026-02-26 10:00'), noHolidays)).toMatchObject({ kind: 'act', stage: { id: 'friendly' } });
  });
  test('grace delays what comes after the due date, not the reminder before it', () => {
    const policy = { ...standard, graceDays: 2 };
    expect(next(factsOf(), '2026-02-27 12:00', policy)).toMatchObject({ kind: 'act', stage: { id: 'friendly' } });
    expect(next(factsOf(), '2026-03-04 12:00', policy)).toMatchObject({ kind: 'act', stage: { id: 'friendly' } });
    expect(next(factsOf(), '2026-03-05 12:00', policy)).toMatchObject({ kind: 'act', stage: { id: 'gentle' } });
  });
  test('what falls due in a slow month is chased later', () => {
    const slow = factsOf({ invoices: [overdue('friendly')] });
    expect(waits(next(slow, '2026-03-05 12:00', withContact(shipped('seasonal'), { spread: false })))).toMatchObject({
      until: '2026-04-06T13:00:00Z',
      stage: 'gentle',
    });
    const busy = factsOf({ invoices: [invoice({ dueDate: '2026-05-04', covered: [covered('friendly')] })] });
    expect(waits(next(busy, '2026-05-05 12:00', withContact(shipped('seasonal'), { spread: false }))).until).toBe('2026-05-07T13:00:00Z');
  });
  test.each(['sent', 'unknown', 'suppressed'] as const)('a stage whose notice is %s is done: the case waits for the next', state => {
    const facts = factsOf({ invoices: [invoice({ covered: [covered('gentle', { state })] })] });
    const step = next(facts, '2026-03-04 12:00');
    expect(waits(step)).toEqual({
      until: '2026-03-09T13:00:00Z',
      stage: 'firm',
      attention: state === 'unknown' ? 'delivery_unknown' : null,
    });
    expect(codes(step)).toEqual(state === 'unknown' ? ['stage_covered', 'delivery_unknown'] : ['stage_covered']);
  });
  test('the reason names the notice that covers the stage', () => {
    const step = next(factsOf({ invoices: [overdue('gentle')] }), '2026-03-04 12:00');
    expect(step.reasons[0]).toEqual({
      code: 'stage_covered',
      text: 'stage gentle is in notice n-gentle (sent)',
      inputs: { stage: 'gentle', noticeId: 'n-gentle', state: 'sent', review: 'none', at: '2026-02-27T15:00:00Z' },
    });
  });
  test('a stage done in an earlier cycle is done: a bounced payment resumes where the case stood', () => {
    const facts = factsOf({ invoices: [invoice({ cycle: 2, covered: [covered('firm', { cycle: 1 })] })] });
    expect(waits(next(facts, '2026-03-11 12:00'))).toMatchObject({ stage: 'escalation' });
  });
  test.each(['cancelled', 'not_sent'] as const)('a stage whose notice is %s is not done', state => {
    const facts = factsOf({ invoices: [invoice({ covered: [covered('gentle', { state })] })] });
    expect(next(facts, '2026-03-04 12:00')).toMatchObject({ kind: 'act', stage: { id: 'gentle' } });
  });
  test('a message the server refused is tried again after a quarter of an hour, not at once', () => {
    const refused = covered('gentle', { state: 'not_sent', at: at('2026-03-04 11:50') });
    const facts = factsOf({ invoices: [invoice({ covered: [refused] })] });
    const step = next(facts, '2026-03-04 12:00');
    expect(waits(step)).toEqual({ until: '2026-03-04T17:05:00Z', stage: 'gentle', attention: null });
    expect(codes(step)).toEqual(['stages_missed', 'stage_due', 'retry_later']);
    expect(next(facts, '2026-03-04 12:05')).toMatchObject({ kind: 'act' });
    const again = [
      covered('gentle', { state: 'not_sent', at: at('2026-03-04 11:59') }),
      refused,
      covered('firm', { state: 'not_sent', at: at('2026-03-04 12:00') }),
    ];
    expect(waits(next(factsOf({ invoices: [invoice({ covered: again })] }), '2026-03-04 12:00')).until).toBe('2026-03-04T17:14:00Z');
  });
  test('a message a person declined is done, whatever became of it', () => {
    const facts = factsOf({ invoices: [invoice({ covered: [covered('gentle', { state: 'cancelled', review: 'declined' })] })] });
    expect(waits(next(facts, '2026-03-04 12:00'))).toMatchObject({ stage: 'firm', attention: null });
  });
  test.each(['pending', 'claimed', 'in_data'] as const)('a %s notice is looked at again soon', state => {
    const facts = factsOf({ invoices: [invoice({ covered: [covered('gentle', { state, at: null })] })] });
    const step = next(facts, '2026-03-04 12:00');
    expect(waits(step)).toEqual({ until: '2026-03-04T17:05:00Z', stage: null, attention: null });
    expect(step.reasons).toEqual([
      {
        code: 'notice_in_flight',
        text: `notice n-gentle is on its way (${state})`,
        inputs: { noticeId: 'n-gentle', stage: 'gentle', state },
      },
    ]);
  });
  test('a pending notice is not looked at all night: it cannot leave before the window opens', () => {
    const line = covered('gentle', { state: 'pending', review: 'approved', at: null });
    expect(waits(next(factsOf({ invoices: [invoice({ covered: [line] })] }), '2026-03-04 18:00')).until).toBe('2026-03-05T14:00:00Z');
    const claimed = { ...line, state: 'claimed' as const };
    expect(waits(next(factsOf({ invoices: [invoice({ covered: [claimed] })] }), '2026-03-04 18:00')).until).toBe('2026-03-04T23:05:00Z');
  });
  test('while an earlier stage is on the wire no later one starts; one that only waits does not block', () => {
    const onTheWire = factsOf({ invoices: [invoice({ covered: [covered('gentle', { state: 'in_data', at: null })] })] });
    expect(codes(next(onTheWire, '2026-03-09 12:00'))).toEqual(['notice_in_flight']);
    const pending = factsOf({ invoices: [invoice({ covered: [covered('gentle', { state: 'pending', at: null })] })] });
    expect(next(pending, '2026-03-09 12:00')).toMatchObject({ kind: 'act', stage: { id: 'firm' } });
  });
  test('a message that waits for a person waits no longer than the next stage', () => {
    const waiting = covered('gentle', { state: 'pending', review: 'waiting', at: null });
    const facts = factsOf({ invoices: [invoice({ covered: [waiting] })] });
    const step = next(facts, '2026-03-04 12:00');
    expect(waits(step)).toEqual({ until: '2026-03-09T13:00:00Z', stage: 'firm', attention: 'awaiting_review' });
    expect(codes(step)).toEqual(['stage_covered', 'awaiting_review']);
    expect(next(facts, '2026-03-09 12:00')).toMatchObject({ kind: 'act', stage: { id: 'firm' } });
  });
  test('the last stage waits for its person as long as it takes', () => {
    const waiting = covered('final', { state: 'pending', review: 'waiting', at: null });
    const step = next(factsOf({ invoices: [invoice({ covered: [waiting] })] }), '2026-04-02 12:00');
    expect(waits(step)).toEqual({ until: null, stage: null, attention: 'awaiting_review' });
    expect(step).toMatchObject({ because: 'a person has to decide about the last stage' });
  });
  test('past its last stage a case is never silent', () => {
    const step = next(factsOf({ invoices: [overdue('final')] }), '2026-04-06 12:00');
    expect(waits(step)).toEqual({ until: null, stage: null, attention: 'past_last_stage' });
    expect(codes(step)).toEqual(['stage_covered', 'past_last_stage']);
    expect(step.reasons[1]?.inputs).toEqual({ lastStage: 'final', age: 35 });
    expect(step).toMatchObject({ because: 'every stage of standard is behind INV-1; a person has to decide what follows' });
  });
  test('an invoice whose due date moved later skips the stages it has had', () => {
    const moved = invoice({ dueDate: '2026-03-30', covered: [covered('friendly'), covered('gentle')] });
    expect(waits(next(factsOf({ invoices: [moved] }), '2026-03-10 12:00'))).toEqual({
      until: '2026-04-06T13:00:00Z',
      stage: 'firm',
      attention: null,
    });
  });
});

describe('may we speak now?', () => {
  test('outside the window it waits for the next opening', () => {
    expect(next(factsOf(), '2026-03-03 08:59:59')).toMatchObject({ kind: 'wait', until: at('2026-03-03 09:00') });
    expect(next(factsOf(), '2026-03-03 09:00')).toMatchObject({ kind: 'act' });
    expect(next(factsOf(), '2026-03-03 16:59:59')).toMatchObject({ kind: 'act' });
    const closed = next(factsOf(), '2026-03-03 17:00');
    expect(waits(closed)).toEqual({ until: '2026-03-04T14:00:00Z', stage: 'gentle', attention: null });
    expect(codes(closed)).toEqual(['stages_missed', 'stage_due', 'outside_window']);
  });
  test('a holiday is told by name and waited out', () => {
    const step = plan(standard, factsOf(), 'i1', at('2026-03-03 12:00'), holidays('2026-03-03', '2026-03-04'));
    expect(waits(step).until).toBe('2026-03-05T14:00:00Z');
    expect(step.reasons.at(-1)).toEqual({
      code: 'holiday',
      text: '2026-03-03 is a public holiday (a holiday)',
      inputs: { date: '2026-03-03', holiday: 'a holiday', zone: 'America/New_York' },
    });
  });
  test('between two messages to one customer lie at least three days', () => {
    const facts = factsOf({ customer: { contactedAt: [at('2026-03-02 16:00')] } });
    const step = next(facts, '2026-03-04 12:00');
    expect(waits(step)).toEqual({ until: '2026-03-05T14:00:00Z', stage: 'gentle', attention: null });
    expect(codes(step)).toEqual(['stages_missed', 'stage_due', 'min_gap']);
    expect(next(facts, '2026-03-05 09:00')).toMatchObject({ kind: 'act' });
  });
  test('when a later stage comes due during the wait, the later one wins', () => {
    const facts = factsOf({ invoices: [overdue('friendly')], customer: { contactedAt: [at('2026-03-06 16:00')] } });
    // Gentle is due since Tuesday, but the gap ends on Monday the 9th, and then firm is due.
    const step = next(facts, '2026-03-08 12:00');
    expect(waits(step)).toEqual({ until: '2026-03-09T13:00:00Z', stage: 'firm', attention: null });
    expect(next(facts, '2026-03-09 09:00')).toMatchObject({ kind: 'act', stage: { id: 'firm' } });
  });
  test('when the later one was done already, the case waits for the stage after it', () => {
    const facts = factsOf({ invoices: [overdue('firm')], customer: { contactedAt: [at('2026-03-06 16:00')] } });
    expect(waits(next(facts, '2026-03-08 12:00'))).toMatchObject({ stage: 'escalation', until: '2026-03-17T13:00:00Z' });
    const last = factsOf({ invoices: [invoice({ covered: [covered('final')] })], customer: { contactedAt: [at('2026-03-31 16:00')] } });
    expect(waits(next(last, '2026-03-31 18:00'))).toEqual({ until: null, stage: null, attention: 'past_last_stage' });
  });
  test('without a window that suits every zone of the country a person is asked for the zone', () => {
    const step = next(factsOf({ customer: { zone: null, country: 'RU' } }), '2026-03-03 12:00');
    expect(waits(step)).toEqual({ until: null, stage: null, attention: 'no_window' });
    expect(step.reasons.at(-1)).toMatchObject({ code: 'no_window', inputs: { country: 'RU', zone: null } });
  });
  test('a customer has its own place in the window, and one who comes due later in the day is not kept until tomorrow', () => {
    const spread = withContact(standard, { spread: true });
    const early = next(factsOf(), '2026-03-03 09:00', spread);
    const place = waits(early).until ?? '';
    expect(codes(early).at(-1)).toBe('outside_window');
    expect(early.reasons.at(-1)).toMatchObject({ text: 'Example Ltd has a later place in the window', inputs: { spread: true } });
    expect(Date.parse(place)).toBeGreaterThan(at('2026-03-03 09:00'));
    expect(Date.parse(place)).toBeLessThan(at('2026-03-03 17:00'));
    expect(next(factsOf(), '2026-03-03 16:59', spread)).toMatchObject({ kind: 'act' });
  });
});

describe('what a person reads', () => {
  const at4th = (facts: Facts, policy: Policy = standard) => next(facts, '2026-03-04 12:00', policy).reasons.at(-1);
  const said = (changes: Parameters<typeof covered>[1]) => factsOf({ invoices: [invoice({ covered: [covered('gentle', changes)] })] });

  test.each([
    [
      'a message that waits',
      said({ state: 'pending', review: 'waiting', at: null }),
      'notice n-gentle waits for a person',
      { noticeId: 'n-gentle' },
    ],
    [
      'a message of which nobody knows',
      said({ state: 'unknown' }),
      'whether notice n-gentle arrived is not known; it counts as sent',
      { noticeId: 'n-gentle' },
    ],
    [
      'a message that was refused',
      said({ state: 'not_sent', at: at('2026-03-04 11:50') }),
      'the last try of stage gentle was refused; the next is at 2026-03-04T17:05:00Z',
      { stage: 'gentle', until: '2026-03-04T17:05:00Z' },
    ],
    [
      'shadow mode',
      factsOf({ customer: { mode: 'shadow' } }),
      'decided and recorded only: the segment is in shadow mode',
      { mode: 'shadow' },
    ],
    [
      'a customer without a common window',
      factsOf({ customer: { zone: null, country: 'RU' } }),
      'no instant suits every zone Example Ltd may live in; its own zone is needed',
      { country: 'RU', zone: null },
    ],
  ])('about %s', (_name, facts, text, inputs) => {
    expect(at4th(facts)).toMatchObject({ text, inputs });
  });
  test('about a message on its way, when it was sent is not told before it was', () => {
    const step = next(said({ state: 'pending', review: 'waiting', at: null }), '2026-03-04 12:00');
    expect(step.reasons[0]?.inputs['at']).toBeNull();
  });
  test('about a missing order number', () => {
    const step = next(factsOf({ invoices: [invoice({ purchaseOrder: null })] }), '2026-03-12 12:00', shipped('government'));
    expect(step.reasons.at(-1)?.text).toBe('INV-1 has no purchase order number, without which this payer does not pay');
  });
});

describe('does a person have to agree?', () => {
  test('in suggest mode every message is asked for', () => {
    const step = next(factsOf({ customer: { mode: 'suggest' } }), '2026-03-03 12:00');
    expect(step).toMatchObject({ kind: 'ask', stage: { id: 'gentle' }, asks: 'suggest' });
    expect(step.reasons.at(-1)).toMatchObject({
      code: 'needs_review',
      text: 'the segment asks a person before each message',
      inputs: { asks: 'suggest', mode: 'suggest' },
    });
  });
  test('a stage with an approval is asked for in auto mode too, by the name of the decision', () => {
    const stages = standard.stages.map(stage => (stage.id === 'final' ? { ...stage, approval: 'final_notice' } : stage));
    const policy = { ...standard, stages };
    const step = next(factsOf(), '2026-04-02 12:00', policy);
    expect(step).toMatchObject({ kind: 'ask', stage: { id: 'final' }, asks: 'final_notice' });
    expect(step.reasons.at(-1)?.text).toBe('stage final needs a decision: final_notice');
    expect(next(factsOf({ customer: { mode: 'suggest' } }), '2026-04-02 12:00', policy)).toMatchObject({ asks: 'final_notice' });
    expect(next(factsOf({ customer: { mode: 'shadow' } }), '2026-04-02 12:00', policy)).toMatchObject({ kind: 'act', mode: 'shadow' });
  });
  test('in shadow mode everything is decided and nobody is contacted, not even looked up', () => {
    const step = next(factsOf({ customer: { mode: 'shadow', contacts: [] } }), '2026-03-03 12:00');
    expect(step).toMatchObject({ kind: 'act', mode: 'shadow', stage: { id: 'gentle' } });
    expect(step.reasons.at(-1)).toMatchObject({ code: 'shadow_mode', inputs: { mode: 'shadow' } });
  });
  test('a task is for a person already, so nobody is asked before it', () => {
    const step = next(factsOf({ customer: { mode: 'suggest', contacts: [] } }), '2026-03-10 12:00', shipped('strategic'));
    expect(step).toMatchObject({ kind: 'act', mode: 'auto', stage: { channel: 'task' } });
  });
  test.each([
    ['nobody is known', []],
    ['the address is suppressed', [{ ...contact, emailSuppressed: true }]],
    ['there is a telephone only', [{ ...contact, email: null }]],
    ['the address is empty', [{ ...contact, email: '' }]],
  ])('when %s, a person has to find a recipient', (_name, contacts) => {
    const step = next(factsOf({ customer: { contacts } }), '2026-03-03 08:00');
    expect(waits(step)).toEqual({ until: null, stage: null, attention: 'no_recipient' });
    expect(step.reasons.at(-1)).toMatchObject({ code: 'no_recipient', inputs: { channel: 'email', contacts: contacts.length } });
    expect(step).toMatchObject({ because: 'Example Ltd has no usable e-mail address' });
  });
  test('a call stage needs a number, not an address', () => {
    const policy = { ...standard, stages: standard.stages.map(stage => ({ ...stage, channel: 'call' as const })) };
    expect(next(factsOf({ customer: { contacts: [{ ...contact, email: null }] } }), '2026-03-03 12:00', policy)).toMatchObject({
      kind: 'act',
    });
    const step = next(factsOf({ customer: { contacts: [{ ...contact, phoneSuppressed: true }] } }), '2026-03-03 12:00', policy);
    expect(step).toMatchObject({ because: 'Example Ltd has no usable phone number', attention: 'no_recipient' });
  });
  test('a public payer without an order number on the invoice waits for somebody to find it', () => {
    const government = withContact(shipped('government'), { spread: false });
    const without = factsOf({ invoices: [invoice({ purchaseOrder: null })] });
    const step = next(without, '2026-03-12 12:00', government);
    expect(waits(step)).toEqual({ until: null, stage: null, attention: 'purchase_order' });
    expect(step.reasons.at(-1)).toMatchObject({ code: 'purchase_order_missing', inputs: { invoice: 'INV-1' } });
    expect(next(factsOf({ invoices: [invoice({ purchaseOrder: 'PO-7' })] }), '2026-03-12 12:00', government)).toMatchObject({
      kind: 'act',
    });
    expect(next(factsOf(), '2026-03-12 12:00', government)).toMatchObject({ kind: 'act' });
    expect(next(without, '2026-03-12 12:00')).toMatchObject({ kind: 'act' });
  });
});
