// tenants.ts: the creditor organisations and what messages and adapters need to know of them.
import pg from 'pg';
import type { Tx } from './database.ts';
import { sql } from './sql.ts';

export type TenantSettings = {
  /** Who signs the messages, and how they are answered. */
  readonly company?: {
    readonly name?: string;
    readonly address?: string;
    readonly email?: string;
    readonly phone?: string;
    readonly payPage?: string;
  };
  readonly kixie?: {
    readonly powerlistId?: string;
    readonly agents?: readonly string[];
    /** Disposition text of the dashboard to what it means here. */
    readonly dispositions?: Readonly<Record<string, string>>;
  };
  readonly platform?: { readonly namespace?: string };
};

export type Tenant = {
  tenant_id: string;
  name: string;
  zone: string;
  country: string;
  locale: string;
  currency: string;
  settings: TenantSettings;
  send_epoch: number;
  sends_stopped_because: string | null;
};

/** Creates the tenant or updates its description. Only the owner's connection may. */
export async function saveTenant(ownerUrl: string, tenant: Omit<Tenant, 'send_epoch' | 'sends_stopped_because'>): Promise<void> {
  const client = new pg.Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    await client.query(
      `insert into tenants (tenant_id, name, zone, country, locale, currency, settings) values ($1, $2, $3, $4, $5, $6, $7)
       on conflict (tenant_id) do update set name = excluded.name, zone = excluded.zone, country = excluded.country,
         locale = excluded.locale, currency = excluded.currency, settings = excluded.settings`,
      [tenant.tenant_id, tenant.name, tenant.zone, tenant.country, tenant.locale, tenant.currency, JSON.stringify(tenant.settings)],
    );
  } finally {
    await client.end();
  }
}

/** Throws when the tenant is not there. */
export async function readTenant(tx: Tx): Promise<Tenant> {
  const tenant = await tx.one<Tenant>(sql`
    select tenant_id, name, zone, country, locale, currency, settings, send_epoch, sends_stopped_because from tenants where tenant_id = ${tx.tenant}`);
  if (!tenant) throw new Error(`tenant "${tx.tenant}" does not exist`);
  return tenant;
}
