// claims.ts: what a stand-in believes about its vendor, and how sure anyone is. A documented claim stands; every other one is
// a switch, so that the day real credentials exist a wrong guess is turned over instead of searched for.
import { z } from 'zod';

/**
 * 1P: first-party documentation. 1P-IMG: read off its screenshot. 1P*: quoted from it by others, nobody saw the page itself.
 * 3P, 3P-LIVE: third-party code, or its author verified it live. MEM, UNVERIFIED: not confirmed. constructed: put together
 * from documented names and types.
 */
type Mark = '1P' | '1P-IMG' | '1P*' | '3P' | '3P-LIVE' | 'MEM' | 'UNVERIFIED' | 'constructed';
export type Claim = { readonly says: string; readonly mark: Mark; readonly source: string; readonly holds: boolean };
export type ClaimTable = Readonly<Record<string, Claim>>;

const settled: readonly Mark[] = ['1P', '1P-IMG'];

/** Whether a claim may be turned over: everything but what first-party documentation says. */
export function isSwitch(claim: Claim): boolean {
  return !settled.includes(claim.mark);
}

export class Claims<Table extends ClaimTable> {
  private readonly table: Table;
  private readonly turned = new Map<string, boolean>();

  constructor(table: Table) {
    this.table = table;
  }

  holds(name: keyof Table & string): boolean {
    return this.turned.get(name) ?? this.table[name]?.holds ?? false;
  }

  /** `body` is {claim: true | false}. Throws on an unknown claim and on one that documentation settles. */
  turn(body: unknown): void {
    const changes = Object.entries(z.record(z.string(), z.boolean()).parse(body));
    for (const [name] of changes) {
      const claim = this.table[name];
      if (!claim) throw new RangeError(`found claim "${name}", expected one of ${Object.keys(this.table).join(', ')}`);
      if (!isSwitch(claim)) throw new RangeError(`claim "${name}" is documented [${claim.mark}] in ${claim.source}: it is not a switch`);
    }
    for (const [name, holds] of changes) this.turned.set(name, holds);
  }

  clear(): void {
    this.turned.clear();
  }

  list(): object {
    return Object.fromEntries(
      Object.entries(this.table).map(([name, claim]) => [name, { ...claim, holds: this.holds(name), switch: isSwitch(claim) }]),
    );
  }
}
