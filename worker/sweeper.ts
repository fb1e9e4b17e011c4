// sweeper.ts: once a minute, per tenant, what should have happened is compared with what did: facts without effect,
// invoices without a workflow, workflows without an open case. It mends what is safe to mend and reports the rest.
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import type { Logger } from 'pino';
import type { Clock } from '../domain/clock.ts';
import { localDateAt } from '../domain/time.ts';
import type { CaseStarter } from '../activities/intake/case-starter.ts';
import { readDueCase } from '../store/cases.ts';
import { type Database, withTenant } from '../store/database.ts';
import { sweepNotices } from '../store/notice-claims.ts';
import {
  invoicesWithoutCase,
  openWorkflowIds,
  redispatchUnseen,
  reportLostWorkflow,
  settleWakesOfClosed,
  type StaleCase,
  staleCases,
  unhandledInbox,
} from '../store/sweep.ts';
import { readTenant } from '../store/tenants.ts';
import { wakeInvoices } from '../store/wakes.ts';
import { caseOfWorkflowId, intakeScheduleId } from '../workflows/contract/ids.ts';

export type SweeperDeps = {
  readonly database: Database;
  readonly client: Client;
  readonly clock: Clock;
  readonly starter: CaseStarter;
  readonly tenants: readonly string[];
  readonly log: Logger;
  /** Takes numbers that nobody may call any more off the vendor's lists; gives how many. */
  readonly removeFromLists: (tenant: string) => Promise<number>;
  readonly everyMs?: number;
  /** Real age from which a run without an open case is told to look; 10 minutes when left out. */
  readonly leftOverAfterMs?: number;
};

export type SweepReport = {
  redispatched: number;
  expiredNotices: number;
  woken: number;
  restarted: number;
  invoicesWithoutCase: number;
  workflowsWithoutCase: number;
  unhandledInbox: number;
  takenOffLists: number;
};

/** Business time a case may be late before somebody asks why. */
const graceMs = 10 * 60_000;
const unseenMs = 60_000;

export async function sweep(deps: SweeperDeps, tenant: string): Promise<SweepReport> {
  const now = deps.clock.now();
  const found = await withTenant(deps.database, tenant, async tx => {
    const { zone } = await readTenant(tx);
    const stale = await staleCases(tx, now, graceMs);
    const { unknown, abandoned } = await sweepNotices(tx, now);
    const redispatched = await redispatchUnseen(tx, unseenMs);
    await settleWakesOfClosed(tx, now);
    return {
      stale,
      expiredNotices: unknown + abandoned,
      redispatched,
      missing: await invoicesWithoutCase(tx, localDateAt(now, zone)),
      inbox: await unhandledInbox(tx, now - graceMs),
    };
  });
  let woken = 0;
  let restarted = 0;
  for (const stale of found.stale) {
    if (await isRunning(deps.client, stale.workflow_id)) {
      if (stale.awaited) continue;
      await withTenant(deps.database, tenant, tx => wakeInvoices(tx, [stale.invoice_id], 'sweep', `sweep-${now}`));
      woken += 1;
    } else {
      await restart(deps, tenant, stale, now);
      restarted += 1;
    }
  }
  if (found.missing > 0) {
    await deps.client.schedule
      .getHandle(intakeScheduleId(tenant))
      .trigger()
      .catch((error: Error) =>
        deps.log.warn(
          { tenant, error: error.message },
          'invoices wait for a case and intake could not be started; start it with: dunlin up',
        ),
      );
  }
  const orphans = await workflowsWithoutCase(deps, tenant);
  const report = {
    redispatched: found.redispatched,
    expiredNotices: found.expiredNotices,
    woken,
    restarted,
    invoicesWithoutCase: found.missing,
    workflowsWithoutCase: orphans,
    unhandledInbox: found.inbox.length,
    takenOffLists: await deps.removeFromLists(tenant),
  };
  if (Object.values(report).some(count => count > 0)) deps.log.info({ tenant, ...report }, 'the sweeper found differences');
  return report;
}

async function isRunning(client: Client, workflowId: string): Promise<boolean> {
  try {
    return (await client.workflow.getHandle(workflowId).describe()).status.name === 'RUNNING';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

async function restart(deps: SweeperDeps, tenant: string, stale: StaleCase, now: number): Promise<void> {
  const due = await withTenant(deps.database, tenant, tx => readDueCase(tx, stale.invoice_id, stale.cycle));
  if (!due) return;
  await deps.starter.start(tenant, due, 'again');
  await withTenant(deps.database, tenant, async tx => reportLostWorkflow(tx, stale, now));
}

/** Where the last look among a tenant's runs ended. A million sleeping runs are looked through in turns, the newest first. */
const lookedDownTo = new Map<string, string>();
const runsPerSweep = 500;

/** Runs whose case is closed: a wake lets them look, see that it is over, and end. */
async function workflowsWithoutCase(deps: SweeperDeps, tenant: string): Promise<number> {
  const running: string[] = [];
  const before = lookedDownTo.get(tenant) ?? new Date(Date.now() - (deps.leftOverAfterMs ?? 10 * 60_000)).toISOString();
  const query = `WorkflowType = 'dunning' AND DunlinTenant = '${tenant}' AND ExecutionStatus = 'Running' AND StartTime < '${before}'`;
  lookedDownTo.delete(tenant);
  for await (const run of deps.client.workflow.list({ query, pageSize: runsPerSweep })) {
    running.push(run.workflowId);
    if (running.length < runsPerSweep) continue;
    lookedDownTo.set(tenant, run.startTime.toISOString());
    break;
  }
  const open = await withTenant(deps.database, tenant, tx => openWorkflowIds(tx, running));
  const orphans = running.filter(id => !open.has(id) && caseOfWorkflowId(id)?.tenant === tenant);
  for (const id of orphans) {
    await deps.client.workflow
      .getHandle(id)
      .signal('factsChanged', { eventId: `sweep-${id}`, what: 'case closed' })
      .catch((error: unknown) => {
        if (!(error instanceof WorkflowNotFoundError)) throw error;
      });
  }
  return orphans.length;
}

/** Sweeps every tenant every minute until stopped. */
export function startSweeper(deps: SweeperDeps): { stop(): Promise<void> } {
  let running: Promise<void> = Promise.resolve();
  const round = async () => {
    for (const tenant of deps.tenants) {
      try {
        await sweep(deps, tenant);
      } catch (error) {
        deps.log.warn(
          { tenant, error: error instanceof Error ? error.message : String(error) },
          'a sweep was not finished; the next one is in a minute',
        );
      }
    }
  };
  const timer = setInterval(() => {
    running = running.then(round);
  }, deps.everyMs ?? 60_000);
  return {
    async stop() {
      clearInterval(timer);
      await running;
    },
  };
}
