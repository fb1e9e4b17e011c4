// kill-storm.ts: R1: the demo's whole house under SIGKILL: the worker many times, the Temporal server and PostgreSQL
// twice each, while the mail server loses one answer in fifty. Judged by the mail server's own record and by an
// undisturbed run of the same seed.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CastBook } from '../local/cast.ts';
import { acceptedMails, judge, linesOf } from '../local/demo/witness.ts';
import { runDemo } from '../local/demo/run.ts';
import { letVendorsAnswer, type Stage, tellVendor } from '../local/demo/stage.ts';
import type { House } from '../local/house.ts';
import { Draws } from '../local/seeded.ts';
import { findRunningPostgres, startPostgres } from '../local/postgres.ts';
import { findService } from '../local/services.ts';
import { startTemporal } from '../local/temporal.ts';
import type { Say } from '../local/progress.ts';
import { noticeStandings } from '../store/notice-lists.ts';
import { withTenant } from '../store/database.ts';
import { settledInstants } from '../store/standing.ts';

export type StormOptions = {
  readonly book: CastBook;
  readonly seed: number;
  readonly kills: number;
  readonly sender: 'ours' | 'naive';
  readonly secondsPerDay: number;
  readonly say: Say;
};

export type StormFigures = {
  readonly worker_kills: number;
  readonly temporal_kills: number;
  readonly postgres_kills: number;
  readonly mails_accepted: number;
  readonly duplicates: number;
  /** Stages the undisturbed run sent that this run neither sent nor lists as unknown. */
  readonly lost: number;
  readonly contacts_after_payment: number;
  readonly unknown: number;
  /** Of the unknown, those the mail server did take. */
  readonly unknown_delivered: number;
  /** Mails the server took that are neither sent nor unknown here. */
  readonly unlisted: number;
  readonly still_on_the_wire: number;
};

/** Runs the same book undisturbed and under the storm. */
export async function killStorm(options: StormOptions): Promise<{ ok: boolean; figures: StormFigures }> {
  options.say('first an undisturbed run of the same seed');
  const calm = await stormyRun({ ...options, kills: 0, sender: 'ours' }, false);
  options.say(`now with ${options.kills} kills of the worker, two of the Temporal server, two of PostgreSQL`);
  const storm = await stormyRun(options, true);
  const lost = [...calm.keys].filter(key => !storm.keys.has(key)).length;
  const figures = { ...storm.figures, lost };
  const ok =
    figures.duplicates === 0 &&
    lost === 0 &&
    figures.contacts_after_payment === 0 &&
    figures.unlisted === 0 &&
    figures.still_on_the_wire === 0;
  return { ok, figures };
}

type Run = { readonly keys: ReadonlySet<string>; readonly figures: Omit<StormFigures, 'lost'> };

async function stormyRun(options: StormOptions, storm: boolean): Promise<Run> {
  const kills = { worker: 0, temporal: 0, postgres: 0 };
  let counted: Omit<Run, never> | undefined;
  await runDemo({
    book: options.book,
    secondsPerDay: options.secondsPerDay,
    policies: {},
    oneSegment: true,
    keep: false,
    say: options.say,
    onDay: (_day, done, days) => void (done % 14 === 0 && options.say(`day ${done} of ${days}`)),
    workerArguments: ['--sweep-ms', '2000', '--lease-ms', '8000', ...(options.sender === 'naive' ? ['--sender', 'naive'] : [])],
    meanwhile: async (stage, house) => {
      if (storm)
        await tellVendor(stage.vendors.smtp.adminUrl, '/faults', { rules: [{ fault: 'drop', at: 'accepted', probability: 0.02 }] });
      const killing = storm ? killInTurns(stage, house, options, kills) : undefined;
      return {
        mend: () => mend(house),
        end: async () => {
          killing?.stop();
          await killing?.ended;
          await settleUnknown(stage);
          counted = await count(stage, kills);
        },
      };
    },
  });
  if (!counted) throw new Error('the run ended before it was counted');
  return counted;
}

/** SIGKILL at seeded moments; each victim is started again by whoever misses it. */
function killInTurns(stage: Stage, house: House, options: StormOptions, kills: { worker: number; temporal: number; postgres: number }) {
  const draws = new Draws('storm', options.seed, options.kills);
  let stopped = false;
  const run = async (): Promise<void> => {
    while (!stopped && kills.worker < options.kills) {
      await sleep(draws.whole(600, 2600));
      if (stopped) return;
      if (kill(findService(stage.folder, 'worker')?.pid)) kills.worker += 1;
      const share = kills.worker / options.kills;
      if (share > 0.3 * (kills.temporal + 1) && kills.temporal < 2 && kill(findService(house.folder, 'temporal')?.pid)) kills.temporal += 1;
      if (
        share > 0.35 * (kills.postgres + 1) &&
        kills.postgres < 2 &&
        kill(findRunningPostgres(join(house.folder, 'postgres'))?.process.pid)
      )
        kills.postgres += 1;
    }
  };
  return { stop: () => (stopped = true), ended: run() };
}

function kill(pid: number | undefined): boolean {
  if (pid === undefined) return false;
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch {
    return false;
  }
}

async function mend(house: House): Promise<void> {
  await startPostgres({ folder: join(house.folder, 'postgres'), durable: false });
  await startTemporal({ folder: house.folder, keep: 'fast' });
}

/** Gives leases of killed senders the time to end, so that every doubt is listed. */
async function settleUnknown(stage: Stage): Promise<void> {
  for (let waited = 0; waited < 120; waited += 1) {
    await stage.keepWorker();
    await letVendorsAnswer(stage);
    const open = await withTenant(stage.database, stage.tenant, async tx =>
      (await noticeStandings(tx)).filter(notice => notice.state === 'in_data' || notice.state === 'claimed'),
    );
    if (open.length === 0) return;
    await sleep(500);
  }
}

async function count(stage: Stage, kills: { worker: number; temporal: number; postgres: number }): Promise<Run> {
  const { standings, settled } = await withTenant(stage.database, stage.tenant, async tx => ({
    standings: await noticeStandings(tx),
    settled: await settledInstants(tx),
  }));
  const mails = acceptedMails(stage.vendors.smtp.witness);
  const witness = judge(mails, settled);
  const accepted = new Set(mails.map(mail => mail.businessKey));
  const listed = standings.filter(notice => notice.state === 'sent' || notice.state === 'unknown');
  const keys = new Set([
    ...mails.flatMap(mail => linesOf(mail).map(line => `${line.invoiceId}/${line.cycle}/${line.stage}`)),
    ...listed.flatMap(notice => notice.lines),
  ]);
  const unknown = standings.filter(notice => notice.state === 'unknown');
  return {
    keys,
    figures: {
      worker_kills: kills.worker,
      temporal_kills: kills.temporal,
      postgres_kills: kills.postgres,
      mails_accepted: witness.mails,
      duplicates: witness.duplicates,
      contacts_after_payment: witness.contactsAfterPayment,
      unknown: unknown.length,
      unknown_delivered: unknown.filter(notice => accepted.has(notice.id)).length,
      unlisted: [...accepted].filter(id => !listed.some(notice => notice.id === id)).length,
      still_on_the_wire: standings.filter(notice => notice.state === 'in_data').length,
    },
  };
}
