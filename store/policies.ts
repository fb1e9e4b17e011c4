// policies.ts: policy texts by name and version, and the segments that point at them. A version is never changed: a new
// text is a new version, and each case says which one it follows.
import { createHash } from 'node:crypto';
import type { Mode } from '../domain/policy/policy.ts';
import type { Tx } from './database.ts';
import { at, json, sql } from './sql.ts';

export type PolicyVersion = { readonly name: string; readonly version: number; readonly source: string };
export type SegmentRow = { readonly name: string; readonly rule: unknown; readonly policy: string; readonly mode: Mode };

/** Stores the text as a new version unless it is the one in force; returns the version. */
export async function savePolicy(tx: Tx, policy: { name: string; source: string; by: string; now: number }): Promise<number> {
  const sha256 = createHash('sha256').update(policy.source).digest('hex');
  const same = await tx.one<{ version: number }>(sql`
    select version from policies where tenant_id = ${tx.tenant} and name = ${policy.name} and sha256 = ${sha256}`);
  if (same) return same.version;
  const saved = await tx.one<{ version: number }>(sql`
    insert into policies (tenant_id, name, version, source, sha256, created_at)
    select ${tx.tenant}, ${policy.name}, coalesce(max(version), 0) + 1, ${policy.source}, ${sha256}, ${at(policy.now)}
    from policies where tenant_id = ${tx.tenant} and name = ${policy.name}
    returning version`);
  const version = saved?.version ?? 1;
  tx.event({ kind: 'policy.saved', subject: `policy:${policy.name}`, actor: policy.by, at: policy.now, body: { version, sha256 } });
  return version;
}

/** The newest version, or the one asked for; undefined when there is none. */
export async function readPolicyVersion(tx: Tx, name: string, version?: number): Promise<PolicyVersion | undefined> {
  return tx.one<PolicyVersion>(sql`
    select name, version, source from policies
    where tenant_id = ${tx.tenant} and name = ${name} ${version === undefined ? sql`` : sql`and version = ${version}`}
    order by version desc limit 1`);
}

/** In the order in which they are asked. */
export async function readSegments(tx: Tx): Promise<SegmentRow[]> {
  return tx.rows<SegmentRow>(sql`select name, rule, policy, mode from segments where tenant_id = ${tx.tenant} order by position`);
}

/** Replaces the tenant's segments. */
export async function saveSegments(tx: Tx, segments: readonly SegmentRow[], by: string, now: number): Promise<void> {
  await tx.run(sql`delete from segments where tenant_id = ${tx.tenant}`);
  for (const [position, segment] of segments.entries()) {
    await tx.run(sql`
      insert into segments (tenant_id, position, name, rule, policy, mode)
      values (${tx.tenant}, ${position}, ${segment.name}, ${json(segment.rule)}, ${segment.policy}, ${segment.mode})`);
  }
  tx.event({ kind: 'segments.saved', subject: 'segments', actor: by, at: now, body: { names: segments.map(segment => segment.name) } });
}
