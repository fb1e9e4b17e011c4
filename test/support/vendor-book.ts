// vendor-book.ts: a tenant with customers, telephone numbers, open invoices and their cases, for tests of what leaves the
// house and what comes back.
import type { Clock } from '../../domain/clock.ts';
import { type Tx, withTenant } from '../../store/database.ts';
import { at, sql } from '../../store/sql.ts';
import { saveTenant, type TenantSettings } from '../../store/tenants.ts';
import { startTestDatabase, type TestDatabase } from './postgres.ts';

export const monday = Date.parse('2026-11-23T15:00:00Z');

export type VendorBook = {
  readonly db: TestDatabase;
  readonly tenant: string;
  readonly clock: Clock & { set(ms: number): void };
  /** A customer with one overdue invoice in an open case. */
  customer(id: string, phones: readonly string[], more?: { email?: string; accountGroup?: string; name?: string }): Promise<void>;
  invoice(id: string, customerId: string, more?: { amountMinor?: bigint }): Promise<void>;
  rows<Row>(query: ReturnType<typeof sql>): Promise<Row[]>;
  tx<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  stop(): Promise<void>;
};

export async function openVendorBook(settings: TenantSettings): Promise<VendorBook> {
  const db = await startTestDatabase();
  const tenant = 'acme';
  let now = monday;
  await saveTenant(db.url, {
    tenant_id: tenant,
    name: 'Acme',
    zone: 'America/Regina',
    country: 'CA',
    locale: 'en',
    currency: 'USD',
    settings,
  });
  const tx = <T>(work: (tx: Tx) => Promise<T>): Promise<T> => withTenant(db.app, tenant, work);
  await tx(async tx => {
    await tx.run(
      sql`insert into policies (tenant_id, name, version, source, sha256, created_at) values (${tenant}, 'standard', 1, 'x', 'x', ${at(now)})`,
    );
  });
  const book: VendorBook = {
    db,
    tenant,
    clock: { now: () => now, realMsUntil: until => Math.max(0, until - now), set: ms => (now = ms) },
    tx,
    rows: query => tx(inner => inner.rows(query)),
    customer: (id, phones, more = {}) =>
      tx(async inner => {
        await inner.run(
          sql`insert into customers (tenant_id, id, name, created_at) values (${tenant}, ${id}, ${more.name ?? `Customer ${id}`}, ${at(now)})`,
        );
        for (const [index, phone] of phones.entries()) {
          await inner.run(sql`
            insert into contacts (tenant_id, customer_id, id, role, name, phone, email)
            values (${tenant}, ${id}, ${`${id}-${index}`}, 'ap', 'Pat Doe', ${phone}, ${index === 0 ? (more.email ?? null) : null})`);
        }
        if (phones.length === 0 && more.email) {
          await inner.run(
            sql`insert into contacts (tenant_id, customer_id, id, role, email) values (${tenant}, ${id}, ${`${id}-m`}, 'ap', ${more.email})`,
          );
        }
        if (more.accountGroup) {
          await inner.run(sql`
            insert into customer_references (tenant_id, system, kind, external_id, customer_id)
            values (${tenant}, 'premium', 'account_group', ${more.accountGroup}, ${id})`);
        }
        await openInvoice(inner, `inv_${id}`, id, 107_800n, now);
      }),
    invoice: (id, customerId, more = {}) => tx(inner => openInvoice(inner, id, customerId, more.amountMinor ?? 50_000n, now)),
    stop: () => db.stop(),
  };
  return book;
}

async function openInvoice(tx: Tx, id: string, customerId: string, amountMinor: bigint, now: number): Promise<void> {
  await tx.run(sql`
    insert into invoices (tenant_id, id, customer_id, source, external_id, number, kind, currency, amount_minor, due_date, created_at)
    values (${tx.tenant}, ${id}, ${customerId}, 'test', ${id}, ${id.toUpperCase()}, 'invoice', 'USD', ${amountMinor}, '2026-10-24', ${at(now)})`);
  await tx.run(sql`
    insert into cases (tenant_id, invoice_id, cycle, customer_id, workflow_id, state, policy, policy_version, opened_at)
    values (${tx.tenant}, ${id}, 1, ${customerId}, ${`dunning/${tx.tenant}/${id}`}, 'open', 'standard', 1, ${at(now)})`);
}
