// import-run.ts: one file taken in: who it was, how many rows became what, and which rows are in quarantine. The same file
// has the same hash, and a second time it changes nothing.
import type { ImportKind } from '../domain/imported.ts';
import type { LocalDate } from '../domain/time.ts';
import type { Tx } from './database.ts';
import { at, json, sql } from './sql.ts';

export type ImportFile = {
  readonly kind: ImportKind;
  readonly profile: string;
  /** The feed its invoices are filed under. */
  readonly source: string;
  readonly fileName: string;
  readonly sha256: string;
  /** The day the file speaks of; null when it does not say. */
  readonly asOf: LocalDate | null;
  readonly fullBook: boolean;
};

export type ImportCounts = { readonly rows: number; readonly accepted: number; readonly quarantined: number; readonly skipped: number };
export type EarlierRun = ImportCounts & { readonly runId: string; readonly at: number };
export type Reject = { readonly line: number; readonly field: string; readonly found: string; readonly expected: string };

/** Rejects told in an answer; all of them are in the table. */
const REJECTS_TOLD = 10_000;

/** The run that took in exactly these bytes as this kind with this profile. */
export async function findSameFile(tx: Tx, file: ImportFile): Promise<EarlierRun | undefined> {
  const run = await tx.one<{ id: string; rows: bigint; accepted: bigint; quarantined: bigint; skipped: bigint; at: number }>(sql`
    select id, rows, accepted, quarantined, skipped, at from import_runs
    where tenant_id = ${tx.tenant} and kind = ${file.kind} and profile = ${file.profile} and sha256 = ${file.sha256} order by at limit 1`);
  if (!run) return undefined;
  return {
    runId: run.id,
    at: run.at,
    rows: Number(run.rows),
    accepted: Number(run.accepted),
    quarantined: Number(run.quarantined),
    skipped: Number(run.skipped),
  };
}

/** The newest day this feed has spoken of. */
export async function lastReportDay(tx: Tx, source: string): Promise<LocalDate | null> {
  const row = await tx.one<{ day: LocalDate | null }>(
    sql`select max(as_of) as day from import_runs where tenant_id = ${tx.tenant} and source = ${source}`,
  );
  return row?.day ?? null;
}

/** Imports of one feed take turns: two of the same file at once would each see nothing and both write. */
export async function lockSource(tx: Tx, source: string): Promise<void> {
  // A million rows are merged in one transaction; the ordinary limits are for requests.
  await tx.run(sql`set local statement_timeout = '30min'`);
  await tx.run(sql`set local idle_in_transaction_session_timeout = '30min'`);
  // Statistics of a table know nothing of the rows this transaction adds to it: a plan that loops over "three" invoices
  // loops over a million. Joining by hash is never far from the best for statements over all rows.
  await tx.run(sql`set local enable_nestloop = off`);
  await tx.run(sql`set local jit = off`);
  await tx.run(sql`set local work_mem = '64MB'`);
  await tx.run(sql`select pg_advisory_xact_lock(hashtextextended(${`dunlin import ${tx.tenant} ${source}`}, 0))`);
}

export async function saveRun(tx: Tx, runId: string, file: ImportFile, counts: ImportCounts, summary: unknown, now: number): Promise<void> {
  await tx.run(sql`
    insert into import_runs (tenant_id, id, kind, profile, source, file_name, sha256, as_of, full_book, rows, accepted, quarantined, skipped, summary, at)
    values (${tx.tenant}, ${runId}, ${file.kind}, ${file.profile}, ${file.source}, ${file.fileName}, ${file.sha256}, ${file.asOf}, ${file.fullBook},
      ${counts.rows}, ${counts.accepted}, ${counts.quarantined}, ${counts.skipped}, ${json(summary)}, ${at(now)})`);
}

/** Keeps the staged rejects with their original lines. */
export async function saveRejects(tx: Tx, runId: string): Promise<void> {
  await tx.run(sql`
    insert into import_rejects (tenant_id, run_id, line, field, found, expected, raw)
    select ${tx.tenant}, ${runId}, line, field, found, expected, coalesce(raw, '') from import_rows where verdict = 'reject'
    on conflict do nothing`);
}

/** The staged rejects, in the order of the file. */
export async function stagedRejects(tx: Tx): Promise<Reject[]> {
  const rows = await tx.rows<{ line: bigint; field: string; found: string; expected: string }>(
    sql`select line, field, found, expected from import_rows where verdict = 'reject' order by line, field limit ${REJECTS_TOLD}`,
  );
  return rows.map(row => ({ ...row, line: Number(row.line) }));
}

/** The rejects of an earlier run. */
export async function readRejects(tx: Tx, runId: string): Promise<Reject[]> {
  const rows = await tx.rows<{ line: bigint; field: string; found: string; expected: string }>(sql`
    select line, field, found, expected from import_rejects where tenant_id = ${tx.tenant} and run_id = ${runId}
    order by line, field limit ${REJECTS_TOLD}`);
  return rows.map(row => ({ ...row, line: Number(row.line) }));
}
