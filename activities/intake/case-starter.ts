// case-starter.ts: starts the workflow of a case. A running one is left alone; a closed one is never started again: the
// unique case row and the workflow id say the same thing twice.
import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import { formatMoney } from '../../domain/money.ts';
import type { DueCase } from '../../store/cases.ts';
import { taskQueue } from '../../workflows/contract/ids.ts';
import {
  DunlinCurrency,
  DunlinCustomer,
  DunlinOpenMinor,
  DunlinSegment,
  DunlinStage,
  DunlinState,
  DunlinTenant,
} from '../../workflows/contract/search-attributes.ts';
import type { DunningInput } from '../../workflows/contract/types.ts';

/** `again`: the store says the case is open although its run is gone; every effect is claimed in the store, so it may run anew. */
export type CaseStarter = { start(tenant: string, due: DueCase, again?: 'again'): Promise<'started' | 'closed_before'> };

function summaryOf(due: DueCase): string {
  const open = formatMoney({ minor: due.openMinor, currency: due.currency }, 'en', 'code');
  return `${due.number} · ${due.customerName} · ${open} · due ${due.dueDate}`.slice(0, 190);
}

export function createCaseStarter(client: Client): CaseStarter {
  return {
    async start(tenant, due, again) {
      const input: DunningInput = { case: { tenant, invoiceId: due.invoiceId, cycle: due.cycle } };
      try {
        await client.workflow.start('dunning', {
          workflowId: due.workflowId,
          taskQueue,
          args: [input],
          workflowIdConflictPolicy: 'USE_EXISTING',
          workflowIdReusePolicy: again ? 'ALLOW_DUPLICATE' : 'REJECT_DUPLICATE',
          staticSummary: summaryOf(due),
          staticDetails: `Policy **${due.policy}** version ${due.policyVersion}. \`dunlin case ${due.number}\` tells the whole story.`,
          typedSearchAttributes: new TypedSearchAttributes([
            { key: DunlinTenant, value: tenant },
            { key: DunlinCustomer, value: due.customerId },
            { key: DunlinSegment, value: due.segment },
            { key: DunlinCurrency, value: due.currency },
            { key: DunlinStage, value: 'none' },
            { key: DunlinState, value: 'open' },
            { key: DunlinOpenMinor, value: Number(due.openMinor) },
          ]),
        });
        return 'started';
      } catch (error) {
        if (error instanceof WorkflowExecutionAlreadyStartedError) return 'closed_before';
        throw error;
      }
    },
  };
}
