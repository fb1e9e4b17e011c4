// cases.ts: Dunlin's work on one invoice, one cycle: which policy it follows, what it decided and why, what is next.
import type { Reason } from '../domain/reason.ts';
import type { EpochMs, LocalDate } from '../domain/time.ts';
import type { Tx } from './database.ts';
import { at, json, type Sql, sql } from './sql.ts';

export type CaseRow = {
  invoice_id: string;
  cycle: number;
  customer_id: string;
  currency: string;
  number: string;
  due_date: LocalDate;
  open_minor: bigint;
  workflow_id: string;
  state: 'starting' | 'open' | 'with_people' | 'closed';
  policy: string;
  policy_version: number;
  stage: string | null;
  carried_out: string | null;
  outcome: string | null;
  attention: string | null;
  story: string;
  next_action_at: EpochMs | null;
  next_stage: string | null;
  opened_at: EpochMs;
};

const columns = sql`k.invoice_id, k.cycle, k.customer_id, i.currency, i.number, i.due_date, i.open_minor, k.workflow_id, k.state, k.policy,
  k.policy_version, k.stage, k.carried_out, k.outcome, k.attention, k.story, k.next_action_at, k.next_stage, k.opened_at`;

export async function readCase(tx: Tx, invoiceId: string, cycle: number): Promise<CaseRow | undefined> {
  return tx.one<CaseRow>(sql`
    select ${columns} from cases k join invoices i on i.tenant_id = k.tenant_id and i.id = k.invoice_id
    where k.tenant_id = ${tx.tenant} and k.invoice_id = ${invoiceId} and k.cycle = ${cycle}`);
}

/** Newest first; `state` and `customerId` narrow. */
export async function listCases(
  tx: Tx,
  filter: { state?: string; customerId?: string; limit?: number } = {},
): Promise<(CaseRow & { customer_name: string })[]> {
  return tx.rows(sql`
    select ${columns}, c.name as customer_name from cases k
    join invoices i on i.tenant_id = k.tenant_id and i.id = k.invoice_id
    join customers c on c.tenant_id = k.tenant_id and c.id = k.customer_id
    where k.tenant_id = ${tx.tenant}
      ${filter.state ? sql`and k.state = ${filter.state}` : sql``} ${filter.customerId ? sql`and k.customer_id = ${filter.customerId}` : sql``}
    order by k.next_action_at nulls last, i.due_date, i.number limit ${filter.limit ?? 1000}`);
}

export type DueCase = {
  invoiceId: string;
  cycle: number;
  customerId: string;
  segment: string;
  currency: string;
  number: string;
  customerName: string;
  dueDate: LocalDate;
  openMinor: bigint;
  policy: string;
  policyVersion: number;
  workflowId: string;
};

/**
 * Claims up to `limit` invoices whose case is due to start, and those whose workflow was never seen to start. A case row
 * is unique by (tenant, invoice, cycle): whoever asks twice gets the same case.
 */
export async function claimDueCases(
  tx: Tx,
  request: { today: LocalDate; now: EpochMs; limit: number; workflowIdOf: (invoiceId: string, cycle: number) => string },
): Promise<DueCase[]> {
  // The newest version of the policy of the customer's segment. An invoice without one waits, and the sweeper says so: it
  // must not stand before all others here.
  const policyOf = sql`
    join customers c on c.tenant_id = i.tenant_id and c.id = i.customer_id
    left join segments s on s.tenant_id = i.tenant_id and s.name = c.segment
    join lateral (select name, version from policies p where p.tenant_id = i.tenant_id and p.name = coalesce(s.policy, 'standard') order by version desc limit 1) p on true`;
  const due = await tx.rows<{ id: string; cycle: number }>(sql`
    select i.id, i.cycle from invoices i ${policyOf}
    where i.tenant_id = ${tx.tenant} and i.state = 'open' and i.intake_on <= ${request.today} and i.open_minor > 0
      and not exists (select from cases k where k.tenant_id = i.tenant_id and k.invoice_id = i.id and k.cycle = i.cycle)
    order by i.intake_on, i.id limit ${request.limit} for no key update of i skip locked`);
  if (due.length > 0) {
    const opened = await tx.rows<{ invoice_id: string; cycle: number }>(sql`
      insert into cases (tenant_id, invoice_id, cycle, customer_id, workflow_id, state, policy, policy_version, opened_at)
      select i.tenant_id, i.id, i.cycle, i.customer_id, d.workflow_id, 'starting', p.name, p.version, ${at(request.now)}
      from unnest(${due.map(row => row.id)}::text[], ${due.map(row => request.workflowIdOf(row.id, row.cycle))}::text[]) as d (invoice_id, workflow_id)
      join invoices i on i.tenant_id = ${tx.tenant} and i.id = d.invoice_id ${policyOf}
      on conflict do nothing returning invoice_id, cycle`);
    for (const { invoice_id, cycle } of opened) {
      tx.event({ kind: 'case.opened', subject: `invoice:${invoice_id}`, actor: 'dunlin', at: request.now, body: { cycle } });
    }
  }
  return startable(tx, sql`k.state = 'starting' order by k.opened_at, k.invoice_id limit ${request.limit}`);
}

/** One case as its workflow's start needs it. */
export async function readDueCase(tx: Tx, invoiceId: string, cycle: number): Promise<DueCase | undefined> {
  return (await startable(tx, sql`k.invoice_id = ${invoiceId} and k.cycle = ${cycle}`))[0];
}

async function startable(tx: Tx, which: Sql): Promise<DueCase[]> {
  return tx.rows<DueCase>(sql`
    select k.invoice_id as "invoiceId", k.cycle, k.customer_id as "customerId", c.segment, i.currency, i.number, c.name as "customerName", i.due_date as "dueDate",
      i.open_minor as "openMinor", k.policy, k.policy_version as "policyVersion", k.workflow_id as "workflowId"
    from cases k join invoices i on i.tenant_id = k.tenant_id and i.id = k.invoice_id join customers c on c.tenant_id = k.tenant_id and c.id = k.customer_id
    where k.tenant_id = ${tx.tenant} and ${which}`);
}

/** The workflow runs. A case that already took its first step stays as it is. */
export async function markStarted(tx: Tx, invoiceId: string, cycle: number): Promise<void> {
  await tx.run(
    sql`update cases set state = 'open' where tenant_id = ${tx.tenant} and invoice_id = ${invoiceId} and cycle = ${cycle} and state = 'starting'`,
  );
}

export type PlannedStep = {
  readonly state: 'open' | 'with_people' | 'closed';
  readonly stage: string | null;
  readonly outcome: string | null;
  readonly attention: string | null;
  readonly story: string;
  readonly nextActionAt: EpochMs | null;
  readonly nextStage: string | null;
  readonly at: EpochMs;
};

/** Writes where the case stands after a step. A step of a case that is closed changes nothing. */
export async function saveStep(tx: Tx, row: CaseRow, step: PlannedStep): Promise<void> {
  await tx.run(sql`
    update cases set state = ${step.state}, stage = ${step.stage}, outcome = ${step.outcome}, attention = ${step.attention}, story = ${step.story},
      next_action_at = ${step.nextActionAt === null ? null : at(step.nextActionAt)}, next_stage = ${step.nextStage}, planned_at = ${at(step.at)},
      closed_at = ${step.state === 'closed' ? at(step.at) : null}
    where tenant_id = ${tx.tenant} and invoice_id = ${row.invoice_id} and cycle = ${row.cycle} and state <> 'closed'`);
  if (step.state === 'closed') {
    tx.event({
      kind: 'case.closed',
      subject: `invoice:${row.invoice_id}`,
      actor: 'dunlin',
      at: step.at,
      body: { cycle: row.cycle, outcome: step.outcome },
    });
  }
}

/** The workflow has carried out the side effects of the stage. */
export async function markCarriedOut(tx: Tx, row: CaseRow, stage: string): Promise<void> {
  await tx.run(
    sql`update cases set carried_out = ${stage} where tenant_id = ${tx.tenant} and invoice_id = ${row.invoice_id} and cycle = ${row.cycle}`,
  );
}

export type NewDecision = {
  readonly kind: string;
  readonly stage: string | null;
  readonly until: EpochMs | null;
  readonly reasons: readonly Reason[];
  readonly customerVersion: number;
  readonly codeVersion: string;
  readonly at: EpochMs;
};

/** Stores a decision with its reasons, unless it only repeats the last one: a case that looks again every day is not news. */
export async function saveDecision(tx: Tx, row: CaseRow, decision: NewDecision): Promise<void> {
  const reasons = json(decision.reasons);
  const last = await tx.one<{ same: boolean }>(sql`
    select (kind = ${decision.kind} and stage is not distinct from ${decision.stage} and until is not distinct from ${decision.until === null ? null : at(decision.until)}::timestamptz
      and reasons = ${reasons}::jsonb) as same
    from decisions where tenant_id = ${tx.tenant} and invoice_id = ${row.invoice_id} and cycle = ${row.cycle} order by id desc limit 1`);
  if (last?.same) return;
  await tx.run(sql`
    insert into decisions (tenant_id, invoice_id, cycle, at, kind, stage, until, reasons, policy, policy_version, customer_version, code_version)
    values (${tx.tenant}, ${row.invoice_id}, ${row.cycle}, ${at(decision.at)}, ${decision.kind}, ${decision.stage}, ${decision.until === null ? null : at(decision.until)},
      ${reasons}, ${row.policy}, ${row.policy_version}, ${decision.customerVersion}, ${decision.codeVersion})`);
}

export type DecisionRow = {
  at: EpochMs;
  kind: string;
  stage: string | null;
  until: EpochMs | null;
  reasons: Reason[];
  policy: string;
  policy_version: number;
  customer_version: bigint;
  code_version: string;
  cycle: number;
};

/** Oldest first, up to and including the instant. */
export async function readDecisions(tx: Tx, invoiceId: string, until: EpochMs): Promise<DecisionRow[]> {
  return tx.rows<DecisionRow>(sql`
    select at, kind, stage, until, reasons, policy, policy_version, customer_version, code_version, cycle from decisions
    where tenant_id = ${tx.tenant} and invoice_id = ${invoiceId} and at <= ${at(until)} order by id`);
}

/** An invoice by its number or id; several customers may use one number. */
export async function findInvoices(
  tx: Tx,
  numberOrId: string,
): Promise<
  {
    id: string;
    number: string;
    customer_id: string;
    customer_name: string;
    cycle: number;
    currency: string;
    amount_minor: bigint;
    open_minor: bigint;
    due_date: string;
    state: string;
    outcome: string | null;
    source: string;
  }[]
> {
  return tx.rows(sql`
    select i.id, i.number, i.customer_id, c.name as customer_name, i.cycle, i.currency, i.amount_minor, i.open_minor, i.due_date, i.state, i.outcome, i.source
    from invoices i join customers c on c.tenant_id = i.tenant_id and c.id = i.customer_id
    where i.tenant_id = ${tx.tenant} and (i.number = ${numberOrId} or i.id = ${numberOrId}) order by i.due_date, i.id`);
}
