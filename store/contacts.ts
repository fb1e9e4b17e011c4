// contacts.ts: who can be reached at a customer, and by which name other systems know the customer.
import type { Tx } from './database.ts';
import { at, sql } from './sql.ts';
import { lockCustomer, wakeCustomer } from './wakes.ts';

/** The customers that have this number (E.164), in order. */
export async function customersWithPhone(tx: Tx, phone: string): Promise<string[]> {
  const found = await tx.rows<{ customer_id: string }>(
    sql`select distinct customer_id from contacts where tenant_id = ${tx.tenant} and phone = ${phone} order by 1`,
  );
  return found.map(row => row.customer_id);
}

/** The customers that have this e-mail address, in order. */
export async function customersWithEmail(tx: Tx, email: string): Promise<string[]> {
  const found = await tx.rows<{ customer_id: string }>(
    sql`select distinct customer_id from contacts where tenant_id = ${tx.tenant} and lower(email) = ${email.trim().toLowerCase()} order by 1`,
  );
  return found.map(row => row.customer_id);
}

/** The customer that any other system calls by this id, or whose own id it is; undefined when none or more than one is. */
export async function customerCalled(tx: Tx, externalId: string): Promise<string | undefined> {
  const found = await tx.rows<{ id: string }>(sql`
    select customer_id as id from customer_references where tenant_id = ${tx.tenant} and external_id = ${externalId}
    union select id from customers where tenant_id = ${tx.tenant} and id = ${externalId}`);
  return found.length === 1 ? found[0]?.id : undefined;
}

/** The platform's id of the customer's account ("AG-..."); undefined when the customer did not come from there. */
export async function accountGroupOf(tx: Tx, customerId: string): Promise<string | undefined> {
  const [first] = await tx.rows<{ external_id: string }>(sql`
    select external_id from customer_references
    where tenant_id = ${tx.tenant} and customer_id = ${customerId} and kind = 'account_group' order by external_id`);
  return first?.external_id;
}

/** Every customer that came from the platform, by its account id there. */
export async function customersByAccountGroup(tx: Tx): Promise<Map<string, string>> {
  const found = await tx.rows<{ external_id: string; customer_id: string }>(
    sql`select external_id, customer_id from customer_references where tenant_id = ${tx.tenant} and kind = 'account_group'`,
  );
  return new Map(found.map(row => [row.external_id, row.customer_id]));
}

/** Records a number (E.164) another system knows for the customer. Numbers that are there already stay as they are. */
export async function addPhone(
  tx: Tx,
  contact: { readonly id: string; readonly customerId: string; readonly phone: string; readonly source: string },
  now: number,
): Promise<'added' | 'known'> {
  await lockCustomer(tx, contact.customerId, 'reads');
  const added = await tx.run(sql`
    insert into contacts (tenant_id, customer_id, id, role, phone)
    select ${tx.tenant}, ${contact.customerId}, ${contact.id}, 'billing', ${contact.phone}
    where not exists (select from contacts where tenant_id = ${tx.tenant} and customer_id = ${contact.customerId} and phone = ${contact.phone})
    on conflict do nothing`);
  if (added === 0) return 'known';
  await lockCustomer(tx, contact.customerId, 'changes');
  tx.event({
    kind: 'contact.added',
    subject: `customer:${contact.customerId}`,
    actor: `vendor:${contact.source}`,
    at: now,
    body: { contactId: contact.id, channel: 'phone' },
  });
  await wakeCustomer(tx, contact.customerId, 'facts', `contact:${contact.id}:${at(now).toISOString()}`);
  return 'added';
}
