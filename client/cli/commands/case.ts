// case.ts: `dunlin case INVOICE`: one invoice's life, in the order it happened, and what comes next.
import type { Command } from 'commander';
import { formatMoney } from '../../../domain/money.ts';
import { isoInstant } from '../../../domain/time.ts';
import { readCase } from '../../../store/cases.ts';
import { timelineOf } from '../../../store/timeline.ts';
import { answer, paint } from '../output.ts';
import { inTenant, oneInvoice } from '../store.ts';

export function register(program: Command): void {
  program
    .command('case')
    .argument('<invoice>', 'number or id')
    .description('one invoice: its timeline, what is next and why, its workflow')
    .addHelpText('after', '\nExample:\n  dunlin case INV-0041\n')
    .action(async (numberOrId: string, _options: unknown, command: Command) => {
      const found = await inTenant(command, async (tx, { settings }) => {
        const invoice = await oneInvoice(tx, numberOrId);
        const row = await readCase(tx, invoice.id, invoice.cycle);
        const ui = process.env['TEMPORAL_UI_URL'] ?? settings.TEMPORAL_UI_URL;
        return {
          invoice: invoice.number,
          id: invoice.id,
          customer: invoice.customer_name,
          amount: { amount: invoice.amount_minor.toString(), currency: invoice.currency },
          open: { amount: invoice.open_minor.toString(), currency: invoice.currency },
          due_date: invoice.due_date,
          state: row?.state ?? 'no case yet',
          outcome: row?.outcome ?? null,
          attention: row?.attention ?? null,
          policy: row ? `${row.policy} v${row.policy_version}` : null,
          next_action_at: row?.next_action_at ? isoInstant(row.next_action_at) : null,
          next_stage: row?.next_stage ?? null,
          story: row?.story ?? '',
          workflow_id: row?.workflow_id ?? null,
          workflow_url: row && ui ? `${ui}/namespaces/default/workflows/${encodeURIComponent(row.workflow_id)}` : null,
          timeline: (await timelineOf(tx, invoice.id, invoice.customer_id)).map(entry => ({ ...entry, at: isoInstant(entry.at) })),
        };
      });
      answer(command, found, value =>
        [
          `${paint.bold(value.invoice)}  ${value.customer}  ${money(value.open)} open of ${money(value.amount)}, due ${value.due_date}`,
          `${value.outcome ? `closed: ${value.outcome}` : (value.attention ?? value.state)}${value.next_action_at ? `, next ${value.next_stage ?? 'look'} at ${value.next_action_at}` : ''}${value.policy ? `, policy ${value.policy}` : ''}`,
          '',
          ...value.timeline.map(
            entry => `${entry.at.slice(0, 16).replace('T', ' ')}  ${entry.what}${entry.detail ? paint.dim(`  ${entry.detail}`) : ''}`,
          ),
          '',
          value.story.replaceAll('**', '').replaceAll('### ', ''),
          value.workflow_id ? `\nworkflow ${value.workflow_id}${value.workflow_url ? `\n${value.workflow_url}` : ''}` : '',
        ].join('\n'),
      );
    });
}

function money(value: { amount: string; currency: string }): string {
  return formatMoney({ minor: BigInt(value.amount), currency: value.currency }, 'en', 'code');
}
