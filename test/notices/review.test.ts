// review.test.ts: what people and evidence do with notices: agree, say no, settle the unknown, report a bounce.
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { listNotices, showNotice } from '../../store/notice-lists.ts';
import { noticeBounced, noticeSeen, resolveUnknown, retryNotice, reviewNotice } from '../../store/notice-review.ts';
import { sendableNotice } from '../../store/notices.ts';
import { bookPayment } from '../../store/payments.ts';
import { sql } from '../../store/sql.ts';
import { type Desk, openDesk, tenant, tuesday } from './desk.ts';

let desk: Desk;
let count = 0;
beforeAll(async () => {
  desk = await openDesk();
}, 120_000);
afterEach(() => {
  desk.mail.behave({ kind: 'works' });
  desk.mail.taken.length = 0;
  desk.now = tuesday;
});
afterAll(() => desk?.stop());

async function oneNotice(more: Parameters<Desk['open']>[2] = {}) {
  count += 1;
  const customer = `cus_${count}`;
  const invoice = `inv_${count}`;
  await desk.customer(customer);
  await desk.invoice(invoice, customer);
  return { customer, invoice, notice: await desk.open(customer, [invoice], more) };
}

const waiting = { mode: 'suggest', review: 'waiting', reviewAsks: 'suggest' } as const;
const review = (id: string, decision: 'approve' | 'decline', by = 'ana') =>
  desk.in(tx => reviewNotice(tx, id, { decision, by, note: 'read it', at: desk.now }));

describe('a message that waits for a person', () => {
  test('has a text to read, and nothing leaves before somebody agrees', async () => {
    const { invoice, notice } = await oneNotice(waiting);
    expect(await desk.in(tx => sendableNotice(tx, invoice, desk.now))).toBe(notice);
    expect(await desk.send(notice)).toMatchObject({ kind: 'drafted' });
    expect(await desk.in(tx => sendableNotice(tx, invoice, desk.now))).toBeNull();
    expect(await desk.send(notice)).toMatchObject({ kind: 'busy' });
    expect(desk.mail.taken).toHaveLength(0);
    const listed = await desk.in(tx => listNotices(tx, { state: 'waiting' }));
    expect(listed).toMatchObject([{ id: notice, review: 'waiting', subject: expect.stringContaining('Past due') }]);
    expect((await desk.in(tx => showNotice(tx, notice)))?.rendered).not.toBeNull();
    await review(notice, 'decline');
  });

  test('leaves after one has agreed, with the figures of that day', async () => {
    const { invoice, notice } = await oneNotice(waiting);
    await desk.send(notice);
    expect(await review(notice, 'approve')).toEqual({ kind: 'done', id: notice });
    desk.now += 2 * 86_400_000;
    expect(await desk.in(tx => sendableNotice(tx, invoice, desk.now))).toBe(notice);
    expect(await desk.send(notice)).toMatchObject({ kind: 'sent' });
    expect(desk.mail.taken[0]).toContain('9 days');
  });

  test('is suppressed when one says no, its stage is done, and its case is woken', async () => {
    const { invoice, notice } = await oneNotice(waiting);
    await review(notice, 'decline');
    expect(await desk.notice(notice)).toMatchObject({ state: 'suppressed', review: 'declined', live: true });
    const wakes = await desk.in(tx =>
      tx.rows(sql`select 1 from wakes where tenant_id = ${tenant} and invoice_id = ${invoice} and kind = 'review'`),
    );
    expect(wakes).toHaveLength(1);
  });

  test('is decided once: the second person is told who was first', async () => {
    const { notice } = await oneNotice(waiting);
    const decided = await Promise.all([review(notice, 'approve', 'ana'), review(notice, 'decline', 'ben')]);
    expect(decided.map(one => one.kind).sort()).toEqual(['done', 'too_late']);
    expect(decided.find(one => one.kind === 'too_late')).toMatchObject({ because: expect.stringMatching(/by (ana|ben)$/) });
  });

  test('is gone when the customer pays first', async () => {
    const { invoice, notice } = await oneNotice(waiting);
    await desk.in(tx =>
      bookPayment(
        tx,
        {
          source: 'test',
          externalId: `p-${invoice}`,
          invoiceNumber: invoice.toUpperCase(),
          currency: 'USD',
          amountMinor: 107_800n,
          valueDate: '2026-03-10',
          bookedAt: desk.now,
          reference: '',
        },
        'test',
      ),
    );
    expect(await review(notice, 'approve')).toMatchObject({ kind: 'too_late', because: expect.stringContaining('cancelled') });
  });
});

describe('a message whose delivery is unknown', () => {
  async function unknownNotice() {
    const opened = await oneNotice();
    desk.mail.behave({ kind: 'drops', at: 'after' });
    await desk.send(opened.notice);
    desk.mail.behave({ kind: 'works' });
    return { ...opened, messageId: `<${opened.notice}.1@northwind.example>` };
  }

  test('counts as sent when the journal mailbox holds a copy', async () => {
    const { notice, messageId } = await unknownNotice();
    expect(await desk.in(tx => noticeSeen(tx, messageId, 'journal:inbox', desk.now))).toEqual({ kind: 'done', id: notice });
    expect(await desk.notice(notice)).toMatchObject({ state: 'sent', live: true });
  });

  test('gives its stage free when a person shows it never arrived, and the next one is another message', async () => {
    const { customer, invoice, notice } = await unknownNotice();
    await desk.in(tx => resolveUnknown(tx, notice, { as: 'not_sent', by: 'person:ana', because: 'not in the relay log', at: desk.now }));
    expect(await desk.notice(notice)).toMatchObject({ state: 'not_sent', live: false });
    const again = await desk.open(customer, [invoice]);
    expect(again).not.toBe(notice);
    expect(await desk.in(tx => resolveUnknown(tx, notice, { as: 'sent', by: 'person:ben', because: 'x', at: desk.now }))).toMatchObject({
      kind: 'too_late',
    });
  });

  test('bounces: no contact, the address is suppressed, the stage is free', async () => {
    const { customer, notice, messageId } = await unknownNotice();
    await desk.in(tx => noticeBounced(tx, messageId, { reason: '5.1.1 no such user', by: 'mail:dsn', at: desk.now }));
    expect(await desk.notice(notice)).toMatchObject({ state: 'sent', live: false });
    const left = await desk.in(tx =>
      tx.one<{ bounced: boolean }>(
        sql`select (gate->>'bounced')::boolean as bounced from notices where tenant_id = ${tenant} and id = ${notice}`,
      ),
    );
    expect(left).toEqual({ bounced: true });
    const suppressed = await desk.in(tx =>
      tx.rows(
        sql`select 1 from suppressions s join contacts c on s.address = lower(c.email) where c.tenant_id = ${tenant} and c.customer_id = ${customer}`,
      ),
    );
    expect(suppressed).toHaveLength(1);
  });
});

test('a refused message is tried again when a person asks, under the same Message-ID', async () => {
  const { notice } = await oneNotice();
  desk.mail.behave({ kind: 'says', at: 'dot', line: '554 5.7.1 no' });
  await desk.send(notice);
  desk.mail.behave({ kind: 'works' });
  expect(await desk.in(tx => retryNotice(tx, notice, 'ana', 'the relay was mended', desk.now))).toMatchObject({ kind: 'done' });
  expect(await desk.send(notice)).toMatchObject({ kind: 'sent' });
  expect(desk.mail.taken[0]).toContain(`<${notice}.1@northwind.example>`);
});

test('a stage whose message was refused for good may be in a new message, not twice in living ones', async () => {
  const { customer, invoice, notice } = await oneNotice();
  desk.mail.behave({ kind: 'says', at: 'dot', line: '554 5.7.1 no' });
  await desk.send(notice);
  const next = await desk.open(customer, [invoice]);
  expect(next).not.toBe(notice);
  expect(await desk.notice(notice)).toMatchObject({ state: 'not_sent', live: false });
  expect(await desk.in(tx => retryNotice(tx, notice, 'ana', 'too', desk.now))).toMatchObject({ kind: 'too_late' });
});

test('a stage that another living notice speaks for cannot be opened twice', async () => {
  const { customer, invoice, notice } = await oneNotice();
  expect(await desk.open(customer, [invoice])).toBe(notice);
  await desk.invoice(`inv_x_${count}`, customer);
  await expect(desk.open(customer, [invoice, `inv_x_${count}`])).rejects.toThrow(/a_stage_is_in_one_notice/);
});

test('one message about a crossed payment: the apology names it, thanks, and is not stopped by money', async () => {
  const { customer, invoice, notice } = await oneNotice();
  desk.mail.onBody(async () => {
    desk.mail.onBody(undefined);
    await desk.in(tx =>
      bookPayment(
        tx,
        {
          source: 'test',
          externalId: `c-${invoice}`,
          invoiceNumber: invoice.toUpperCase(),
          currency: 'USD',
          amountMinor: 107_800n,
          valueDate: '2026-03-10',
          bookedAt: desk.now,
          reference: '',
        },
        'test',
      ),
    );
  });
  await desk.send(notice);
  const apology = await desk.open(customer, [invoice], {
    kind: 'apology',
    stage: 'apology',
    template: 'crossed-payment',
    apologisesFor: notice,
    lines: [{ invoiceId: invoice, cycle: 1, stage: 'apology', amountMinor: 0n, invoiceVersion: 1 }],
  });
  expect(await desk.send(apology)).toMatchObject({ kind: 'sent' });
  expect(desk.mail.taken[1]).toContain('Subject: Thank you for your payment, and our apologies');
  expect(desk.mail.taken[1]).toContain(`X-Dunlin-Lines: ${invoice}/1/apology:firm`);
});
