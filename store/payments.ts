// payments.ts: money that arrived, or went back. Booking one allocates it, closes or re-opens invoices, and stops every
// message it makes wrong, all in one transaction under the customer's lock: after it commits no reminder can begin.
import type { Tx } from './database.ts';
import { derivedId } from './ids.ts';
import { cancelPendingNotices } from './notices.ts';
import { openReconciliation } from './reconciliation.ts';
import { at, sql } from './sql.ts';
import { lockCustomer, wakeCustomer, wakeInvoices } from './wakes.ts';

export type NewPayment = {
  /** Where it was told: "cli", "csv", "webhook", "signal" ... With externalId it is the payment's identity. */
  readonly source: string;
  readonly externalId: string;
  /** Our customer id. */
  readonly customerId?: string | null;
  readonly invoiceNumber?: string | null;
  readonly currency: string;
  /** Minor units; negative for a returned payment. */
  readonly amountMinor: bigint;
  readonly valueDate: string;
  readonly bookedAt: number;
  readonly reference: string;
  /** The external id (same source) of the payment that came back. */
  readonly returnsExternalId?: string | null;
};

export type Booked = {
  readonly paymentId: string;
  readonly allocated: readonly { invoiceId: string; amountMinor: bigint }[];
  /** The customer's money that no invoice took; negative when a return takes back more than was allocated. */
  readonly unappliedMinor: bigint;
  readonly duplicate: boolean;
};

type Target = { id: string; customer_id: string; currency: string; open_minor: bigint; state: string };

/**
 * Books once by (source, externalId): the second time nothing changes and `duplicate` is true. Money goes to the invoice
 * it names up to what is open; the rest stays the customer's unapplied cash. Throws when the amount is zero.
 */
export async function bookPayment(tx: Tx, payment: NewPayment, actor: string): Promise<Booked> {
  const paymentId = derivedId('pay', payment.source, payment.externalId);
  const known = await tx.one<{ amount_minor: bigint; allocated_minor: bigint }>(
    sql`select amount_minor, allocated_minor from payments where tenant_id = ${tx.tenant} and id = ${paymentId}`,
  );
  if (known) return { paymentId, allocated: [], unappliedMinor: known.amount_minor - known.allocated_minor, duplicate: true };
  const original =
    payment.amountMinor < 0n && payment.returnsExternalId ? await findPayment(tx, payment.source, payment.returnsExternalId) : undefined;
  const target = payment.invoiceNumber ? await findInvoice(tx, payment) : undefined;
  const customerId = target?.customer_id ?? original?.customer_id ?? payment.customerId ?? null;
  if (customerId) await lockCustomer(tx, customerId, 'changes');
  await tx.run(sql`
    insert into payments (tenant_id, id, source, external_id, customer_id, currency, amount_minor, value_date, booked_at, reference, returns_payment_id)
    values (${tx.tenant}, ${paymentId}, ${payment.source}, ${payment.externalId}, ${customerId}, ${payment.currency}, ${payment.amountMinor},
      ${payment.valueDate}, ${at(payment.bookedAt)}, ${payment.reference}, ${original?.id ?? null})`);
  const shares = payment.amountMinor < 0n ? await sharesOfReturn(tx, payment, original, target) : await shareOfReceipt(tx, payment, target);
  for (const share of shares) await allocate(tx, paymentId, share, payment.bookedAt);
  const allocatedMinor = shares.reduce((sum, share) => sum + share.amountMinor, 0n);
  await tx.run(sql`update payments set allocated_minor = ${allocatedMinor} where tenant_id = ${tx.tenant} and id = ${paymentId}`);
  const unappliedMinor = payment.amountMinor - allocatedMinor;
  await tellEveryone(tx, { ...payment, paymentId, customerId, shares, unappliedMinor }, actor);
  return { paymentId, allocated: shares, unappliedMinor, duplicate: false };
}

async function findPayment(tx: Tx, source: string, externalId: string): Promise<{ id: string; customer_id: string | null } | undefined> {
  return tx.one(
    sql`select id, customer_id from payments where tenant_id = ${tx.tenant} and source = ${source} and external_id = ${externalId}`,
  );
}

/** The invoice a payment names. Open ones first; a number that two customers share needs the customer too. */
async function findInvoice(tx: Tx, payment: NewPayment): Promise<Target | undefined> {
  const found = await tx.rows<Target>(sql`
    select id, customer_id, currency, open_minor, state from invoices
    where tenant_id = ${tx.tenant} and number = ${payment.invoiceNumber ?? ''} and (${payment.customerId ?? null}::text is null or customer_id = ${payment.customerId ?? null})
    order by (currency = ${payment.currency}) desc, (state = 'open') desc, due_date, id`);
  const customers = new Set(found.map(invoice => invoice.customer_id));
  return customers.size > 1 ? undefined : found[0];
}

type Share = { invoiceId: string; amountMinor: bigint };

async function shareOfReceipt(tx: Tx, payment: NewPayment, target: Target | undefined): Promise<Share[]> {
  if (!target || target.currency !== payment.currency) return [];
  // Read again under the customer's lock: another payment may have come first.
  const now = await tx.one<{ open_minor: bigint }>(
    sql`select open_minor from invoices where tenant_id = ${tx.tenant} and id = ${target.id} for update`,
  );
  const openMinor = now?.open_minor ?? 0n;
  const amountMinor = payment.amountMinor < openMinor ? payment.amountMinor : openMinor;
  return amountMinor > 0n ? [{ invoiceId: target.id, amountMinor }] : [];
}

/** A return takes back what its payment had paid, latest allocation first; without the original, from the named invoice. */
async function sharesOfReturn(
  tx: Tx,
  payment: NewPayment,
  original: { id: string } | undefined,
  target: Target | undefined,
): Promise<Share[]> {
  const paid = original
    ? await tx.rows<{ invoice_id: string; paid: string }>(sql`
        select invoice_id, sum(amount_minor)::text as paid from allocations
        where tenant_id = ${tx.tenant} and (payment_id = ${original.id} or payment_id in (select id from payments where tenant_id = ${tx.tenant} and returns_payment_id = ${original.id}))
        group by invoice_id having sum(amount_minor) > 0 order by max(id) desc`)
    : target
      ? await tx.rows<{ invoice_id: string; paid: string }>(sql`
          select id as invoice_id, allocated_minor::text as paid from invoices where tenant_id = ${tx.tenant} and id = ${target.id} and allocated_minor > 0`)
      : [];
  let left = -payment.amountMinor;
  const shares: Share[] = [];
  for (const row of paid) {
    const back = BigInt(row.paid) < left ? BigInt(row.paid) : left;
    if (back > 0n) shares.push({ invoiceId: row.invoice_id, amountMinor: -back });
    left -= back;
  }
  return shares;
}

async function allocate(tx: Tx, paymentId: string, share: Share, bookedAt: number): Promise<void> {
  await tx.run(sql`
    insert into allocations (tenant_id, payment_id, invoice_id, amount_minor, at)
    values (${tx.tenant}, ${paymentId}, ${share.invoiceId}, ${share.amountMinor}, ${at(bookedAt)})`);
  await tx.run(sql`
    update invoices set allocated_minor = allocated_minor + ${share.amountMinor}, version = version + 1
    where tenant_id = ${tx.tenant} and id = ${share.invoiceId}`);
  // A re-opened invoice whose case is closed gets a new cycle, and intake opens its case at once.
  await tx.run(sql`
    update invoices i set
      state = case when open_minor <= 0 then 'closed' else 'open' end,
      outcome = case when open_minor <= 0 then coalesce(outcome, 'paid') end,
      cycle = cycle + case when open_minor > 0 and exists (
        select from cases k where k.tenant_id = i.tenant_id and k.invoice_id = i.id and k.cycle = i.cycle and k.state = 'closed') then 1 else 0 end
    where tenant_id = ${tx.tenant} and id = ${share.invoiceId}`);
}

type BookedPayment = NewPayment & { paymentId: string; customerId: string | null; shares: readonly Share[]; unappliedMinor: bigint };

async function tellEveryone(tx: Tx, booked: BookedPayment, actor: string): Promise<void> {
  const invoiceIds = booked.shares.map(share => share.invoiceId);
  const arrived = booked.amountMinor > 0n;
  await cancelPendingNotices(tx, invoiceIds, arrived ? 'a payment arrived' : 'a payment was returned', booked.bookedAt);
  // Unapplied cash changes what every invoice of the customer is told; allocated cash only its own.
  if (booked.customerId && booked.unappliedMinor !== 0n) await wakeCustomer(tx, booked.customerId, 'payment', booked.paymentId);
  else await wakeInvoices(tx, invoiceIds, 'payment', booked.paymentId);
  tx.event({
    kind: arrived ? 'payment.booked' : 'payment.returned',
    subject: `payment:${booked.paymentId}`,
    actor,
    at: booked.bookedAt,
    body: {
      source: booked.source,
      external_id: booked.externalId,
      customer: booked.customerId,
      amount: { amount: booked.amountMinor, currency: booked.currency },
      value_date: booked.valueDate,
      reference: booked.reference,
      allocated: booked.shares.map(share => ({ invoice: share.invoiceId, amount: share.amountMinor })),
      unapplied: booked.unappliedMinor,
    },
  });
  if (booked.customerId) return;
  await openReconciliation(tx, {
    kind: 'payment_without_customer',
    subject: `payment:${booked.paymentId}`,
    customerId: null,
    invoiceId: null,
    expected: 'a payment that names an invoice or a customer',
    found: `${booked.amountMinor} ${booked.currency} minor units, invoice "${booked.invoiceNumber ?? ''}", reference "${booked.reference}"`,
    steps: 'Find the payer, then book the payment again with the invoice number and customer',
    at: booked.bookedAt,
  });
}
