// payments.ts: payments told by a signed webhook. The signature is checked over the bytes as they came; the event and the
// payment are one transaction, so a repeat finds both and a failure leaves neither: the sender tries again.
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { exponentOf, type Money, parseDecimal } from '../../domain/money.ts';
import { dayNumber } from '../../domain/time.ts';
import { customerCalled } from '../../store/contacts.ts';
import { type Tx, withTenant } from '../../store/database.ts';
import { receive, settleInbox } from '../../store/inbox.ts';
import { bookPayment } from '../../store/payments.ts';
import { openDoor, rawBody, type ServerDeps } from './doors.ts';
import { sayNo } from './problem.ts';
import { verifySignature } from './signature.ts';

const source = 'webhook';

const PaymentEvent = z.object({
  type: z.enum(['payment.received', 'payment.returned'], 'expected "payment.received" or "payment.returned"'),
  data: z.object({
    payment_id: z.string("expected a text, the payment's own id").min(1).max(200),
    amount: z.string('expected decimal text such as "1078.00"'),
    currency: z.string('expected an ISO 4217 code such as "USD"'),
    value_date: z.string('expected a day as YYYY-MM-DD'),
    invoice_number: z.string().max(200).nullish(),
    customer_id: z.string().max(200).nullish(),
    reference: z.string().max(2_000).nullish(),
    returns_payment_id: z.string().max(200).nullish(),
  }),
});
type PaymentEvent = z.infer<typeof PaymentEvent>;

type Reading =
  | { readonly kind: 'payment'; readonly event: PaymentEvent; readonly money: Money }
  | { readonly kind: 'unreadable'; readonly because: string };

/** Names the field, what was found and what was expected. */
export function readPaymentEvent(body: Uint8Array): Reading {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    return { kind: 'unreadable', because: 'the body is not JSON' };
  }
  const parsed = PaymentEvent.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return { kind: 'unreadable', because: `field "${issue?.path.join('.') ?? ''}": ${issue?.message ?? 'not as expected'}` };
  }
  const { amount, currency, value_date: valueDate } = parsed.data.data;
  try {
    exponentOf(currency);
    dayNumber(valueDate);
    const money = parseDecimal(amount, currency);
    if (money.minor > 0n) return { kind: 'payment', event: parsed.data, money };
  } catch (error) {
    return { kind: 'unreadable', because: (error as Error).message };
  }
  return {
    kind: 'unreadable',
    because: `field "data.amount": found "${amount}", expected more than zero; a return has the type "payment.returned"`,
  };
}

export function paymentRoutes(server: FastifyInstance, deps: ServerDeps): void {
  for (const path of ['/webhooks/payments', '/t/:tenant/webhooks/payments']) {
    server.post(path, async (request, reply) => {
      const opened = openDoor(deps, request, reply);
      if (!opened) return reply;
      const header = (name: string): string | undefined => {
        const value = request.headers[name];
        return typeof value === 'string' ? value : undefined;
      };
      const headers = { id: header('webhook-id'), timestamp: header('webhook-timestamp'), signature: header('webhook-signature') };
      const verdict = verifySignature(headers, rawBody(request), opened.doors.webhookSecrets, (deps.wallNow ?? Date.now)());
      if (verdict.kind === 'refused') return sayNo(reply, 401, verdict.because);
      const reading = readPaymentEvent(rawBody(request));
      if (reading.kind === 'unreadable') return sayNo(reply, 400, reading.because);
      const now = deps.clock.now();
      const answer = await withTenant(deps.database, opened.tenant, tx => book(tx, verdict.id, reading.event, reading.money, now));
      return reply.send(answer);
    });
  }
}

async function book(tx: Tx, eventId: string, event: PaymentEvent, money: Money, now: number) {
  const taken = await receive(tx, { source, eventId, kind: event.type, payload: event, receivedAt: now });
  if (taken === 'duplicate') return { status: 'duplicate' as const };
  const { data } = event;
  const returned = event.type === 'payment.returned';
  const booked = await bookPayment(
    tx,
    {
      source,
      externalId: data.payment_id,
      customerId: data.customer_id ? ((await customerCalled(tx, data.customer_id)) ?? null) : null,
      invoiceNumber: data.invoice_number ?? null,
      currency: money.currency,
      amountMinor: returned ? -money.minor : money.minor,
      valueDate: data.value_date,
      bookedAt: now,
      reference: data.reference ?? '',
      returnsExternalId: data.returns_payment_id ?? null,
    },
    'vendor:payments',
  );
  await settleInbox(tx, source, eventId, booked.duplicate ? `known before: ${booked.paymentId}` : booked.paymentId, now);
  return booked.duplicate
    ? { status: 'duplicate' as const, payment_id: booked.paymentId }
    : {
        status: 'booked' as const,
        payment_id: booked.paymentId,
        allocated: booked.allocated.map(share => ({ invoice_id: share.invoiceId, amount: share.amountMinor.toString() })),
        unapplied: booked.unappliedMinor.toString(),
      };
}
