// take-step.ts: one waking of a case. Record what was heard, read the facts, let the rules decide, send the notice that
// is due, plan the next moment. All in one activity, because every part is claimed in the store by its business key
// first: repeating it from any point repeats no effect. (docs/decisions/0002)
import type { Clock } from '../../domain/clock.ts';
import { gather } from '../../domain/consolidate.ts';
import type { CloseOutcome, Facts, InvoiceFacts } from '../../domain/facts.ts';
import { plan } from '../../domain/plan.ts';
import type { HolidayCalendar, Policy, Stage } from '../../domain/policy/policy.ts';
import type { Step } from '../../domain/step.ts';
import { daysBetween, type EpochMs, isoInstant, localDateAt } from '../../domain/time.ts';
import { type CaseRow, markCarriedOut, readCase, saveDecision, saveStep } from '../../store/cases.ts';
import { type Database, type Tx, withTenant } from '../../store/database.ts';
import { loadFacts } from '../../store/facts.ts';
import { coverByTask } from '../../store/stage-tasks.ts';
import { openNotice, sendableNotice } from '../../store/notices.ts';
import { lockCustomer, markWakesSeen } from '../../store/wakes.ts';
import type { CaseKey } from '../../workflows/contract/ids.ts';
import type { Heard, StageTask, TakenStep } from '../../workflows/contract/types.ts';
import type { SendOutcome } from '../email/send-notice.ts';
import { recordHeard } from './heard.ts';
import type { PolicyOf } from './policies.ts';
import { tellStory } from './story.ts';

export type LedgerDeps = {
  readonly database: Database;
  readonly clock: Clock;
  readonly policyOf: PolicyOf;
  readonly holidaysOf: (country: string, region: string | null) => HolidayCalendar;
  readonly sendNotice: (tenant: string, noticeId: string) => Promise<SendOutcome>;
  readonly platformConfigured: (tenant: string) => boolean;
  readonly codeVersion: string;
  /** Search attributes cost one Cloud action a write: with every stage, or only when the case changes hands. */
  readonly stageAttributes: 'each_stage' | 'state_changes';
};

type Look = {
  readonly row: CaseRow;
  readonly facts: Facts;
  readonly invoice: InvoiceFacts;
  readonly policy: Policy;
  readonly step: Step;
  readonly now: EpochMs;
  /** What to do before looking again: send a notice, or nothing more than look; null: the case may rest. */
  readonly first: { readonly send: string } | 'look_again' | null;
};

/** At most this many notices in one waking: a reminder, its apology, and a re-gathered one leave room. */
const mostSends = 4;
/** Business time after which a case looks again at a notice that another case is sending. */
const lookAgainMs = 5 * 60_000;

export async function takeStep(
  deps: LedgerDeps,
  input: { case: CaseKey; heard: readonly Heard[]; carriedOut?: string | undefined },
): Promise<TakenStep> {
  await recordHeard(deps, input.case, input.heard);
  for (let sends = 0; ; sends += 1) {
    const look = await lookAtCase(deps, input.case, input.carriedOut);
    if (!look) return { next: { kind: 'close', outcome: 'unknown_case' }, story: 'The store knows no such case.', stage: null, tasks: [] };
    if (!look.first) return report(deps, input.case.tenant, look);
    if (sends === mostSends)
      throw new Error(`${look.row.number}: ${mostSends} notices were tried in one waking; look at: dunlin case ${look.row.number}`);
    if (look.first === 'look_again') continue;
    const outcome = await deps.sendNotice(input.case.tenant, look.first.send);
    if (outcome.kind === 'busy' || outcome.kind === 'not_sent') return postpone(deps, input.case, look, outcome);
  }
}

async function lookAtCase(deps: LedgerDeps, key: CaseKey, carriedOut: string | undefined): Promise<Look | undefined> {
  return withTenant(
    deps.database,
    key.tenant,
    async tx => {
      const known = await readCase(tx, key.invoiceId, key.cycle);
      if (!known) return undefined;
      await lockCustomer(tx, known.customer_id, 'reads');
      const now = deps.clock.now();
      await markWakesSeen(tx, key.invoiceId, now);
      if (carriedOut && known.carried_out !== carriedOut) await markCarriedOut(tx, known, carriedOut);
      const row = { ...known, carried_out: carriedOut ?? known.carried_out };
      const facts = await loadFacts(tx, row.customer_id, row.currency, now, key.invoiceId);
      const invoice = facts.invoices.find(candidate => candidate.id === key.invoiceId);
      if (!invoice) throw new Error(`invoice ${key.invoiceId} has a case but no facts`);
      const policy = await deps.policyOf(tx, row.policy, row.policy_version);
      // A run may outlive its case: one that is left over ends, and a new cycle has a run of its own.
      if (row.state === 'closed' || invoice.cycle !== key.cycle) {
        const outcome = (row.outcome ?? invoice.outcome ?? 'paid') as CloseOutcome;
        return { row, facts, invoice, policy, step: { kind: 'close', outcome, reasons: [] }, now, first: null };
      }
      const holidays = holidayCalendar(deps, policy, facts);
      const waiting = await sendableNotice(tx, key.invoiceId, now);
      if (waiting)
        return {
          row,
          facts,
          invoice,
          policy,
          now,
          step: { kind: 'wait', until: now, because: 'a notice is ready to leave', next: null, attention: null, reasons: [] },
          first: { send: waiting },
        };
      const step = plan(policy, facts, key.invoiceId, now, holidays);
      await saveDecision(tx, row, {
        kind: step.kind,
        stage: step.kind === 'act' || step.kind === 'ask' ? step.stage.id : step.kind === 'wait' ? (step.next?.stage ?? null) : null,
        until: step.kind === 'wait' ? step.until : null,
        reasons: step.reasons,
        customerVersion: facts.customer.version,
        codeVersion: deps.codeVersion,
        at: now,
      });
      const first = await writeNotice(tx, { row, facts, policy, step, now, holidays });
      const look: Look = { row, facts, invoice, policy, step, now, first };
      if (!first) await saveStep(tx, row, planned(look));
      return look;
    },
    'prepared',
  );
}

function holidayCalendar(deps: LedgerDeps, policy: Policy, facts: Facts): HolidayCalendar {
  if (policy.contact.holidays === 'debtor') return deps.holidaysOf(facts.customer.country, facts.customer.region);
  return deps.holidaysOf(policy.contact.holidays === 'creditor' ? facts.creditor.country : '', null);
}

type Writing = { row: CaseRow; facts: Facts; policy: Policy; step: Step; now: EpochMs; holidays: HolidayCalendar };

/** Writes the notice a step calls for, with a line for every invoice of the customer whose stage is due at this instant. */
async function writeNotice(tx: Tx, { row, facts, policy, step, now, holidays }: Writing): Promise<Look['first']> {
  if (step.kind === 'apologise') {
    const send = await openNotice(tx, {
      ...noticeHeader(row, facts, now),
      kind: 'apology',
      stage: 'apology',
      template: 'crossed-payment',
      mode: 'auto',
      review: 'none',
      lines: [
        {
          invoiceId: row.invoice_id,
          cycle: row.cycle,
          stage: 'apology',
          amountMinor: 0n,
          invoiceVersion: versionOf(facts, row.invoice_id),
        },
      ],
      apologisesFor: step.noticeId,
    });
    return { send };
  }
  if (step.kind !== 'act' && step.kind !== 'ask') return null;
  if (step.stage.channel !== 'email') {
    await coverByTask(tx, {
      ...noticeHeader(row, facts, now),
      stage: step.stage,
      invoiceId: row.invoice_id,
      cycle: row.cycle,
      number: row.number,
      owner: facts.customer.owner,
      customerName: facts.customer.name,
    });
    return 'look_again';
  }
  const due = gather(policy, facts, now, holidays).filter(line => line.kind === step.kind && line.stage.channel === 'email');
  const loudest = due.reduce((last, line) => (line.stage.day > last.day ? line.stage : last), step.stage);
  const asks = step.kind === 'ask' ? step.asks : null;
  const send = await openNotice(tx, {
    ...noticeHeader(row, facts, now),
    kind: 'reminder',
    stage: loudest.id,
    template: loudest.template,
    mode: step.kind === 'ask' ? (facts.customer.mode === 'suggest' ? 'suggest' : 'auto') : step.mode,
    review: asks ? 'waiting' : 'none',
    ...(asks ? { reviewAsks: asks } : {}),
    lines: due.map(line => lineOf(facts, line.invoiceId, line.stage)),
  });
  // A notice that waits for a person is rendered, so that there is something to read.
  return { send };
}

function noticeHeader(row: CaseRow, facts: Facts, now: EpochMs) {
  return {
    customerId: row.customer_id,
    currency: row.currency,
    policy: row.policy,
    policyVersion: row.policy_version,
    customerVersion: BigInt(facts.customer.version),
    decidedAt: now,
    dueAt: now,
  };
}

function lineOf(facts: Facts, invoiceId: string, stage: Stage) {
  const invoice = facts.invoices.find(candidate => candidate.id === invoiceId);
  if (!invoice) throw new Error(`invoice ${invoiceId} was gathered but is not among the facts`);
  return { invoiceId, cycle: invoice.cycle, stage: stage.id, amountMinor: invoice.openMinor, invoiceVersion: invoice.version };
}

function versionOf(facts: Facts, invoiceId: string): number {
  return facts.invoices.find(candidate => candidate.id === invoiceId)?.version ?? 0;
}

/** Where the case stands, as its row tells it. */
function planned(look: Look) {
  const { step, row, now } = look;
  const stage = latestStage(look) ?? row.stage;
  const base = { stage, story: storyOf(look), at: now };
  if (step.kind === 'close')
    return { ...base, state: 'closed' as const, outcome: step.outcome, attention: null, nextActionAt: null, nextStage: null };
  const until = step.kind === 'wait' ? step.until : now;
  const attention = step.kind === 'wait' ? step.attention : null;
  const nextStage = step.kind === 'wait' ? (step.next?.stage ?? null) : null;
  // Without a next moment of its own a case is a person's: it is on the worklist under its attention.
  return {
    ...base,
    state: attention && until === null ? ('with_people' as const) : ('open' as const),
    outcome: null,
    attention,
    nextActionAt: until,
    nextStage,
  };
}

/** The latest stage of this cycle that left, or was handed to a person. */
function latestStage({ invoice, policy }: Look): string | null {
  const done = new Set(
    invoice.covered
      .filter(
        covered =>
          covered.cycle === invoice.cycle && (covered.state === 'sent' || covered.state === 'unknown' || covered.state === 'suppressed'),
      )
      .map(covered => covered.stage),
  );
  return policy.stages.filter(stage => done.has(stage.id)).at(-1)?.id ?? null;
}

function storyOf(look: Look): string {
  const { row, facts, invoice, policy, step, now } = look;
  const happened = invoice.covered
    .filter(covered => covered.at !== null)
    .map(covered => ({ at: covered.at ?? now, what: `${labelOf(policy, covered.stage)} ${spoken[covered.state]}` }))
    .sort((a, b) => a.at - b.at);
  const next =
    step.kind === 'close'
      ? `nothing: ${step.outcome.replace('_', ' ')}`
      : step.kind === 'wait'
        ? `${step.because}${step.until === null ? '' : ` (looks again ${isoInstant(step.until)})`}`
        : 'at once';
  const headline =
    step.kind === 'close'
      ? `Closed: ${step.outcome.replace('_', ' ')}`
      : step.kind === 'wait' && step.attention
        ? 'A person should look at this'
        : happened.length > 0
          ? `Chasing: ${happened.at(-1)?.what}`
          : 'Watching';
  return tellStory({
    invoice,
    currency: facts.currency,
    policy: row.policy,
    policyVersion: row.policy_version,
    ageDays: daysBetween(invoice.dueDate, localDateAt(now, facts.creditor.zone)),
    happened,
    headline,
    next,
    reasons: step.reasons,
  });
}

const spoken: Record<string, string> = {
  sent: 'sent by e-mail',
  unknown: 'sent, delivery unknown',
  suppressed: 'recorded, nobody contacted',
  in_data: 'on the wire',
  claimed: 'being prepared',
  pending: 'waiting',
  not_sent: 'not sent',
  cancelled: 'cancelled',
};

function labelOf(policy: Policy, stageId: string): string {
  const stage = policy.stages.find(candidate => candidate.id === stageId);
  return stage ? `${stage.day >= 0 ? '+' : ''}${stage.day} ${stage.id}` : stageId;
}

function report(deps: LedgerDeps, tenant: string, look: Look): TakenStep {
  const { step, row, policy, invoice } = look;
  const after = planned(look);
  const tasks = tasksOf(look, after.stage, deps.platformConfigured(tenant));
  const stateChanged = after.state !== 'open' || row.state === 'with_people';
  const attributes =
    deps.stageAttributes === 'each_stage'
      ? after.stage !== row.stage || after.state !== row.state
      : stateChanged && after.state !== row.state;
  return {
    next:
      step.kind === 'close'
        ? { kind: 'close', outcome: step.outcome }
        : {
            kind: 'wait',
            forMs: after.nextActionAt === null ? null : deps.clock.realMsUntil(after.nextActionAt),
            because: step.kind === 'wait' ? step.because : (after.story.split('\n')[0] ?? ''),
            summary: step.kind === 'wait' && step.next ? labelOf(policy, step.next.stage) : 'look again',
          },
    story: after.story,
    stage: after.stage,
    tasks,
    ...(attributes
      ? {
          attributes: {
            stage: after.stage ?? 'none',
            state: after.state,
            openMinor: Number(invoice.openMinor),
            ...(after.outcome ? { outcome: after.outcome } : {}),
            ...(after.nextActionAt === null ? {} : { nextActionAt: after.nextActionAt }),
          },
        }
      : {}),
  };
}

/** Side effects of the latest stage that the workflow has not carried out yet, and the clean-up when the case is over. */
function tasksOf(look: Look, stageId: string | null, platform: boolean): StageTask[] {
  const { row, policy, step, invoice } = look;
  const stage = policy.stages.find(candidate => candidate.id === stageId);
  const called = policy.stages.some(
    candidate => candidate.also.includes('call') && invoice.covered.some(covered => covered.stage === candidate.id),
  );
  if (step.kind === 'close') {
    return [
      ...(called ? [{ kind: 'stop_calls' as const, summary: `take ${row.number} off the call lists` }] : []),
      ...(platform && row.stage
        ? [{ kind: 'platform_status' as const, status: step.outcome, summary: `platform: ${row.number} ${step.outcome}` }]
        : []),
    ];
  }
  if (!stage || row.carried_out === stage.id) return [];
  const label = labelOf(policy, stage.id);
  const also = stage.also.map<StageTask>(kind => ({ kind, stage: stage.id, summary: `${label}: ${alsoText[kind]}` }));
  const wanted = also.filter(task => task.kind !== 'platform_note' || platform);
  return platform ? [...wanted, { kind: 'platform_status', status: stage.id, summary: `platform: ${row.number} at ${label}` }] : wanted;
}

const alsoText = { call: 'offer a call to an agent', platform_note: 'note on the platform', tell_owner: 'tell the account owner' } as const;

/** The notice is with another worker or was refused for now: this case looks again later, and says so. */
async function postpone(deps: LedgerDeps, key: CaseKey, look: Look, outcome: SendOutcome): Promise<TakenStep> {
  const now = deps.clock.now();
  const until = now + ('retryAfterMs' in outcome && outcome.retryAfterMs ? outcome.retryAfterMs : lookAgainMs);
  const step: Step = { kind: 'wait', until, because: outcome.because, next: null, attention: null, reasons: [] };
  const waiting: Look = { ...look, step, now, first: null };
  await withTenant(deps.database, key.tenant, tx => saveStep(tx, look.row, planned(waiting)), 'prepared');
  return report(deps, key.tenant, waiting);
}
