// platform-writes.ts: what was written to the platform, by the external id it knows it by. A repeat overwrites the same
// record there; this table saves the repeats that are not needed and shows the writes that were refused.
import type { Tx } from './database.ts';
import { at, sql } from './sql.ts';

export type PlatformWrite = { readonly externalId: string; readonly kind: string; readonly invoiceId: string | null };
export type WriteState = 'intent' | 'done' | 'unknown' | 'rejected';

/** Written before the request. Returns the text that was last written when it was done, so that the same need not be sent again. */
export async function beginWrite(
  tx: Tx,
  write: PlatformWrite,
  now: number,
): Promise<{ readonly done: boolean; readonly detail: string | null }> {
  const before = await tx.one<{ state: WriteState; detail: string | null }>(
    sql`select state, detail from platform_writes where tenant_id = ${tx.tenant} and external_id = ${write.externalId}`,
  );
  if (before?.state === 'done') return { done: true, detail: before.detail };
  await tx.run(sql`
    insert into platform_writes (tenant_id, external_id, kind, invoice_id, state, at)
    values (${tx.tenant}, ${write.externalId}, ${write.kind}, ${write.invoiceId}, 'intent', ${at(now)})
    on conflict (tenant_id, external_id) do update set state = 'intent', at = excluded.at`);
  return { done: false, detail: null };
}

/** Says how it ended; `detail` is what was written, or why it was refused. */
export async function endWrite(
  tx: Tx,
  write: PlatformWrite,
  end: { readonly state: WriteState; readonly detail: string; readonly now: number },
): Promise<void> {
  await tx.run(sql`
    insert into platform_writes (tenant_id, external_id, kind, invoice_id, state, detail, at)
    values (${tx.tenant}, ${write.externalId}, ${write.kind}, ${write.invoiceId}, ${end.state}, ${end.detail}, ${at(end.now)})
    on conflict (tenant_id, external_id) do update set state = excluded.state, detail = excluded.detail, at = excluded.at`);
  if (end.state === 'intent') return;
  tx.event({
    kind: `platform.${end.state === 'done' ? 'written' : end.state}`,
    subject: write.invoiceId ? `invoice:${write.invoiceId}` : `platform:${write.externalId}`,
    actor: 'dunlin',
    at: end.now,
    body: { externalId: write.externalId, kind: write.kind, detail: end.detail },
  });
}
