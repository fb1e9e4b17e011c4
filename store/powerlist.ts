// powerlist.ts: our own shadow of Kixie's PowerLists, which cannot be read back. It is written before and after each
// request: a number that is "removing" is still to be taken off, whatever happened to the process that wanted it.
import type { Tx } from './database.ts';
import { at, sql } from './sql.ts';

/** Claims the number for the customer. `taken`: another customer has it on this list, so a call could reach the wrong one. */
export async function beginListing(
  tx: Tx,
  entry: { readonly powerlistId: string; readonly phone: string; readonly customerId: string },
  now: number,
): Promise<{ readonly kind: 'mine' } | { readonly kind: 'taken'; readonly customerId: string }> {
  const mine = await tx.run(sql`
    insert into powerlist_entries as e (tenant_id, powerlist_id, phone, customer_id, state, changed_at)
    values (${tx.tenant}, ${entry.powerlistId}, ${entry.phone}, ${entry.customerId}, 'adding', ${at(now)})
    on conflict (tenant_id, powerlist_id, phone) do update set customer_id = excluded.customer_id, state = 'adding', changed_at = excluded.changed_at
    where e.customer_id = excluded.customer_id or e.state in ('removing', 'removed')`);
  if (mine === 1) return { kind: 'mine' };
  const holder = await tx.one<{ customer_id: string }>(sql`
    select customer_id from powerlist_entries
    where tenant_id = ${tx.tenant} and powerlist_id = ${entry.powerlistId} and phone = ${entry.phone}`);
  return { kind: 'taken', customerId: holder?.customer_id ?? '' };
}

/** The vendor has it. `stopped`: somebody wanted it removed meanwhile, so it is marked to go again. */
export async function endListing(
  tx: Tx,
  entry: { readonly powerlistId: string; readonly phone: string; readonly customerId: string },
  now: number,
): Promise<'listed' | 'stopped'> {
  const ended = await tx.one<{ state: string }>(sql`
    update powerlist_entries set state = case when state in ('adding', 'listed') then 'listed' else 'removing' end, changed_at = ${at(now)}
    where tenant_id = ${tx.tenant} and powerlist_id = ${entry.powerlistId} and phone = ${entry.phone} and customer_id = ${entry.customerId}
    returning state`);
  return ended?.state === 'removing' ? 'stopped' : 'listed';
}

/**
 * Marks what was taken off since `since` to be taken off once more: a request to add it may have been on its way when its
 * worker died, and have landed after the removal.
 */
export async function wantRemovedAgain(tx: Tx, customerId: string, since: number, now: number): Promise<number> {
  return tx.run(sql`
    update powerlist_entries set state = 'removing', changed_at = ${at(now)}
    where tenant_id = ${tx.tenant} and customer_id = ${customerId} and state = 'removed' and changed_at >= ${at(since)}`);
}

/** The vendor refused it: it is on no list. */
export async function dropListing(tx: Tx, powerlistId: string, phone: string, now: number): Promise<void> {
  await tx.run(sql`
    update powerlist_entries set state = 'removed', changed_at = ${at(now)}
    where tenant_id = ${tx.tenant} and powerlist_id = ${powerlistId} and phone = ${phone} and state = 'adding'`);
}

/** Marks all numbers of the customer for removal; the vendor is asked afterwards. */
export async function wantCustomerRemoved(tx: Tx, customerId: string, now: number): Promise<number> {
  return tx.run(sql`
    update powerlist_entries set state = 'removing', changed_at = ${at(now)}
    where tenant_id = ${tx.tenant} and customer_id = ${customerId} and state in ('adding', 'listed')`);
}

/** Marks one number for removal wherever it is listed. */
export async function wantPhoneRemoved(tx: Tx, phone: string, now: number): Promise<number> {
  return tx.run(sql`
    update powerlist_entries set state = 'removing', changed_at = ${at(now)}
    where tenant_id = ${tx.tenant} and phone = ${phone} and state in ('adding', 'listed')`);
}

/** Numbers still to be taken off, of one customer or of all. */
export async function phonesToRemove(tx: Tx, customerId?: string): Promise<string[]> {
  const found = await tx.rows<{ phone: string }>(sql`
    select distinct phone from powerlist_entries
    where tenant_id = ${tx.tenant} and state = 'removing' ${customerId === undefined ? sql`` : sql`and customer_id = ${customerId}`} order by phone`);
  return found.map(row => row.phone);
}

/** The vendor has taken the number off all its lists. */
export async function endRemoval(tx: Tx, phone: string, now: number): Promise<void> {
  await tx.run(sql`
    update powerlist_entries set state = 'removed', changed_at = ${at(now)} where tenant_id = ${tx.tenant} and phone = ${phone} and state = 'removing'`);
}
