// why.test.ts: what people and programs are told of a case by the command line, after a life that was really lived: letters
// sent, one declined, one recorded only, one still to come.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { run } from '../../client/cli/program.ts';
import { instantAt, isoInstant } from '../../domain/time.ts';
import { reviewNotice } from '../../store/notice-review.ts';
import { sql } from '../../store/sql.ts';
import { type Book, openBook, zone } from './book.ts';

jest.setTimeout(60_000);
let book: Book;

beforeAll(async () => {
  book = await openBook();
  await book.customer('cus_1', { name: 'Example Ltd' });
  await book.invoice('INV-1', { customer: 'cus_1' });
  await book.invoice('INV-2', { customer: 'cus_1' });
  await book.customer('cus_2', { segment: 'shadowed' });
  await book.invoice('SHADOW-1', { customer: 'cus_2' });
  await book.customer('cus_3', { segment: 'suggested' });
  await book.invoice('ASKED-1', { customer: 'cus_3' });
  await book.customer('cus_4');
  await book.invoice('PAID-1', { customer: 'cus_4' });
  await book.invoice('TWICE', { customer: 'cus_1', id: 'twice_1', dueDate: '2026-12-01' });
  await book.invoice('TWICE', { customer: 'cus_2', id: 'twice_2', dueDate: '2026-12-01' });
  await book.invoice('FUTURE-1', { customer: 'cus_2', dueDate: '2026-12-01' });
  await book.passTo(instantAt('2026-03-03', 12 * 60, zone));
  const [waiting] = await book.rows<{ id: string }>(sql`select id from notices where review = 'waiting'`);
  await book.tx(tx => reviewNotice(tx, waiting?.id ?? '', { decision: 'decline', by: 'ana', note: 'a friend', at: book.clock.now() }));
  await book.pay('PAID-1', 107_800n);
  await book.passTo(instantAt('2026-03-09', 12 * 60, zone));
}, 120_000);
afterAll(() => book?.stop());

type Ran = { code: number; out: string; err: string };

/** The command line as a process of its own, as people start it. */
async function started(args: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<Ran> {
  const main = fileURLToPath(new URL('../../client/cli/main.ts', import.meta.url));
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], NO_COLOR: '1', DATABASE_URL: book.db.url, ...more };
  const child = spawn(process.execPath, ['--import', 'tsx', main, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.on('data', (part: Buffer) => (out += part.toString()));
  child.stderr.on('data', (part: Buffer) => (err += part.toString()));
  const [code] = (await once(child, 'close')) as [number];
  return { code, out, err };
}

/** The same command line in this process: what it prints and the code it would end with, without the second it takes to start. */
async function dunlin(args: readonly string[]): Promise<Ran> {
  const told = { out: '', err: '' };
  const taking = (to: 'out' | 'err') => (part: unknown) => {
    told[to] += String(part);
    return true;
  };
  const taken = [
    jest.spyOn(process.stdout, 'write').mockImplementation(taking('out')),
    jest.spyOn(process.stderr, 'write').mockImplementation(taking('err')),
  ];
  process.env['DATABASE_URL'] = book.db.url;
  try {
    return { code: await run(args), ...told };
  } finally {
    delete process.env['DATABASE_URL'];
    for (const spy of taken) spy.mockRestore();
  }
}

async function answerOf<T = Record<string, unknown>>(...args: string[]): Promise<T> {
  const ran = await dunlin([...args, '--json']);
  expect({ code: ran.code, err: ran.err }).toEqual({ code: 0, err: '' });
  return JSON.parse(ran.out) as T;
}

describe('why', () => {
  test('a stage that was sent: the decision, its reasons, and all the gate looked at when the letter left', async () => {
    const why = await answerOf('why', 'INV-1', '--stage', 'friendly');
    expect(why).toMatchObject({
      invoice: 'INV-1',
      stage: 'friendly',
      decision: 'sent: friendly',
      reasons: [{ code: 'stage_due', text: 'INV-1 is due in 3 days: stage friendly is due' }],
      policy_version: 'standard v1',
      customer_version: '1',
      code_version: 'test',
      gate: {
        verdict: 'send',
        inputs: {
          policy: 'standard',
          mode: 'auto',
          customerVersion: 1,
          zones: zone,
          window: '09:00-17:00',
          sentIn7Days: 0,
          creditsMinor: '0',
          'line INV-1': 'stage friendly, open 107800 of 107800 decided, version 1 of 1',
          'line INV-2': 'stage friendly, open 107800 of 107800 decided, version 1 of 1',
        },
      },
      approvals: [],
      evidence: [{ kind: 'reminder', state: 'sent', stage: 'friendly', detail: expect.stringContaining('ap@cus-1.example') }],
    });
  });

  test("a stage that another invoice's letter spoke for is explained by that letter", async () => {
    const why = await answerOf('why', 'INV-2', '--stage', 'friendly');
    expect(why).toMatchObject({
      decision: 'sent: friendly',
      policy_version: 'standard v1',
      customer_version: '1',
      reasons: [{ code: 'may_leave' }],
      gate: { verdict: 'send' },
    });
  });

  test('a stage that was recorded only: suppressed, because nobody is contacted in shadow mode', async () => {
    const why = await answerOf('why', 'SHADOW-1', '--stage', 'friendly');
    expect(why).toMatchObject({
      decision: 'suppressed: friendly',
      policy_version: 'standard v1',
      reasons: expect.arrayContaining([expect.objectContaining({ code: 'shadow_mode' })]),
      gate: { verdict: 'suppress', inputs: { mode: 'shadow' } },
    });
  });

  test('a stage a person declined: who, and what was asked', async () => {
    const why = await answerOf('why', 'ASKED-1', '--stage', 'friendly');
    expect(why).toMatchObject({ decision: 'suppressed: friendly', approvals: [{ asks: 'suggest', review: 'declined', by: 'ana' }] });
  });

  test('a stage that is still to come: not sent, until when, for which stage', async () => {
    const why = await answerOf('why', 'INV-1', '--stage', 'firm');
    expect(why).toMatchObject({ stage: 'firm', gate: null, evidence: [], policy_version: 'standard v1' });
    expect(why['decision']).toMatch(/^not sent: waits until 2026-03-12T\d\d:\d\d:\d\dZ for firm$/);
    expect(why['customer_version']).toBe('1');
  });

  test('--not tells why nothing more was said, --at what was known then', async () => {
    const [sent] = await book.rows<{ decided_at: number; finished_at: number }>(
      sql`select decided_at, finished_at from notices where stage = 'friendly' and customer_id = 'cus_1'`,
    );
    const now = await answerOf('why', 'INV-1');
    const not = await answerOf('why', 'INV-1', '--not');
    const before = await answerOf('why', 'INV-1', '--at', isoInstant((sent?.decided_at ?? 0) - 60_000));
    const paid = await answerOf('why', 'PAID-1', '--not');
    expect(now).toMatchObject({ decision: 'sent: gentle' });
    expect(not).toMatchObject({ decision: expect.stringMatching(/^not sent: waits until 2026-03-12/) });
    expect(before).toMatchObject({
      at: isoInstant((sent?.decided_at ?? 0) - 60_000),
      decision: expect.stringMatching(/^not sent: waits until 2026-03-02T.* for friendly$/),
      reasons: [{ code: 'stage_due' }, { code: 'outside_window' }],
      evidence: [],
      gate: null,
    });
    expect(paid).toMatchObject({ decision: 'close', reasons: [{ code: 'paid_or_closed', text: 'PAID-1 is paid' }] });
  });

  test('people read the same', async () => {
    const { code, out } = await started(['why', 'INV-1', '--stage', 'friendly']);
    expect(code).toBe(0);
    expect(out).toContain('sent: friendly');
    expect(out).toContain('policy standard v1, facts version 1, code test');
    expect(out).toContain('gate: send');
  });
});

describe('cases and case', () => {
  test('cases are listed the soonest first, and narrowed', async () => {
    const all = await answerOf<{ cases: { invoice: string; next_action_at: string | null }[] }>('cases');
    const closed = await answerOf('cases', '--state', 'closed');
    const one = await answerOf('cases', '--customer', 'cus_1');
    const times = all.cases.flatMap(row => (row.next_action_at ? [row.next_action_at] : []));
    expect(times).toEqual(times.toSorted());
    expect(all.cases.map(row => row.invoice).toSorted()).toEqual(['ASKED-1', 'INV-1', 'INV-2', 'PAID-1', 'SHADOW-1']);
    expect(closed).toMatchObject({
      cases: [{ invoice: 'PAID-1', state: 'closed', outcome: 'paid', open: { amount: '0', currency: 'USD' } }],
    });
    expect(one).toMatchObject({
      cases: [
        {
          invoice: 'INV-1',
          customer: 'Example Ltd',
          stage: 'gentle',
          next_stage: 'firm',
          policy: 'standard v1',
          workflow_id: 'dunning/acme/inv_INV-1',
        },
        { invoice: 'INV-2' },
      ],
    });
  });

  test('one case tells its life in the order it happened, what is next, and where its workflow is', async () => {
    const ran = await started(['case', 'INV-1', '--json'], { TEMPORAL_UI_URL: 'http://127.0.0.1:8233' });
    const told = JSON.parse(ran.out) as { timeline: { at: string; kind: string; what: string }[] };
    expect(told).toMatchObject({
      invoice: 'INV-1',
      state: 'open',
      policy: 'standard v1',
      next_stage: 'firm',
      workflow_id: 'dunning/acme/inv_INV-1',
      workflow_url: 'http://127.0.0.1:8233/namespaces/default/workflows/dunning%2Facme%2Finv_INV-1',
      story: expect.stringContaining('+1 gentle sent by e-mail'),
    });
    expect(told.timeline.map(entry => entry.at)).toEqual(told.timeline.map(entry => entry.at).toSorted());
    expect(told.timeline.map(entry => entry.what)).toEqual(
      expect.arrayContaining(['case opened', 'friendly email sent', 'gentle email sent']),
    );
  });

  test('an invoice without a case says so', async () => {
    expect(await answerOf('case', 'FUTURE-1')).toMatchObject({ state: 'no case yet', workflow_id: null, story: '' });
  });
});

describe('pay', () => {
  test('a part, told twice, gone back, and the rest', async () => {
    const pay = (...more: string[]) => answerOf('pay', 'FUTURE-1', ...more);
    const part = ['--amount', '78.00', '--value-date', '2026-03-09'];
    expect(await pay(...part)).toMatchObject({
      duplicate: false,
      invoice: 'FUTURE-1',
      allocated: { amount: '7800', currency: 'USD' },
      unapplied: { amount: '0', currency: 'USD' },
      open: { amount: '100000', currency: 'USD' },
      state: 'open',
    });
    expect(await pay(...part)).toMatchObject({ duplicate: true, open: { amount: '100000' } });
    expect(await pay(...part, '--returned')).toMatchObject({
      duplicate: false,
      allocated: { amount: '-7800' },
      open: { amount: '107800' },
    });
    expect(await pay('--id', 'BANK-1')).toMatchObject({ open: { amount: '0' }, state: 'closed' });
    expect(await pay('--id', 'BANK-1', '--amount', '1078.00', '--returned')).toMatchObject({ open: { amount: '107800' }, state: 'open' });
    expect(await book.rows(sql`select 1 from payments where returns_payment_id is not null`)).toHaveLength(1);
  });
});

describe('exit codes', () => {
  test.each([
    ['an invoice nobody has', ['why', 'NOPE'], 'found none of that number'],
    ['a number of several customers', ['why', 'TWICE'], 'ask by id: twice_1'],
    ['a time that is none', ['why', 'INV-1', '--at', 'yesterday'], '--at: found "yesterday"'],
    ['a state that is none', ['cases', '--state', 'lost'], 'expected one of starting, open, with_people, closed'],
    ['a limit that is none', ['cases', '--limit', 'many'], '--limit: found "many"'],
    ['an amount that is none', ['pay', 'INV-1', '--amount', '-5'], 'for money that went back use --returned'],
    ['more decimals than the currency has', ['pay', 'INV-1', '--amount', '1.001'], '--amount: '],
    ['a day that is none', ['pay', 'INV-1', '--value-date', '2026-02-30'], '--value-date: '],
    ['a payment of nothing open', ['pay', 'PAID-1'], 'nothing is open'],
    ['a return without an amount', ['pay', 'PAID-1', '--returned'], '--returned needs --amount'],
    ['no invoice', ['why'], 'missing required argument'],
  ])('2 for %s, with one sentence on stderr and nothing on stdout', async (_what, args, says) => {
    expect(await dunlin(args)).toEqual({ code: 2, out: '', err: expect.stringContaining(says) });
  });

  test("3 when there is no database to ask, 1 when it does not answer; another tenant's invoice is not there", async () => {
    const nobody = { DATABASE_URL: '', DUNLIN_HOME: '/nonexistent-dunlin-home' };
    const [missing, away, other] = await Promise.all([
      started(['why', 'INV-1', '--json'], nobody),
      started(['why', 'INV-1'], { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' }),
      dunlin(['why', 'INV-1', '--tenant', 'globex']),
    ]);
    expect({ code: missing.code, told: JSON.parse(missing.out) as object }).toMatchObject({ code: 3, told: { fix: './dunlin up' } });
    expect(away).toMatchObject({ code: expect.any(Number), err: expect.stringContaining('ECONNREFUSED') });
    expect([1, 3]).toContain(away.code);
    expect(other).toMatchObject({ code: 2, err: expect.stringContaining('in tenant "globex"') });
  });
});
