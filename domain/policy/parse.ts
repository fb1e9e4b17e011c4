// parse.ts: policy text to a policy. Whatever is wrong is told all at once, each with its place in the file; what is
// right comes back with every default filled in, so that no rule has to ask "and if it is not set?".
import { parseDecimal } from '../money.ts';
import { keysIn, type Located, located, type PolicyError, readYaml } from './located.ts';
import type { Policy } from './policy.ts';
import { type PolicyText, policySchema } from './schema.ts';

export type { PolicyError } from './located.ts';

/** Message templates that come with Dunlin; a stage may name one of them. */
export const letterNames: readonly string[] = ['reminder-1', 'reminder-2', 'reminder-3', 'reminder-4', 'reminder-5', 'statement'];

/** `templates`: the names a stage may use, when the tenant has its own. */
export function readPolicy(
  yaml: string,
  templates: readonly string[] = letterNames,
): { ok: true; policy: Policy } | { ok: false; errors: PolicyError[] } {
  const read = readYaml(yaml);
  if (!read.ok) return read;
  const checked = policySchema.safeParse(read.located.value);
  if (!checked.success) return { ok: false, errors: inOrder(located(read.located, checked.error.issues, keysIn(policySchema))) };
  const errors = [...windowErrors(checked.data, read.located), ...stageErrors(checked.data, read.located, templates)];
  errors.push(...authorityErrors(checked.data, read.located));
  return errors.length > 0 ? { ok: false, errors: inOrder(errors) } : { ok: true, policy: policyOf(checked.data) };
}

function inOrder(errors: readonly PolicyError[]): PolicyError[] {
  return errors.toSorted((a, b) => a.line - b.line || a.column - b.column);
}

function windowErrors({ contact }: PolicyText, text: Located): PolicyError[] {
  const errors: PolicyError[] = [];
  if (contact.from >= contact.to) errors.push(text.errorAt(['contact', 'to'], 'a time after contact.from'));
  const twice = contact.days.findIndex((day, index) => contact.days.indexOf(day) !== index);
  if (twice >= 0) errors.push(text.errorAt(['contact', 'days', twice], 'each weekday once'));
  return errors;
}

function stageErrors({ stages }: PolicyText, text: Located, templates: readonly string[]): PolicyError[] {
  return stages.flatMap((stage, index) => {
    const errors: PolicyError[] = [];
    const before = stages[index - 1];
    if (stages.findIndex(other => other.id === stage.id) < index) {
      errors.push(text.errorAt(['stages', index, 'id'], 'a name that no other stage has'));
    }
    if (before && stage.day <= before.day) {
      errors.push(text.errorAt(['stages', index, 'day'], `a day after ${before.day}, the day of stage ${before.id}`));
    }
    if (!templates.includes(stage.template)) {
      errors.push(text.errorAt(['stages', index, 'template'], `one of ${templates.join(', ')}`));
    }
    return errors;
  });
}

/** A decision nobody has the authority for would wait for ever. */
function authorityErrors({ stages, then, authority }: PolicyText, text: Located): PolicyError[] {
  const known = Object.keys(authority);
  const expected = `a decision that authority names: ${known.join(', ')}`;
  const errors = stages.flatMap((stage, index) =>
    stage.approval === undefined || known.includes(stage.approval) ? [] : [text.errorAt(['stages', index, 'approval'], expected)],
  );
  const proposals = then.flatMap((proposal, index) =>
    known.includes(proposal.propose) ? [] : [text.errorAt(['then', index, 'propose'], expected)],
  );
  return [...errors, ...proposals];
}

function policyOf(text: PolicyText): Policy {
  const { contact, promise, dispute, plans, authority, approvals } = text;
  const least = Object.entries(text.ignore_below).map(([currency, amount]) => [currency, parseDecimal(amount, currency).minor] as const);
  return {
    name: text.policy,
    entry: text.entry,
    graceDays: text.grace_days,
    ignoreBelowMinor: Object.fromEntries(least),
    contact: {
      days: contact.days,
      fromMinute: contact.from,
      toMinute: contact.to,
      zone: contact.zone,
      holidays: contact.holidays,
      minGapDays: contact.min_gap_days,
      maxPer7Days: contact.max_per_7_days,
      spread: contact.spread,
    },
    stages: text.stages.map(stage => ({ ...stage, approval: stage.approval ?? null })),
    then: text.then.toSorted((a, b) => a.day - b.day),
    ...(text.purchase_order === 'required' ? { purchaseOrderRequired: true } : {}),
    ...(text.slow_months ? { slowMonths: { months: text.slow_months.months, shiftDays: text.slow_months.shift_days } } : {}),
    later: { promise, dispute, plans, authority, approvals },
  };
}
