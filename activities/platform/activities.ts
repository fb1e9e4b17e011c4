// activities.ts: what a case tells the platform: a task and a note for a stage, the calls that took place, and where the
// case stands. Every record has an external id made from the business key, so saying it twice changes nothing.
import type { Clock } from '../../domain/clock.ts';
import { addDays, isoInstant, localDateAt } from '../../domain/time.ts';
import { callsToLog, type CallOutcome, type CallRow } from '../../store/calls.ts';
import { type CaseRow, readCase } from '../../store/cases.ts';
import { accountGroupOf } from '../../store/contacts.ts';
import { type Database, type Tx, withTenant } from '../../store/database.ts';
import { loadFacts } from '../../store/facts.ts';
import { derivedId } from '../../store/ids.ts';
import { beginWrite, endWrite, type PlatformWrite } from '../../store/platform-writes.ts';
import { openTask } from '../../store/tasks.ts';
import type { BreakerLimits } from '../../store/vendors.ts';
import type { PlatformActivities } from '../../workflows/contract/activities.ts';
import type { CaseKey } from '../../workflows/contract/ids.ts';
import { owedInShort } from '../kixie/script.ts';
import { askPlatform } from './ask.ts';
import { type Field, fieldIds, type PlatformAccount, type Resource, updateById, type Upsert, upsert } from './client.ts';

export type PlatformDeps = {
  readonly database: Database;
  readonly clock: Clock;
  /** null: this tenant has no platform; nothing is written. */
  readonly platformOf: (tenant: string) => PlatformAccount | null;
  readonly breaker?: BreakerLimits;
};

type Written = { readonly written: boolean; readonly because: string };
type Subject = {
  readonly row: CaseRow;
  readonly company: string;
  readonly customerName: string;
  readonly owed: string;
  readonly open: boolean;
  readonly zone: string;
};

const notConnected: Written = { written: false, because: 'no platform is connected' };

export function createPlatformActivities(deps: PlatformDeps): PlatformActivities {
  const fieldsOf = new Map<string, readonly string[]>();
  return {
    noteStage: async ({ case: key, task }) => {
      const account = deps.platformOf(key.tenant);
      if (!account) return notConnected;
      if (task.kind !== 'platform_note')
        return { written: false, because: `found a task of kind "${task.kind}", expected "platform_note"` };
      const subject = await readSubject(deps, key);
      // The step may have waited out an outage, and the customer paid meanwhile.
      if (!subject?.open) return { written: false, because: 'nothing is open any more' };
      const ids = await resolveFields(deps, key.tenant, account, 'taskActivities', fieldsOf);
      await ensureCompany(deps, key.tenant, account, subject);
      const base = `${caseIdOf(key)}:stage:${task.stage}`;
      const about = `${subject.row.number} · ${subject.customerName} · ${subject.owed}`;
      const noted = await write(deps, key, account, `${base}:note`, {
        resource: 'noteActivities',
        subtype: 'Note',
        company: subject.company,
        fields: [set('standard__activity_note', `Dunlin: stage ${task.stage}. ${about}.`)],
      });
      const due = addDays(localDateAt(deps.clock.now(), subject.zone), 1);
      const tasked = await write(deps, key, account, `${base}:task`, {
        resource: 'taskActivities',
        subtype: 'Task',
        company: subject.company,
        fields: [
          set('standard__activity_name', `Overdue: ${subject.row.number} (${task.stage})`),
          set('standard__activity_task_body', about),
          set(firstKnown(ids, ['standard__activity_task_due_date', 'standard__task_due_date']), `${due}T00:00:00Z`),
          set('standard__activity_task_priority', 'HIGH'),
          set('standard__activity_task_status', 'NOT_STARTED'),
          set('standard__activity_task_type', 'TODO'),
        ],
      });
      await logCalls(deps, key, account, subject);
      return noted.written && tasked.written
        ? { written: true, because: `note and task for stage ${task.stage}` }
        : noted.written
          ? tasked
          : noted;
    },
    writeStatus: async ({ case: key, status }) => {
      const account = deps.platformOf(key.tenant);
      if (!account) return notConnected;
      const subject = await readSubject(deps, key);
      if (!subject) return { written: false, because: 'the store knows no such case' };
      await ensureCompany(deps, key.tenant, account, subject);
      await logCalls(deps, key, account, subject);
      return write(deps, key, account, `${caseIdOf(key)}:status`, {
        resource: 'noteActivities',
        subtype: 'Note',
        company: subject.company,
        fields: [set('standard__activity_note', `Collections status of ${subject.row.number}: ${status}. ${subject.owed}.`)],
      });
    },
  };
}

function caseIdOf(key: CaseKey): string {
  return `dunlin:case:${key.invoiceId}/${key.cycle}`;
}

function set(id: string, value: string): Field {
  return { id, value, operation: 'always_overwrite' };
}

async function readSubject(deps: PlatformDeps, key: CaseKey): Promise<Subject | undefined> {
  return withTenant(deps.database, key.tenant, async tx => {
    const row = await readCase(tx, key.invoiceId, key.cycle);
    if (!row) return undefined;
    const now = deps.clock.now();
    const facts = await loadFacts(tx, row.customer_id, row.currency, now, key.invoiceId);
    const invoice = facts.invoices.find(candidate => candidate.id === key.invoiceId);
    if (!invoice) return undefined;
    return {
      row,
      company: (await accountGroupOf(tx, row.customer_id)) ?? `dunlin:customer:${row.customer_id}`,
      customerName: facts.customer.name,
      owed: owedInShort({ creditor: facts.creditor, invoice, currency: facts.currency, now }),
      open: invoice.state === 'open' && invoice.openMinor > 0n,
      zone: facts.creditor.zone,
    };
  });
}

/** Read once a process and kept: the specification and the guide do not agree on every id. */
async function resolveFields(
  deps: PlatformDeps,
  tenant: string,
  account: PlatformAccount,
  resource: Resource,
  known: Map<string, readonly string[]>,
): Promise<readonly string[]> {
  const key = `${tenant} ${account.namespace} ${resource}`;
  const before = known.get(key);
  if (before) return before;
  const answer = await askPlatform(deps, tenant, () => fieldIds(account, resource));
  const ids = answer.kind === 'fields' ? answer.ids : [];
  known.set(key, ids);
  return ids;
}

function firstKnown(ids: readonly string[], candidates: readonly [string, ...string[]]): string {
  return candidates.find(candidate => ids.includes(candidate)) ?? candidates[0];
}

/** The company by external id alone, then its name by id and only where it is empty: never a match by name. */
async function ensureCompany(deps: PlatformDeps, tenant: string, account: PlatformAccount, subject: Subject): Promise<void> {
  const record: PlatformWrite = { externalId: `dunlin:company:${subject.company}`, kind: 'company', invoiceId: null };
  const begun = await withTenant(deps.database, tenant, tx => beginWrite(tx, record, deps.clock.now()));
  if (begun.done) return;
  const made = await askPlatform(deps, tenant, () =>
    upsert(account, { resource: 'companies', fields: [set('external_id', subject.company)] }),
  );
  const named =
    made.kind === 'written'
      ? await askPlatform(deps, tenant, () =>
          updateById(account, 'companies', subject.company, [
            { id: 'standard__company_name', value: subject.customerName, operation: 'overwrite_if_empty' },
          ]),
        )
      : made;
  await withTenant(deps.database, tenant, async tx => {
    const now = deps.clock.now();
    const ok = made.kind === 'written';
    await endWrite(tx, record, {
      state: ok ? 'done' : 'rejected',
      detail: named.kind === 'written' ? subject.company : named.because,
      now,
    });
    if (named.kind !== 'written') await askForDataFix(tx, subject.row, record.externalId, named.because, now);
  });
}

/** Finished conversations, one call activity each. The platform counts milliseconds where Kixie counts seconds. */
async function logCalls(deps: PlatformDeps, key: CaseKey, account: PlatformAccount, subject: Subject): Promise<void> {
  const calls = await withTenant(deps.database, key.tenant, tx => callsToLog(tx, key.invoiceId));
  for (const call of calls) {
    await write(deps, key, account, `dunlin:call:${call.kixie_uuid}`, {
      resource: 'callActivities',
      subtype: 'Call',
      company: subject.company,
      fields: callFields(call, subject.row.number),
    });
  }
}

function callFields(call: CallRow, number: string): Field[] {
  const outcome = call.outcome ?? 'other';
  return [
    set('standard__activity_name', `Call about ${number}: ${outcome.replaceAll('_', ' ')}`),
    set('standard__activity_call_date', isoInstant(call.finished_at ?? call.requested_at)),
    set('standard__activity_call_direction', 'OUTBOUND'),
    set('standard__activity_call_duration', String((call.duration_seconds ?? 0) * 1000)),
    set('standard__activity_call_to_number', call.phone),
    set('standard__activity_call_outcome', platformOutcome[outcome]),
    set('standard__activity_call_body', call.note ?? ''),
  ];
}

const platformOutcome: Record<CallOutcome, 'CONNECTED' | 'NO_ANSWER' | 'WRONG_NUMBER'> = {
  promise: 'CONNECTED',
  dispute: 'CONNECTED',
  call_back: 'CONNECTED',
  connected: 'CONNECTED',
  other: 'CONNECTED',
  wrong_number: 'WRONG_NUMBER',
  no_answer: 'NO_ANSWER',
  stopped: 'NO_ANSWER',
};

/** Fields that are never dropped to get a record through: our identity of it, and the way to reach somebody. */
const kept = (id: string): boolean => id === 'external_id' || id.includes('phone') || id.includes('number');

/**
 * Writes one record by external id. Values that other records hold are dropped and it is sent once more; a person is told.
 * Throws what may be tried again; a clear no is an answer.
 */
async function write(deps: PlatformDeps, key: CaseKey, account: PlatformAccount, externalId: string, wanted: Upsert): Promise<Written> {
  const detail = wanted.fields
    .map(field => field.value)
    .join(' | ')
    .slice(0, 400);
  const record: PlatformWrite = { externalId, kind: wanted.resource, invoiceId: key.invoiceId };
  const begun = await withTenant(deps.database, key.tenant, tx => beginWrite(tx, record, deps.clock.now()));
  if (begun.done && begun.detail === detail) return { written: true, because: 'it was written before' };
  const full = { ...wanted, fields: [set('external_id', externalId), ...wanted.fields] };
  const first = await askPlatform(deps, key.tenant, () => upsert(account, full));
  const clash = first.kind === 'not_unique' ? first.fields : [];
  const reduced = { ...full, fields: full.fields.filter(field => kept(field.id) || !clash.includes(field.id)) };
  const last = first.kind === 'not_unique' ? await askPlatform(deps, key.tenant, () => upsert(account, reduced)) : first;
  return withTenant(deps.database, key.tenant, async tx => {
    const now = deps.clock.now();
    const row = await readCase(tx, key.invoiceId, key.cycle);
    if (row && first.kind === 'not_unique') {
      await askForDataFix(tx, row, externalId, `${first.because} (${clash.join(', ')})`, now);
    }
    if (last.kind === 'written') {
      await endWrite(tx, record, { state: 'done', detail, now });
      return { written: true, because: externalId };
    }
    await endWrite(tx, record, { state: 'rejected', detail: last.because, now });
    if (row && first.kind !== 'not_unique') await askForDataFix(tx, row, externalId, last.because, now);
    return { written: false, because: last.because };
  });
}

async function askForDataFix(tx: Tx, row: CaseRow, externalId: string, because: string, now: number): Promise<void> {
  await openTask(
    tx,
    {
      id: derivedId('task', 'data_quality', externalId),
      kind: 'data_quality',
      invoiceId: row.invoice_id,
      customerId: row.customer_id,
      title: `The platform did not take everything about ${row.number}`,
      body: `Record ${externalId}: ${because}. Look for a double in the platform's CRM and merge it; the next write goes through by itself.`,
      dueAt: now,
    },
    'dunlin',
    now,
  );
}
