// payments.ts: one row of a payment file. A returned payment is a row of its own, negative, that names the payment it takes
// back.
import type { ImportedPayment } from '../domain/imported.ts';
import { signOf } from './amount.ts';
import { type Cells, customerReference } from './row-reader.ts';

/** undefined: the problems are in the cells. */
export function readPaymentRow(cells: Cells): ImportedPayment | undefined {
  const currency = cells.currency('amount', signOf);
  if (!currency) return undefined;
  const written = cells.amount('amount', currency);
  const valueDate = cells.date('value_date');
  if (written === undefined || valueDate === undefined) return undefined;
  if (written === 0n) return cells.problem('amount', 'an amount that is not zero');
  const returnsExternalId = cells.text('returns') || null;
  const customerId = cells.text('customer_id');
  return {
    externalId: cells.text('payment_id'),
    invoiceNumber: cells.text('number').replace(/^#/, '') || null,
    customer: customerId === '' ? null : customerReference(cells.profile, customerId),
    currency,
    // Some programs write a return with a plus and leave the sign to its column.
    amountMinor: returnsExternalId !== null && written > 0n ? -written : written,
    valueDate,
    reference: cells.text('reference'),
    returnsExternalId,
  };
}
