// segment.ts: which customers are treated alike. Rules over customer facts are asked from the top and the first that
// holds wins, so there are no ties; every answer can be explained condition by condition.
import { decimalText, parseDecimal } from './money.ts';
import type { Mode } from './policy/policy.ts';

/** What the rules may ask about a customer. */
export type CustomerProfile = {
  readonly id: string;
  readonly country: string;
  readonly region: string | null;
  readonly locale: string;
  readonly naturalPerson: boolean;
  readonly owner: string | null;
  readonly creditorCountry: string;
  /** As the source delivered them, for instance { tier: "strategic" }. */
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Open minor units by currency. */
  readonly openMinor: Readonly<Record<string, bigint>>;
  /** Days past due of the oldest open invoice; 0 when nothing is overdue. */
  readonly oldestDays: number;
  readonly openInvoices: number;
};

export type Scalar = string | number | boolean;
export type Range = { readonly min?: number; readonly max?: number };
/** Decimal text by currency: every currency the customer owes in must be named and within. */
export type AmountRange = { readonly min?: Readonly<Record<string, string>>; readonly max?: Readonly<Record<string, string>> };

/** All of them must hold. A list means "one of these". Other keys are attributes: "attributes.tier". */
export type SegmentRule = Readonly<Record<string, Scalar | readonly Scalar[] | Range | AmountRange>>;
export type Segment = { readonly name: string; readonly policy: string; readonly mode: Mode; readonly when: SegmentRule };

export type Condition = { readonly asked: string; readonly found: string; readonly holds: boolean };
export type Explanation = {
  readonly segment: Segment;
  /** Every rule asked until one held, with each of its conditions. */
  readonly asked: readonly { readonly segment: string; readonly holds: boolean; readonly conditions: readonly Condition[] }[];
};

/** Where nothing else holds. */
const everybodyElse: Segment = { name: 'standard', policy: 'standard', mode: 'auto', when: {} };

/** The first segment whose rule holds, and how it came to that. */
export function explain(segments: readonly Segment[], customer: CustomerProfile): Explanation {
  const asked: { segment: string; holds: boolean; conditions: Condition[] }[] = [];
  for (const segment of segments) {
    const conditions = Object.entries(segment.when).map(([key, wanted]) => judge(key, wanted, customer));
    const holds = conditions.every(condition => condition.holds);
    asked.push({ segment: segment.name, holds, conditions });
    if (holds) return { segment, asked };
  }
  asked.push({ segment: everybodyElse.name, holds: true, conditions: [] });
  return { segment: everybodyElse, asked };
}

export function segmentOf(segments: readonly Segment[], customer: CustomerProfile): Segment {
  return explain(segments, customer).segment;
}

function judge(key: string, wanted: SegmentRule[string], customer: CustomerProfile): Condition {
  if (key === 'balance') return judgeBalance(wanted as AmountRange, customer);
  const found = factOf(key, customer);
  const asked = `${key} ${JSON.stringify(wanted)}`;
  return { asked, found: found === null ? 'nothing' : String(found), holds: found !== null && matches(found, wanted) };
}

function matches(found: Scalar, wanted: SegmentRule[string]): boolean {
  if (typeof wanted !== 'object') return found === wanted;
  if (isList(wanted)) return wanted.includes(found);
  const { min, max } = wanted as Range;
  return typeof found === 'number' && (min === undefined || found >= min) && (max === undefined || found <= max);
}

function isList(wanted: object): wanted is readonly Scalar[] {
  return Array.isArray(wanted);
}

/** Facts a rule may ask by name; the value null means that the customer has none. */
function factOf(key: string, customer: CustomerProfile): Scalar | null {
  if (key.startsWith('attributes.')) return scalarOf(customer.attributes[key.slice('attributes.'.length)]);
  const fact = facts[key as FactName];
  return fact ? fact(customer) : null;
}

const facts = {
  id: (customer: CustomerProfile) => customer.id,
  country: (customer: CustomerProfile) => customer.country || null,
  region: (customer: CustomerProfile) => customer.region,
  locale: (customer: CustomerProfile) => customer.locale,
  owner: (customer: CustomerProfile) => customer.owner,
  natural_person: (customer: CustomerProfile) => customer.naturalPerson,
  /** Known to live in another country than the creditor. */
  abroad: (customer: CustomerProfile) => customer.country !== '' && customer.country !== customer.creditorCountry,
  oldest_days: (customer: CustomerProfile) => customer.oldestDays,
  open_invoices: (customer: CustomerProfile) => customer.openInvoices,
} as const;
export type FactName = keyof typeof facts;

/** Keys a rule may ask, beside "balance" and "attributes.*". */
export const factNames = Object.keys(facts) as readonly FactName[];

function scalarOf(value: unknown): Scalar | null {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;
}

/** A customer who owes nothing has no balance to judge; one who owes in a currency the rule does not name is outside it. */
function judgeBalance(wanted: AmountRange, customer: CustomerProfile): Condition {
  const owed = Object.entries(customer.openMinor).filter(([, minor]) => minor > 0n);
  const holds = owed.length > 0 && owed.every(([currency, minor]) => within(wanted, currency, minor));
  const found = owed.map(([currency, minor]) => `${currency} ${decimalText({ minor, currency })}`).join(', ');
  return { asked: `balance ${JSON.stringify(wanted)}`, found: found || 'nothing', holds };
}

function within({ min, max }: AmountRange, currency: string, minor: bigint): boolean {
  const least = min === undefined ? undefined : min[currency];
  const most = max === undefined ? undefined : max[currency];
  if ((min && least === undefined) || (max && most === undefined)) return false;
  if (least !== undefined && minor < parseDecimal(least, currency).minor) return false;
  return most === undefined || minor <= parseDecimal(most, currency).minor;
}
