// run.ts: the demo from an empty machine to its summary: a report file comes in, workflows start, days pass, people pay,
// and what happened is counted from what the outside saw.
import { formatMoney } from '../../domain/money.ts';
import { agingOf } from '../../domain/aging.ts';
import { addDays, isoInstant, isoWeekday, type LocalDate } from '../../domain/time.ts';
import { importFile } from '../../client/cli/import-file.ts';
import { findInvoices, listCases } from '../../store/cases.ts';
import { type Tx, withTenant } from '../../store/database.ts';
import { eventsAreWhole, figures, noticesByState, openItems, settledInstants } from '../../store/standing.ts';
import { timelineOf } from '../../store/timeline.ts';
import type { CastBook } from '../cast.ts';
import { customersCsv, invoicesCsv } from '../cast/files.ts';
import { type House, houseFolder, startHouse } from '../house.ts';
import type { Say } from '../progress.ts';
import { collectorCalls } from './collector.ts';
import { passDays } from './days.ts';
import { demoApiPort, keepFile, setStage, type Stage } from './stage.ts';
import { agingJson, type DemoResult } from './summary.ts';
import { acceptedMails, judge } from './witness.ts';

export type DemoOptions = {
  readonly book: CastBook;
  readonly secondsPerDay: number;
  readonly policies: Readonly<Record<string, string>>;
  readonly oneSegment: boolean;
  readonly keep: boolean;
  readonly say: Say;
  readonly onDay: (day: LocalDate, done: number, days: number) => void;
  /** For proofs: called when the stage stands, before the first day. */
  readonly meanwhile?: (stage: Stage, house: House) => Promise<Meanwhile>;
  readonly workerArguments?: readonly string[];
};

/** Fourteen o'clock at the creditor: the hour at which the stand-in collector works the call list. */
const callingMinute = 14 * 60;

export type Meanwhile = {
  /** Called while the driver waits: the place to start again what was killed. */
  readonly mend: () => Promise<void>;
  /** Called after the last day, before anything is counted. */
  readonly end: (stage: Stage) => Promise<void>;
};

export async function runDemo(options: DemoOptions): Promise<DemoResult> {
  const began = Date.now();
  const { book, say } = options;
  const apiPort = await demoApiPort(houseFolder('demo'));
  const house = await startHouse({ mode: 'demo', fresh: true, codecUrl: `http://127.0.0.1:${apiPort}/codec`, say });
  let stage: Stage | undefined;
  try {
    stage = await setStage({
      house,
      apiPort,
      book,
      secondsPerDay: options.secondsPerDay,
      policies: options.policies,
      oneSegment: options.oneSegment,
      say,
    });
    const standing = stage;
    await bringIn(stage, book, say);
    const before = await inTenant(stage, openItems);
    const meanwhile = await options.meanwhile?.(stage, house);
    let done = 0;
    const days = book.endDate >= book.startDate ? countDays(book) : 0;
    await passDays({
      stage,
      book,
      agenda: options.oneSegment ? [] : [{ minute: callingMinute, what: () => collectorCalls(standing) }],
      onDay: day => options.onDay(day, (done += 1), days),
      whileWaiting: async waitedMs => {
        if (waitedMs < 300) return;
        await meanwhile?.mend();
        await standing.keepWorker();
      },
    });
    await meanwhile?.end(stage);
    return await summarise(stage, options, before, began, house.temporalUiUrl);
  } finally {
    if (options.keep && stage) {
      // Left running, the demo lives on in real time: a clock that stands would let every case look again and again.
      stage.clock.setRate(1);
      stage.clock.holdAt(Number.MAX_SAFE_INTEGER);
      await stage.leave();
      house.keep();
    } else {
      await stage?.stop();
      await house.stop();
    }
  }
}

function countDays(book: CastBook): number {
  let days = 0;
  for (let day = book.startDate; day <= book.endDate; day = addDays(day, 1)) days += 1;
  return days;
}

function inTenant<T>(stage: Stage, work: (tx: Tx) => Promise<T>): Promise<T> {
  return withTenant(stage.database, stage.tenant, work);
}

/** The two report files of the first morning. */
async function bringIn(stage: Stage, book: CastBook, say: Say): Promise<void> {
  const customers = keepFile(stage, 'customers.csv', customersCsv(book));
  const invoices = keepFile(stage, 'invoices.csv', invoicesCsv(book));
  for (const [kind, path] of [
    ['customers', customers],
    ['invoices', invoices],
  ] as const) {
    const report = await importFile({ database: stage.database, tenant: stage.tenant, clock: stage.clock }, { kind, path, actor: 'demo' });
    say(`imported ${kind}: ${report.accepted} of ${report.rows} rows, ${report.quarantined} in quarantine`);
  }
}

async function summarise(
  stage: Stage,
  options: DemoOptions,
  before: Awaited<ReturnType<typeof openItems>>,
  began: number,
  ui: string | undefined,
): Promise<DemoResult> {
  const { book } = options;
  const counted = await inTenant(stage, async tx => ({
    figures: await figures(tx),
    states: await noticesByState(tx),
    after: await openItems(tx),
    settled: await settledInstants(tx),
    whole: await eventsAreWhole(tx),
    story: await storyOf(tx),
  }));
  const witness = judge(acceptedMails(stage.vendors.smtp.witness), counted.settled);
  const { figures: f, states } = counted;
  const aging = (items: typeof before, day: LocalDate) =>
    agingJson(
      agingOf(
        items.map(item => ({ currency: item.currency, dueDate: item.due_date, openMinor: item.open_minor })),
        day,
      ),
    );
  return {
    invoices: f.invoices,
    customers: f.customers,
    business_days: workdays(book),
    from: book.startDate,
    to: book.endDate,
    workflows: { started: f.cases_started, closed: f.cases_closed, open: f.cases_open },
    notices: {
      sent: states['sent'] ?? 0,
      suppressed: states['suppressed'] ?? 0,
      unknown: states['unknown'] ?? 0,
      cancelled: states['cancelled'] ?? 0,
      duplicates: witness.duplicates,
      accepted_by_mail_server: witness.mails,
      by_stage: witness.byStage,
    },
    contacts_after_payment: witness.contactsAfterPayment,
    calls: { offered: f.calls_offered, made: f.calls_made, answered: f.calls_finished },
    promises: { told: f.promises_told, kept: 0, broken: 0 },
    disputes: f.disputes_told,
    approvals: { approved: f.reviews_approved, rejected: f.reviews_declined, expired: 0, void: 0 },
    payments: { matched: f.payments_allocated, suggested: 0, unmatched: f.payments_unmatched, returned: f.returned },
    platform: { written: f.platform_writes },
    tasks: { open: f.tasks_open, done: f.tasks_done },
    aging_before: aging(before, book.startDate),
    aging_after: aging(counted.after, book.endDate),
    audit: { events: f.events, verified: counted.whole },
    story: counted.story,
    seed: book.seed,
    seconds: (Date.now() - began) / 1000,
    look: { temporal_ui: options.keep ? (ui ?? null) : null, mails: stage.vendors.smtp.witness },
  };
}

function workdays(book: CastBook): number {
  let days = 0;
  for (let day = book.startDate; day <= book.endDate; day = addDays(day, 1)) days += isoWeekday(day) < 6 ? 1 : 0;
  return days;
}

/** The case with the most to tell among those that ended well, else among all. */
async function storyOf(tx: Tx): Promise<DemoResult['story']> {
  const cases = await listCases(tx, { limit: 10_000 });
  const told = [];
  for (const row of cases) told.push({ row, timeline: await timelineOf(tx, row.invoice_id, row.customer_id) });
  const best = told.sort(
    (a, b) =>
      Number(b.row.outcome === 'paid') - Number(a.row.outcome === 'paid') ||
      b.timeline.length - a.timeline.length ||
      (a.row.number < b.row.number ? -1 : 1),
  )[0];
  if (!best) return null;
  const [invoice] = await findInvoices(tx, best.row.invoice_id);
  const amount = formatMoney({ minor: invoice?.amount_minor ?? 0n, currency: best.row.currency }, 'en', 'code');
  return {
    invoice: best.row.number,
    customer: invoice?.customer_name ?? '',
    lines: [
      `${amount}, due ${best.row.due_date}`,
      ...best.timeline.slice(0, 14).map(entry => `${isoInstant(entry.at).slice(0, 16).replace('T', ' ')}  ${entry.what}`),
    ],
  };
}
