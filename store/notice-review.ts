// notice-review.ts: what people and evidence say about a notice: approve or decline one that waits, settle one whose
// delivery is unknown, ask for another try of one that was refused, take note that one came back.
import type { NoticeEvent } from '../domain/notice.ts';
import type { EpochMs } from '../domain/time.ts';
import type { Tx } from './database.ts';
import { type Moved, moveNotice } from './notice-transitions.ts';
import { at, sql } from './sql.ts';
import { suppress } from './suppressions.ts';
import { lockCustomer, wakeInvoices } from './wakes.ts';

/** `too_late` tells what the notice had become before. */
export type Settled = { readonly kind: 'done'; readonly id: string } | { readonly kind: 'too_late'; readonly because: string };

export type Review = { readonly decision: 'approve' | 'decline'; readonly by: string; readonly note?: string; readonly at: EpochMs };

/** One winner: the second decision, or one after a payment withdrew the notice, is told what came first. Wakes its cases. */
export async function reviewNotice(tx: Tx, id: string, review: Review): Promise<Settled> {
  const customerId = await customerOf(tx, id);
  if (!customerId) return missing(id);
  await lockCustomer(tx, customerId, 'changes');
  const decided = await tx.run(sql`
    update notices set review = ${review.decision === 'approve' ? 'approved' : 'declined'}, reviewed_by = ${review.by},
      review_note = ${review.note ?? null}, due_at = least(due_at, ${at(review.at)})
    where tenant_id = ${tx.tenant} and id = ${id} and state = 'pending' and review = 'waiting'`);
  if (decided === 0) return tooLate(tx, id);
  const because = review.note ?? `${review.by} ${review.decision === 'approve' ? 'agreed' : 'said no'}`;
  if (review.decision === 'decline') {
    await moveNotice(tx, 'decline', id, { now: review.at, actor: `person:${review.by}`, because });
  } else {
    tx.event({
      kind: 'notice.approved',
      subject: `notice:${id}`,
      actor: `person:${review.by}`,
      at: review.at,
      body: { because, customer: customerId },
    });
  }
  await wakeInvoices(tx, await invoicesOf(tx, id), 'review', `${id}:${review.decision}`);
  return { kind: 'done', id };
}

/** How an unknown delivery was settled, and on what ground. `by` is "person:ana", "provider:ses" or "journal:inbox". */
export type Resolution = { readonly as: 'sent' | 'not_sent'; readonly by: string; readonly because: string; readonly at: EpochMs };

/** Settles an unknown delivery. not_sent gives its stages free; whether they are still wanted is up to the rules. */
export async function resolveUnknown(tx: Tx, id: string, resolution: Resolution): Promise<Settled> {
  return settle(tx, resolution.as === 'sent' ? 'resolve_sent' : 'resolve_not_sent', id, resolution, `${id}:resolved`);
}

/** Another try of a message that was refused, with the same Message-ID. */
export async function retryNotice(tx: Tx, id: string, by: string, because: string, now: EpochMs): Promise<Settled> {
  return settle(tx, 'retry', id, { by: `person:${by}`, because, at: now }, `${id}:retry:${now}`);
}

async function settle(
  tx: Tx,
  on: NoticeEvent,
  id: string,
  told: { by: string; because: string; at: EpochMs },
  wakeId: string,
): Promise<Settled> {
  const customerId = await customerOf(tx, id);
  if (!customerId) return missing(id);
  await lockCustomer(tx, customerId, 'changes');
  const moved = await moveNotice(tx, on, id, { now: told.at, actor: told.by, because: told.because, nextAt: told.at });
  if (!moved) return tooLate(tx, id);
  await wakeInvoices(tx, moved.invoiceIds, 'notice', wakeId);
  return { kind: 'done', id };
}

/** The journal mailbox, or the provider's log, holds a message with this Message-ID: an unknown delivery was made. */
export async function noticeSeen(tx: Tx, messageId: string, by: string, now: EpochMs): Promise<Settled> {
  const id = await idOfMessage(tx, messageId);
  if (!id) return { kind: 'too_late', because: `no notice has the Message-ID ${messageId}` };
  return resolveUnknown(tx, id, { as: 'sent', by, because: `a copy with its Message-ID was found`, at: now });
}

/**
 * A delivery report says that the message with this Message-ID came back for good (RFC 3464, Action: failed): the address
 * is suppressed, the notice is no contact, and its stages are free for another contact of the customer.
 */
export async function noticeBounced(tx: Tx, messageId: string, report: { reason: string; by: string; at: EpochMs }): Promise<Settled> {
  const id = await idOfMessage(tx, messageId);
  if (!id) return { kind: 'too_late', because: `no notice has the Message-ID ${messageId}` };
  const row = await tx.one<{ recipient: string | null }>(sql`select recipient from notices where tenant_id = ${tx.tenant} and id = ${id}`);
  // First, because it locks every customer who has the address, in order.
  if (row?.recipient) {
    await suppress(
      tx,
      { channel: 'email', address: row.recipient, reason: `bounced: ${report.reason}`.slice(0, 300), at: report.at },
      report.by,
    );
  }
  return settle(tx, 'bounce', id, { by: report.by, because: report.reason, at: report.at }, `${id}:bounced`);
}

/** The server refused the address itself while sending: the same for a notice that this worker holds. */
export async function addressRefused(
  tx: Tx,
  id: string,
  told: { token: bigint; recipient: string; reply: string; now: EpochMs },
): Promise<Moved | undefined> {
  await suppress(tx, { channel: 'email', address: told.recipient, reason: `refused: ${told.reply}`.slice(0, 300), at: told.now }, 'dunlin');
  return moveNotice(tx, 'address_refused', id, {
    now: told.now,
    actor: 'dunlin',
    because: 'the mail server does not accept this address',
    token: told.token,
    reply: told.reply,
  });
}

async function customerOf(tx: Tx, id: string): Promise<string | undefined> {
  return (await tx.one<{ customer_id: string }>(sql`select customer_id from notices where tenant_id = ${tx.tenant} and id = ${id}`))
    ?.customer_id;
}

async function idOfMessage(tx: Tx, messageId: string): Promise<string | undefined> {
  const wanted = messageId.startsWith('<') ? messageId : `<${messageId}>`;
  return (await tx.one<{ id: string }>(sql`select id from notices where tenant_id = ${tx.tenant} and message_id = ${wanted}`))?.id;
}

async function invoicesOf(tx: Tx, id: string): Promise<string[]> {
  const rows = await tx.rows<{ invoice_id: string }>(
    sql`select distinct invoice_id from notice_lines where tenant_id = ${tx.tenant} and notice_id = ${id} order by 1`,
  );
  return rows.map(row => row.invoice_id);
}

function missing(id: string): Settled {
  return { kind: 'too_late', because: `there is no notice ${id}; list them with: dunlin notices` };
}

async function tooLate(tx: Tx, id: string): Promise<Settled> {
  const row = await tx.one<{ state: string; review: string; reviewed_by: string | null; resolved_by: string | null }>(
    sql`select state, review, reviewed_by, resolved_by from notices where tenant_id = ${tx.tenant} and id = ${id}`,
  );
  const who = row?.resolved_by ?? row?.reviewed_by;
  return {
    kind: 'too_late',
    because: `notice ${id} is ${row?.state}${row?.review === 'none' ? '' : `, review ${row?.review}`}${who ? ` by ${who}` : ''}`,
  };
}
