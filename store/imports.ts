// imports.ts: a file becomes facts in one transaction: rows are staged as they are read, judged, planned, and merged. When
// anything speaks against the file, or it is a dry run, nothing of it is kept.
import type { Finding } from '../domain/health.ts';
import { isUsable } from '../domain/health.ts';
import type { CustomerReference, ImportedBalance, ImportedCustomer, ImportedInvoice, RowOutcome } from '../domain/imported.ts';
import type { EpochMs, LocalDate } from '../domain/time.ts';
import { type Database, type Tx, withTenant } from './database.ts';
import { liftHold, placeHold } from './holds.ts';
import { derivedId } from './ids.ts';
import { moveIntake, planCustomers, writeCustomers } from './import-customers.ts';
import {
  closeSuperseded,
  createCustomers,
  lockCustomers,
  type MergeRun,
  reconcileGone,
  reconcileInvoices,
  tellChanges,
  writeInvoices,
} from './import-merge.ts';
import {
  countOf,
  DAYS_BEFORE_FIRST_STAGE,
  type FirstStageDays,
  type Grouping,
  planBalances,
  planGone,
  planInvoices,
  planSuperseded,
  resolveCustomers,
  settleRepeats,
} from './import-plan.ts';
import {
  findSameFile,
  type ImportCounts,
  type ImportFile,
  lastReportDay,
  lockSource,
  type Reject,
  readRejects,
  saveRejects,
  saveRun,
  stagedRejects,
} from './import-run.ts';
import { balanceStaging, customerIdOf, customerStaging, invoiceStaging, stage } from './import-staging.ts';
import { type ControlTotal, planTotals, writeTotals } from './import-totals.ts';
import { sql } from './sql.ts';

type Rows<Row> = AsyncIterable<readonly RowOutcome<Row>[]>;

export type ImportContent =
  | { readonly kind: 'invoices'; readonly rows: Rows<ImportedInvoice>; readonly grouping: Grouping; readonly keyLabel: string }
  | {
      readonly kind: 'balances';
      readonly rows: Rows<ImportedBalance>;
      readonly asOf: LocalDate;
      readonly customerOf: (key: string) => CustomerReference;
    }
  | { readonly kind: 'customers'; readonly rows: Rows<ImportedCustomer> };

export type ImportRequest = {
  readonly file: ImportFile;
  readonly content: ImportContent;
  /** Asked once all rows have been read: what to think of the file. */
  readonly judge: (lastAsOf: LocalDate | null) => readonly Finding[];
  /** Rows read and skipped so far, and whether the file was cut off: complete once all rows have been read. */
  readonly tally: { readonly rows: number; readonly skipped: number; readonly truncated: boolean };
  /** Day of the first stage of a segment's policy relative to the due date; null: its customers get no cases. */
  readonly firstStageDayOf: (segment: string) => number | null;
  readonly dryRun: boolean;
  readonly actor: string;
  readonly now: EpochMs;
};

export type ImportOutcome = ImportCounts & {
  /** null: nothing was kept (dry run, stopped, same file). */
  readonly runId: string | null;
  /** Set when exactly this file was imported before: nothing was changed. */
  readonly sameAs: { readonly runId: string; readonly at: EpochMs } | null;
  readonly rejects: readonly Reject[];
  readonly new: number;
  readonly changed: number;
  readonly gone: number;
  readonly superseded: number;
  readonly findings: readonly Finding[];
  readonly controlTotals: readonly ControlTotal[];
};

const NOTHING = {
  runId: null,
  sameAs: null,
  rejects: [],
  new: 0,
  changed: 0,
  gone: 0,
  superseded: 0,
  findings: [],
  controlTotals: [],
} as const;

/** Takes the file in, or says why not. Repeating it with the same bytes changes nothing. */
export async function runImport(database: Database, tenant: string, request: ImportRequest): Promise<ImportOutcome> {
  const outcome = await withTenant(database, tenant, tx => importInto(tx, request));
  // Customers share the name of a feed with invoices, but do not speak for them.
  if (request.dryRun || outcome.sameAs || request.content.kind === 'customers') return outcome;
  // In a transaction of its own: a hold of a whole source locks customers that the merge has not locked.
  if (isUsable(outcome.findings)) await releaseSource(database, tenant, request.file.source, request);
  else await holdSource(database, tenant, request.file.source, outcome.findings, request);
  return outcome;
}

async function importInto(tx: Tx, request: ImportRequest): Promise<ImportOutcome> {
  const { file, content } = request;
  await lockSource(tx, file.source);
  const same = await findSameFile(tx, file);
  if (same) {
    const { rows, accepted, quarantined, skipped, runId, at } = same;
    return { ...NOTHING, rows, accepted, quarantined, skipped, sameAs: { runId, at }, rejects: await readRejects(tx, runId) };
  }
  await stageContent(tx, file.source, content);
  await resolveCustomers(tx);
  if (content.kind === 'invoices') await settleRepeats(tx, content.grouping, content.keyLabel);
  if (content.kind === 'balances') await settleRepeats(tx, 'none', 'Customer ID');
  const counts = await countRows(tx, request.tally);
  const rejects = await stagedRejects(tx);
  const findings = request.judge(await lastReportDay(tx, file.source));
  if (!isUsable(findings)) return { ...NOTHING, ...counts, rejects, findings };
  const runId = derivedId('run', file.kind, file.profile, file.sha256);
  const run: MergeRun = {
    id: runId,
    source: file.source,
    kind: content.kind === 'balances' ? 'balance_forward' : 'invoice',
    now: request.now,
  };
  if (!request.dryRun) await lockCustomers(tx, file.source, file.fullBook);
  const merged =
    content.kind === 'customers' ? await mergeCustomers(tx, run, request, counts) : await mergeInvoices(tx, run, request, content, counts);
  const result = { ...NOTHING, ...counts, rejects, ...merged, findings: [...findings, ...merged.findings] };
  if (request.dryRun) return result;
  await saveRejects(tx, runId);
  tx.event({
    kind: 'import.finished',
    subject: `import:${runId}`,
    actor: request.actor,
    at: request.now,
    body: {
      ...counts,
      kind: file.kind,
      profile: file.profile,
      source: file.source,
      file: file.fileName,
      sha256: file.sha256,
      as_of: file.asOf,
      new: merged.new,
      changed: merged.changed,
      gone: merged.gone,
      superseded: merged.superseded,
    },
  });
  return { ...result, runId };
}

async function stageContent(tx: Tx, source: string, content: ImportContent): Promise<void> {
  switch (content.kind) {
    case 'invoices':
      return stage(tx, content.rows, invoiceStaging(source), { column: 'invoice_id', value: key => derivedId('inv', source, key) });
    case 'balances':
      return stage(tx, content.rows, balanceStaging(source), {
        column: 'customer_id',
        value: key => customerIdOf(content.customerOf(key)),
      });
    case 'customers':
      return stage(tx, content.rows, customerStaging, null);
  }
}

async function countRows(tx: Tx, tally: ImportRequest['tally']): Promise<ImportCounts> {
  const staged = await tx.one<{ accepted: bigint; repeated: bigint; quarantined: bigint }>(sql`
    select count(*) filter (where verdict in ('row', 'line')) as accepted, count(*) filter (where verdict = 'skip') as repeated,
      count(distinct line) filter (where verdict = 'reject') as quarantined from import_rows`);
  return {
    rows: tally.rows,
    accepted: Number(staged?.accepted ?? 0),
    quarantined: Number(staged?.quarantined ?? 0),
    skipped: tally.skipped + Number(staged?.repeated ?? 0),
  };
}

type Merged = Pick<ImportOutcome, 'new' | 'changed' | 'gone' | 'superseded' | 'controlTotals' | 'findings'>;

async function mergeInvoices(
  tx: Tx,
  run: MergeRun,
  request: ImportRequest,
  content: Exclude<ImportContent, { kind: 'customers' }>,
  counts: ImportCounts,
): Promise<Merged> {
  const { file, dryRun, now } = request;
  if (!dryRun) await createCustomers(tx, now);
  const days = await firstStageDays(tx, request.firstStageDayOf);
  if (content.kind === 'balances') await planBalances(tx, file.source, days, content.asOf);
  else await planInvoices(tx, file.source, days);
  const controlTotals = content.kind === 'balances' ? await planTotals(tx, content.asOf) : [];
  const merged = {
    new: await countOf(tx, sql`import_plan where is_new`),
    changed: await countOf(tx, sql`import_plan where is_changed`),
    // A file that was cut off, or not said to be the whole book, says nothing about what it leaves out.
    gone: await planGone(tx, file.source, file.fullBook && !request.tally.truncated),
    superseded: content.kind === 'invoices' ? await planSuperseded(tx) : 0,
  };
  const findings = findingsOf(merged.gone, controlTotals);
  if (dryRun) return { ...merged, controlTotals, findings };
  await saveRun(tx, run.id, file, counts, merged, now);
  await writeInvoices(tx, run);
  if (content.kind === 'invoices') await closeSuperseded(tx);
  else await writeTotals(tx, run.id, now);
  await reconcileGone(tx, run);
  await reconcileInvoices(tx, run);
  await tellChanges(tx, run, request.actor);
  return { ...merged, controlTotals, findings };
}

function findingsOf(gone: number, totals: readonly ControlTotal[]): Finding[] {
  const differing = totals.filter(total => !total.ok).length;
  const findings: Finding[] = [];
  if (gone > 0) {
    const text = `${gone} open invoices of earlier files are not in this one. They are not taken for paid: each is held and waits in the reconciliation queue. If the file holds only part of the book, import it with --part.`;
    findings.push({ code: 'gone', level: 'warn', text });
  }
  if (differing > 0) {
    const text = `${differing} totals of the report differ from the open invoices of the customer; each is in the reconciliation queue.`;
    findings.push({ code: 'control_totals', level: 'warn', text });
  }
  return findings;
}

async function mergeCustomers(tx: Tx, run: MergeRun, request: ImportRequest, counts: ImportCounts): Promise<Merged> {
  const merged = { ...(await planCustomers(tx)), gone: 0, superseded: 0 };
  if (!request.dryRun) {
    await saveRun(tx, run.id, request.file, counts, merged, request.now);
    await writeCustomers(tx, run.id, request.actor, request.now);
    await moveIntake(tx, await firstStageDays(tx, request.firstStageDayOf), DAYS_BEFORE_FIRST_STAGE);
  }
  return { ...merged, controlTotals: [], findings: [] };
}

async function firstStageDays(tx: Tx, firstStageDayOf: ImportRequest['firstStageDayOf']): Promise<FirstStageDays> {
  const rows = await tx.rows<{ segment: string }>(sql`
    select segment from customers where tenant_id = ${tx.tenant} union select name from segments where tenant_id = ${tx.tenant} union select 'standard'`);
  return new Map(
    rows.flatMap(({ segment }): [string, number][] => {
      const day = firstStageDayOf(segment);
      return day === null ? [] : [[segment, day]];
    }),
  );
}

/** Messages that would rest on a feed which cannot be believed wait; the last good data stays readable. */
export async function holdSource(
  database: Database,
  tenant: string,
  source: string,
  findings: readonly Finding[],
  { file, actor, now }: { file: { sha256: string; fileName: string }; actor: string; now: EpochMs },
): Promise<void> {
  const stops = findings.filter(finding => finding.level === 'stop').map(finding => finding.text);
  await withTenant(database, tenant, async tx => {
    const id = derivedId('hld', 'data_health', source, file.sha256, now);
    const known = await tx.one(sql`
      select id from holds where tenant_id = ${tx.tenant} and kind = 'data_health' and scope = 'source' and source = ${source} and lifted_at is null limit 1`);
    if (!known)
      await placeHold(
        tx,
        { id, kind: 'data_health', scope: 'source', source, reason: stops.join(' '), startsAt: now, endsAt: null },
        actor,
      );
    tx.event({
      kind: 'import.stopped',
      subject: `source:${source}`,
      actor,
      at: now,
      body: { file: file.fileName, sha256: file.sha256, because: stops },
    });
  });
}

/** A good file ends the data-health hold of its feed. */
async function releaseSource(
  database: Database,
  tenant: string,
  source: string,
  { actor, now }: { actor: string; now: EpochMs },
): Promise<void> {
  await withTenant(database, tenant, async tx => {
    const holds = await tx.rows<{ id: string }>(sql`
      select id from holds where tenant_id = ${tx.tenant} and kind = 'data_health' and scope = 'source' and source = ${source} and lifted_at is null order by id`);
    for (const { id } of holds) await liftHold(tx, id, 'a good file was imported', actor, now);
  });
}
