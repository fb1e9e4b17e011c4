// profile.ts: how one kind of file is to be read, as data: which column means what, what may be left out, what a row must
// have. The shipped ones are in profiles/; a tenant may bring its own file of the same shape.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import type { ImportKind } from '../domain/imported.ts';

const names = z.array(z.string().min(1)).min(1);

const ProfileShape = z.strictObject({
  profile: z.string().regex(/^[a-z0-9-]+$/),
  kind: z.enum(['premium-aging', 'premium-invoices', 'invoices', 'customers', 'payments']),
  title: z.string(),
  /** The feed: what its invoices are filed under, and what a data-health stop of it holds. */
  source: z.string().regex(/^[a-z0-9-]+$/),
  /** Who numbers the customers: part of a customer's reference. */
  system: z.string().regex(/^[a-z0-9-]+$/),
  /** The file names every open item of the source: what it no longer names is gone there. */
  full_book: z.boolean(),
  /** Columns that only this program writes; a file is taken for its export when all are there. */
  signature: z.array(z.string()).default([]),
  /** Our field to the names its column goes by. Case, spaces and punctuation do not matter. */
  columns: z.record(z.string(), names),
  /** Fields every row must have; a list inside means one of them. */
  required: z.array(z.union([z.string(), names])),
  dates: z.array(z.string()).default([]),
  amounts: z.array(z.string()).default([]),
  number_style: z.enum(['detect', 'point', 'comma']).default('detect'),
  date_style: z.enum(['detect', 'dmy', 'mdy']).default('detect'),
  /** A row without any of these fields, in which a cell says "Total", is a sum of others. */
  totals_lack: names,
  /** Rows that are none of our business, with the reason that is told. */
  skip: z.array(z.strictObject({ field: z.string(), unless: names, reason: z.string() })).default([]),
  /**
   * none: a row is an invoice. lines: a row is one line of an invoice and repeats its totals. postings: rows add up to the invoice.
   */
  grouping: z.enum(['none', 'lines', 'postings']).default('none'),
  /** Words of the status column. Whatever is not named counts as issued. */
  status: z.strictObject({ draft: names.optional(), void: names.optional(), paid: names.optional(), skip: names.optional() }).default({}),
  /** Currency by the sign of the amount where no column names it. */
  currency_of_sign: z.record(z.string(), z.string().length(3)).default({}),
  /** The due day where the file has none: the day of issue plus these days (and the terms column, when there is one). */
  due_days_after_issue: z.number().int().min(0).optional(),
});

export type Profile = z.infer<typeof ProfileShape>;

/** Throws with the file's name and every fault in it. */
export function readProfile(text: string, name: string): Profile {
  const read = ProfileShape.safeParse(parseYaml(text));
  if (read.success) return read.data;
  const faults = read.error.issues.map(issue => `${issue.path.join('.') || 'the file'}: ${issue.message}`);
  throw new Error(`${name} is not an import profile: ${faults.join('; ')}`);
}

const shippedFolder = fileURLToPath(new URL('./profiles/', import.meta.url));

/** The profiles Dunlin comes with. */
export function shippedProfiles(): Profile[] {
  return readdirSync(shippedFolder)
    .filter(file => file.endsWith('.yaml'))
    .sort()
    .map(file => readProfile(readFileSync(`${shippedFolder}${file}`, 'utf8'), file));
}

/** Candidates for a file: the named profile, or those of the kind, or all of them. */
export function candidateProfiles(kind: ImportKind | 'auto', named?: string): Profile[] {
  const shipped = shippedProfiles();
  if (named === undefined) return kind === 'auto' ? shipped : shipped.filter(profile => profile.kind === kind);
  const one = /\.(ya?ml|json)$/.test(named)
    ? readProfile(readFileSync(named, 'utf8'), named)
    : shipped.find(profile => profile.profile === named);
  if (!one)
    throw new Error(`found profile "${named}", expected one of ${shipped.map(profile => profile.profile).join(', ')} or a .yaml file`);
  if (kind !== 'auto' && one.kind !== kind)
    throw new Error(`profile "${named}" reads ${one.kind}, not ${kind}: import it with: import ${one.kind} FILE`);
  return [one];
}
