// new-books.ts: the books of a new tenant: its description, the shipped policies and the segments that point at them.
// Nothing that is there already is changed: policies are the tenant's own from then on.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { parse } from 'yaml';
import { BadInput } from '../client/cli/output.ts';
import { openDatabase, withTenant } from '../store/database.ts';
import { savePolicy, saveSegments, type SegmentRow } from '../store/policies.ts';
import { saveTenant } from '../store/tenants.ts';
import { tenantIds } from '../store/wake-dispatch.ts';
import { checkout } from './home.ts';

export type NewTenant = {
  readonly tenant: string;
  readonly company: string;
  readonly zone: string;
  readonly country: string;
  readonly currency: string;
  /** Address its messages are sent from; without one nothing can be sent. */
  readonly email?: string | undefined;
};

/** What a person may say of a tenant that does not exist yet. */
export type TenantOptions = {
  readonly company?: string;
  readonly email?: string;
  readonly zone: string;
  readonly country: string;
  readonly currency: string;
};

export function addTenantOptions(command: Command): Command {
  return command
    .option('--company <name>', 'name of a new tenant, as its customers know it')
    .option('--email <address>', 'address the messages of a new tenant come from')
    .option('--zone <zone>', 'time zone of a new tenant', Intl.DateTimeFormat().resolvedOptions().timeZone)
    .option('--country <code>', 'country of a new tenant', 'US')
    .option('--currency <code>', 'currency of a new tenant', 'USD');
}

/** Checks them. Throws BadInput. */
export function newTenant(tenant: string, options: TenantOptions): NewTenant {
  const { zone, country, currency } = options;
  if (!/^[a-z0-9][a-z0-9-]{0,38}$/.test(tenant))
    throw new BadInput(`--tenant: found "${tenant}", expected small letters, digits and hyphens, at most 39, such as acme`);
  if (zone !== 'UTC' && !Intl.supportedValuesOf('timeZone').includes(zone))
    throw new BadInput(`--zone: found "${zone}", expected an IANA time zone such as Europe/Berlin`);
  if (!/^[A-Z]{2}$/.test(country)) throw new BadInput(`--country: found "${country}", expected two capital letters such as DE (ISO 3166)`);
  if (!/^[A-Z]{3}$/.test(currency))
    throw new BadInput(`--currency: found "${currency}", expected three capital letters such as EUR (ISO 4217)`);
  return { tenant, company: options.company ?? tenant, email: options.email, zone, country, currency };
}

type ShippedSegment = { readonly name: string; readonly policy: string; readonly mode: SegmentRow['mode']; readonly when?: unknown };

/** Segments of policies/segments.yaml, as the store keeps them. */
function shippedSegments(): SegmentRow[] {
  const { segments } = parse(readFileSync(join(checkout, 'policies', 'segments.yaml'), 'utf8')) as { segments: ShippedSegment[] };
  return segments.map(({ name, policy, mode, when }) => ({ name, policy, mode, rule: when ?? {} }));
}

/** Opens the books of a tenant that has none; true when it did. */
export async function openNewBooks(ownerUrl: string, books: NewTenant, now: number): Promise<boolean> {
  const dispatch = openDatabase(ownerUrl, 'dunlin_dispatch', 1);
  const app = openDatabase(ownerUrl, 'dunlin_app', 1);
  try {
    if ((await tenantIds(dispatch)).includes(books.tenant)) return false;
    const { tenant, company: name, email, zone, country, currency } = books;
    await saveTenant(ownerUrl, {
      tenant_id: tenant,
      name,
      zone,
      country,
      locale: 'en',
      currency,
      settings: { company: { name, ...(email ? { email } : {}) } },
    });
    const segments = shippedSegments();
    await withTenant(app, tenant, async tx => {
      for (const policy of new Set(['standard', ...segments.map(segment => segment.policy)]))
        await savePolicy(tx, {
          name: policy,
          source: readFileSync(join(checkout, 'policies', `${policy}.yaml`), 'utf8'),
          by: 'dunlin setup',
          now,
        });
      await saveSegments(tx, segments, 'dunlin setup', now);
    });
    return true;
  } finally {
    await Promise.all([dispatch.close(), app.close()]);
  }
}
