// days.ts: lets the days of the demo pass. Time runs to the next instant at which anything is due, and stands there until
// everything that was due has been carried out: a slow machine takes longer, but nothing else happens.
import { setTimeout as sleep } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import { startIntake } from '../../client/dunning-client.ts';
import { addDays, DAY_MS, type EpochMs, instantAt, isoWeekday, type LocalDate, localDateAt } from '../../domain/time.ts';
import { withTenant } from '../../store/database.ts';
import { reviewNotice } from '../../store/notice-review.ts';
import { listNotices } from '../../store/notice-lists.ts';
import { nextInstant, underWay } from '../../store/standing.ts';
import { staleCases } from '../../store/sweep.ts';
import { wakeInvoices } from '../../store/wakes.ts';
import type { CastBook, CastEvent } from '../cast.ts';
import { plainDecimal } from '../cast/files.ts';
import { letVendorsAnswer, type Stage } from './stage.ts';

export type DaysOptions = {
  readonly stage: Stage;
  readonly book: CastBook;
  /** What the people of the demo do at an instant of each Tuesday and Thursday, beside paying. */
  readonly agenda: readonly { readonly minute: number; readonly what: (day: LocalDate) => Promise<void> }[];
  readonly onDay: (day: LocalDate) => void;
  /** Called while it waits, again and again: the place to restart what somebody killed. */
  readonly whileWaiting: (waitedMs: number) => Promise<void>;
};

type Due = { at: EpochMs; carryOut: () => Promise<void> };

/** Passes every day from the book's start to its end. */
export async function passDays(options: DaysOptions): Promise<void> {
  const { stage, book } = options;
  const zone = book.creditor.zone;
  let answersAt: EpochMs | null = null;
  for (let day = book.startDate; day <= book.endDate; day = addDays(day, 1)) {
    const midnight = instantAt(addDays(day, 1), 0, zone) - 1;
    const agenda = agendaOf(options, day);
    const began = Date.now();
    for (;;) {
      const next = Math.min(
        agenda[0]?.at ?? midnight,
        (await nextInstantOf(stage)) ?? midnight,
        quarterAfter(answersAt) ?? midnight,
        midnight,
      );
      await paceTo(stage, next, began, day);
      if (next >= midnight) break;
      await ring(stage);
      while (agenda[0] && agenda[0].at <= stage.clock.now()) await agenda.shift()?.carryOut();
      answersAt = await settled(options);
    }
    options.onDay(day);
  }
}

/** A day takes its second. Where the work of the day took longer, time catches up: nobody waits twice. */
async function paceTo(stage: Stage, next: EpochMs, dayBeganRealMs: number, day: LocalDate): Promise<void> {
  const intoDay = (next - instantAt(day, 0, stage.zone)) / DAY_MS;
  if (Date.now() < dayBeganRealMs + intoDay * stage.secondsPerDay * 1000) await stage.clock.runTo(next);
  else stage.clock.advanceTo(next);
}

function agendaOf({ stage, book, agenda }: DaysOptions, day: LocalDate): Due[] {
  const zone = book.creditor.zone;
  const at = (minute: number) => instantAt(day, minute, zone);
  const callingDay = [2, 4].includes(isoWeekday(day));
  return [
    // The schedule runs by the real clock; under a compressed one each day begins with a look of its own.
    { at: at(1), carryOut: () => openCases(stage) },
    ...book.events.filter(event => event.date === day).map(event => ({ at: at(event.minute), carryOut: () => deliver(stage, event) })),
    ...(callingDay ? agenda.map(({ minute, what }) => ({ at: at(minute), carryOut: () => what(day) })) : []),
  ].sort((a, b) => a.at - b.at);
}

/** People answer in their own time; looking every quarter of an hour loses none of it. */
function quarterAfter(at: EpochMs | null): EpochMs | null {
  return at === null ? null : Math.ceil(at / quarterMs) * quarterMs;
}

const quarterMs = 15 * 60_000;

/** A real timer cannot know how long the clock was held: at each instant the cases that are due are told so. */
async function ring(stage: Stage): Promise<void> {
  const now = stage.clock.now();
  await withTenant(stage.database, stage.tenant, async tx => {
    const due = await staleCases(tx, now + 1, 0);
    await wakeInvoices(
      tx,
      due.map(row => row.invoice_id),
      'clock',
      `clock-${now}`,
    );
  }).catch(() => undefined);
}

async function openCases(stage: Stage): Promise<void> {
  const now = stage.clock.now();
  const { intake } = await withTenant(stage.database, stage.tenant, tx => underWay(tx, now, localDateAt(now, stage.zone)));
  if (intake > 0) await startIntake(stage.client, stage.tenant);
}

async function nextInstantOf(stage: Stage): Promise<EpochMs | null> {
  return withTenant(stage.database, stage.tenant, tx => nextInstant(tx, stage.clock.now()));
}

/** The processor's webhook, signed, and delivered again until it is acknowledged, as processors do. */
async function deliver(stage: Stage, event: CastEvent): Promise<void> {
  const body = JSON.stringify({
    type: event.kind === 'return' ? 'payment.returned' : 'payment.received',
    data: {
      payment_id: event.eventId,
      amount: plainDecimal(event.amountMinor, event.currency),
      currency: event.currency,
      value_date: event.date,
      invoice_number: event.invoiceNumber,
      customer_id: event.customerId,
      reference: event.reference,
      ...(event.returns ? { returns_payment_id: event.returns } : {}),
    },
  });
  for (let attempt = 1; ; attempt += 1) {
    const now = new Date();
    const answer = await fetch(`${stage.apiUrl}/t/${stage.tenant}/webhooks/payments`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'webhook-id': event.eventId,
        'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
        'webhook-signature': new Webhook(stage.webhookSecret).sign(event.eventId, now, body),
      },
      body,
    }).catch(() => undefined);
    if (answer?.ok) return;
    if (answer && answer.status < 500) throw new Error(`the payment webhook answered ${answer.status}: ${await answer.text()}`);
    if (attempt === 200) throw new Error(`the payment webhook was not acknowledged in ${attempt} tries (${answer?.status ?? 'no answer'})`);
    await sleep(Math.min(1000, 50 * attempt));
  }
}

/**
 * Stands until nothing is owed at this instant. A waiting review is answered by the stand-in manager at once, and what the
 * vendors have to say is let through. Gives the instant at which they will speak next.
 */
async function settled({ stage, whileWaiting }: DaysOptions): Promise<EpochMs | null> {
  const began = Date.now();
  for (;;) {
    const left = await owed(stage);
    if (left === 'nothing') {
      const { delivered, nextAt } = await letVendorsAnswer(stage);
      if (delivered === 0) return nextAt;
      continue;
    }
    if (Date.now() - began > 300_000)
      throw new Error(
        `after five minutes this is still under way: ${JSON.stringify(left)}; the worker's log is ${stage.folder}/worker.log`,
      );
    await whileWaiting(Date.now() - began);
    await sleep(20);
  }
}

async function owed(stage: Stage): Promise<'nothing' | object> {
  try {
    const now = stage.clock.now();
    return await withTenant(stage.database, stage.tenant, async tx => {
      const left = await underWay(tx, now, localDateAt(now, stage.zone));
      if (Object.values(left).some(count => count > 0)) return left;
      const waiting = await listNotices(tx, { state: 'waiting' });
      for (const notice of waiting)
        await reviewNotice(tx, notice.id, { decision: 'approve', by: 'person:manager', note: 'stand-in manager', at: now });
      return waiting.length > 0 ? { reviews: waiting.length } : 'nothing';
    });
  } catch (error) {
    // A database that somebody killed comes back; nothing is settled meanwhile.
    return { database: error instanceof Error ? error.message : String(error) };
  }
}
