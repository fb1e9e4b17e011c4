// activities.ts: opens due cases. The case row comes first and is unique; starting its workflow is then safe to repeat,
// because the workflow id is the case.
import { Context } from '@temporalio/activity';
import type { Clock } from '../../domain/clock.ts';
import { localDateAt } from '../../domain/time.ts';
import { claimDueCases, markStarted } from '../../store/cases.ts';
import { type Database, withTenant } from '../../store/database.ts';
import { readTenant } from '../../store/tenants.ts';
import { dunningWorkflowId } from '../../workflows/contract/ids.ts';
import type { IntakeActivities } from '../../workflows/contract/activities.ts';
import type { CaseStarter } from './case-starter.ts';

export type IntakeDeps = { readonly database: Database; readonly clock: Clock; readonly starter: CaseStarter };

/** How many starts may be under way at once. */
const concurrency = 8;

export function createIntakeActivities(deps: IntakeDeps): IntakeActivities {
  return {
    async openDueCases({ tenant, limit }) {
      const now = deps.clock.now();
      const due = await withTenant(deps.database, tenant, async tx => {
        const { zone } = await readTenant(tx);
        return claimDueCases(tx, {
          today: localDateAt(now, zone),
          now,
          limit,
          workflowIdOf: (invoiceId, cycle) => dunningWorkflowId({ tenant, invoiceId, cycle }),
        });
      });
      const queue = [...due];
      const lane = async (): Promise<void> => {
        for (let next = queue.shift(); next; next = queue.shift()) {
          const started = next;
          await deps.starter.start(tenant, started);
          await withTenant(deps.database, tenant, tx => markStarted(tx, started.invoiceId, started.cycle));
          Context.current().heartbeat(due.length - queue.length);
        }
      };
      await Promise.all(Array.from({ length: concurrency }, lane));
      return { started: due.length, more: due.length === limit };
    },
  };
}
