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

/** The vendor has it. `stopped`: somebody wanted it removed meanwhile, so it has to go again. */
export async function endListing(tx: Tx, powerlistId: string, phone: string, now: number): Promise<'listed' | 'stopped'> {
  const listed = await tx.run(sql`
    update powerlist_entries set state = 'listed', changed_at = ${at(now)}
    where tenant_id = ${tx.tenant} and powerlist_id = ${powerlistId} and phone = ${phone} and state in ('adding', 'listed')`);
  return listed === 1 ? 'listed' : 'stopped';
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
