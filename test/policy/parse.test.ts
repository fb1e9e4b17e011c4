// parse.test.ts: a policy file is read whole, and whatever is wrong in it is pointed at.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { readPolicy, letterNames } from '../../domain/policy/parse.ts';
import { readSegmentRules } from '../../domain/policy/segments.ts';

const least = `policy: mine
contact: {}
stages:
  - { id: first, day: 1, channel: email, template: reminder-2 }
`;

function errorsOf(text: string): string[] {
  const read = readPolicy(text);
  return read.ok
    ? []
    : read.errors.map(({ line, column, path, found, expected }) => `${line}:${column} ${path}: found ${found}, expected ${expected}`);
}

/** The smallest policy with one line put in. */
function withLine(line: string): string {
  return `${least}${line}\n`;
}

function withContact(contact: string): string {
  return least.replace('contact: {}', `contact: ${contact}`);
}

function withStages(...stages: readonly string[]): string {
  return `policy: mine\ncontact: {}\nstages:\n${stages.map(stage => `  - ${stage}\n`).join('')}`;
}

describe('what may be left out', () => {
  test('only name, contact and stages are required; everything else has its default', () => {
    expect(readPolicy(least)).toEqual({
      ok: true,
      policy: {
        name: 'mine',
        entry: 'contextual',
        graceDays: 0,
        ignoreBelowMinor: { USD: 500n, EUR: 500n },
        contact: {
          days: ['mon', 'tue', 'wed', 'thu', 'fri'],
          fromMinute: 540,
          toMinute: 1020,
          zone: 'debtor',
          holidays: 'debtor',
          minGapDays: 3,
          maxPer7Days: 2,
          spread: true,
        },
        stages: [{ id: 'first', day: 1, channel: 'email', template: 'reminder-2', also: [], approval: null }],
        then: [
          { id: 'suspend', day: 45, propose: 'service_suspension' },
          { id: 'agency', day: 90, propose: 'agency_placement' },
          { id: 'write_off', day: 180, propose: 'write_off' },
        ],
        later: {
          promise: { pauses: true, tolerance_percent: 2, grace_days: 2, max_days_ahead: 30, escalate_after_broken: 2 },
          dispute: {
            pauses: 'disputed_part',
            sla_business_days: 5,
            owners: {
              pricing: 'sales',
              quantity: 'operations',
              quality: 'operations',
              delivery: 'operations',
              duplicate: 'finance',
              other: 'finance',
            },
          },
          plans: { standard_days: [30, 60, 90], max_instalments: 6, grace_days: 3, custom_needs: 'cfo' },
          authority: {
            write_off: [
              { up_to: { USD: '1000' }, role: 'lead' },
              { up_to: { USD: '10000' }, role: 'manager' },
              { up_to: { USD: '50000' }, role: 'controller' },
              { role: 'cfo' },
            ],
            final_notice: [{ role: 'manager' }],
            service_suspension: [{ role: 'manager' }, { over: { USD: '25000' }, role: 'controller' }],
            agency_placement: [{ role: 'controller' }],
            payment_plan: [{ standard: true, role: 'manager' }, { role: 'cfo' }],
            dispute_credit: [{ up_to: { USD: '1000' }, role: 'lead' }, { role: 'manager' }],
            policy_change: [{ role: 'controller' }],
          },
          approvals: { remind_after_hours: 24, escalate_after_hours: 48, expire_after_hours: 120, on_expiry: 'hold' },
        },
      },
    });
  });
  test('what is written is taken', () => {
    const read = readPolicy(`policy: other
grace_days: 2
ignore_below: { JPY: "500", BHD: "1.5" }
purchase_order: required
slow_months: { months: [1, 12], shift_days: 20 }
contact: { days: [sat], from: "00:15", to: "24:00", zone: creditor, holidays: none, min_gap_days: 0, max_per_7_days: 7, spread: false }
stages:
  - { id: soon, day: -10, channel: task, template: reminder-1 }
  - { id: last, day: 0, channel: call, template: statement, also: [call, platform_note, tell_owner], approval: final_notice }
then:
  - { id: late, day: 200, propose: write_off }
  - { id: early, day: 100, propose: agency_placement }
promise: { grace_days: 5 }
approvals: { unsigned_signals: true, on_expiry: reject }
`);
    expect(read).toMatchObject({
      ok: true,
      policy: {
        graceDays: 2,
        ignoreBelowMinor: { JPY: 500n, BHD: 1500n },
        purchaseOrderRequired: true,
        slowMonths: { months: [1, 12], shiftDays: 20 },
        contact: {
          days: ['sat'],
          fromMinute: 15,
          toMinute: 1440,
          zone: 'creditor',
          holidays: 'none',
          minGapDays: 0,
          maxPer7Days: 7,
          spread: false,
        },
        stages: [
          { id: 'soon', day: -10, channel: 'task', approval: null },
          { id: 'last', day: 0, channel: 'call', also: ['call', 'platform_note', 'tell_owner'], approval: 'final_notice' },
        ],
        then: [{ id: 'early' }, { id: 'late' }],
        later: {
          promise: { grace_days: 5, tolerance_percent: 2 },
          approvals: { unsigned_signals: true, on_expiry: 'reject', remind_after_hours: 24 },
        },
      },
    });
  });
});

describe('what is wrong is pointed at', () => {
  test.each([
    [
      'an unknown key',
      withLine('grace_day: 3'),
      '5:1 grace_day: found the key "grace_day", expected one of the keys policy, entry, grace_days, ignore_below, purchase_order, slow_months, contact, stages, then, promise, dispute, plans, authority, approvals',
    ],
    [
      'an unknown key further in',
      withContact('{ min_gap: 3 }'),
      '2:12 contact.min_gap: found the key "min_gap", expected one of the keys days, from, to, zone, holidays, min_gap_days, max_per_7_days, spread',
    ],
    [
      'an unknown key of a later section',
      withLine('promise: { pause: true }'),
      '5:12 promise.pause: found the key "pause", expected one of the keys pauses, tolerance_percent, grace_days, max_days_ahead, escalate_after_broken',
    ],
    [
      'an unknown channel',
      withStages('{ id: a, day: 1, channel: emial, template: reminder-1 }'),
      '4:31 stages[0].channel: found emial, expected one of email, call, task',
    ],
    [
      'an unknown template',
      withStages('{ id: a, day: 1, channel: email, template: reminder-9 }'),
      `4:48 stages[0].template: found reminder-9, expected one of ${letterNames.join(', ')}`,
    ],
    [
      'a day between quotes',
      withStages('{ id: a, day: "1", channel: email, template: reminder-1 }'),
      '4:19 stages[0].day: found "1", expected a whole number from -365 to 3650',
    ],
    [
      'half a day',
      withStages('{ id: a, day: 1.5, channel: email, template: reminder-1 }'),
      '4:19 stages[0].day: found 1.5, expected a whole number from -365 to 3650',
    ],
    [
      'a day too far',
      withStages('{ id: a, day: 3651, channel: email, template: reminder-1 }'),
      '4:19 stages[0].day: found 3651, expected a whole number from -365 to 3650',
    ],
    [
      'a missing field',
      withStages('{ id: a, channel: email, template: reminder-1 }'),
      '4:5 stages[0].day: found nothing, expected a whole number from -365 to 3650',
    ],
    [
      'two stages of one name',
      withStages('{ id: a, day: 1, channel: email, template: reminder-1 }', '{ id: a, day: 2, channel: email, template: reminder-2 }'),
      '5:11 stages[1].id: found a, expected a name that no other stage has',
    ],
    [
      'days that do not grow',
      withStages('{ id: a, day: 7, channel: email, template: reminder-1 }', '{ id: b, day: 7, channel: email, template: reminder-2 }'),
      '5:19 stages[1].day: found 7, expected a day after 7, the day of stage a',
    ],
    [
      'a decision nobody may take',
      withStages('{ id: a, day: 7, channel: email, template: reminder-1, approval: coin_toss }'),
      '4:70 stages[0].approval: found coin_toss, expected a decision that authority names: write_off, final_notice, service_suspension, agency_placement, payment_plan, dispute_credit, policy_change',
    ],
    [
      'a proposal nobody may decide',
      withLine('then: [{ id: x, day: 5, propose: coin_toss }]'),
      '5:34 then[0].propose: found coin_toss, expected a decision that authority names: write_off, final_notice, service_suspension, agency_placement, payment_plan, dispute_credit, policy_change',
    ],
    [
      'a window that closes before it opens',
      withContact('{ from: "17:00", to: "09:00" }'),
      '2:31 contact.to: found 09:00, expected a time after contact.from',
    ],
    [
      'a window of no length',
      withContact('{ from: "09:00", to: "09:00" }'),
      '2:31 contact.to: found 09:00, expected a time after contact.from',
    ],
    [
      'a time of day that does not exist',
      withContact('{ from: "9:00" }'),
      '2:18 contact.from: found 9:00, expected a time from "00:00" to "24:00"',
    ],
    ['a number for a time', withContact('{ from: 9 }'), '2:18 contact.from: found 9, expected a time between quotes, such as "09:00"'],
    ['no weekday at all', withContact('{ days: [] }'), '2:18 contact.days: found [], expected at least one weekday'],
    ['a weekday twice', withContact('{ days: [mon, tue, mon] }'), '2:29 contact.days[2]: found mon, expected each weekday once'],
    [
      'a weekday that does not exist',
      withContact('{ days: [monday] }'),
      '2:19 contact.days[0]: found monday, expected one of mon, tue, wed, thu, fri, sat, sun',
    ],
    [
      'a gap longer than facts reach back',
      withContact('{ min_gap_days: 15 }'),
      '2:26 contact.min_gap_days: found 15, expected a whole number from 0 to 14',
    ],
    [
      'a budget of nothing',
      withContact('{ max_per_7_days: 0 }'),
      '2:28 contact.max_per_7_days: found 0, expected a whole number from 1 to 1000',
    ],
    [
      'an amount with too many decimals',
      withLine('ignore_below: { USD: "5.001" }'),
      '5:22 ignore_below.USD: found "5.001", expected an amount with at most 2 decimals, such as "5.00"',
    ],
    [
      'decimals where there are none',
      withLine('ignore_below: { JPY: "5.1" }'),
      '5:22 ignore_below.JPY: found "5.1", expected an amount with at most 0 decimals, such as "5"',
    ],
    [
      'a currency that does not exist',
      withLine('ignore_below: { XXQ: "5" }'),
      '5:22 ignore_below.XXQ: found "5", expected an ISO 4217 currency code, such as USD',
    ],
    [
      'a negative minimum',
      withLine('ignore_below: { USD: "-5" }'),
      '5:22 ignore_below.USD: found "-5", expected an amount that is not negative',
    ],
    [
      'an amount without quotes',
      withLine('ignore_below: { USD: 5.00 }'),
      '5:22 ignore_below.USD: found 5, expected an amount between quotes, such as "5.00"',
    ],
    ['another way of entry', withLine('entry: first'), '5:8 entry: found first, expected one of contextual'],
    [
      'a name with spaces',
      least.replace('mine', 'my policy'),
      '1:9 policy: found my policy, expected a name of small letters, digits, - and _, such as firm',
    ],
    ['no stage', 'policy: mine\ncontact: {}\nstages: []\n', '3:9 stages: found [], expected at least one stage'],
    [
      'a thirteenth month',
      withLine('slow_months: { months: [13], shift_days: 3 }'),
      '5:25 slow_months.months[0]: found 13, expected a whole number from 1 to 12',
    ],
    [
      'an unknown role',
      withLine('authority: { write_off: [{ role: intern }] }'),
      '5:34 authority.write_off[0].role: found intern, expected one of collector, lead, manager, controller, cfo',
    ],
    [
      'an unknown kind of dispute',
      withLine('dispute: { owners: { weather: sales } }'),
      '5:22 dispute.owners.weather: found the key "weather", expected one of the keys pricing, quantity, quality, delivery, duplicate, returned_goods, missing_po, tax, terms, promotion, not_rendered, already_paid, other',
    ],
    [
      'a percentage above hundred',
      withLine('promise: { tolerance_percent: 101 }'),
      '5:31 promise.tolerance_percent: found 101, expected a percentage from 0 to 100',
    ],
    ['a word for a switch', withContact('{ spread: maybe }'), '2:20 contact.spread: found maybe, expected true or false'],
    ['a list for a section', withLine('promise: [1]'), '5:10 promise: found [1], expected keys with values'],
    ['a key twice', withLine('policy: again'), '5:1 : found policy: again, expected each key once'],
    [
      'broken YAML',
      'policy: [a\ncontact: {}\n',
      '2:1 : found contact: {}, expected valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
    ['a list for the whole', '- 1\n', '1:1 : found [1], expected keys with values'],
    ['an empty file', '', '1:1 : found nothing, expected keys with values'],
  ])('%s', (_name, text, expected) => {
    expect(errorsOf(text)).toEqual([expected]);
  });
  test('everything is told at once, from top to bottom', () => {
    const text = withStages(
      '{ id: A, day: 1, channel: email, template: reminder-1 }',
      '{ id: b, day: 2, channel: fax, template: reminder-1 }',
    ).replace('policy: mine', 'policy: 7');
    expect(errorsOf(text).map(line => line.split(' ')[0])).toEqual(['1:9', '4:11', '5:31']);
  });
  test('a missing section is told at the top', () => {
    expect(errorsOf('policy: mine\n')).toEqual([
      '1:1 contact: found nothing, expected keys with values',
      '1:1 stages: found nothing, expected a list of stages',
    ]);
  });
  test('a long value is cut', () => {
    expect(errorsOf(least.replace('mine', 'a'.repeat(80)))[0]).toContain(`found ${'a'.repeat(57)}..., expected`);
  });
  test('a file that unfolds like a bomb is refused', () => {
    const bomb = [
      'a: &a [x,x,x,x,x,x,x,x,x]',
      ...'bcdefgh'.split('').map((letter, i) => `${letter}: &${letter} [${`*${'abcdefgh'[i]},`.repeat(9)}]`),
    ].join('\n');
    expect(errorsOf(bomb)).toEqual([
      '1:1 : found Excessive alias count indicates a resource exhaustion attack, expected at most 50 uses of an anchor',
    ]);
  });
  test('a tenant may have its own templates', () => {
    const text = withStages('{ id: a, day: 1, channel: email, template: our-own }');
    expect(readPolicy(text, ['our-own']).ok).toBe(true);
    expect(readPolicy(text).ok).toBe(false);
  });
});

describe('the policies that come with Dunlin', () => {
  const folder = new URL('../../policies/', import.meta.url);
  const names = readdirSync(folder).filter(name => name.endsWith('.yaml') && name !== 'segments.yaml');
  const policies = names.map(name => {
    const read = readPolicy(readFileSync(new URL(name, folder), 'utf8'));
    if (!read.ok) throw new Error(`${name}: ${JSON.stringify(read.errors)}`);
    return read.policy;
  });
  const named = (name: string) => policies.find(policy => policy.name === name)!;

  test('are six, each named like its file', () => {
    expect(policies.map(policy => `${policy.name}.yaml`)).toEqual(names);
    expect(names).toEqual([
      'government.yaml',
      'international.yaml',
      'seasonal.yaml',
      'small-balance.yaml',
      'standard.yaml',
      'strategic.yaml',
    ]);
  });
  test('the standard one is the cadence of the source document', () => {
    expect(named('standard').stages.map(({ id, day, template, also }) => [id, day, template, also.join(' ')])).toEqual([
      ['friendly', -3, 'reminder-1', ''],
      ['gentle', 1, 'reminder-2', ''],
      ['firm', 7, 'reminder-3', ''],
      ['escalation', 15, 'reminder-4', 'call platform_note'],
      ['final', 30, 'reminder-5', 'call tell_owner'],
    ]);
  });
  test('a strategic account hears from its account manager only', () => {
    expect(named('strategic').stages.map(stage => stage.channel)).toEqual(['task', 'task', 'task', 'task']);
  });
  test('a public payer is never threatened: no final notice, statutory clocks, an order number', () => {
    const { stages, then, purchaseOrderRequired } = named('government');
    expect(stages.map(stage => stage.day)).toEqual([-5, 10, 30, 60]);
    expect(stages.filter(stage => ['reminder-4', 'reminder-5'].includes(stage.template))).toEqual([]);
    expect(then.map(proposal => proposal.propose)).toEqual(['write_off']);
    expect(purchaseOrderRequired).toBe(true);
  });
  test('small amounts cost no calls', () => {
    expect(named('small-balance').stages.flatMap(stage => stage.also)).toEqual([]);
    expect(named('small-balance').stages.length).toBeLessThan(named('standard').stages.length);
  });
  test('a seasonal customer is chased later in slow months', () => {
    expect(named('seasonal').slowMonths).toEqual({ months: [1, 2, 3], shiftDays: 30 });
  });
  test('every segment points at one of them', () => {
    const text = readFileSync(new URL('segments.yaml', folder), 'utf8');
    const read = readSegmentRules(
      text,
      policies.map(policy => policy.name),
    );
    expect(read.ok && read.segments.map(segment => segment.name)).toEqual([
      'strategic',
      'government',
      'seasonal',
      'international',
      'small-balance',
      'standard',
    ]);
  });
});

describe('segments', () => {
  const wrong = (text: string, policies?: readonly string[]) => {
    const read = readSegmentRules(text, policies);
    return read.ok
      ? []
      : read.errors.map(({ line, column, path, found, expected }) => `${line}:${column} ${path}: found ${found}, expected ${expected}`);
  };
  const one = (when: string) => `segments:\n  - { name: a, policy: standard, mode: auto, when: ${when} }\n`;

  test('a rule may be left out: it holds for everybody', () => {
    expect(readSegmentRules('segments:\n  - { name: a, policy: standard, mode: shadow }\n')).toEqual({
      ok: true,
      segments: [{ name: 'a', policy: 'standard', mode: 'shadow', when: {} }],
    });
  });
  test.each([
    [
      'a fact nobody knows',
      one('{ weather: fine }'),
      '2:54 segments[0].when.weather: found the key "weather", expected one of the keys id, country, region, locale, owner, natural_person, abroad, oldest_days, open_invoices, balance, attributes.NAME',
    ],
    [
      'a condition that is none',
      one('{ country: [] }'),
      '2:63 segments[0].when.country: found [], expected a value, a list of values, or { min, max }',
    ],
    [
      'a balance without quotes',
      one('{ balance: { max: { USD: 5 } } }'),
      '2:77 segments[0].when.balance.max.USD: found 5, expected an amount between quotes, such as "5.00"',
    ],
    [
      'an unknown mode',
      'segments:\n  - { name: a, policy: standard, mode: loud }\n',
      '2:40 segments[0].mode: found loud, expected one of shadow, suggest, auto',
    ],
    [
      'a name twice',
      'segments:\n  - { name: a, policy: p, mode: auto }\n  - { name: a, policy: p, mode: auto }\n',
      '3:13 segments[1].name: found a, expected a name that no other segment has',
    ],
    [
      'broken YAML',
      'segments: [\n',
      '2:1 : found nothing, expected valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
  ])('%s is pointed at', (_name, text, expected) => {
    expect(wrong(text)).toEqual([expected]);
  });
  test('a policy that does not exist is pointed at when the names are known', () => {
    expect(wrong(one('{}'), ['other'])).toEqual(['2:24 segments[0].policy: found standard, expected one of other']);
    expect(wrong(one('{}'))).toEqual([]);
  });
});
