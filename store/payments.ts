// payments.ts: money that arrived, or went back. Booking one allocates it, closes or re-opens invoices, and stops every
// message it makes wrong, all in one transaction under the customer's lock: after it commits no reminder can begin.
import type { Tx } from './database.ts';
import { derivedId } from './ids.ts';
import { cancelPendingNotices } from './notices.ts';
import { openReconciliation, resolveReconciliations } from './reconciliation.ts';
import { at, sql } from './sql.ts';
import { lockCustomer, wakeCustomer, wakeInvoices } from './wakes.ts';

export type NewPayment = {
  /** Where it was told: "cli", "csv", "webhook", "signal" ... With externalId it is the payment's identity. */
  readonly source: string;
  readonly externalId: string;
  /** Our customer id. */
  readonly customerId?: string | null;
  readonly invoiceNumber?: string | null;
  /** Our invoice id, where it is known which one is meant: a customer may use one number twice. */
  readonly invoiceId?: string | null;
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
 * it names up to what is open; the rest stays the customer's unapplied cash. A return and its payment may be heard in
 * either order. Throws when the amount is zero.
 */
export async function bookPayment(tx: Tx, payment: NewPayment, actor: string): Promise<Booked> {
  const paymentId = derivedId('pay', payment.source, payment.externalId);
  const known = await readBooked(tx, paymentId);
  if (known) return known;
  const returned = payment.amountMinor < 0n ? (payment.returnsExternalId ?? null) : null;
  const heard = returned === null ? undefined : await findPayment(tx, payment.source, returned);
  const target = payment.invoiceNumber || payment.invoiceId ? await findInvoice(tx, payment) : undefined;
  const customerId = target?.customer_id ?? heard?.customer_id ?? payment.customerId ?? null;
  if (customerId) await lockCustomer(tx, customerId, 'changes');
  // Asked again under the lock: the payment may have been booked a moment ago.
  const original = heard ?? (returned === null ? undefined : await findPayment(tx, payment.source, returned));
  const inserted = await tx.run(sql`
    insert into payments (tenant_id, id, source, external_id, customer_id, currency, amount_minor, value_date, booked_at, reference, returns_payment_id, returns_external_id)
    values (${tx.tenant}, ${paymentId}, ${payment.source}, ${payment.externalId}, ${customerId}, ${payment.currency}, ${payment.amountMinor},
      ${payment.valueDate}, ${at(payment.bookedAt)}, ${payment.reference}, ${original?.id ?? null}, ${returned}) on conflict do nothing`);
  // Somebody told of it at the same moment, and was first.
  if (inserted === 0) return (await readBooked(tx, paymentId)) ?? unreadable(payment);
  const shares = payment.amountMinor < 0n ? await sharesOfReturn(tx, payment, original, target) : await shareOfReceipt(tx, payment, target);
  await allocateAll(tx, paymentId, shares, payment);
  const back = payment.amountMinor > 0n ? await settleReturnsHeardFirst(tx, paymentId, customerId, payment, actor) : [];
  const unappliedMinor = payment.amountMinor - shares.reduce((sum, share) => sum + share.amountMinor, 0n);
  const awaited = returned !== null && original === undefined;
  await tellEveryone(tx, { ...payment, paymentId, customerId, shares, unappliedMinor, awaited, wakesAll: back.length > 0 }, actor);
  return { paymentId, allocated: shares, unappliedMinor, duplicate: false };
}

async function readBooked(tx: Tx, paymentId: string): Promise<Booked | undefined> {
  const known = await tx.one<{ amount_minor: bigint; allocated_minor: bigint }>(
    sql`select amount_minor, allocated_minor from payments where tenant_id = ${tx.tenant} and id = ${paymentId}`,
  );
  return known && { paymentId, allocated: [], unappliedMinor: known.amount_minor - known.allocated_minor, duplicate: true };
}

function unreadable(payment: NewPayment): never {
  throw new Error(`payment ${payment.source}/${payment.externalId} is booked under another id`);
}

/** Money that arrived, under the name its source gave it. */
export async function findPayment(
  tx: Tx,
  source: string,
  externalId: string,
): Promise<{ id: string; customer_id: string | null } | undefined> {
  return tx.one(sql`
    select id, customer_id from payments
    where tenant_id = ${tx.tenant} and source = ${source} and external_id = ${externalId} and amount_minor > 0`);
}

/** Returns that named this payment before it was heard take their money back now. Gives what was taken from invoices. */
async function settleReturnsHeardFirst(
  tx: Tx,
  paymentId: string,
  customerId: string | null,
  payment: NewPayment,
  actor: string,
): Promise<Share[]> {
  const waiting = await tx.rows<{ id: string; left: bigint }>(sql`
    update payments set returns_payment_id = ${paymentId}, customer_id = coalesce(customer_id, ${customerId})
    where tenant_id = ${tx.tenant} and source = ${payment.source} and returns_external_id = ${payment.externalId} and returns_payment_id is null and amount_minor < 0
    returning id, amount_minor - allocated_minor as left`);
  const taken: Share[] = [];
  for (const { id, left } of waiting.toSorted((a, b) => (a.id < b.id ? -1 : 1))) {
    const shares = await sharesOfReturn(tx, { ...payment, amountMinor: left }, { id: paymentId }, undefined);
    await allocateAll(tx, id, shares, payment);
    taken.push(...shares);
    const subject = `payment:${id}`;
    for (const kind of ['payment_without_customer', 'return_without_payment'])
      await resolveReconciliations(tx, kind, sql`select ${subject}::text`, `its payment ${paymentId} was heard`, payment.bookedAt);
    const body = { payment: paymentId, taken_back: shares.map(share => ({ invoice: share.invoiceId, amount: share.amountMinor })) };
    tx.event({ kind: 'payment.return_settled', subject, actor, at: payment.bookedAt, body });
  }
  return taken;
}

/** The invoice a payment names. Open ones first; a number that two customers share needs the customer too. */
async function findInvoice(tx: Tx, payment: NewPayment): Promise<Target | undefined> {
  const found = await tx.rows<Target>(sql`
    select id, customer_id, currency, open_minor, state from invoices
    where tenant_id = ${tx.tenant} and ${payment.invoiceId ? sql`id = ${payment.invoiceId}` : sql`number = ${payment.invoiceNumber ?? ''}`} and (${payment.customerId ?? null}::text is null or customer_id = ${payment.customerId ?? null})
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

/**
 * A return takes back what its payment had paid, latest allocation first. One that names no payment takes from the invoice
 * it names; one whose payment was not heard yet waits for it, and never takes another payment's money.
 */
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
    : target && !payment.returnsExternalId
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

async function allocateAll(tx: Tx, paymentId: string, shares: readonly Share[], payment: NewPayment): Promise<void> {
  for (const share of shares) await allocate(tx, paymentId, share, payment);
  const allocatedMinor = shares.reduce((sum, share) => sum + share.amountMinor, 0n);
  await tx.run(sql`
    update payments set allocated_minor = allocated_minor + ${allocatedMinor} where tenant_id = ${tx.tenant} and id = ${paymentId}`);
}

async function allocate(tx: Tx, paymentId: string, share: Share, payment: NewPayment): Promise<void> {
  await tx.run(sql`
    insert into allocations (tenant_id, payment_id, invoice_id, amount_minor, at)
    values (${tx.tenant}, ${paymentId}, ${share.invoiceId}, ${share.amountMinor}, ${at(payment.bookedAt)})`);
  await tx.run(sql`
    update invoices set allocated_minor = allocated_minor + ${share.amountMinor}, version = version + 1
    where tenant_id = ${tx.tenant} and id = ${share.invoiceId}`);
  // Closed by money, it is opened again by money; closed by a decision (written off, superseded ...), it stays closed.
  const decided = sql`(state = 'closed' and coalesce(outcome, 'paid') not in ('paid', 'credited'))`;
  const opensAgain = sql`(state = 'closed' and open_minor > 0 and not ${decided})`;
  // A re-opened invoice whose case is closed gets a new cycle, and intake opens its case at once.
  await tx.run(sql`
    update invoices i set
      state = case when open_minor <= 0 or ${decided} then 'closed' else 'open' end,
      outcome = case when open_minor <= 0 then coalesce(outcome, 'paid') when ${decided} then outcome end,
      intake_on = case when ${opensAgain} then coalesce(intake_on, ${payment.valueDate}::date) else intake_on end,
      cycle = cycle + case when ${opensAgain} and exists (
        select from cases k where k.tenant_id = i.tenant_id and k.invoice_id = i.id and k.cycle = i.cycle and k.state = 'closed') then 1 else 0 end
    where tenant_id = ${tx.tenant} and id = ${share.invoiceId}`);
}

type BookedPayment = NewPayment & {
  paymentId: string;
  customerId: string | null;
  shares: readonly Share[];
  unappliedMinor: bigint;
  /** A return whose payment was not heard yet. */
  awaited: boolean;
  /** A return that was heard first took money back from other invoices too. */
  wakesAll: boolean;
};

async function tellEveryone(tx: Tx, booked: BookedPayment, actor: string): Promise<void> {
  const invoiceIds = booked.shares.map(share => share.invoiceId);
  const arrived = booked.amountMinor > 0n;
  await cancelPendingNotices(tx, invoiceIds, arrived ? 'a payment arrived' : 'a payment was returned', booked.bookedAt);
  // Unapplied cash changes what every invoice of the customer is told; allocated cash only its own.
  if (booked.customerId && (booked.unappliedMinor !== 0n || booked.wakesAll))
    await wakeCustomer(tx, booked.customerId, 'payment', booked.paymentId);
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
  if (booked.customerId && !booked.awaited) return;
  const told = `${booked.amountMinor} ${booked.currency} minor units, invoice "${booked.invoiceNumber ?? ''}", reference "${booked.reference}"`;
  const about = { subject: `payment:${booked.paymentId}`, customerId: booked.customerId, invoiceId: null, at: booked.bookedAt };
  if (booked.customerId)
    await openReconciliation(tx, {
      ...about,
      kind: 'return_without_payment',
      expected: `the payment "${booked.returnsExternalId ?? ''}" that went back`,
      found: told,
      steps: 'Find the payment and book it under that id: the return takes it back by itself. Until then no invoice was re-opened',
    });
  else
    await openReconciliation(tx, {
      ...about,
      kind: 'payment_without_customer',
      expected: 'a payment that names an invoice or a customer',
      found: told,
      steps: 'Find the payer, then book the payment again with the invoice number and customer',
    });
}
