// protocol-sql.test.ts: the SQL moves a notice exactly where the table says. Every event is tried from every state, and
// every guard is made false once, on a real database.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { NoticeState } from '../../domain/facts.ts';
import { type Guard, type NoticeEvent, noticeProtocol, transitionOn } from '../../domain/notice.ts';
import { type Given, moveNotice } from '../../store/notice-transitions.ts';
import { type Desk, openDesk, tenant } from './desk.ts';
import { noticeStates } from './states.ts';

let desk: Desk;
let notice: string;
const customer = 'cus_1';
const invoice = 'inv_1';
const token = 7n;

beforeAll(async () => {
  desk = await openDesk();
  await desk.customer(customer);
  await desk.invoice(invoice, customer);
  notice = await desk.open(customer, [invoice]);
}, 120_000);
afterAll(() => desk?.stop());

/** Everything as every guard of this event wants it. */
async function makeReady(on: NoticeEvent, state: NoticeState): Promise<void> {
  const expired = transitionOn(on).guards.includes('lease_expired');
  await desk.byHand(
    `update notices n set state = $2, fence_token = $3, lease_until = now() + ($4 || ' seconds')::interval, review = 'none', recipient = 'ap@a.example',
       due_at = '2026-03-01', send_epoch = t.send_epoch, customer_version = c.version, finished_at = null
     from tenants t, customers c where n.id = $1 and t.tenant_id = n.tenant_id and c.tenant_id = n.tenant_id and c.id = n.customer_id`,
    [notice, state, token.toString(), expired ? '-5' : '60'],
  );
  await desk.byHand('update notice_lines set live = true where notice_id = $1', [notice]);
  await desk.byHand(`update invoices set state = 'open', outcome = null where id = $1`, [invoice]);
  await desk.byHand('delete from holds');
  await desk.byHand('delete from suppressions');
  await desk.byHand('update tenants set sends_stopped_because = null');
  await desk.byHand(`update notices set state = 'cancelled' where id <> $1`, [notice]);
}

function given(on: NoticeEvent): Given {
  const kind = transitionOn(on).guards.includes('gate_cancels')
    ? 'cancel'
    : transitionOn(on).guards.includes('gate_suppresses')
      ? 'suppress'
      : 'send';
  return {
    now: desk.now,
    actor: 'person:test',
    because: 'test',
    token,
    leaseMs: 60_000,
    reply: '250 ok',
    nextAt: desk.now,
    verdict: { kind, reasons: [], inputs: {} },
    draft: {
      recipient: 'ap@a.example',
      recipientName: '',
      locale: 'en',
      subject: 's',
      inReplyTo: null,
      bytes: null,
      sha256: null,
      customerVersion: 1n,
    },
  };
}

async function moves(on: NoticeEvent, more: Partial<Given> = {}): Promise<boolean> {
  const moved = await desk.in(tx => moveNotice(tx, on, notice, { ...given(on), ...more }));
  return moved !== undefined;
}

describe.each(noticeProtocol)('$on', ({ on, from, to, effects }) => {
  test.each(noticeStates)('from %s', async state => {
    await makeReady(on, state);
    const moved = await moves(on);
    expect(moved).toBe(from.includes(state));
    const after = await desk.notice(notice);
    expect(after.state).toBe(moved ? to : state);
    if (moved) expect(after.live).toBe(!effects.includes('free_lines'));
  });
});

/** How to make a guard false while everything else stays as it should be. */
const breaking: Record<Guard, () => Promise<Partial<Given> | void>> = {
  my_token: async () => ({ token: token + 1n }),
  lease_valid: async () => void (await desk.byHand(`update notices set lease_until = now() - interval '1 second' where id = $1`, [notice])),
  lease_expired: async () =>
    void (await desk.byHand(`update notices set lease_until = now() + interval '1 minute' where id = $1`, [notice])),
  sends_allowed: async () => void (await desk.byHand(`update tenants set sends_stopped_because = 'drill'`)),
  review_allows: async () => void (await desk.byHand(`update notices set review = 'waiting' where id = $1`, [notice])),
  alone: async () => {
    await desk.invoice(`inv_other_${(others += 1)}`, customer);
    const other = await desk.open(customer, [`inv_other_${others}`]);
    await desk.byHand(`update notices set state = 'in_data', lease_until = now() + interval '1 minute' where id = $1`, [other]);
  },
  is_due: async () => void (await desk.byHand(`update notices set due_at = '2027-01-01' where id = $1`, [notice])),
  gate_sends: async () => ({ verdict: { kind: 'cancel', reasons: [], inputs: {} } }),
  gate_cancels: async () => ({ verdict: { kind: 'send', reasons: [], inputs: {} } }),
  gate_suppresses: async () => ({ verdict: { kind: 'send', reasons: [], inputs: {} } }),
  facts_unchanged: async () => void (await desk.byHand('update customers set version = version + 1 where id = $1', [customer])),
  lines_open: async () => void (await desk.byHand(`update invoices set state = 'closed' where id = $1`, [invoice])),
  no_hold: async () =>
    void (await desk.byHand(
      `insert into holds (tenant_id, id, kind, scope, reason, starts_at) values ($1, 'h', 'manual', 'tenant', 'drill', '2026-01-01')`,
      [tenant],
    )),
  address_allowed: async () =>
    void (await desk.byHand(
      `insert into suppressions (tenant_id, channel, address, reason, at) values ($1, 'email', 'ap@a.example', 'drill', now())`,
      [tenant],
    )),
  lines_living: async () => void (await desk.byHand('update notice_lines set live = false where notice_id = $1', [notice])),
};
let others = 0;

const asked = noticeProtocol.flatMap(({ on, from, guards }) => guards.map(guard => ({ on, guard, from: from[0] ?? 'pending' })));
test.each(asked)('$on does not happen when this is false: $guard', async ({ on, guard, from }) => {
  await makeReady(on, from);
  const more = await breaking[guard]();
  expect(await moves(on, more ?? {})).toBe(false);
  await makeReady(on, from);
  expect(await moves(on)).toBe(true);
});
