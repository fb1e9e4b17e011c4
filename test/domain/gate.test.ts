// gate.test.ts: the last question before a message leaves, asked again of fresh facts.
import { describe, expect, test } from '@jest/globals';
import type { Facts } from '../../domain/facts.ts';
import { type GateLine, type GateNotice, gate, type Verdict } from '../../domain/gate.ts';
import type { Policy } from '../../domain/policy/policy.ts';
import { at, contact, covered, factsOf, hold, holidays, invoice, noHolidays, standard } from './facts-builder.ts';

const line: GateLine = { invoiceId: 'i1', cycle: 1, stage: 'gentle', amountMinor: 107_800n, invoiceVersion: 1 };
const reminder: GateNotice = {
  id: 'n1',
  kind: 'reminder',
  stage: 'gentle',
  mode: 'auto',
  review: 'none',
  recipient: 'ap@example.com',
  lines: [line],
};
const apology: GateNotice = { ...reminder, kind: 'apology', stage: 'apology', lines: [{ ...line, stage: 'apology', amountMinor: 0n }] };
const noon = '2026-03-03 12:00';

/** The notice itself is on its way; the customer's facts know it as claimed. */
const claimed = invoice({ covered: [covered('gentle', { noticeId: 'n1', state: 'claimed', at: null })] });
const ready = factsOf({ invoices: [claimed] });

function judge(changes: { facts?: Facts; notice?: Partial<GateNotice>; when?: string; policy?: Policy; apology?: boolean } = {}): Verdict {
  const notice = { ...(changes.apology ? apology : reminder), ...changes.notice };
  return gate(changes.policy ?? standard, changes.facts ?? ready, notice, at(changes.when ?? noon), noHolidays);
}

function told(verdict: Verdict): string {
  return [verdict.kind, ...verdict.reasons.map(reason => reason.code)].join(' ');
}

test('a reminder whose facts have not changed may leave', () => {
  const verdict = judge();
  expect(told(verdict)).toBe('send may_leave');
  expect(verdict.reasons[0]).toMatchObject({
    text: '1 of 1 lines still hold and the window is open',
    inputs: { at: '2026-03-03T17:00:00Z', lines: 1 },
  });
});

test('the verdict keeps what it looked at, and no address', () => {
  const facts = factsOf({
    invoices: [claimed],
    unappliedMinor: 7n,
    customer: { contactedAt: [at('2026-02-20 10:00'), at('2026-02-24 12:00'), at('2026-02-27 10:00')], version: 9 },
  });
  expect(judge({ facts }).inputs).toEqual({
    at: '2026-03-03T17:00:00Z',
    kind: 'reminder',
    policy: 'standard',
    mode: 'auto',
    noticeMode: 'auto',
    review: 'none',
    hasRecipient: true,
    customerVersion: 9,
    zones: 'America/New_York',
    localTime: '2026-03-03 12:00',
    window: '09:00-17:00',
    holiday: null,
    lastContact: '2026-02-27T15:00:00Z',
    minGapDays: 3,
    sentIn7Days: 1,
    maxPer7Days: 2,
    creditsMinor: '7',
    holds: 0,
    'line INV-1': 'stage gentle, open 107800 of 107800 decided, version 1 of 1',
  });
  const cold = judge({
    facts: factsOf({ invoices: [] }),
    notice: { recipient: null },
    policy: { ...standard, contact: { ...standard.contact, holidays: 'none' } },
  });
  expect(cold.inputs).toMatchObject({
    lastContact: null,
    hasRecipient: false,
    holiday: null,
    sentIn7Days: 0,
    'line i1': 'stage gentle, not open any more',
  });
  const feast = gate(standard, ready, reminder, at(noon), holidays('2026-03-03'));
  expect(feast).toMatchObject({ kind: 'cancel', inputs: { holiday: 'a holiday' } });
});

describe('a line that no longer holds', () => {
  test.each([
    ['paid', { openMinor: 0n }, 'cancel paid_or_closed'],
    ['overpaid', { openMinor: -1n }, 'cancel paid_or_closed'],
    ['closed by a person', { state: 'closed' as const }, 'cancel paid_or_closed'],
    ['paid in part', { openMinor: 100_000n }, 'cancel stale_version'],
    ['amended', { version: 2 }, 'cancel stale_version'],
    ['paid and returned', { cycle: 2 }, 'cancel stale_version'],
    ['down to less than the minimum', { openMinor: 499n }, 'cancel stale_version below_minimum'],
    ['moved to a later due date', { dueDate: '2026-03-20' }, 'cancel stages_missed'],
    ['a stage further', { dueDate: '2026-02-24' }, 'cancel stages_missed'],
  ])('an invoice that was %s stops the message', (_name, changes, expected) => {
    expect(told(judge({ facts: factsOf({ invoices: [{ ...claimed, ...changes }] }) }))).toBe(expected);
  });
  test('exactly the minimum may leave', () => {
    const least = factsOf({ invoices: [{ ...claimed, openMinor: 500n }] });
    expect(told(judge({ facts: least, notice: { lines: [{ ...line, amountMinor: 500n }] } }))).toBe('send may_leave');
  });
  test('a currency without a minimum has none', () => {
    const facts = factsOf({ currency: 'CHF', invoices: [{ ...claimed, openMinor: 1n }] });
    expect(told(judge({ facts, notice: { lines: [{ ...line, amountMinor: 1n }] } }))).toBe('send may_leave');
  });
  test('an invoice that is no longer among the facts is no longer open', () => {
    const verdict = judge({ facts: factsOf({ invoices: [] }) });
    expect(told(verdict)).toBe('cancel paid_or_closed');
    expect(verdict.reasons[0]).toMatchObject({ text: 'invoice i1 is no longer open', inputs: { invoice: 'i1' } });
  });
  test('what changed is told with both values', () => {
    const verdict = judge({ facts: factsOf({ invoices: [{ ...claimed, openMinor: 100_000n, version: 3 }] }) });
    expect(verdict.reasons[0]).toEqual({
      code: 'stale_version',
      text: 'INV-1 changed since the message was decided',
      inputs: { invoice: 'INV-1', decidedVersion: 1, version: 3, cycle: 1, decidedMinor: '107800', openMinor: '100000' },
    });
    expect(judge({ facts: factsOf({ invoices: [{ ...claimed, state: 'closed', outcome: 'voided' }] }) }).reasons[0]).toEqual({
      code: 'paid_or_closed',
      text: 'INV-1 is no longer open',
      inputs: { invoice: 'INV-1', openMinor: '107800', outcome: 'voided' },
    });
  });
  test('one line of two is enough to stop it', () => {
    const second = invoice({ id: 'i2', number: 'INV-2', state: 'closed', openMinor: 0n });
    const lines = [line, { ...line, invoiceId: 'i2' }];
    expect(told(judge({ facts: factsOf({ invoices: [claimed, second] }), notice: { lines } }))).toBe('cancel paid_or_closed');
    expect(judge({ facts: factsOf({ invoices: [claimed, { ...claimed, id: 'i2' }] }), notice: { lines } }).reasons[0]?.text).toContain(
      '2 of 2',
    );
  });
  test('a message without lines says nothing to anybody', () => {
    expect(told(judge({ notice: { lines: [] } }))).toBe('cancel stale_version');
  });
  test('a stage that another message speaks for is not said twice; one that was cancelled does not count', () => {
    const twice = (state: 'sent' | 'cancelled') =>
      factsOf({ invoices: [invoice({ covered: [...claimed.covered, covered('gentle', { noticeId: 'n2', state })] })] });
    const verdict = judge({ facts: twice('sent') });
    expect(told(verdict)).toBe('cancel stage_covered');
    expect(verdict.reasons[0]).toMatchObject({
      text: 'stage gentle of INV-1 is in notice n2',
      inputs: { invoice: 'INV-1', stage: 'gentle', noticeId: 'n2' },
    });
    expect(told(judge({ facts: twice('cancelled') }))).toBe('send may_leave');
    const other = factsOf({ invoices: [invoice({ covered: [...claimed.covered, covered('friendly', { noticeId: 'n2' })] })] });
    expect(told(judge({ facts: other }))).toBe('send may_leave');
  });
  test('a stage that is not the one due is told with the one that is', () => {
    expect(judge({ when: '2026-03-09 12:00' }).reasons[0]).toMatchObject({
      text: 'stage gentle of INV-1 is not the one that is due',
      inputs: { stage: 'gentle', due: 'firm' },
    });
    expect(judge({ facts: factsOf({ invoices: [{ ...claimed, dueDate: '2026-03-20' }] }) }).reasons[0]).toMatchObject({
      inputs: { due: null },
    });
  });
  test('money that is not applied yet and covers a line stops the message', () => {
    const verdict = judge({ facts: { ...ready, unappliedMinor: 107_800n } });
    expect(told(verdict)).toBe('cancel unapplied_cash_covers');
    expect(verdict.reasons[0]?.inputs).toEqual({ invoice: 'INV-1', creditsMinor: '107800', openMinor: '107800' });
    expect(told(judge({ facts: { ...ready, unappliedMinor: 107_799n } }))).toBe('send may_leave');
  });
});

describe('contact that is forbidden', () => {
  test.each(['legal_stay', 'data_health', 'manual', 'reply_received', 'vendor_outage'] as const)('a hold (%s) stops a reminder', kind => {
    const code = kind === 'legal_stay' || kind === 'data_health' ? kind : 'held';
    expect(told(judge({ facts: { ...ready, holds: [hold({ kind })] } }))).toBe(`cancel ${code}`);
  });
  test('the same hold is told once for many lines, a hold on another invoice not at all', () => {
    const facts = factsOf({ invoices: [claimed, { ...claimed, id: 'i2' }], holds: [hold()] });
    expect(told(judge({ facts, notice: { lines: [line, { ...line, invoiceId: 'i2' }] } }))).toBe('cancel held');
    expect(told(judge({ facts: { ...ready, holds: [hold({ scope: 'invoice', invoiceId: 'i9' })] } }))).toBe('send may_leave');
  });
  test.each([
    ['before the window', '2026-03-03 08:59:59', 'cancel outside_window'],
    ['as it opens', '2026-03-03 09:00', 'send may_leave'],
    ['in its last second', '2026-03-03 16:59:59', 'send may_leave'],
    ['as it closes', '2026-03-03 17:00', 'cancel outside_window'],
    ['on a Saturday', '2026-03-07 12:00', 'cancel outside_window'],
  ])('%s', (_name, when, expected) => {
    expect(told(judge({ when }))).toBe(expected);
  });
  test('gap and budget are counted without the message itself', () => {
    const spoken = (...times: string[]) => factsOf({ invoices: [claimed], customer: { contactedAt: times.map(time => at(time)) } });
    expect(told(judge({ facts: spoken('2026-03-01 10:00') }))).toBe('cancel min_gap');
    expect(told(judge({ facts: spoken('2026-02-28 10:00') }))).toBe('send may_leave');
    expect(told(judge({ facts: spoken('2026-02-27 10:00', '2026-02-28 10:00') }))).toBe('cancel budget');
  });
  test('the place in the window is a courtesy of the plan: the gate does not ask it', () => {
    const policy = { ...standard, contact: { ...standard.contact, spread: true } };
    expect(told(judge({ when: '2026-03-03 09:00', policy }))).toBe('send may_leave');
  });
});

describe('a person has to agree', () => {
  test.each([
    ['waiting', 'cancel awaiting_review'],
    ['declined', 'cancel needs_review'],
    ['approved', 'send may_leave'],
    ['none', 'cancel needs_review'],
  ] as const)('a suggested message whose review is %s', (review, expected) => {
    expect(told(judge({ notice: { mode: 'suggest', review } }))).toBe(expected);
  });
  test('a message decided in auto mode needs a person when the segment has become suggest since', () => {
    const facts = factsOf({ invoices: [claimed], customer: { mode: 'suggest' } });
    expect(told(judge({ facts }))).toBe('cancel needs_review');
    expect(told(judge({ facts, notice: { review: 'approved' } }))).toBe('send may_leave');
    expect(judge({ facts }).reasons[0]?.inputs).toEqual({ review: 'none', asks: 'suggest' });
  });
  test('a stage with an approval needs it in auto mode too', () => {
    const stages = standard.stages.map(stage => (stage.id === 'gentle' ? { ...stage, approval: 'final_notice' } : stage));
    const policy = { ...standard, stages };
    expect(told(judge({ policy }))).toBe('cancel needs_review');
    expect(judge({ policy }).reasons[0]?.inputs).toEqual({ review: 'none', asks: 'final_notice' });
    expect(told(judge({ policy, notice: { review: 'approved' } }))).toBe('send may_leave');
    expect(told(judge({ policy, notice: { mode: 'shadow' } }))).toBe('suppress shadow_mode');
  });
  test('one line that needs an approval is enough, and in shadow mode none is', () => {
    const stages = standard.stages.map(stage => (stage.id === 'firm' ? { ...stage, approval: 'final_notice' } : stage));
    const policy = { ...standard, stages };
    const older = invoice({ id: 'i2', number: 'INV-2', dueDate: '2026-02-24' });
    const lines = [line, { ...line, invoiceId: 'i2', stage: 'firm' }];
    expect(told(judge({ policy, facts: factsOf({ invoices: [claimed, older] }), notice: { lines } }))).toBe('cancel needs_review');
    const shadow = factsOf({ invoices: [claimed, older], customer: { mode: 'shadow' } });
    expect(told(judge({ policy, facts: shadow, notice: { lines } }))).toBe('suppress shadow_mode');
  });
  test('a declined message never leaves, in any mode', () => {
    const verdict = judge({ notice: { review: 'declined' } });
    expect(verdict).toMatchObject({
      kind: 'cancel',
      reasons: [{ code: 'needs_review', text: 'a person declined this message', inputs: { review: 'declined' } }],
    });
  });
  test('an approval of a stage that is not in the message does not matter', () => {
    const stages = standard.stages.map(stage => (stage.id === 'final' ? { ...stage, approval: 'final_notice' } : stage));
    expect(told(judge({ policy: { ...standard, stages } }))).toBe('send may_leave');
  });
});

describe('the way to the customer', () => {
  test('in shadow mode, then or now, the message is recorded and does not leave', () => {
    expect(told(judge({ notice: { mode: 'shadow' } }))).toBe('suppress shadow_mode');
    expect(told(judge({ facts: factsOf({ invoices: [claimed], customer: { mode: 'shadow' } }) }))).toBe('suppress shadow_mode');
    expect(
      told(judge({ notice: { mode: 'shadow', recipient: null }, facts: factsOf({ invoices: [claimed], customer: { contacts: [] } }) })),
    ).toBe('suppress shadow_mode');
  });
  test('shadow mode does not record what would not hold anyway', () => {
    expect(told(judge({ notice: { mode: 'shadow' }, when: '2026-03-03 20:00' }))).toBe('cancel outside_window');
  });
  test.each([
    ['its address was suppressed and no other is known', [{ ...contact, emailSuppressed: true }], 'suppress no_recipient'],
    ['everything was suppressed', [{ ...contact, emailSuppressed: true, phoneSuppressed: true }], 'suppress every_channel_suppressed'],
    ['nobody is left', [], 'suppress no_recipient'],
    [
      'another address may be used',
      [
        { ...contact, emailSuppressed: true },
        { ...contact, id: 'c2', email: 'b@example.com' },
      ],
      'cancel no_recipient',
    ],
    ['the contact moved to another address', [{ ...contact, email: 'new@example.com' }], 'cancel no_recipient'],
    ['the address is the same in other letters', [{ ...contact, email: 'AP@Example.com' }], 'send may_leave'],
  ])('when %s', (_name, contacts, expected) => {
    expect(told(judge({ facts: factsOf({ invoices: [claimed], customer: { contacts } }) }))).toBe(expected);
  });
  test('a message decided without a recipient looks for one again', () => {
    const verdict = judge({ notice: { recipient: null } });
    expect(told(verdict)).toBe('cancel no_recipient');
    expect(verdict.reasons[0]?.inputs).toEqual({ contacts: 1, hadRecipient: false });
  });
});

describe('what a person reads', () => {
  const first = (changes: Parameters<typeof judge>[0]) => judge(changes).reasons[0];
  test.each([
    ['a message that waits', { notice: { review: 'waiting' } }, 'a person has not decided yet', { review: 'waiting' }],
    [
      'one that needs a person',
      { notice: { mode: 'suggest' } },
      'a person has to agree to this message first',
      { review: 'none', asks: 'suggest' },
    ],
    ['shadow mode', { notice: { mode: 'shadow' } }, 'decided and recorded only: shadow mode', { mode: 'auto' }],
    ['a message without lines', { notice: { lines: [] } }, 'notice n1 has no lines', {}],
    ['money not applied', { facts: { ...ready, unappliedMinor: 107_800n } }, 'money not applied yet covers INV-1', { invoice: 'INV-1' }],
    [
      'a small balance',
      { facts: factsOf({ invoices: [{ ...claimed, openMinor: 499n }] }), notice: { lines: [{ ...line, amountMinor: 499n }] } },
      'INV-1 is below the least anybody is contacted for',
      { invoice: 'INV-1' },
    ],
    [
      'a lost address',
      { facts: factsOf({ invoices: [claimed], customer: { contacts: [] } }) },
      'Example Ltd has no e-mail address that may be used',
      { hadRecipient: true },
    ],
    [
      'another address',
      { facts: factsOf({ invoices: [claimed], customer: { contacts: [{ ...contact, email: 'b@example.com' }] } }) },
      'the address of this message may not be used any more; another one may',
      { hadRecipient: true },
    ],
  ] as const)('about %s', (_name, changes, text, inputs) => {
    expect(first(changes as Parameters<typeof judge>[0])).toMatchObject({ text, inputs });
  });
  test('about several zones and invoices, each by its own name', () => {
    const second = { ...claimed, id: 'i2', number: 'INV-2', openMinor: 5n };
    const facts = factsOf({ invoices: [claimed, second], customer: { zone: null, country: 'ES' } });
    const { inputs } = judge({ facts, notice: { lines: [line, { ...line, invoiceId: 'i2' }] } });
    expect(inputs).toMatchObject({
      zones: 'Europe/Madrid Atlantic/Canary',
      'line INV-2': 'stage gentle, open 5 of 107800 decided, version 1 of 1',
    });
  });
  test('about a holiday only where the policy keeps holidays', () => {
    const policy = { ...standard, contact: { ...standard.contact, holidays: 'none' as const } };
    expect(gate(policy, ready, reminder, at(noon), holidays('2026-03-03'))).toMatchObject({ kind: 'send', inputs: { holiday: null } });
  });
});

describe('an apology', () => {
  const paid = factsOf({
    invoices: [invoice({ state: 'closed', outcome: 'paid', openMinor: 0n, version: 5 })],
    customer: { contactedAt: [at('2026-03-03 10:00'), at('2026-03-03 11:00')] },
  });
  test('leaves although nothing is open any more, and above gap and budget', () => {
    expect(told(judge({ facts: paid, apology: true }))).toBe('send may_leave');
  });
  test('leaves in suggest mode without a person', () => {
    expect(told(judge({ facts: { ...paid, customer: { ...paid.customer, mode: 'suggest' } }, apology: true }))).toBe('send may_leave');
  });
  test('respects the window and holidays', () => {
    expect(told(judge({ facts: paid, apology: true, when: '2026-03-03 17:00' }))).toBe('cancel outside_window');
    expect(gate(standard, paid, apology, at(noon), holidays('2026-03-03'))).toMatchObject({
      kind: 'cancel',
      reasons: [{ code: 'holiday' }],
    });
  });
  test.each([
    ['a legal stay', hold({ kind: 'legal_stay' }), 'cancel legal_stay'],
    ['a stop of the whole tenant', hold({ scope: 'tenant' }), 'cancel held'],
    ['a vendor outage', hold({ kind: 'vendor_outage', scope: 'customer' }), 'cancel held'],
    ['a pause asked for by sales', hold(), 'send may_leave'],
    ['doubtful data of one source', hold({ kind: 'data_health', scope: 'source', invoiceId: 'i1' }), 'send may_leave'],
  ])('under %s', (_name, one, expected) => {
    expect(told(judge({ facts: { ...paid, holds: [one] }, apology: true }))).toBe(expected);
  });
  test('is not sent to a suppressed address', () => {
    const facts = { ...paid, customer: { ...paid.customer, contacts: [{ ...contact, emailSuppressed: true }] } };
    expect(told(judge({ facts, apology: true }))).toBe('suppress no_recipient');
  });
});
