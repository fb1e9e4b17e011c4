// policy.ts: `dunlin policy check | show | explain`: is this file right, what does a policy do, and why does a customer
// follow the one it follows.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { clockText } from '../../../domain/calendar.ts';
import { type PolicyError, readPolicy } from '../../../domain/policy/parse.ts';
import type { Policy } from '../../../domain/policy/policy.ts';
import { readSegmentRules } from '../../../domain/policy/segments.ts';
import { explain, type Explanation, type Segment, type SegmentRule } from '../../../domain/segment.ts';
import { localDateAt } from '../../../domain/time.ts';
import { findCustomers } from '../../../store/customers.ts';
import { readPolicyVersion, readSegments } from '../../../store/policies.ts';
import { gatherSegmentation, nextToSegment } from '../../../store/segmentation.ts';
import { readTenant } from '../../../store/tenants.ts';
import { AnswerIsNo, answer, BadInput, globalOptions, Missing, table } from '../output.ts';
import { inTenant } from '../store.ts';

const shippedFolder = new URL('../../../policies/', import.meta.url);

export function register(program: Command): void {
  const policy = program.command('policy').description('policies: check a file, show what one does, explain who follows which');
  policy
    .command('check')
    .argument('<file>', 'a policy file, or a file of segments')
    .description('is this file right? Every mistake with its place')
    .addHelpText('after', '\nExample:\n  dunlin policy check policies/standard.yaml\n')
    .action((file: string, _options: unknown, command: Command) => {
      const errors = check(file);
      answer(command, { ok: errors.length === 0, errors }, ({ ok }) => (ok ? `${file} is right.` : errors.map(told(file)).join('\n')));
      if (errors.length > 0) throw new AnswerIsNo(`${file}: ${errors.length === 1 ? 'one mistake' : `${errors.length} mistakes`}`);
    });
  policy
    .command('show')
    .argument('[name]', 'one policy; without it, the names there are')
    .option('--policy-version <n>', 'an older version of the tenant')
    .option('--shipped', 'as it comes with Dunlin, whatever the tenant uses')
    .description('what a policy does')
    .addHelpText('after', '\nExamples:\n  dunlin policy show\n  dunlin policy show standard\n')
    .action(async (name: string | undefined, options: { policyVersion?: string; shipped?: boolean }, command: Command) => {
      if (name === undefined) return answer(command, { policies: shippedNames() }, ({ policies }) => policies.join('\n'));
      answer(command, await find(command, name, options), people);
    });
  policy
    .command('explain')
    .argument('<customer>', 'id, id in a source system, or exact name')
    .description('which segment and policy a customer has, and why')
    .addHelpText('after', '\nExample:\n  dunlin policy explain "Example Ltd"\n')
    .action(async (named: string, _options: unknown, command: Command) => {
      answer(command, await explainCustomer(command, named), tellWhy);
    });
}

function check(file: string): readonly PolicyError[] {
  if (!existsSync(file)) throw new BadInput(`found no file "${file}", expected a policy file such as policies/standard.yaml`);
  const text = readFileSync(file, 'utf8');
  const read = /^segments:/m.test(text) ? readSegmentRules(text) : readPolicy(text);
  return read.ok ? [] : read.errors;
}

function told(file: string) {
  return ({ line, column, path, found, expected }: PolicyError) =>
    `${file}:${line}:${column} ${path ? `${path}: ` : ''}found ${found}, expected ${expected}`;
}

function shippedNames(): string[] {
  const files = readdirSync(shippedFolder).filter(file => file.endsWith('.yaml') && file !== 'segments.yaml');
  return files.map(file => file.slice(0, -'.yaml'.length)).toSorted();
}

/** `version` is null for a policy as it comes with Dunlin. */
type Shown = { name: string; version: number | null; text: string; policy: Policy };

/** The tenant's policy; where no store runs or the tenant has none of that name, the one that comes with Dunlin. */
async function find(command: Command, name: string, options: { policyVersion?: string; shipped?: boolean }): Promise<Shown> {
  const version = options.policyVersion === undefined ? undefined : Number(options.policyVersion);
  if (version !== undefined && !Number.isInteger(version)) {
    throw new BadInput(`--policy-version: found "${options.policyVersion}", expected a number such as 2`);
  }
  const stored = options.shipped ? undefined : await storedPolicy(command, name, version);
  if (stored) return shown(stored.name, stored.version, stored.source);
  if (version !== undefined) throw new BadInput(`policy "${name}" version ${version}: tenant "${globalOptions(command).tenant}" has none`);
  if (!shippedNames().includes(name)) throw new BadInput(`found policy "${name}", expected one of ${shippedNames().join(', ')}`);
  return shown(name, null, readFileSync(new URL(`${name}.yaml`, shippedFolder), 'utf8'));
}

async function storedPolicy(command: Command, name: string, version: number | undefined) {
  try {
    return await inTenant(command, tx => readPolicyVersion(tx, name, version));
  } catch (error) {
    if (error instanceof Missing && version === undefined) return undefined;
    throw error;
  }
}

function shown(name: string, version: number | null, text: string): Shown {
  const read = readPolicy(text);
  const [first] = read.ok ? [] : read.errors;
  if (!read.ok) throw new BadInput(`policy "${name}" can no longer be read: ${first ? told(name)(first) : ''}`);
  return { name, version, text, policy: read.policy };
}

function people({ name, version, policy }: Shown): string {
  const { contact } = policy;
  const window = `${contact.days.join(', ')} ${clockText(contact.fromMinute)} to ${clockText(contact.toMinute)}`;
  const columns = [
    { title: 'Day', align: 'right' as const },
    { title: 'Stage' },
    { title: 'How' },
    { title: 'Template' },
    { title: 'Also' },
  ];
  const rows = policy.stages.map(({ id, day, channel, template, also, approval }) => [
    day > 0 ? `+${day}` : day,
    id,
    approval ? `${channel}, after ${approval}` : channel,
    template,
    also.join(', '),
  ]);
  return [
    `${name}${version === null ? ' (as it comes with Dunlin)' : ` version ${version}`}`,
    `Messages leave ${window} on the clocks of the ${contact.zone}; holidays: ${contact.holidays}.`,
    `At least ${contact.minGapDays} days between two messages to a customer, at most ${contact.maxPer7Days} in seven days.`,
    ...(policy.graceDays > 0 ? [`${policy.graceDays} days of grace after the due date.`] : []),
    ...(policy.slowMonths ? [`Due in months ${policy.slowMonths.months.join(', ')}: ${policy.slowMonths.shiftDays} days later.`] : []),
    ...(policy.purchaseOrderRequired ? ['No message about an invoice without a purchase order number.'] : []),
    '',
    table(columns, rows),
    ...policy.then.map(({ day, propose }) => `+${day} proposes ${propose.replaceAll('_', ' ')}`),
  ].join('\n');
}

type Why = {
  customer: { id: string; name: string };
  segment: string;
  policy: string;
  mode: string;
  /** The segment a source names for this customer in so many words, which wins over the rules. */
  told: string | null;
  asked: Explanation['asked'];
};

async function explainCustomer(command: Command, named: string): Promise<Why> {
  return inTenant(command, async (tx, { clock }) => {
    const [customer, ...others] = await findCustomers(tx, named);
    if (!customer) throw new BadInput(`found no customer "${named}" in tenant "${tx.tenant}", expected an id or an exact name`);
    if (others.length > 0) {
      const ids = [customer, ...others].map(one => `${one.id} (${one.name})`).join(', ');
      throw new BadInput(`found several customers "${named}", expected one; ask by id: ${ids}`);
    }
    await gatherSegmentation(tx, localDateAt(clock.now(), (await readTenant(tx)).zone));
    const [profile] = await nextToSegment(tx, customer.before, 1);
    if (!profile) throw new BadInput(`customer ${customer.id} was removed while it was read; ask again`);
    const segments = (await readSegments(tx)).map((row): Segment => ({ ...row, when: row.rule as SegmentRule }));
    const given = segments.find(segment => segment.name === profile.attributes['segment']);
    const { segment, asked } = explain(segments, profile);
    const { name, policy, mode } = given ?? segment;
    return { customer: { id: customer.id, name: customer.name }, segment: name, policy, mode, told: given ? name : null, asked };
  });
}

function tellWhy({ customer, segment, policy, mode, told: given, asked }: Why): string {
  const first = `${customer.name} (${customer.id}) is in segment ${segment}: policy ${policy}, mode ${mode}.`;
  if (given) return `${first}\nIts source says so in so many words, which wins over the rules.`;
  const lines = asked.flatMap(({ segment: name, holds, conditions }) => [
    `${holds ? 'yes' : 'no '}  ${name}${conditions.length === 0 ? ': holds for everybody' : ''}`,
    ...conditions.map(condition => `       ${condition.asked}: found ${condition.found}`),
  ]);
  return [first, ...lines].join('\n');
}
