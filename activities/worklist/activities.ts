// activities.ts: what a case puts on people's worklist.
import type { Clock } from '../../domain/clock.ts';
import { DAY_MS } from '../../domain/time.ts';
import { readCase } from '../../store/cases.ts';
import { type Database, withTenant } from '../../store/database.ts';
import { loadFacts } from '../../store/facts.ts';
import { derivedId } from '../../store/ids.ts';
import { openTask } from '../../store/tasks.ts';
import type { WorklistActivities } from '../../workflows/contract/activities.ts';
import { invoiceLines, owedInShort } from '../kixie/script.ts';
import { failureOf } from '../failures.ts';

export type WorklistDeps = { readonly database: Database; readonly clock: Clock };

export function createWorklistActivities(deps: WorklistDeps): WorklistActivities {
  return {
    tellOwner: async ({ case: key, task }) => {
      if (task.kind !== 'tell_owner') {
        throw failureOf({ kind: 'rejected', vendor: 'worklist', because: `found a task of kind "${task.kind}", expected "tell_owner"` });
      }
      await withTenant(deps.database, key.tenant, async tx => {
        const row = await readCase(tx, key.invoiceId, key.cycle);
        if (!row) return;
        const now = deps.clock.now();
        const { customer, creditor, currency, invoices } = await loadFacts(tx, row.customer_id, row.currency, now, key.invoiceId);
        const invoice = invoices.find(candidate => candidate.id === key.invoiceId);
        if (!invoice || invoice.openMinor <= 0n) return;
        const told = { creditor, customer, contacts: customer.contacts, invoice, currency, stage: task.stage, now };
        await openTask(
          tx,
          {
            id: derivedId('task', 'tell_owner', key.invoiceId, key.cycle, task.stage),
            kind: 'tell_owner',
            invoiceId: key.invoiceId,
            customerId: customer.id,
            owner: customer.owner,
            title: `${customer.name}: ${row.number} reached ${task.stage}, ${owedInShort(told)}`,
            body: `${invoiceLines(told)}\n\nSpeak with your customer if that helps; the chase goes on by itself.`,
            dueAt: now + DAY_MS,
          },
          'dunlin',
          now,
        );
      });
    },
  };
}
