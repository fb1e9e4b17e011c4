// import-payments.ts: payments of a file, booked one by one, each through the inbox and in its own transaction: an import
// that was cut short is simply started again, and what was booked is recognised.
import { type Finding, isUsable } from '../domain/health.ts';
import type { ImportedPayment, RowOutcome } from '../domain/imported.ts';
import type { EpochMs } from '../domain/time.ts';
import { customerCalled } from './contacts.ts';
import { type Database, type Tx, withTenant } from './database.ts';
import { derivedId } from './ids.ts';
import {
  findSameFile,
  type ImportCounts,
  type ImportFile,
  lockSource,
  type Reject,
  readRejects,
  saveRejects,
  saveRun,
} from './import-run.ts';
import { rejectStaging, stage } from './import-staging.ts';
import type { ImportOutcome } from './imports.ts';
import { receive, settleInbox } from './inbox.ts';
import { bookPayment } from './payments.ts';
import { sql } from './sql.ts';

type Rows = AsyncIterable<readonly RowOutcome<ImportedPayment>[]>;
type Tally = { readonly rows: number; readonly skipped: number };

export type PaymentImport = {
  readonly file: ImportFile;
  /** Reads the file from its start: once to judge it, once to book it, once to keep its rejects. */
  readonly read: () => { readonly rows: Rows; readonly tally: Tally; readonly judge: () => readonly Finding[] };
  readonly dryRun: boolean;
  readonly actor: string;
  readonly now: EpochMs;
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
const REJECTS_TOLD = 10_000;

/** Books what the file tells and has not been booked before. Nothing is booked when the file cannot be believed. */
export async function importPayments(database: Database, tenant: string, request: PaymentImport): Promise<ImportOutcome> {
  const { file, now } = request;
  const same = await withTenant(database, tenant, async tx => {
    const run = await findSameFile(tx, file);
    return run && { run, rejects: await readRejects(tx, run.runId) };
  });
  if (same) {
    const { runId, at, ...counts } = same.run;
    return { ...NOTHING, ...counts, sameAs: { runId, at }, rejects: same.rejects };
  }
  const first = await judgeAll(request);
  if (!isUsable(first.findings)) return { ...NOTHING, ...first };
  const booked = await bookAll(database, tenant, request);
  // A payment that was booked before, by this file or told otherwise, is no second one.
  const counts = { rows: first.rows, quarantined: first.quarantined, accepted: booked, skipped: first.skipped + first.accepted - booked };
  const outcome = { ...NOTHING, ...counts, rejects: first.rejects, findings: first.findings, new: booked };
  if (request.dryRun) return outcome;
  const runId = derivedId('run', file.kind, file.profile, file.sha256);
  await withTenant(database, tenant, async tx => {
    await lockSource(tx, file.source);
    if (await findSameFile(tx, file)) return;
    await saveRun(tx, runId, file, counts, { new: booked }, now);
    await stage(tx, onlyRejects(request.read().rows), rejectStaging, null);
    await saveRejects(tx, runId);
    const body = { ...counts, kind: file.kind, profile: file.profile, file: file.fileName, sha256: file.sha256, new: booked };
    tx.event({ kind: 'import.finished', subject: `import:${runId}`, actor: request.actor, at: now, body });
  });
  return { ...outcome, runId };
}

async function judgeAll(request: PaymentImport): Promise<ImportCounts & { rejects: Reject[]; findings: readonly Finding[] }> {
  const { rows, tally, judge } = request.read();
  const rejects: Reject[] = [];
  let accepted = 0;
  let quarantined = 0;
  for await (const batch of rows) {
    for (const outcome of batch) {
      if (outcome.kind === 'row') accepted++;
      if (outcome.kind !== 'reject') continue;
      quarantined++;
      if (rejects.length >= REJECTS_TOLD) continue;
      rejects.push(...outcome.problems.map(({ field, found, expected }) => ({ line: outcome.line, field, found, expected })));
    }
  }
  return { rows: tally.rows, accepted, quarantined, skipped: tally.skipped, rejects, findings: judge() };
}

async function bookAll(database: Database, tenant: string, request: PaymentImport): Promise<number> {
  let booked = 0;
  for await (const batch of request.read().rows) {
    for (const outcome of batch) {
      if (outcome.kind !== 'row') continue;
      if (await withTenant(database, tenant, tx => bookOne(tx, outcome.row, request))) booked++;
    }
  }
  return booked;
}

/** True when the payment is new. A dry run only looks. */
async function bookOne(tx: Tx, payment: ImportedPayment, { file, now, actor, dryRun }: PaymentImport): Promise<boolean> {
  if (dryRun) {
    const known = await tx.one(sql`
      select id from payments where tenant_id = ${tx.tenant} and source = ${file.source} and external_id = ${payment.externalId}`);
    return known === undefined;
  }
  const payload = { ...payment, amountMinor: payment.amountMinor.toString() };
  if ((await receive(tx, { source: file.source, eventId: payment.externalId, kind: 'payment', payload, receivedAt: now })) === 'duplicate')
    return false;
  const { paymentId, duplicate } = await bookPayment(
    tx,
    {
      source: file.source,
      externalId: payment.externalId,
      customerId: await customerOf(tx, payment),
      invoiceNumber: payment.invoiceNumber,
      currency: payment.currency,
      amountMinor: payment.amountMinor,
      valueDate: payment.valueDate,
      bookedAt: now,
      reference: payment.reference,
      returnsExternalId: payment.returnsExternalId,
    },
    actor,
  );
  await settleInbox(tx, file.source, payment.externalId, duplicate ? 'known before' : `booked as ${paymentId}`, now);
  return !duplicate;
}

/** The customer by the reference of the file, else by that number in any other system, when only one customer has it. */
async function customerOf(tx: Tx, { customer }: ImportedPayment): Promise<string | null> {
  if (!customer) return null;
  const { system, kind, externalId } = customer;
  const exact = await tx.one<{ customer_id: string }>(sql`
    select customer_id from customer_references where tenant_id = ${tx.tenant} and system = ${system} and kind = ${kind} and external_id = ${externalId}`);
  return exact?.customer_id ?? (await customerCalled(tx, externalId)) ?? null;
}

async function* onlyRejects(rows: Rows): AsyncGenerator<RowOutcome<ImportedPayment>[]> {
  for await (const batch of rows) yield batch.filter(outcome => outcome.kind === 'reject');
}
