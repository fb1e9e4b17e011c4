// suppressions.ts: addresses and numbers that must not be used again: bounced, wrong, or their owner said stop. One list
// for the tenant, asked by every channel.
import type { Tx } from './database.ts';
import { at, sql } from './sql.ts';
import { lockCustomer, wakeCustomer } from './wakes.ts';

export type NewSuppression = {
  readonly channel: 'email' | 'phone';
  /** An e-mail address in any case, or a number in E.164. */
  readonly address: string;
  readonly reason: string;
  readonly at: number;
};

/**
 * Suppresses the address for everybody who has it: their versions change, so a message on its way to it is judged again,
 * and their cases wake. Returns those customers, in order; locks them in that order.
 */
export async function suppress(tx: Tx, suppression: NewSuppression, actor: string): Promise<string[]> {
  const address = suppression.channel === 'email' ? suppression.address.trim().toLowerCase() : suppression.address;
  const holders = await tx.rows<{ customer_id: string }>(
    suppression.channel === 'email'
      ? sql`select distinct customer_id from contacts where tenant_id = ${tx.tenant} and lower(email) = ${address} order by 1`
      : sql`select distinct customer_id from contacts where tenant_id = ${tx.tenant} and phone = ${address} order by 1`,
  );
  const customers = holders.map(holder => holder.customer_id);
  for (const customerId of customers) await lockCustomer(tx, customerId, 'changes');
  const added = await tx.run(sql`
    insert into suppressions (tenant_id, channel, address, reason, at)
    values (${tx.tenant}, ${suppression.channel}, ${address}, ${suppression.reason}, ${at(suppression.at)}) on conflict do nothing`);
  if (added === 0) return customers;
  for (const customerId of customers) {
    // The address itself stays out of the record: events are kept for ever, addresses are personal.
    tx.event({
      kind: 'contact.suppressed',
      subject: `customer:${customerId}`,
      actor,
      at: suppression.at,
      body: { channel: suppression.channel, reason: suppression.reason },
    });
    await wakeCustomer(tx, customerId, 'facts', `suppressed:${suppression.channel}:${customerId}:${suppression.at}`);
  }
  return customers;
}
