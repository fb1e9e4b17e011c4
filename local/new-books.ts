// new-books.ts: the books of a new tenant: its description, the shipped policies and the segments that point at them.
// Nothing that is there already is changed: policies are the tenant's own from then on.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
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
};

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
    const { tenant, company: name, zone, country, currency } = books;
    await saveTenant(ownerUrl, { tenant_id: tenant, name, zone, country, locale: 'en', currency, settings: { company: { name } } });
    const segments = shippedSegments();
    await withTenant(app, tenant, async tx => {
      for (const policy of new Set(['standard', ...segments.map(segment => segment.policy)]))
        await savePolicy(tx, {
          name: policy,
          source: readFileSync(join(checkout, 'policies', `${policy}.yaml`), 'utf8'),
          by: 'dunlin up',
          now,
        });
      await saveSegments(tx, segments, 'dunlin up', now);
    });
    return true;
  } finally {
    await Promise.all([dispatch.close(), app.close()]);
  }
}
