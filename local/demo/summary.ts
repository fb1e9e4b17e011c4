// summary.ts: what the demo shows at its end: one document for programs, one page a finance person enjoys.
import { type Aging, agingBuckets } from '../../domain/aging.ts';
import { formatMoney } from '../../domain/money.ts';
import { paint, table } from '../../client/cli/output.ts';

export type DemoResult = {
  readonly invoices: number;
  readonly customers: number;
  readonly business_days: number;
  readonly from: string;
  readonly to: string;
  readonly workflows: { readonly started: number; readonly closed: number; readonly open: number };
  readonly notices: {
    readonly sent: number;
    readonly suppressed: number;
    readonly unknown: number;
    readonly cancelled: number;
    readonly duplicates: number;
    readonly accepted_by_mail_server: number;
    readonly by_stage: Readonly<Record<string, number>>;
  };
  readonly contacts_after_payment: number;
  readonly calls: { readonly offered: number; readonly made: number; readonly answered: number };
  readonly promises: { readonly told: number; readonly kept: number; readonly broken: number };
  readonly disputes: number;
  readonly approvals: { readonly approved: number; readonly rejected: number; readonly expired: number; readonly void: number };
  readonly payments: { readonly matched: number; readonly suggested: number; readonly unmatched: number; readonly returned: number };
  readonly platform: { readonly written: number };
  readonly tasks: { readonly open: number; readonly done: number };
  readonly aging_before: AgingJson;
  readonly aging_after: AgingJson;
  readonly audit: { readonly events: number; readonly verified: boolean };
  readonly story: { readonly invoice: string; readonly customer: string; readonly lines: readonly string[] } | null;
  readonly seed: number;
  readonly seconds: number;
  readonly look: { readonly temporal_ui: string | null; readonly mails: string };
};

export type AgingJson = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Per currency and bucket, minor units as text; credits apart. */
export function agingJson(agings: readonly Aging[]): AgingJson {
  return Object.fromEntries(
    agings.map(aging => [
      aging.currency,
      {
        ...Object.fromEntries(agingBuckets.map(bucket => [bucket, aging.buckets[bucket].toString()])),
        credits: aging.creditsMinor.toString(),
      },
    ]),
  );
}

/** The page for people. */
export function tellDemo(result: DemoResult): string {
  const { notices, workflows, payments } = result;
  const stages = Object.entries(notices.by_stage).map(([stage, lines]) => `${lines} ${stage}`);
  return [
    '',
    paint.bold(`Sixty days in the life of a book: ${result.from} to ${result.to}`).replace('Sixty', String(result.business_days)),
    `${result.invoices} invoices of ${result.customers} customers. Every invoice due in that time was looked after by its own workflow: ${workflows.started} started, ${workflows.closed} closed, ${workflows.open} still open.`,
    '',
    paint.bold('What left the house'),
    `  ${notices.sent} messages were sent (the mail server accepted ${notices.accepted_by_mail_server}): ${stages.join(', ') || 'no reminder'} lines.`,
    `  ${notices.suppressed} were decided and kept back, ${notices.cancelled} were stopped before they left, ${notices.unknown} have an unknown delivery.`,
    `  Duplicates: ${good(notices.duplicates)}. Reminders after payment: ${good(result.contacts_after_payment)}.`,
    `  ${result.calls.offered} calls were offered, ${result.calls.made} made, ${result.calls.answered} ended with a known outcome. The platform was told ${result.platform.written} times.`,
    `  ${result.approvals.approved} messages waited for a person and were approved, ${result.approvals.rejected} declined. ${result.tasks.open} tasks are on the worklist.`,
    '',
    paint.bold('What came in'),
    `  ${payments.matched} payments were applied, ${payments.unmatched} are the customers' unapplied cash, ${payments.returned} went back.`,
    '',
    paint.bold('Aging before and after'),
    agingTable(result),
    '',
    ...(result.story
      ? [paint.bold(`One case: ${result.story.invoice}, ${result.story.customer}`), ...result.story.lines.map(line => `  ${line}`), '']
      : []),
    `${result.audit.events} events were recorded, ${result.audit.verified ? 'numbered without a gap' : paint.red('with a gap in their numbers')}. Took ${Math.round(result.seconds)} s, seed ${result.seed}.`,
    result.look.temporal_ui
      ? `Every run in the Temporal UI: ${result.look.temporal_ui}`
      : 'To look around afterwards: ./dunlin demo --keep',
    `Every mail as it was sent: ${result.look.mails}`,
  ].join('\n');
}

function good(count: number): string {
  return count === 0 ? paint.green('0') : paint.red(String(count));
}

function agingTable(result: DemoResult): string {
  const currencies = [...new Set([...Object.keys(result.aging_before), ...Object.keys(result.aging_after)])].sort();
  const row = (currency: string, label: string, aging: AgingJson) => {
    const buckets = aging[currency] ?? {};
    return [
      `  ${currency} ${label}`,
      ...agingBuckets.map(bucket => amount(buckets[bucket], currency)),
      amount(buckets['credits'], currency),
    ];
  };
  return table(
    [{ title: '' }, ...agingBuckets.map(bucket => ({ title: bucket, align: 'right' as const })), { title: 'credits', align: 'right' }],
    currencies.flatMap(currency => [row(currency, 'before', result.aging_before), row(currency, 'after', result.aging_after)]),
  );
}

function amount(minor: string | undefined, currency: string): string {
  const value = BigInt(minor ?? '0');
  return value === 0n ? '–' : formatMoney({ minor: value, currency }, 'en').replace(/^[^\d-]+/, '');
}
