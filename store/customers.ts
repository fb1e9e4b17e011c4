// customers.ts: customers as people name them on a command line.
import type { Tx } from './database.ts';
import { sql } from './sql.ts';

export type FoundCustomer = {
  readonly id: string;
  readonly name: string;
  readonly segment: string;
  /** The id before it in the order of ids, '' for the first. */
  readonly before: string;
};

/** Customers of that id, of that id in a source system, or of exactly that name in any case. */
export async function findCustomers(tx: Tx, named: string): Promise<FoundCustomer[]> {
  return tx.rows<FoundCustomer>(sql`
    select c.id, c.name, c.segment,
      coalesce((select max(o.id) from customers o where o.tenant_id = c.tenant_id and o.id < c.id), '') as before
    from customers c
    where c.tenant_id = ${tx.tenant} and (c.id = ${named} or lower(c.name) = lower(${named})
      or exists (select from customer_references r where r.tenant_id = c.tenant_id and r.customer_id = c.id and r.external_id = ${named}))
    order by c.id limit 10`);
}
