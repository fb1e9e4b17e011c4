// segmenting.ts: puts customers where the tenant's segment rules say, after their facts have changed. What a file says about
// a customer's segment in so many words wins over the rules.
import { readPolicy } from '../../domain/policy/parse.ts';
import { type Segment, type SegmentRule, segmentOf } from '../../domain/segment.ts';
import { localDateAt } from '../../domain/time.ts';
import { type Database, type Tx, withTenant } from '../../store/database.ts';
import { readPolicyVersion, readSegments } from '../../store/policies.ts';
import { gatherSegmentation, moveToSegments, nextToSegment, type SegmentedCustomer } from '../../store/segmentation.ts';
import { readTenant } from '../../store/tenants.ts';

/** Days before the due date at which the shipped cadence begins. */
const SHIPPED_FIRST_DAY = -3;
const CUSTOMERS_AT_ONCE = 5000;

export type FirstStageDayOf = (segment: string) => number;

/** Day of the first stage of each segment's policy, relative to the due date. A tenant without policies has the shipped one. */
export async function firstStageDays(tx: Tx): Promise<FirstStageDayOf> {
  const days = new Map<string, number>();
  const segments = await readSegments(tx);
  const dayOfPolicy = async (name: string): Promise<number> => {
    const stored = await readPolicyVersion(tx, name);
    const read = stored && readPolicy(stored.source);
    return (read?.ok ? read.policy.stages[0]?.day : undefined) ?? SHIPPED_FIRST_DAY;
  };
  const standard = await dayOfPolicy('standard');
  for (const segment of segments) days.set(segment.name, await dayOfPolicy(segment.policy));
  return segment => days.get(segment) ?? standard;
}

/** Asks the rules about every customer, in one transaction, some thousands at a time. Returns how many moved. */
export async function segmentCustomers(database: Database, tenant: string, actor: string, now: number): Promise<number> {
  return withTenant(database, tenant, async tx => {
    const segments = (await readSegments(tx)).map(
      (row): Segment => ({ name: row.name, policy: row.policy, mode: row.mode, when: row.rule as SegmentRule }),
    );
    if (segments.length === 0) return 0;
    const dayOf = await firstStageDays(tx);
    const days = new Map([...segments.map(segment => segment.name), 'standard'].map(name => [name, dayOf(name)]));
    await gatherSegmentation(tx, localDateAt(now, (await readTenant(tx)).zone));
    let moved = 0;
    for (let after = ''; ; ) {
      const page = await nextToSegment(tx, after, CUSTOMERS_AT_ONCE);
      moved += await moveToSegments(tx, movesOf(page, segments), days, actor, now);
      const last = page.at(-1);
      if (!last || page.length < CUSTOMERS_AT_ONCE) return moved;
      after = last.id;
    }
  });
}

function movesOf(page: readonly SegmentedCustomer[], segments: readonly Segment[]): { customerId: string; segment: string }[] {
  return page.flatMap(customer => {
    const told = customer.attributes['segment'];
    const segment = segments.some(one => one.name === told) ? String(told) : segmentOf(segments, customer).name;
    return segment === customer.segment ? [] : [{ customerId: customer.id, segment }];
  });
}
