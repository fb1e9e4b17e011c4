// payments.test.ts: money that arrives, arrives twice, is too much, too little, in another currency, or goes back. What is
// allocated always adds up to what the invoices say, and nobody is asked for more than is open.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { NewPayment } from '../../store/payments.ts';
import { listReconciliations } from '../../store/reconciliation.ts';
import { sql } from '../../store/sql.ts';
import { type Book, openBook } from '../walks/book.ts';

let book: Book;
let count = 0;
beforeAll(async () => {
  book = await openBook();
}, 120_000);
afterAll(() => book?.stop());

const full = 107_800n;

/** A customer with one open invoice of USD 1,078.00 in an open case. */
async function owing(more: { amountMinor?: bigint; cased?: boolean } = {}): Promise<{ customer: string; number: string; id: string }> {
  count += 1;
  const customer = `cus_${count}`;
  await book.customer(customer);
  const number = `INV-${count}`;
  const id = await book.invoice(number, { customer, amountMinor: more.amountMinor ?? full });
  if (more.cased !== false) await openCase(id, 1);
  return { customer, number, id };
}

async function openCase(id: string, cycle: number): Promise<void> {
  await book.tx(tx =>
    tx.run(sql`insert into cases (tenant_id, invoice_id, cycle, customer_id, workflow_id, state, policy, policy_version, opened_at)
      select tenant_id, id, ${cycle}, customer_id, ${`dunning/acme/${id}/${cycle}`}, 'open', 'standard', 1, now() from invoices where id = ${id}`),
  );
}

const closeCase = (id: string) => book.tx(tx => tx.run(sql`update cases set state = 'closed', outcome = 'paid' where invoice_id = ${id}`));

async function invoice(id: string) {
  const [row] = await book.rows<{ open: bigint; state: string; outcome: string | null; cycle: number; intake_on: string | null }>(
    sql`select open_minor as open, state, outcome, cycle, intake_on from invoices where id = ${id}`,
  );
  return row;
}

async function unapplied(customer: string): Promise<Record<string, string>> {
  const rows = await book.rows<{ currency: string; minor: string }>(sql`
    select currency, sum(amount_minor - allocated_minor)::text as minor from payments where customer_id = ${customer} group by currency`);
  return Object.fromEntries(rows.map(row => [row.currency, row.minor]));
}

const wakes = (id: string) => book.rows<{ kind: string }>(sql`select kind from wakes where invoice_id = ${id} and seen_at is null`);

describe('money that arrives', () => {
  test('in full closes the invoice as paid and wakes its case', async () => {
    const { number, id, customer } = await owing();
    expect(await book.pay(number, full)).toMatchObject({
      allocated: [{ invoiceId: id, amountMinor: full }],
      unappliedMinor: 0n,
      duplicate: false,
    });
    expect(await invoice(id)).toMatchObject({ open: 0n, state: 'closed', outcome: 'paid', cycle: 1 });
    expect(await wakes(id)).toEqual([{ kind: 'payment' }]);
    expect(await unapplied(customer)).toEqual({ USD: '0' });
  });

  test('in part leaves the rest open; the last part closes it', async () => {
    const { number, id } = await owing();
    await book.pay(number, 100_000n);
    expect(await invoice(id)).toMatchObject({ open: 7_800n, state: 'open', outcome: null });
    await book.pay(number, 7_800n);
    expect(await invoice(id)).toMatchObject({ open: 0n, state: 'closed', outcome: 'paid' });
  });

  test("too much: the invoice takes what is open, the rest is the customer's and wakes all its cases", async () => {
    const { number, id, customer } = await owing();
    const other = await book.invoice('INV-other', { customer });
    await openCase(other, 1);
    expect(await book.pay(number, full + 500n)).toMatchObject({ unappliedMinor: 500n });
    expect(await invoice(id)).toMatchObject({ open: 0n, state: 'closed' });
    expect(await unapplied(customer)).toEqual({ USD: '500' });
    expect(await wakes(other)).toEqual([{ kind: 'payment' }]);
  });

  test("a second payment of the same invoice is the customer's unapplied money", async () => {
    const { number, id, customer } = await owing();
    await book.pay(number, full);
    expect(await book.pay(number, full)).toMatchObject({ allocated: [], unappliedMinor: full, duplicate: false });
    expect(await invoice(id)).toMatchObject({ open: 0n, state: 'closed' });
    expect(await unapplied(customer)).toEqual({ USD: '107800' });
  });

  test('told twice under one id it is booked once, also by two at the same moment', async () => {
    const { number, id } = await owing();
    expect(await book.pay(number, 1_000n, { externalId: 'same-1' })).toMatchObject({ duplicate: false });
    expect(await book.pay(number, 1_000n, { externalId: 'same-1' })).toMatchObject({ duplicate: true, allocated: [] });
    const many = await Promise.all(Array.from({ length: 8 }, () => book.pay(number, 1_000n, { externalId: 'same-2' })));
    expect(many.filter(booked => !booked.duplicate)).toHaveLength(1);
    expect(new Set(many.map(booked => booked.paymentId)).size).toBe(1);
    expect(await invoice(id)).toMatchObject({ open: full - 2_000n });
  });

  test('without a known payer, told by two at the same moment, it is booked once too', async () => {
    const many = await Promise.all(Array.from({ length: 4 }, () => book.pay('NOBODY-1', 1_000n, { externalId: 'same-3' })));
    expect(many.filter(booked => !booked.duplicate)).toHaveLength(1);
  });

  test('different payments of one customer at the same moment all count', async () => {
    const { number, id } = await owing();
    await Promise.all(Array.from({ length: 12 }, () => book.pay(number, 5_000n)));
    expect(await invoice(id)).toMatchObject({ open: full - 60_000n, state: 'open' });
  });

  test('in another currency it pays nothing: dollars and euros never add up', async () => {
    const { number, id, customer } = await owing();
    expect(await book.pay(number, full, { currency: 'EUR' })).toMatchObject({ allocated: [], unappliedMinor: full });
    expect(await invoice(id)).toMatchObject({ open: full, state: 'open' });
    expect(await unapplied(customer)).toEqual({ EUR: '107800' });
  });

  test('for a number that two customers use, the customer decides; without one it waits for a person', async () => {
    const first = await owing();
    const second = await owing();
    await book.invoice('SHARED-1', { customer: first.customer, id: 'shared_a' });
    await book.invoice('SHARED-1', { customer: second.customer, id: 'shared_b' });
    expect(await book.pay('SHARED-1', 100n)).toMatchObject({ allocated: [], unappliedMinor: 100n });
    expect(await book.pay('SHARED-1', 100n, { customerId: second.customer })).toMatchObject({ allocated: [{ invoiceId: 'shared_b' }] });
    expect(await invoice('shared_a')).toMatchObject({ open: full });
    const items = await book.tx(tx => listReconciliations(tx));
    expect(items.filter(item => item.found.includes('"SHARED-1"'))).toHaveLength(1);
  });

  test('for a number one customer uses twice, the one it was told for is paid', async () => {
    const { customer } = await owing();
    await book.invoice('TWICE-1', { customer, id: 'twice_a', dueDate: '2026-03-01' });
    await book.invoice('TWICE-1', { customer, id: 'twice_b', dueDate: '2026-04-01' });
    expect(await book.pay('TWICE-1', full, { invoiceId: 'twice_b' })).toMatchObject({ allocated: [{ invoiceId: 'twice_b' }] });
    expect(await invoice('twice_a')).toMatchObject({ open: full, state: 'open' });
  });

  test('for an invoice nobody knows becomes an item that says what to do', async () => {
    const { paymentId } = await book.pay('NO-SUCH-INVOICE', 4_200n, { reference: 'thanks' });
    const [item] = (await book.tx(tx => listReconciliations(tx))).filter(row => row.subject === `payment:${paymentId}`);
    expect(item).toMatchObject({
      kind: 'payment_without_customer',
      state: 'open',
      found: '4200 USD minor units, invoice "NO-SUCH-INVOICE", reference "thanks"',
    });
    expect(item?.steps).toMatch(/book the payment again/);
  });

  test('of an invoice that was written off is a recovery: the debt is not chased again', async () => {
    const { number, id } = await owing();
    await book.tx(tx => tx.run(sql`update invoices set state = 'closed', outcome = 'written_off' where id = ${id}`));
    await book.pay(number, 800n);
    expect(await invoice(id)).toMatchObject({ open: 107_000n, state: 'closed', outcome: 'written_off' });
    await book.pay(number, 107_000n);
    expect(await invoice(id)).toMatchObject({ open: 0n, state: 'closed', outcome: 'written_off' });
  });
});

describe('money that goes back', () => {
  const returned = (externalId: string): Partial<NewPayment> => ({ returnsExternalId: externalId });

  test('while its case is open: the same case goes on', async () => {
    const { number, id } = await owing();
    await book.pay(number, full, { externalId: 'r1' });
    expect(await book.pay(number, -full, returned('r1'))).toMatchObject({
      allocated: [{ invoiceId: id, amountMinor: -full }],
      unappliedMinor: 0n,
    });
    expect(await invoice(id)).toMatchObject({ open: full, state: 'open', outcome: null, cycle: 1 });
  });

  test('after its case was closed: a new cycle begins, and intake sees it at once', async () => {
    const { number, id } = await owing();
    await book.pay(number, full, { externalId: 'r2' });
    await closeCase(id);
    await book.pay(number, -full, returned('r2'));
    expect(await invoice(id)).toMatchObject({ open: full, state: 'open', outcome: null, cycle: 2 });
    expect(await book.openCases()).toContain(id);
    expect(await book.rows(sql`select workflow_id from cases where invoice_id = ${id} and state = 'open'`)).toEqual([
      { workflow_id: `dunning/acme/${id}/2` },
    ]);
  });

  test('also when its source had called it paid meanwhile, and no case was wanted any more', async () => {
    const { number, id } = await owing();
    await book.pay(number, full, { externalId: 'r2b' });
    await closeCase(id);
    await book.tx(tx => tx.run(sql`update invoices set intake_on = null where id = ${id}`));
    await book.pay(number, -full, returned('r2b'));
    expect(await book.openCases()).toContain(id);
  });

  test('from money that was never applied: no invoice is touched', async () => {
    const { number, id, customer } = await owing();
    await book.pay(number, full, { externalId: 'r3' });
    await book.pay(number, full, { externalId: 'r4' });
    expect(await book.pay(number, -full, returned('r4'))).toMatchObject({ allocated: [], unappliedMinor: -full });
    expect(await invoice(id)).toMatchObject({ open: 0n, state: 'closed' });
    expect(await unapplied(customer)).toEqual({ USD: '0' });
  });

  test('in part re-opens a part, and no more than was paid can go back', async () => {
    const { number, id, customer } = await owing();
    await book.pay(number, full, { externalId: 'r5' });
    await book.pay(number, -7_800n, returned('r5'));
    expect(await invoice(id)).toMatchObject({ open: 7_800n, state: 'open' });
    expect(await book.pay(number, -full, returned('r5'))).toMatchObject({
      allocated: [{ amountMinor: -100_000n }],
      unappliedMinor: -7_800n,
    });
    expect(await invoice(id)).toMatchObject({ open: full, state: 'open' });
    expect(await unapplied(customer)).toEqual({ USD: '-7800' });
  });

  test('told before the payment it takes back: the invoice ends open, in whatever order the two are heard', async () => {
    const { number, id, customer } = await owing();
    await book.pay(number, -full, { externalId: 'back-1', returnsExternalId: 'r6' });
    expect(await invoice(id)).toMatchObject({ open: full, state: 'open' });
    await book.pay(number, full, { externalId: 'r6' });
    expect(await invoice(id)).toMatchObject({ open: full, state: 'open', outcome: null });
    expect(await unapplied(customer)).toEqual({ USD: '0' });
  });

  test('told at the same moment as the payment it takes back: the invoice ends open', async () => {
    const { number, id, customer } = await owing();
    for (let round = 0; round < 6; round += 1) {
      const externalId = `at-once-${round}`;
      await Promise.all([
        book.pay(number, full, { externalId }),
        book.pay(number, -full, { externalId: `${externalId}-back`, returnsExternalId: externalId }),
      ]);
      expect(await invoice(id)).toMatchObject({ open: full, state: 'open' });
      expect(await unapplied(customer)).toEqual({ USD: '0' });
    }
  });

  test('a part that went back before its payment was heard leaves that part open', async () => {
    const { number, id, customer } = await owing();
    await book.pay(number, -800n, { externalId: 'back-2', returnsExternalId: 'r7' });
    await book.pay(number, full, { externalId: 'r7' });
    expect(await invoice(id)).toMatchObject({ open: 800n, state: 'open' });
    expect(await unapplied(customer)).toEqual({ USD: '0' });
  });

  test('of one payment never takes the money of another', async () => {
    const { number, id } = await owing();
    await book.pay(number, 50_000n, { externalId: 'r8' });
    await book.pay(number, -20_000n, { externalId: 'back-3', returnsExternalId: 'not heard yet' });
    expect(await invoice(id)).toMatchObject({ open: full - 50_000n });
  });

  test('of an invoice that was written off: it stays written off', async () => {
    const { number, id } = await owing();
    await book.tx(tx => tx.run(sql`update invoices set state = 'closed', outcome = 'written_off' where id = ${id}`));
    await book.pay(number, full, { externalId: 'r9' });
    await book.pay(number, -full, returned('r9'));
    expect(await invoice(id)).toMatchObject({ open: full, state: 'closed', outcome: 'written_off' });
  });
});

describe('every sequence of payments and returns', () => {
  type Action =
    | { kind: 'pay'; invoice: number; minor: bigint; source: number }
    | { kind: 'return'; of: number; minor: bigint }
    | { kind: 'close' }
    | { kind: 'repeat' };
  const minor = fc.bigInt({ min: 1n, max: 2_000n });
  const action: fc.Arbitrary<Action> = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('pay' as const),
        invoice: fc.integer({ min: 0, max: 3 }),
        minor,
        source: fc.integer({ min: 0, max: 1 }),
      }),
    },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('return' as const), of: fc.integer({ min: 0, max: 12 }), minor }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('close' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('repeat' as const) }) },
  );

  async function carryOut(actions: readonly Action[]): Promise<void> {
    count += 1;
    const round = count;
    const customer = `cus_p${round}`;
    await book.customer(customer);
    const ids: string[] = [];
    for (const [index, amountMinor] of [1_000n, 1_500n, 700n].entries()) {
      ids.push(await book.invoice(`P${round}-${index}`, { customer, amountMinor }));
      await openCase(ids.at(-1) ?? '', 1);
    }
    const source = `round-${round}`;
    let last: (() => Promise<unknown>) | undefined;
    for (const [index, one] of actions.entries()) {
      if (one.kind === 'close')
        await book.tx(tx =>
          tx.run(
            sql`update cases k set state = 'closed' from invoices i where i.id = k.invoice_id and i.cycle = k.cycle and i.state = 'closed' and k.customer_id = ${customer}`,
          ),
        );
      else if (one.kind === 'repeat') await last?.();
      else {
        // A return may name a payment that is heard later, or never.
        const more = {
          source,
          externalId: `x${index}`,
          customerId: customer,
          ...(one.kind === 'return' ? { returnsExternalId: `x${one.of}` } : {}),
        };
        const number = one.kind === 'pay' ? `P${round}-${one.invoice}` : '';
        last = () => book.pay(number, one.kind === 'pay' ? one.minor : -one.minor, more);
        await last();
      }
      await holds(customer);
    }
  }

  async function holds(customer: string): Promise<void> {
    const rows = await book.rows<{ id: string; amount: bigint; allocated: bigint; open: bigint; state: string; told: bigint }>(sql`
      select i.id, i.amount_minor as amount, i.allocated_minor as allocated, i.open_minor as open, i.state,
        coalesce((select sum(a.amount_minor) from allocations a where a.invoice_id = i.id), 0)::bigint as told
      from invoices i where i.customer_id = ${customer}`);
    for (const row of rows) {
      expect(row.told).toBe(row.allocated);
      expect(row.open).toBe(row.amount - row.allocated);
      expect(row.open >= 0n && row.allocated >= 0n).toBe(true);
      expect(row.state).toBe(row.open === 0n ? 'closed' : 'open');
    }
    const payments = await book.rows<{ amount: bigint; allocated: bigint; told: bigint; back: bigint }>(sql`
      select p.amount_minor as amount, p.allocated_minor as allocated,
        coalesce((select sum(a.amount_minor) from allocations a where a.payment_id = p.id), 0)::bigint as told,
        coalesce((select sum(a.amount_minor) from allocations a join payments r on r.id = a.payment_id where r.returns_payment_id = p.id), 0)::bigint as back
      from payments p where p.customer_id = ${customer}`);
    for (const row of payments) {
      expect(row.told).toBe(row.allocated);
      // Never more than the payment, never the other way round, and a return takes back at most what its payment gave.
      if (row.amount > 0n) expect(row.allocated >= 0n && row.allocated <= row.amount && row.allocated + row.back >= 0n).toBe(true);
      else expect(row.allocated <= 0n && row.allocated >= row.amount).toBe(true);
    }
  }

  test('adds up, and leaves nobody owing less than nothing', async () => {
    await fc.assert(fc.asyncProperty(fc.array(action, { minLength: 1, maxLength: 14 }), carryOut), {
      numRuns: 40,
      endOnFailure: true,
      seed: 20_260_302,
    });
  }, 60_000);
});
