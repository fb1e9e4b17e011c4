// events.ts: the append-only record. One row per thing that happened, numbered per tenant without gaps, its body in
// canonical JSON: the text that is shown is the text that a signature will cover.
import type { Tx } from './database.ts';
import { at, sql } from './sql.ts';

export type NewEvent = {
  /** Dotted and past tense: "invoice.imported", "notice.sent". */
  readonly kind: string;
  /** What it is about: "invoice:inv_1a2b", "customer:cus_9f". */
  readonly subject: string;
  /** Who did it: "dunlin", "person:ana", "vendor:kixie". */
  readonly actor: string;
  /** Business instant. */
  readonly at: number;
  readonly body: Readonly<Record<string, unknown>>;
};

/** JSON with sorted keys and no spaces (RFC 8785 order); bigint as decimal text, undefined left out. */
export function canonicalJson(value: unknown): string {
  if (typeof value === 'bigint') return JSON.stringify(value.toString());
  if (Array.isArray(value)) return `[${value.map(item => canonicalJson(item ?? null)).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonicalJson(inner)}`).join(',')}}`;
  }
  return JSON.stringify(value);
}

/** Appends in order. The caller's transaction holds the tenant's sequence row until it commits: call it last. */
export async function appendEvents(tx: Tx, events: readonly NewEvent[]): Promise<void> {
  if (events.length === 0) return;
  const next = await tx.one<{ event_seq: bigint }>(
    sql`update tenants set event_seq = event_seq + ${events.length} where tenant_id = ${tx.tenant} returning event_seq`,
  );
  if (!next) throw new Error(`tenant "${tx.tenant}" does not exist; create it with: dunlin up`);
  const first = next.event_seq - BigInt(events.length) + 1n;
  await tx.run(sql`
    insert into events (tenant_id, seq, at, kind, subject, actor, body)
    select ${tx.tenant}, * from unnest(
      ${events.map((_, index) => (first + BigInt(index)).toString())}::bigint[], ${events.map(event => at(event.at).toISOString())}::timestamptz[],
      ${events.map(event => event.kind)}::text[], ${events.map(event => event.subject)}::text[],
      ${events.map(event => event.actor)}::text[], ${events.map(event => canonicalJson(event.body))}::text[])`);
}
