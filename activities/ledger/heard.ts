// heard.ts: what signals told a case. A payment is booked once, by its event id, before anything is decided. Whoever can
// signal a workflow can say anything: what cannot be read is put before a person, and never stops the case.
import type { Clock } from '../../domain/clock.ts';
import { isCurrency } from '../../domain/money.ts';
import { dayNumber } from '../../domain/time.ts';
import { type CaseRow, readCase } from '../../store/cases.ts';
import { type Database, type Tx, withTenant } from '../../store/database.ts';
import { derivedId } from '../../store/ids.ts';
import { receive, settleInbox } from '../../store/inbox.ts';
import { bookPayment } from '../../store/payments.ts';
import { openReconciliation } from '../../store/reconciliation.ts';
import type { CaseKey } from '../../workflows/contract/ids.ts';
import type { Heard } from '../../workflows/contract/types.ts';

type HeardPayment = { eventId: string; currency: string; amountMinor: bigint; valueDate: string; reference: string };

/** Characters of an event id or a reference. */
const mostIdLength = 200;
const mostReferenceLength = 2_000;
/** Minor units: what the ledger can count, with room for sums. */
const mostMinor = 10n ** 16n;

/** Books the payments among the facts. Throws only when the database is out of reach. */
export async function recordHeard(
  { database, clock }: { readonly database: Database; readonly clock: Clock },
  key: CaseKey,
  heard: readonly Heard[],
): Promise<void> {
  const payments = heard.filter(fact => fact.payment !== undefined);
  if (payments.length === 0) return;
  await withTenant(database, key.tenant, async tx => {
    const row = await readCase(tx, key.invoiceId, key.cycle);
    if (!row) return;
    const now = clock.now();
    for (const fact of payments) {
      const read = readPayment(fact);
      await (typeof read === 'string' ? askAPerson(tx, row, fact, read, now) : book(tx, row, read, now));
    }
  });
}

async function book(tx: Tx, row: CaseRow, { eventId, ...payment }: HeardPayment, now: number): Promise<void> {
  const payload = { ...payment, invoice: row.invoice_id };
  if ((await receive(tx, { source: 'signal', eventId, kind: 'payment', payload, receivedAt: now })) === 'duplicate') return;
  const about = {
    source: 'signal',
    externalId: eventId,
    customerId: row.customer_id,
    invoiceNumber: row.number,
    invoiceId: row.invoice_id,
  };
  const booked = await bookPayment(tx, { ...about, ...payment, bookedAt: now }, 'temporal:signal');
  await settleInbox(tx, 'signal', eventId, booked.paymentId, now);
}

/** What was told, or a sentence that says what is wrong with it. */
function readPayment({ eventId, payment }: Heard): HeardPayment | string {
  if (!isPlainText(eventId, mostIdLength) || eventId === '') return `eventId: expected a text of 1 to ${mostIdLength} characters`;
  const { amount, valueDate, reference = '' } = (payment ?? {}) as Record<string, unknown>;
  const { amount: minor, currency } = (amount ?? {}) as Record<string, unknown>;
  if (typeof minor !== 'string' || !/^[0-9]{1,20}$/.test(minor))
    return 'amount.amount: expected whole minor units as text, such as "107800"';
  const amountMinor = BigInt(minor);
  if (amountMinor === 0n || amountMinor > mostMinor) return `amount.amount: expected more than 0 and at most ${mostMinor}`;
  if (typeof currency !== 'string' || !isCurrency(currency)) return 'amount.currency: expected an ISO 4217 code such as "USD"';
  if (typeof valueDate !== 'string' || !isDay(valueDate)) return 'valueDate: expected a real day as YYYY-MM-DD';
  if (!isPlainText(reference, mostReferenceLength)) return `reference: expected a text of at most ${mostReferenceLength} characters`;
  return { eventId, currency, amountMinor, valueDate, reference };
}

/** Text that the database can keep: no zero byte, no half of a character. */
function isPlainText(value: unknown, most: number): value is string {
  return (
    typeof value === 'string' && value.length <= most && !value.includes('\u0000') && value === Buffer.from(value, 'utf8').toString('utf8')
  );
}

function isDay(text: string): boolean {
  try {
    dayNumber(text);
    return true;
  } catch {
    return false;
  }
}

async function askAPerson(tx: Tx, row: CaseRow, fact: Heard, because: string, now: number): Promise<void> {
  const told = JSON.stringify({ eventId: fact.eventId, ...(fact.payment as object | null) });
  await openReconciliation(tx, {
    kind: 'payment_unreadable',
    subject: `invoice:${row.invoice_id}/${derivedId('sig', told)}`,
    customerId: row.customer_id,
    invoiceId: row.invoice_id,
    expected: because,
    found: told.slice(0, 500),
    steps: `Somebody signalled a payment of ${row.number} that cannot be read. Find out what was paid, then: dunlin pay ${row.number}`,
    at: now,
  });
}
