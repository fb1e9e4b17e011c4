// vendors.ts: what all workers must know together about an outside system: how much of today's quota is used, and whether
// it is down. A breaker is a row, so that one worker's bad news spares the others, and only one of them asks again.
import type { LocalDate } from '../domain/time.ts';
import type { Tx } from './database.ts';
import { sql } from './sql.ts';

export type BreakerLimits = {
  /** Failures in a row that open it. */
  readonly failures: number;
  /** Real milliseconds between two probes while it is open. */
  readonly probeEveryMs: number;
};

export type Entry =
  | { readonly kind: 'go'; readonly probe: boolean }
  /** Real milliseconds until the next probe may go. */
  | { readonly kind: 'wait'; readonly forMs: number; readonly because: string };

/** Counts one call against the UTC day's quota; false when `limit` is used up, and nothing is counted. */
export async function takeQuota(tx: Tx, vendor: string, day: LocalDate, limit: number): Promise<boolean> {
  if (limit < 1) return false;
  const taken = await tx.run(sql`
    insert into vendor_quota (tenant_id, vendor, day, used) values (${tx.tenant}, ${vendor}, ${day}, 1)
    on conflict (tenant_id, vendor, day) do update set used = vendor_quota.used + 1 where vendor_quota.used < ${limit}`);
  return taken === 1;
}

/** The vendor says the day's quota is gone, whatever we counted: other programs share it. */
export async function exhaustQuota(tx: Tx, vendor: string, day: LocalDate, limit: number): Promise<void> {
  await tx.run(sql`
    insert into vendor_quota (tenant_id, vendor, day, used) values (${tx.tenant}, ${vendor}, ${day}, ${limit})
    on conflict (tenant_id, vendor, day) do update set used = greatest(vendor_quota.used, excluded.used)`);
}

/** May a request go out? While the breaker is open one caller at a time may probe; a probe that never reports is replaced. */
export async function enterBreaker(tx: Tx, vendor: string, limits: BreakerLimits): Promise<Entry> {
  const found = await tx.one<{ state: string; because: string | null; wait_ms: number }>(sql`
    select state, because, greatest(0, extract(epoch from probe_at - now()) * 1000)::float8 as wait_ms from vendor_breakers
    where tenant_id = ${tx.tenant} and vendor = ${vendor}`);
  if (!found || found.state === 'closed') return { kind: 'go', probe: false };
  const probe = await tx.run(sql`
    update vendor_breakers set state = 'half_open', probe_at = now() + ${limits.probeEveryMs} * interval '1 millisecond'
    where tenant_id = ${tx.tenant} and vendor = ${vendor} and state <> 'closed' and probe_at <= now()`);
  if (probe === 1) return { kind: 'go', probe: true };
  return { kind: 'wait', forMs: Math.ceil(found.wait_ms) || limits.probeEveryMs, because: found.because ?? 'the vendor is down' };
}

/** The vendor answered, whatever it said. Closes the breaker; costs no write while all is well. */
export async function vendorAnswered(tx: Tx, vendor: string, now: number): Promise<void> {
  const before = await tx.one<{ was: string }>(sql`
    update vendor_breakers b set state = 'closed', failures = 0, probe_at = null, opened_at = null, because = null
    from (select state as was from vendor_breakers where tenant_id = ${tx.tenant} and vendor = ${vendor} for update) before
    where b.tenant_id = ${tx.tenant} and b.vendor = ${vendor} and (b.failures > 0 or b.state <> 'closed')
    returning before.was`);
  if (before && before.was !== 'closed') {
    tx.event({ kind: 'vendor.recovered', subject: `vendor:${vendor}`, actor: 'dunlin', at: now, body: {} });
  }
}

/** The vendor could not be reached or failed by itself. Opens the breaker at the limit, or at once when this was its probe. */
export async function vendorFailed(tx: Tx, vendor: string, because: string, limits: BreakerLimits, now: number): Promise<void> {
  const row = await tx.one<{ failures: number; state: string; was: string | null }>(sql`
    with before as (select state from vendor_breakers where tenant_id = ${tx.tenant} and vendor = ${vendor})
    insert into vendor_breakers as b (tenant_id, vendor, state, failures, opened_at, probe_at, because)
    values (${tx.tenant}, ${vendor}, case when ${limits.failures} <= 1 then 'open' else 'closed' end, 1, now(),
      now() + ${limits.probeEveryMs} * interval '1 millisecond', ${because})
    on conflict (tenant_id, vendor) do update set
      failures = b.failures + 1,
      state = case when b.state <> 'closed' or b.failures + 1 >= ${limits.failures} then 'open' else 'closed' end,
      opened_at = case when b.state = 'closed' then now() else b.opened_at end,
      probe_at = case when b.state = 'open' then b.probe_at else now() + ${limits.probeEveryMs} * interval '1 millisecond' end,
      because = excluded.because
    returning failures, state, (select state from before) as was`);
  if (row?.state === 'open' && (row.was === null || row.was === 'closed')) {
    tx.event({ kind: 'vendor.paused', subject: `vendor:${vendor}`, actor: 'dunlin', at: now, body: { because, failures: row.failures } });
  }
}
