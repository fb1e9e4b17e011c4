// pay.ts: `dunlin pay INVOICE`: a payment that somebody saw. It is recorded, never made: Dunlin moves no money.
import type { Command } from 'commander';
import { decimalText, formatMoney, parseDecimal } from '../../../domain/money.ts';
import { dayNumber, localDateAt } from '../../../domain/time.ts';
import { findInvoices } from '../../../store/cases.ts';
import type { Tx } from '../../../store/database.ts';
import { bookPayment, findPayment } from '../../../store/payments.ts';
import { readTenant } from '../../../store/tenants.ts';
import { answer, BadInput } from '../output.ts';
import { inTenant, oneInvoice } from '../store.ts';

type Options = { amount?: string; valueDate?: string; reference: string; id?: string; returned?: boolean };

export function register(program: Command): void {
  program
    .command('pay')
    .argument('<invoice>', 'number or id')
    .option('--amount <amount>', "decimal amount in the invoice's currency; all that is open when left out (--returned needs it)")
    .option('--value-date <date>', 'YYYY-MM-DD; today at the creditor when left out')
    .option('--reference <text>', 'what the payer wrote', '')
    .option('--id <id>', "the payment's own id: saying it twice books it once")
    .option('--returned', 'the money went back; with --id, that payment')
    .description('record a payment of an invoice')
    .addHelpText('after', '\nExample:\n  dunlin pay INV-0041 --amount 500.00 --id BANK-2026-0113\n')
    .action(async (numberOrId: string, options: Options, command: Command) => {
      const booked = await inTenant(command, async (tx, { clock }) => {
        const invoice = await oneInvoice(tx, numberOrId);
        const now = clock.now();
        const minor = amountOf(invoice, options);
        const valueDate = options.valueDate ?? localDateAt(now, (await readTenant(tx)).zone);
        try {
          dayNumber(valueDate);
        } catch (error) {
          throw new BadInput(`--value-date: ${(error as Error).message}`);
        }
        const result = await bookPayment(
          tx,
          {
            source,
            ...(await identityOf(tx, invoice.id, valueDate, minor, options)),
            customerId: invoice.customer_id,
            invoiceNumber: invoice.number,
            invoiceId: invoice.id,
            currency: invoice.currency,
            amountMinor: options.returned ? -minor : minor,
            valueDate,
            bookedAt: now,
            reference: options.reference,
          },
          'person:cli',
        );
        const [after] = await findInvoices(tx, invoice.id);
        return {
          payment: result.paymentId,
          duplicate: result.duplicate,
          invoice: invoice.number,
          customer: invoice.customer_name,
          allocated: {
            amount: result.allocated.reduce((sum, share) => sum + share.amountMinor, 0n).toString(),
            currency: invoice.currency,
          },
          unapplied: { amount: result.unappliedMinor.toString(), currency: invoice.currency },
          open: { amount: (after?.open_minor ?? 0n).toString(), currency: invoice.currency },
          state: after?.state ?? 'open',
        };
      });
      answer(command, booked, value => {
        if (value.duplicate)
          return `${value.payment} was booked before; nothing changed. Another payment of the same amount on the same day needs its own --id.`;
        const rest = BigInt(value.unapplied.amount);
        return [
          `${value.payment}: ${text(value.allocated)} on ${value.invoice} of ${value.customer}; ${text(value.open)} still open.`,
          rest === 0n ? '' : `${text(value.unapplied)} is the customer's unapplied cash.`,
        ]
          .filter(Boolean)
          .join('\n');
      });
    });
}

const source = 'cli';

/** A return is a payment of its own. It names the one it takes back where that was recorded here under a name. */
async function identityOf(tx: Tx, invoiceId: string, valueDate: string, minor: bigint, { id, returned }: Options) {
  const externalId = id ?? `${invoiceId}/${valueDate}/${minor}`;
  if (!returned) return { externalId };
  const original = id && (await findPayment(tx, source, id)) ? id : null;
  return { externalId: `${externalId}/returned`, returnsExternalId: original };
}

function amountOf(invoice: { open_minor: bigint; currency: string; number: string }, options: Options): bigint {
  if (options.amount === undefined) {
    if (options.returned) throw new BadInput(`${invoice.number}: --returned needs --amount, the part that went back`);
    if (invoice.open_minor <= 0n) throw new BadInput(`${invoice.number}: nothing is open, expected --amount`);
    return invoice.open_minor;
  }
  try {
    const { minor } = parseDecimal(options.amount, invoice.currency);
    if (minor > 0n) return minor;
  } catch (error) {
    throw new BadInput(`--amount: ${(error as Error).message}`);
  }
  throw new BadInput(
    `--amount: found "${options.amount}", expected more than ${decimalText({ minor: 0n, currency: invoice.currency })}; for money that went back use --returned`,
  );
}

function text(value: { amount: string; currency: string }): string {
  return formatMoney({ minor: BigInt(value.amount), currency: value.currency }, 'en', 'code');
}
