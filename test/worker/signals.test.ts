// signals.test.ts: what anybody who reaches the namespace may send to a case: payments, hints, and nonsense. A fact is
// recorded once; nonsense is logged, put before a person where it speaks of money, and never stops the case.
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import temporalProto from '@temporalio/proto';
import { sql } from '../../store/sql.ts';
import { openShop, type Shop } from './shop.ts';

jest.setTimeout(60_000);
const { temporal } = temporalProto;
const failed = temporal.api.enums.v1.EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED;
const full = { amount: { amount: '107800', currency: 'USD' }, valueDate: '2026-03-02' };

let shop: Shop;
let count = 0;
let number: string;
let handle: WorkflowHandle;

beforeAll(async () => {
  shop = await openShop();
}, 120_000);
afterAll(() => shop?.stop());
beforeEach(async () => {
  count += 1;
  number = `INV-${count}`;
  await shop.book.customer(`cus_${count}`);
  await shop.book.invoice(number, { customer: `cus_${count}` });
  await shop.openCases();
  handle = shop.client.workflow.getHandle(`dunning/acme/inv_${number}`);
});

/** Steps taken so far, as the run itself says. */
const stepsTaken = async () => (await handle.query<{ stepsTaken: number }>('whatNow')).stepsTaken;

async function stepAfter(work: () => Promise<unknown>): Promise<void> {
  const before = await stepsTaken();
  await work();
  await shop.until('another step', async () => (await stepsTaken()) > before);
}

async function tasksFailed(): Promise<number> {
  const { events } = await handle.fetchHistory();
  return (events ?? []).filter(event => event.eventType === failed).length;
}

const payments = () => shop.book.rows(sql`select external_id, amount_minor from payments where customer_id = ${`cus_${count}`}`);

describe('a payment told by signal', () => {
  test('is booked once, however often it is sent, and ends the case', async () => {
    const told = { eventId: `bank-${count}`, ...full, reference: 'thank you' };
    await Promise.allSettled(Array.from({ length: 5 }, () => handle.signal('paymentReceived', told)));
    expect(await handle.result()).toEqual({ outcome: 'paid' });
    expect(await payments()).toEqual([{ external_id: `bank-${count}`, amount_minor: 107_800n }]);
  });

  test('in parts adds up: two events are two payments', async () => {
    await stepAfter(() =>
      handle.signal('paymentReceived', { eventId: `a-${count}`, ...full, amount: { amount: '100000', currency: 'USD' } }),
    );
    await handle.signal('paymentReceived', { eventId: `a-${count}`, ...full, amount: { amount: '100000', currency: 'USD' } });
    await handle.signal('paymentReceived', { eventId: `b-${count}`, ...full, amount: { amount: '7800', currency: 'USD' } });
    expect(await handle.result()).toEqual({ outcome: 'paid' });
    expect(await payments()).toHaveLength(2);
  });

  test('while the case is ending is recorded all the same: nobody else knows of it', async () => {
    const { book, client } = shop;
    await book.pay(number, 107_800n);
    const signals = [{ eventId: 'wake' }, ...Array.from({ length: 20 }, (_, n) => ({ eventId: `late-${count}-${n}`, ...full }))];
    const sent = await Promise.allSettled(
      signals.map(signal => client.workflow.getHandle(handle.workflowId).signal('paymentReceived', signal)),
    );
    expect(await handle.result()).toEqual({ outcome: 'paid' });
    const taken = sent.slice(1).filter(outcome => outcome.status === 'fulfilled').length;
    // Each one that Temporal took is in the ledger; the others were told to their senders as refused.
    expect(await payments()).toHaveLength(1 + taken);
  });
});

describe('nonsense', () => {
  test.each([
    ['no argument', 'paymentReceived', []],
    ['null', 'paymentReceived', [null]],
    ['a number', 'paymentReceived', [7]],
    ['a text', 'paymentReceived', ['paid!']],
    ['a list', 'paymentReceived', [[{ eventId: 'x' }]]],
    ['nothing in it', 'paymentReceived', [{}]],
    ['an event id that is a number', 'paymentReceived', [{ eventId: 7, ...full }]],
    ['an event id that is an object', 'paymentReceived', [{ eventId: { $ne: '' }, ...full }]],
    ['a reference as long as a book', 'paymentReceived', [{ eventId: 'long', ...full, reference: 'x'.repeat(500_000) }]],
    ['null as a hint', 'factsChanged', [null]],
    ['nothing as a hint', 'factsChanged', []],
    ['a name nobody listens to', 'promiseMade', [{ eventId: 'x' }]],
  ])('%s: the run goes on and hears the payment after it', async (_what, name, args) => {
    await handle.signal(name, ...args);
    await handle.signal('paymentReceived', { eventId: `real-${count}`, ...full });
    expect(await handle.result()).toEqual({ outcome: 'paid' });
    expect(await tasksFailed()).toBe(0);
    expect(await payments()).toHaveLength(1);
  });

  test.each([
    ['an amount that is no number', { amount: { amount: 'lots', currency: 'USD' }, valueDate: '2026-03-02' }],
    ['an amount that is a number', { amount: 1078, valueDate: '2026-03-02' }],
    ['a currency that does not exist', { amount: { amount: '1', currency: 'COINS' }, valueDate: '2026-03-02' }],
    ['a day that does not exist', { amount: { amount: '1', currency: 'USD' }, valueDate: '2026-02-31' }],
    ['no day', { amount: { amount: '1', currency: 'USD' } }],
    ['no amount', { valueDate: '2026-03-02' }],
    ['a zero byte', { ...full, reference: 'a\u0000b' }],
  ])('a payment with %s is put before a person, and the run goes on', async (_what, told) => {
    await stepAfter(() => handle.signal('paymentReceived', { eventId: `odd-${count}`, ...told }));
    const items = await shop.book.rows(sql`select kind, state from reconciliation_items where invoice_id = ${`inv_${number}`}`);
    expect(items).toEqual([{ kind: 'payment_unreadable', state: 'open' }]);
    await handle.signal('paymentReceived', { eventId: `real-${count}`, ...full });
    expect(await handle.result()).toEqual({ outcome: 'paid' });
    expect(await tasksFailed()).toBe(0);
  });

  test.each([
    ['is no JSON', { encoding: 'json/plain', data: '{"eventId":' }],
    ['is of an encoding nobody knows', { encoding: 'binary/unheard-of', data: 'x' }],
    ['is encrypted where nothing is', { encoding: 'binary/encrypted', data: 'x'.repeat(64) }],
  ])('a payload that %s stops nobody', async (_what, { encoding, data }) => {
    await shop.client.workflowService.signalWorkflowExecution({
      namespace: shop.temporal.namespace,
      workflowExecution: { workflowId: handle.workflowId },
      signalName: 'paymentReceived',
      input: { payloads: [{ metadata: { encoding: Buffer.from(encoding) }, data: Buffer.from(data) }] },
    });
    await handle.signal('paymentReceived', { eventId: `real-${count}`, ...full });
    await shop.until('the payment is booked', async () => (await payments()).length === 1);
    expect(await handle.result()).toEqual({ outcome: 'paid' });
    expect(await tasksFailed()).toBe(0);
  });
});
