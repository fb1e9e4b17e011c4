// schema.ts: what may stand in a policy file, with the defaults of everything that is left out. Unknown keys are errors:
// a misspelt "min_gap_day" must not silently mean "no gap". Checks across fields are in parse.ts.
import { z } from 'zod';
import { exponentOf, isCurrency } from '../money.ts';

const NAME = /^[a-z][a-z0-9_-]{0,39}$/;
const name = z.string({ error: 'a name' }).regex(NAME, { error: 'a name of small letters, digits, - and _, such as firm' });
const role = z.enum(['collector', 'lead', 'manager', 'controller', 'cfo']);

function whole(least: number, most: number) {
  const expected = `a whole number from ${least} to ${most}`;
  return z.int({ error: expected }).min(least, { error: expected }).max(most, { error: expected });
}

const clock = z
  .string({ error: 'a time between quotes, such as "09:00"' })
  .regex(/^(?:[01]\d|2[0-3]):[0-5]\d$|^24:00$/, { error: 'a time from "00:00" to "24:00"' })
  .transform(text => Number(text.slice(0, 2)) * 60 + Number(text.slice(3)));

/** Currency to decimal text: { USD: "5.00" }. */
export const amounts = z
  .record(z.string(), z.string({ error: 'an amount between quotes, such as "5.00"' }), {
    error: 'amounts by currency, such as { USD: "5.00" }',
  })
  .superRefine((byCurrency, context) => {
    for (const [currency, text] of Object.entries(byCurrency)) {
      const expected = amountProblem(text, currency);
      if (expected) context.addIssue({ code: 'custom', path: [currency], message: expected });
    }
  });

function amountProblem(text: string, currency: string): string | null {
  if (!isCurrency(currency)) return 'an ISO 4217 currency code, such as USD';
  if (text.startsWith('-')) return 'an amount that is not negative';
  const digits = exponentOf(currency);
  const right = digits === 0 ? /^\d+$/ : new RegExp(`^\\d+(?:\\.\\d{1,${digits}})?$`);
  return right.test(text) ? null : `an amount with at most ${digits} decimals, such as "${digits === 0 ? '5' : `5.${'0'.repeat(digits)}`}"`;
}

const contact = z.strictObject({
  days: z
    .array(z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']), { error: 'a list of weekdays, such as [mon, tue]' })
    .min(1, { error: 'at least one weekday' })
    .default(['mon', 'tue', 'wed', 'thu', 'fri']),
  from: clock.default(540),
  to: clock.default(1020),
  zone: z.enum(['debtor', 'creditor']).default('debtor'),
  holidays: z.enum(['debtor', 'creditor', 'none']).default('debtor'),
  // Facts hold the messages of the last 14 days; a longer gap could not be seen.
  min_gap_days: whole(0, 14).default(3),
  max_per_7_days: whole(1, 1000).default(2),
  spread: z.boolean({ error: 'true or false' }).default(true),
});

const stage = z.strictObject({
  id: name,
  day: whole(-365, 3650),
  channel: z.enum(['email', 'call', 'task']),
  template: z.string({ error: 'the name of a message template' }),
  also: z.array(z.enum(['call', 'platform_note', 'tell_owner'])).default([]),
  approval: name.optional(),
});

const proposal = z.strictObject({ id: name, day: whole(1, 3650), propose: name });

const promise = z.strictObject({
  pauses: z.boolean({ error: 'true or false' }).default(true),
  tolerance_percent: z.number({ error: 'a percentage from 0 to 100' }).min(0).max(100).default(2),
  grace_days: whole(0, 60).default(2),
  max_days_ahead: whole(1, 365).default(30),
  escalate_after_broken: whole(1, 20).default(2),
});

const owners = {
  pricing: 'sales',
  quantity: 'operations',
  quality: 'operations',
  delivery: 'operations',
  duplicate: 'finance',
  other: 'finance',
};
const categories = [
  'pricing',
  'quantity',
  'quality',
  'delivery',
  'duplicate',
  'returned_goods',
  'missing_po',
  'tax',
  'terms',
  'promotion',
  'not_rendered',
  'already_paid',
  'other',
] as const;

const dispute = z.strictObject({
  pauses: z.enum(['disputed_part', 'whole_invoice', 'nothing']).default('disputed_part'),
  sla_business_days: whole(1, 90).default(5),
  owners: z.partialRecord(z.enum(categories), name).default(owners),
});

const plans = z.strictObject({
  standard_days: z.array(whole(1, 730)).min(1, { error: 'at least one length in days' }).default([30, 60, 90]),
  max_instalments: whole(2, 60).default(6),
  grace_days: whole(0, 60).default(3),
  custom_needs: role.default('cfo'),
});

const rung = z.strictObject({ up_to: amounts.optional(), over: amounts.optional(), standard: z.boolean().optional(), role });
const ladder = z.array(rung).min(1, { error: 'at least one role' });

const approvals = z.strictObject({
  remind_after_hours: whole(1, 1000).default(24),
  escalate_after_hours: whole(1, 1000).default(48),
  expire_after_hours: whole(1, 1000).default(120),
  on_expiry: z.enum(['hold', 'reject']).default('hold'),
  unsigned_signals: z.boolean({ error: 'true or false' }).optional(),
});

/** Who may decide what, when a policy does not say otherwise. */
const standardAuthority: Record<string, z.input<typeof ladder>> = {
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
};

const standardProposals = [
  { id: 'suspend', day: 45, propose: 'service_suspension' },
  { id: 'agency', day: 90, propose: 'agency_placement' },
  { id: 'write_off', day: 180, propose: 'write_off' },
];

export const policySchema = z.strictObject({
  policy: name,
  entry: z.literal('contextual', { error: 'contextual' }).default('contextual'),
  grace_days: whole(0, 60).default(0),
  ignore_below: amounts.default({ USD: '5.00', EUR: '5.00' }),
  purchase_order: z.enum(['required', 'optional']).default('optional'),
  slow_months: z
    .strictObject({ months: z.array(whole(1, 12)).min(1, { error: 'at least one month' }), shift_days: whole(1, 180) })
    .optional(),
  contact,
  stages: z.array(stage, { error: 'a list of stages' }).min(1, { error: 'at least one stage' }),
  then: z.array(proposal).default(standardProposals),
  promise: promise.default(() => promise.parse({})),
  dispute: dispute.default(() => dispute.parse({})),
  plans: plans.default(() => plans.parse({})),
  authority: z.record(name, ladder).default(standardAuthority),
  approvals: approvals.default(() => approvals.parse({})),
});

export type PolicyText = z.output<typeof policySchema>;
