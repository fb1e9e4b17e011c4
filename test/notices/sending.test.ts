// sending.test.ts: a notice leaves, or does not, on a real database and a real mail conversation. The mail server's own
// list is the witness.
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import PostalMime from 'postal-mime';
import { moveNotice } from '../../store/notice-transitions.ts';
import { sweepNotices } from '../../store/notice-claims.ts';
import { withdrawNotices } from '../../store/notices.ts';
import { bookPayment } from '../../store/payments.ts';
import { placeHold } from '../../store/holds.ts';
import { sql } from '../../store/sql.ts';
import { lockCustomer } from '../../store/wakes.ts';
import { type Desk, openDesk, tenant, tuesday } from './desk.ts';

let desk: Desk;
let count = 0;
beforeAll(async () => {
  desk = await openDesk();
}, 120_000);
afterEach(() => {
  desk.mail.behave({ kind: 'works' });
  desk.mail.onBody(undefined);
  desk.mail.beforeBody(undefined);
  desk.mail.taken.length = 0;
  desk.now = tuesday;
});
afterAll(() => desk?.stop());

/** A customer with one late invoice and its notice. */
async function oneNotice(more: { email?: string; locale?: string } = {}) {
  count += 1;
  const customer = `cus_${count}`;
  const invoice = `inv_${count}`;
  await desk.customer(customer, more);
  await desk.invoice(invoice, customer);
  return { customer, invoice, notice: await desk.open(customer, [invoice]) };
}

function pay(
  invoice: string,
  amountMinor = 107_800n,
  invoiceNumber: string | null = invoice.toUpperCase(),
  customerId: string | null = null,
) {
  count += 1;
  const externalId = `pay-${count}`;
  return desk.in(tx =>
    bookPayment(
      tx,
      {
        source: 'test',
        externalId,
        invoiceNumber,
        customerId,
        currency: 'USD',
        amountMinor,
        valueDate: '2026-03-10',
        bookedAt: desk.now,
        reference: '',
      },
      'test',
    ),
  );
}

async function wakesOf(invoice: string): Promise<string[]> {
  const rows = await desk.in(tx =>
    tx.rows<{ event_id: string }>(sql`select event_id from wakes where tenant_id = ${tenant} and invoice_id = ${invoice} order by id`),
  );
  return rows.map(row => row.event_id);
}

describe('an ordinary notice', () => {
  test('leaves once, says what it is about, and its verdict is kept', async () => {
    const { invoice, notice } = await oneNotice();
    expect(await desk.send(notice)).toEqual({ kind: 'sent', because: '250 2.0.0 taken' });
    expect(await desk.send(notice)).toMatchObject({ kind: 'sent' });
    expect(desk.mail.taken).toHaveLength(1);
    const mail = await PostalMime.parse(desk.mail.taken[0] ?? '');
    const header = (key: string) => mail.headers.find(one => one.key === key)?.value;
    expect(mail.subject).toBe(`Past due: ${invoice.toUpperCase()}, US$1,078.00`);
    expect(mail.from).toMatchObject({ name: 'Northwind Traders', address: 'ar@northwind.example' });
    expect(mail.to).toEqual([{ name: 'Ada Payable', address: `ap@${`cus_${invoice.slice(4)}`.replace('_', '-')}.example` }]);
    expect(mail.messageId).toBe(`<${notice}.1@northwind.example>`);
    expect(header('auto-submitted')).toBe('auto-generated');
    expect(header('x-dunlin-notice')).toBe(notice);
    expect(header('x-dunlin-lines')).toBe(`${invoice}/1/firm`);
    expect(mail.attachments.map(file => file.filename)).toEqual(['statement-2026-03-10.pdf']);
    const stored = await desk.in(tx =>
      tx.one<{ gate: { kind: string }; rendered_sha256: string; in_data_at: number }>(
        sql`select gate, rendered_sha256, in_data_at from notices where tenant_id = ${tenant} and id = ${notice}`,
      ),
    );
    expect(stored).toMatchObject({ gate: { kind: 'send' }, in_data_at: tuesday });
    expect(stored?.rendered_sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  test('a later notice continues the conversation of the earlier one', async () => {
    const { customer, invoice, notice } = await oneNotice();
    await desk.send(notice);
    desk.now = Date.UTC(2026, 2, 18, 15, 0);
    const later = await desk.open(customer, [invoice], { stage: 'escalation', template: 'reminder-4' });
    expect(await desk.send(later)).toMatchObject({ kind: 'sent' });
    const mail = await PostalMime.parse(desk.mail.taken[1] ?? '');
    expect(mail.inReplyTo).toBe(`<${notice}.1@northwind.example>`);
    expect(mail.references).toContain(`<${notice}.1@northwind.example>`);
  });

  test('two workers that are asked at once send it once, and both say so', async () => {
    const { notice } = await oneNotice();
    const outcomes = await Promise.all([desk.send(notice), desk.send(notice), desk.send(notice)]);
    expect(outcomes.map(outcome => outcome.kind)).toEqual(['sent', 'sent', 'sent']);
    expect(desk.mail.taken).toHaveLength(1);
  });

  test('two currencies of one customer do not leave in the same hour', async () => {
    const { customer, notice } = await oneNotice();
    await desk.invoice(`inv_eur_${count}`, customer, { currency: 'EUR' });
    const other = await desk.open(customer, [`inv_eur_${count}`], { currency: 'EUR' });
    const outcomes = await Promise.all([desk.send(notice), desk.send(other)]);
    expect(outcomes.map(outcome => outcome.kind).sort()).toEqual(['cancelled', 'sent']);
    expect(desk.mail.taken).toHaveLength(1);
  });
});

describe('a payment', () => {
  test('before the claim withdraws the notice and frees its stage', async () => {
    const { invoice, notice } = await oneNotice();
    await pay(invoice);
    expect(await desk.notice(notice)).toMatchObject({ state: 'cancelled', live: false });
    expect(await desk.send(notice)).toMatchObject({ kind: 'cancelled' });
    expect(desk.mail.taken).toHaveLength(0);
  });

  test('between claim and body stops the body', async () => {
    const { invoice, notice } = await oneNotice();
    desk.mail.beforeBody(async () => void (await pay(invoice)));
    expect(await desk.send(notice)).toMatchObject({ kind: 'cancelled' });
    expect(desk.mail.taken).toHaveLength(0);
    expect(await desk.notice(notice)).toMatchObject({ state: 'cancelled', crossed_payment: false });
  });

  test('that names no invoice, between claim and body, stops the body too', async () => {
    const { customer, invoice, notice } = await oneNotice();
    desk.mail.beforeBody(async () => void (await pay(invoice, 107_800n, null, customer)));
    expect(await desk.send(notice)).toMatchObject({ kind: 'cancelled' });
    expect(desk.mail.taken).toHaveLength(0);
  });

  test('while the body is on the wire marks the notice as crossed', async () => {
    const { invoice, notice } = await oneNotice();
    desk.mail.onBody(async () => void (await pay(invoice)));
    expect(await desk.send(notice)).toMatchObject({ kind: 'sent' });
    expect(await desk.notice(notice)).toMatchObject({ state: 'sent', crossed_payment: true });
  });

  test('is waited for by the last look when it is being booked at that instant', async () => {
    const { customer, invoice, notice } = await oneNotice();
    let booked: Promise<unknown> = Promise.resolve();
    desk.mail.beforeBody(async () => {
      const started = new Promise<void>(started => {
        booked = desk.in(async tx => {
          await lockCustomer(tx, customer, 'changes');
          started();
          // Long enough for the last look to arrive at the lock; it must neither pass nor fail before this commits.
          await tx.run(sql`select pg_sleep(0.4)`);
          await tx.run(sql`update invoices set allocated_minor = amount_minor, state = 'closed', outcome = 'paid', version = version + 1
            where tenant_id = ${tenant} and id = ${invoice}`);
          await withdrawNotices(tx, [invoice], 'a payment arrived', desk.now);
        });
      });
      await started;
    });
    expect(await desk.send(notice)).toMatchObject({ kind: 'cancelled' });
    await booked;
    expect(desk.mail.taken).toHaveLength(0);
  });

  test('of one invoice cancels the notice about two and wakes the other', async () => {
    const { customer, invoice } = await oneNotice();
    const second = `inv_b_${count}`;
    await desk.invoice(second, customer);
    await desk.in(tx => withdrawNotices(tx, [invoice], 'so that both can be gathered', desk.now));
    const both = await desk.open(customer, [invoice, second]);
    await pay(invoice);
    expect(await desk.notice(both)).toMatchObject({ state: 'cancelled', live: false });
    expect(await wakesOf(second)).toContain(`${both}:withdrawn`);
    const again = await desk.open(customer, [second]);
    expect(again).not.toBe(both);
    expect(await desk.send(again)).toMatchObject({ kind: 'sent' });
  });
});

describe('other facts between claim and body', () => {
  test('a hold on the customer stops the body, and the notice is cancelled', async () => {
    const { customer, notice } = await oneNotice();
    desk.mail.beforeBody(async () => {
      await desk.in(tx =>
        placeHold(
          tx,
          {
            id: `hold-${customer}`,
            kind: 'manual',
            scope: 'customer',
            customerId: customer,
            reason: 'they called',
            startsAt: desk.now,
            endsAt: null,
          },
          'test',
        ),
      );
    });
    expect(await desk.send(notice)).toMatchObject({ kind: 'cancelled' });
    expect(desk.mail.taken).toHaveLength(0);
  });

  test('a stop of all sending stops the body, and the notice stays pending', async () => {
    const { notice } = await oneNotice();
    desk.mail.beforeBody(
      async () => void (await desk.byHand(`update tenants set sends_stopped_because = 'a drill' where tenant_id = $1`, [tenant])),
    );
    expect(await desk.send(notice)).toMatchObject({ kind: 'busy', because: 'sending is stopped: a drill' });
    await desk.byHand('update tenants set sends_stopped_because = null where tenant_id = $1', [tenant]);
    expect(await desk.notice(notice)).toMatchObject({ state: 'pending' });
    desk.mail.beforeBody(undefined);
    expect(await desk.send(notice)).toMatchObject({ kind: 'sent' });
  });
});

describe('a worker that died or slept', () => {
  test('with a claim only: another worker takes over when the lease has run out, and the old token is worth nothing', async () => {
    const { notice } = await oneNotice();
    const [old] = await claimByHand(notice, 300);
    const outcome = await desk.send(notice);
    expect(outcome).toMatchObject({ kind: 'sent' });
    expect(desk.mail.taken).toHaveLength(1);
    const late = await desk.in(tx =>
      moveNotice(tx, 'release', notice, { now: desk.now, actor: 'zombie', because: 'late', token: old, reply: '', nextAt: desk.now }),
    );
    expect(late).toBeUndefined();
  });

  test('a zombie whose claim was taken over cannot begin the body', async () => {
    const { notice } = await oneNotice();
    const [old] = await claimByHand(notice, 0);
    const [fresh] = await claimByHand(notice, 60_000, 'claimed');
    const enter = (token: bigint) =>
      desk.in(tx => moveNotice(tx, 'enter_data', notice, { now: desk.now, actor: 'worker', because: 'test', token }));
    expect(await enter(old)).toBeUndefined();
    expect(await enter(fresh)).toMatchObject({ id: notice });
    expect(await enter(fresh)).toBeUndefined();
  });

  test('with the body on the wire: unknown, never sent again, and its cases are woken', async () => {
    const { invoice, notice } = await oneNotice();
    const [token] = await claimByHand(notice, 1);
    await desk.byHand(`update notices set state = 'in_data', in_data_at = now() where id = $1`, [notice]);
    await new Promise(resolve => setTimeout(resolve, 20));
    expect(await desk.in(tx => sweepNotices(tx, desk.now))).toMatchObject({ unknown: 1 });
    expect(await desk.send(notice)).toMatchObject({ kind: 'unknown' });
    expect(desk.mail.taken).toHaveLength(0);
    expect(await wakesOf(invoice)).toContain(`${notice}:unknown`);
    const late = await desk.in(tx =>
      moveNotice(tx, 'accepted', notice, { now: desk.now, actor: 'dunlin', because: 'late', token, reply: '250 ok' }),
    );
    expect(late).toMatchObject({ id: notice });
  });

  /** Claims without sending, as a worker does that dies at once. */
  async function claimByHand(notice: string, leaseMs: number, from: 'pending' | 'claimed' = 'pending'): Promise<[bigint]> {
    const moved = await desk.in(async tx => {
      const row = await tx.one<{ version: bigint }>(
        sql`select c.version from customers c join notices n on n.customer_id = c.id where n.id = ${notice}`,
      );
      return moveNotice(tx, from === 'pending' ? 'claim' : 'reclaim_expired', notice, {
        now: desk.now,
        actor: 'dunlin',
        because: 'test',
        leaseMs,
        verdict: { kind: 'send', reasons: [], inputs: {} },
        draft: {
          recipient: 'a@b.example',
          recipientName: '',
          locale: 'en',
          subject: 's',
          inReplyTo: null,
          bytes: null,
          sha256: null,
          customerVersion: row?.version ?? 0n,
        },
      });
    });
    if (!moved?.token) throw new Error('the claim did not succeed');
    return [moved.token];
  }
});

describe('what the mail server says', () => {
  test('try later: the same notice leaves later, with the same Message-ID', async () => {
    const { notice } = await oneNotice();
    desk.mail.behave({ kind: 'says', at: 'dot', line: '451 4.3.0 later' });
    const refused = await desk.send(notice);
    expect(refused).toMatchObject({ kind: 'not_sent', because: expect.stringContaining('451'), retryAfterMs: 300_000 });
    expect(await desk.notice(notice)).toMatchObject({ state: 'pending', attempts: 1 });
    expect(await desk.send(notice)).toMatchObject({ kind: 'busy', retryAfterMs: 300_000 });
    desk.now += 300_000;
    desk.mail.behave({ kind: 'works' });
    expect(await desk.send(notice)).toMatchObject({ kind: 'sent' });
    expect(desk.mail.taken).toHaveLength(1);
    expect(desk.mail.taken[0]).toContain(`<${notice}.1@northwind.example>`);
  });

  test('no such mailbox: the address is suppressed and the stage is free for another contact', async () => {
    const { customer, invoice, notice } = await oneNotice();
    desk.mail.behave({ kind: 'says', at: 'rcpt', line: '550 5.1.1 no such user' });
    expect(await desk.send(notice)).toMatchObject({ kind: 'not_sent' });
    expect(await desk.notice(notice)).toMatchObject({ state: 'not_sent', live: false });
    const suppressed = await desk.in(tx =>
      tx.rows(sql`select address from suppressions where tenant_id = ${tenant} and address like ${`ap@${customer.replace('_', '-')}%`}`),
    );
    expect(suppressed).toHaveLength(1);
    expect(await wakesOf(invoice)).toContain(`${notice}:address`);
  });

  test('refused for good: it stays refused until a person asks for another try', async () => {
    const { notice } = await oneNotice();
    desk.mail.behave({ kind: 'says', at: 'dot', line: '554 5.7.1 no' });
    expect(await desk.send(notice)).toMatchObject({ kind: 'not_sent' });
    expect(await desk.send(notice)).toMatchObject({ kind: 'not_sent' });
    expect(await desk.notice(notice)).toMatchObject({ state: 'not_sent', live: true });
  });

  test('nothing, after it took the message: unknown, and never sent again by itself', async () => {
    const { notice } = await oneNotice();
    desk.mail.behave({ kind: 'drops', at: 'after' });
    expect(await desk.send(notice)).toMatchObject({ kind: 'unknown' });
    desk.mail.behave({ kind: 'works' });
    expect(await desk.send(notice)).toMatchObject({ kind: 'unknown' });
    expect(desk.mail.taken).toHaveLength(1);
  });
});

test('an address that is a list is never written to: it is suppressed and nobody is contacted', async () => {
  const { notice } = await oneNotice({ email: 'ap@customer.example,evil@x.example' });
  expect(await desk.send(notice)).toMatchObject({ kind: 'suppressed' });
  expect(desk.mail.taken).toHaveLength(0);
});
