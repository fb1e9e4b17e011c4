// cases.ts: `dunlin cases`: what Dunlin is working on, soonest first.
import type { Command } from 'commander';
import { formatMoney } from '../../../domain/money.ts';
import { isoInstant } from '../../../domain/time.ts';
import { listCases } from '../../../store/cases.ts';
import { answer, BadInput, table } from '../output.ts';
import { inTenant } from '../store.ts';

const states = ['starting', 'open', 'with_people', 'closed'];

export function register(program: Command): void {
  program
    .command('cases')
    .description('cases, the soonest next action first')
    .option('--state <state>', `one of ${states.join(', ')}`)
    .option('--customer <id>', 'one customer')
    .option('--limit <n>', 'at most so many', '100')
    .addHelpText('after', '\nExample:\n  dunlin cases --state with_people\n')
    .action(async (options: { state?: string; customer?: string; limit: string }, command: Command) => {
      if (options.state && !states.includes(options.state))
        throw new BadInput(`--state: found "${options.state}", expected one of ${states.join(', ')}`);
      if (!/^[1-9][0-9]{0,6}$/.test(options.limit))
        throw new BadInput(`--limit: found "${options.limit}", expected a whole number from 1 to 9999999`);
      const cases = await inTenant(command, async tx => {
        const rows = await listCases(tx, {
          limit: Number(options.limit),
          ...(options.state ? { state: options.state } : {}),
          ...(options.customer ? { customerId: options.customer } : {}),
        });
        return rows.map(row => ({
          invoice: row.number,
          customer: row.customer_name,
          open: { amount: row.open_minor.toString(), currency: row.currency },
          due_date: row.due_date,
          state: row.state,
          stage: row.stage,
          attention: row.attention,
          outcome: row.outcome,
          next_action_at: row.next_action_at === null ? null : isoInstant(row.next_action_at),
          next_stage: row.next_stage,
          policy: `${row.policy} v${row.policy_version}`,
          workflow_id: row.workflow_id,
        }));
      });
      answer(command, { cases }, value =>
        value.cases.length === 0
          ? 'No cases. Bring in invoices with: dunlin import invoices FILE'
          : table(
              [
                { title: 'Invoice' },
                { title: 'Customer' },
                { title: 'Open', align: 'right' },
                { title: 'Due' },
                { title: 'Stage' },
                { title: 'State' },
                { title: 'Next' },
              ],
              value.cases.map(row => [
                row.invoice,
                row.customer,
                formatMoney({ minor: BigInt(row.open.amount), currency: row.open.currency }, 'en', 'code'),
                row.due_date,
                row.stage ?? '–',
                row.outcome ?? row.attention ?? row.state,
                row.next_action_at ? `${row.next_stage ?? 'look'} ${row.next_action_at.slice(0, 16).replace('T', ' ')}` : '–',
              ]),
            ),
      );
    });
}
