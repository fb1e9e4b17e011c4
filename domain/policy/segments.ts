// segments.ts: the file that says which customer follows which policy, checked like a policy: with places, all at once.
import { z } from 'zod';
import { factNames, type Segment, type SegmentRule } from '../segment.ts';
import { keysIn, located, type Path, type PolicyError, readYaml } from './located.ts';
import { amounts } from './schema.ts';

const scalar = z.union([z.string(), z.number(), z.boolean()]);
const range = z.strictObject({ min: z.number().optional(), max: z.number().optional() });
const expected = 'a value, a list of values, or { min, max }';
const condition = z.union([scalar, z.array(scalar).min(1, { error: expected }), range], { error: expected });
const balance = z.strictObject({ min: amounts.optional(), max: amounts.optional() });

const when = z.record(z.string(), z.unknown()).superRefine((rule, context) => {
  for (const [key, wanted] of Object.entries(rule)) {
    if (key !== 'balance' && !key.startsWith('attributes.') && !factNames.some(name => name === key)) {
      context.addIssue({ code: 'unrecognized_keys', keys: [key], input: rule });
      continue;
    }
    const checked = (key === 'balance' ? balance : condition).safeParse(wanted);
    for (const issue of checked.error?.issues ?? []) {
      context.addIssue({ code: 'custom', path: [key, ...issue.path], message: issue.message });
    }
  }
});

const schema = z.strictObject({
  segments: z.array(
    z.strictObject({
      name: z.string({ error: 'a name' }).regex(/^[a-z][a-z0-9_-]{0,39}$/, { error: 'a name of small letters, digits, - and _' }),
      policy: z.string({ error: 'the name of a policy' }),
      mode: z.enum(['shadow', 'suggest', 'auto']),
      when: when.default({}),
    }),
  ),
});

const ruleKeys = [...factNames, 'balance', 'attributes.NAME'];

function keysAt(path: Path): readonly string[] {
  return path.at(-1) === 'when' ? ruleKeys : keysIn(schema)(path);
}

/** `policies`: the names a segment may point at, when they are known. */
export function readSegmentRules(
  yaml: string,
  policies?: readonly string[],
): { ok: true; segments: Segment[] } | { ok: false; errors: PolicyError[] } {
  const read = readYaml(yaml);
  if (!read.ok) return read;
  const checked = schema.safeParse(read.located.value);
  if (!checked.success) return { ok: false, errors: located(read.located, checked.error.issues, keysAt) };
  const { segments } = checked.data;
  const errors = segments.flatMap((segment, index) => {
    const wrong: PolicyError[] = [];
    if (segments.findIndex(other => other.name === segment.name) < index) {
      wrong.push(read.located.errorAt(['segments', index, 'name'], 'a name that no other segment has'));
    }
    if (policies && !policies.includes(segment.policy)) {
      wrong.push(read.located.errorAt(['segments', index, 'policy'], `one of ${policies.join(', ')}`));
    }
    return wrong;
  });
  if (errors.length > 0) return { ok: false, errors };
  return { ok: true, segments: segments.map(segment => ({ ...segment, when: segment.when as SegmentRule })) };
}
