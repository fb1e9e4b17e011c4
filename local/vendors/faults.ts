// faults.ts: what can be made to go wrong at a stand-in vendor, by rule or by one request's x-fault header. A rule's chance
// is drawn from the seed and from what the request is about, so the same run meets the same misfortunes again.
import { z } from 'zod';
import { unitOf } from '../seeded.ts';

/** Every fault a vendor knows: at which points it can strike (the first is the usual one) and what it does. */
export type FaultTable = Readonly<Record<string, { readonly at: readonly [string, ...string[]]; readonly says: string }>>;
/** What is known about a request or message when a fault is looked for. */
export type FaultFacts = Readonly<Record<string, string | readonly string[]>>;
/** The faults that strike now, each with its value ("" where the rule gave none). */
export type Struck = ReadonlyMap<string, string>;

const rule = z.strictObject({
  /** All must agree; `*` stands for any text. A fact with several values agrees when one of them does. */
  match: z.record(z.string(), z.string()).default({}),
  fault: z.string(),
  at: z.string().optional(),
  value: z.union([z.string(), z.number()]).transform(String).optional(),
  probability: z.number().min(0).max(1).default(1),
  /** Strikes this often, then never again. */
  times: z.number().int().min(1).optional(),
  /** Lets this many matches pass first. */
  after: z.number().int().min(0).default(0),
});
const rules = z.strictObject({ rules: z.array(rule), seed: z.number().int().optional() });

type Standing = z.output<typeof rule> & { at: string; seen: number; struck: number };

export class Faults {
  readonly table: FaultTable;
  private seed: number;
  private standing: Standing[] = [];
  private readonly drawn = new Map<string, number>();

  constructor(table: FaultTable, seed: number) {
    this.table = table;
    this.seed = seed;
  }

  /** Replaces all rules by those of `body`. Throws, with the rule's number, on a fault or point this vendor does not know. */
  set(body: unknown): void {
    const read = rules.parse(body);
    const standing = read.rules.map((each, index) => ({
      ...each,
      at: this.pointOf(each.fault, each.at, `rules[${index}]`),
      seen: 0,
      struck: 0,
    }));
    this.clear();
    this.standing = standing;
    this.seed = read.seed ?? this.seed;
  }

  clear(): void {
    this.standing = [];
    this.drawn.clear();
  }

  list(): object {
    return { seed: this.seed, rules: this.standing, known: this.table };
  }

  /** The faults that strike at this point, and are counted as having struck. `header` is the request's own x-fault. */
  strike(at: string, facts: FaultFacts, header = ''): Struck {
    const struck = new Map<string, string>();
    for (const { fault, point, value } of this.readHeader(header)) if (point === at) struck.set(fault, value);
    for (const [index, each] of this.standing.entries()) {
      if (each.at === at && agrees(each.match, facts) && this.comesTrue(each, index, facts)) struck.set(each.fault, each.value ?? '');
    }
    return struck;
  }

  /** Whether the header names only faults this vendor knows; throws where it does not. */
  check(header: string): void {
    this.readHeader(header);
  }

  private comesTrue(each: Standing, index: number, facts: FaultFacts): boolean {
    each.seen++;
    if (each.seen <= each.after || (each.times !== undefined && each.struck >= each.times)) return false;
    const about = `${index} ${JSON.stringify(facts)}`;
    const nth = (this.drawn.get(about) ?? 0) + 1;
    this.drawn.set(about, nth);
    if (each.probability < 1 && unitOf('fault', this.seed, about, nth) >= each.probability) return false;
    each.struck++;
    return true;
  }

  /** "drop@after, status@after=503": fault, point, value. */
  private readHeader(header: string): { fault: string; point: string; value: string }[] {
    return header
      .split(',')
      .map(part => part.trim())
      .filter(part => part !== '')
      .map(part => {
        const [, fault = '', at, value = ''] = /^([a-z_0-9]+)(?:@([a-z_]+))?(?:=(.*))?$/.exec(part) ?? [];
        return { fault, point: this.pointOf(fault, at, `x-fault "${part}"`), value };
      });
  }

  private pointOf(fault: string, at: string | undefined, where: string): string {
    const known = this.table[fault];
    if (!known) throw new RangeError(`${where}: found fault "${fault}", expected one of ${Object.keys(this.table).join(', ')}`);
    if (at === undefined || known.at.includes(at)) return at ?? known.at[0];
    throw new RangeError(`${where}: found "${fault}" at "${at}", expected one of ${known.at.join(', ')}`);
  }
}

function agrees(match: Readonly<Record<string, string>>, facts: FaultFacts): boolean {
  return Object.entries(match).every(([name, pattern]) => {
    const found = facts[name];
    if (found === undefined) return false;
    const like = new RegExp(`^${pattern.split('*').map(escaped).join('.*')}$`, 'i');
    return (typeof found === 'string' ? [found] : found).some(each => like.test(each));
  });
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
