// why.ts: `dunlin why INVOICE`: why this customer got, or did not get, a message: the decision as it was stored then, its
// reasons, and what the gate looked at. Nothing is worked out again: a rule that changed since explains nothing.
import type { Command } from 'commander';
import type { Reason } from '../../../domain/reason.ts';
import { isoInstant } from '../../../domain/time.ts';
import { type DecisionRow, readDecisions } from '../../../store/cases.ts';
import { type NoticeOfInvoice, noticesOf } from '../../../store/timeline.ts';
import { answer, BadInput, paint } from '../output.ts';
import { inTenant, oneInvoice } from '../store.ts';

type Why = {
  invoice: string;
  at: string;
  stage: string | null;
  decision: string;
  reasons: readonly Pick<Reason, 'code' | 'text'>[];
  gate: { verdict: string; inputs: Record<string, unknown> } | null;
  policy_version: string | null;
  customer_version: string | null;
  code_version: string | null;
  approvals: { asks: string; review: string; by: string | null }[];
  evidence: { kind: string; id: string; state: string; at: string; stage: string; detail: string }[];
};

export function register(program: Command): void {
  program
    .command('why')
    .argument('<invoice>', 'number or id')
    .option('--at <time>', 'what was known at this instant (RFC 3339); now when left out')
    .option('--stage <stage>', 'about this stage of the cadence')
    .option('--not', 'why no message left: the latest decision against one')
    .description('why this customer got, or did not get, a message')
    .addHelpText(
      'after',
      '\nExamples:\n  dunlin why INV-0041\n  dunlin why INV-0041 --stage firm\n  dunlin why INV-0041 --at 2026-02-03T15:00:00Z --not\n',
    )
    .action(async (numberOrId: string, options: { at?: string; stage?: string; not?: boolean }, command: Command) => {
      const at = options.at === undefined ? undefined : Date.parse(options.at);
      if (at !== undefined && Number.isNaN(at))
        throw new BadInput(`--at: found "${options.at}", expected an instant such as 2026-02-03T15:00:00Z`);
      const why = await inTenant(command, async (tx, { clock }) => {
        const invoice = await oneInvoice(tx, numberOrId);
        const until = at ?? clock.now();
        const decisions = await readDecisions(tx, invoice.id, until);
        const notices = await noticesOf(tx, invoice.id, until);
        return explain(invoice.number, until, decisions, notices, options);
      });
      answer(command, why, tell);
    });
}

function explain(
  invoice: string,
  until: number,
  decisions: readonly DecisionRow[],
  notices: readonly NoticeOfInvoice[],
  options: { stage?: string; not?: boolean },
): Why {
  const about = options.stage ? notices.filter(notice => notice.stage === options.stage) : notices;
  const contact = options.not
    ? undefined
    : about.findLast(notice => notice.state === 'sent' || notice.state === 'unknown' || notice.state === 'in_data');
  const refused = about.findLast(notice => notice.state === 'cancelled' || notice.state === 'suppressed' || notice.state === 'not_sent');
  const matching = options.stage ? decisions.filter(decision => decision.stage === options.stage) : decisions;
  const decision = contact
    ? decisions.findLast(candidate => ledTo(candidate, contact))
    : (matching.findLast(candidate => options.not !== true || (candidate.kind !== 'act' && candidate.kind !== 'apologise')) ??
      decisions.at(-1));
  const notice =
    contact ??
    (decision?.kind === 'wait' && refused && refused.decided_at < decision.at && options.stage === undefined ? undefined : refused);
  const gate = notice?.gate?.kind ? { verdict: notice.gate.kind, inputs: notice.gate.inputs ?? {} } : null;
  // The decision may have been another invoice's: one message of a customer speaks for all that are due.
  const told = [...(decision?.reasons ?? []), ...(contact && decision ? [] : (notice?.gate?.reasons ?? []))];
  const policy = decision ?? notice;
  return {
    invoice,
    at: isoInstant(until),
    stage: notice?.stage ?? decision?.stage ?? null,
    decision: contact
      ? `sent: ${contact.stage}`
      : notice
        ? `${notice.state}: ${notice.stage}`
        : decision
          ? spoken(decision)
          : 'nothing was decided: no case was open',
    reasons: told.map(({ code, text }) => ({ code: code as Reason['code'], text })),
    gate,
    policy_version: policy ? `${policy.policy} v${policy.policy_version}` : null,
    customer_version: decision?.customer_version.toString() ?? versionSeen(gate?.inputs),
    code_version: decision?.code_version ?? null,
    approvals: about
      .filter(row => row.review !== 'none')
      .map(row => ({ asks: row.review_asks ?? row.stage, review: row.review, by: row.reviewed_by })),
    evidence: about.map(row => ({
      kind: row.kind,
      id: row.id,
      state: row.state,
      at: isoInstant(row.finished_at ?? row.decided_at),
      stage: row.stage,
      detail: [row.recipient, row.message_id, row.provider_reply].filter(Boolean).join(' · '),
    })),
  };
}

/** True when the message came of this decision. */
function ledTo(decision: DecisionRow, notice: NoticeOfInvoice): boolean {
  if (decision.cycle !== notice.cycle || decision.at > notice.decided_at) return false;
  if (notice.kind === 'apology') return decision.kind === 'apologise';
  return (decision.kind === 'act' || decision.kind === 'ask') && decision.stage === notice.stage;
}

/** The version of the customer's facts as the gate saw it. */
function versionSeen(inputs: Record<string, unknown> | undefined): string | null {
  const version = inputs?.['customerVersion'];
  return typeof version === 'number' ? String(version) : null;
}

function spoken(decision: DecisionRow): string {
  if (decision.kind === 'wait')
    return decision.until === null
      ? 'not sent: waits until something changes'
      : `not sent: waits until ${isoInstant(decision.until)}${decision.stage ? ` for ${decision.stage}` : ''}`;
  return decision.kind;
}

function tell(why: Why): string {
  const inputs = Object.entries(why.gate?.inputs ?? {});
  return [
    `${paint.bold(why.invoice)} at ${why.at}: ${paint.bold(why.decision)}`,
    ...why.reasons.map(reason => `  ${reason.text} ${paint.dim(`[${reason.code}]`)}`),
    why.policy_version
      ? `policy ${why.policy_version}, facts version ${why.customer_version}${why.code_version ? `, code ${why.code_version}` : ''}`
      : '',
    why.gate ? `gate: ${why.gate.verdict}` : '',
    ...inputs.map(([name, value]) => paint.dim(`  ${name} = ${String(value)}`)),
    why.evidence.length > 0 ? 'evidence' : 'no message was ever decided',
    ...why.evidence.map(row => `  ${row.at.slice(0, 16).replace('T', ' ')}  ${row.stage} ${row.state}  ${paint.dim(row.detail)}`),
  ]
    .filter(Boolean)
    .join('\n');
}
