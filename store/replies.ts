// replies.ts: what customers say by mail or text message, and what came back. A person's words pause the whole customer
// until a person has read them; machines are only recorded; a bounce means that nobody was contacted.
import type { EpochMs } from '../domain/time.ts';
import { dropNumber } from './call-events.ts';
import { customersWithEmail, customersWithPhone } from './contacts.ts';
import type { Tx } from './database.ts';
import { placeHold } from './holds.ts';
import { derivedId } from './ids.ts';
import { noticeBounced, noticeSeen } from './notice-review.ts';
import { sql } from './sql.ts';
import { suppress } from './suppressions.ts';
import { openTask } from './tasks.ts';

/** What formats/mail.ts made of a message. */
export type InboundMail =
  | {
      readonly kind: 'bounce';
      readonly severity: 'hard' | 'soft';
      readonly recipient: string | null;
      readonly status: string | null;
      readonly diagnostic: string;
      readonly originalMessageId: string | null;
    }
  | { readonly kind: 'delivered' | 'complaint'; readonly recipient: string | null; readonly originalMessageId: string | null }
  | {
      readonly kind: 'automatic';
      readonly because: string;
      readonly from: string | null;
      readonly answers: readonly string[];
      readonly subject: string;
    }
  | {
      readonly kind: 'reply';
      readonly from: string | null;
      readonly subject: string;
      readonly text: string;
      readonly answers: readonly string[];
    }
  | { readonly kind: 'unreadable'; readonly because: string };

const actor = 'vendor:mail';

type Notice = { id: string; customer_id: string; recipient: string | null };

/** Books one message and says what became of it. */
export async function bookMail(tx: Tx, mail: InboundMail, eventId: string, now: EpochMs): Promise<string> {
  switch (mail.kind) {
    case 'bounce':
      return bookBounce(tx, mail, now);
    case 'delivered': {
      if (!mail.originalMessageId) return 'delivery report without our Message-ID';
      const seen = await noticeSeen(tx, mail.originalMessageId, 'provider:dsn', now);
      return seen.kind === 'done' ? `delivered: ${seen.id}` : 'delivery report, nothing was in doubt';
    }
    case 'complaint':
      return bookComplaint(tx, mail, now);
    case 'automatic': {
      const notice = await noticeOf(tx, mail.answers);
      if (!notice) return `automatic (${mail.because})`;
      tx.event({
        kind: 'reply.automatic',
        subject: `notice:${notice.id}`,
        actor,
        at: now,
        body: { because: mail.because, customer: notice.customer_id },
      });
      return `automatic (${mail.because}): ${notice.id}`;
    }
    case 'reply':
      return bookReply(tx, mail, eventId, now);
    case 'unreadable':
      await unmatchedMail(tx, eventId, 'A message could not be read', mail.because, now);
      return `unreadable: ${mail.because}`;
  }
}

async function bookBounce(tx: Tx, mail: Extract<InboundMail, { kind: 'bounce' }>, now: EpochMs): Promise<string> {
  const notice = mail.originalMessageId ? await noticeOf(tx, [mail.originalMessageId]) : undefined;
  const what = `${mail.status ?? 'no status'} ${mail.diagnostic}`.trim();
  if (mail.severity === 'soft') {
    if (notice) tx.event({ kind: 'notice.delayed', subject: `notice:${notice.id}`, actor, at: now, body: { status: mail.status } });
    return `soft bounce (${mail.status ?? 'no status'})${notice ? `: ${notice.id}` : ''}`;
  }
  if (notice && mail.originalMessageId) {
    await noticeBounced(tx, mail.originalMessageId, { reason: what, by: 'provider:dsn', at: now });
    await fixAddress(tx, notice.customer_id, notice.recipient ?? mail.recipient ?? '', notice.id, what, now);
    return `hard bounce: ${notice.id}`;
  }
  const holders = mail.recipient ? await customersWithEmail(tx, mail.recipient) : [];
  if (!mail.recipient || holders.length === 0) return 'hard bounce of no message and no contact of ours';
  await suppress(tx, { channel: 'email', address: mail.recipient, reason: `bounced: ${what}`.slice(0, 300), at: now }, actor);
  for (const customerId of holders) await fixAddress(tx, customerId, mail.recipient, null, what, now);
  return `hard bounce of a contact, without our Message-ID`;
}

async function fixAddress(tx: Tx, customerId: string, address: string, noticeId: string | null, what: string, now: EpochMs): Promise<void> {
  await openTask(
    tx,
    {
      id: derivedId('task', 'bounced', customerId, address.toLowerCase()),
      kind: 'fix_contact',
      customerId,
      noticeId,
      title: 'Find an e-mail address that works',
      body: `A message to ${address} came back for good: ${what}. The address is not used any more; the stage it carried does not count as contact.`,
      dueAt: now,
    },
    actor,
    now,
  );
}

/** A complaint stops the channel for the customer, not only the address it came from. */
async function bookComplaint(tx: Tx, mail: { recipient: string | null; originalMessageId: string | null }, now: EpochMs): Promise<string> {
  const notice = mail.originalMessageId ? await noticeOf(tx, [mail.originalMessageId]) : undefined;
  const customers = notice ? [notice.customer_id] : mail.recipient ? await customersWithEmail(tx, mail.recipient) : [];
  const addresses = await tx.rows<{ email: string }>(sql`
    select distinct lower(email) as email from contacts where tenant_id = ${tx.tenant} and customer_id = any(${customers}) and email is not null order by 1`);
  for (const { email } of addresses) await suppress(tx, { channel: 'email', address: email, reason: 'complaint', at: now }, actor);
  for (const customerId of customers) {
    await openTask(
      tx,
      {
        id: derivedId('task', 'complaint', customerId, now),
        kind: 'reply',
        customerId,
        noticeId: notice?.id ?? null,
        title: 'A message was reported as spam',
        body: 'No e-mail goes to this customer any more. Speak with him, and take his addresses off the suppression list only when he agrees.',
        dueAt: now,
      },
      actor,
      now,
    );
  }
  return customers.length > 0 ? `complaint: ${customers.join(', ')}` : 'complaint about no message of ours';
}

async function bookReply(tx: Tx, mail: Extract<InboundMail, { kind: 'reply' }>, eventId: string, now: EpochMs): Promise<string> {
  const notice = await noticeOf(tx, mail.answers);
  const known = notice || !mail.from ? [] : await customersWithEmail(tx, mail.from);
  const customerId = notice?.customer_id ?? (known.length === 1 ? known[0] : undefined);
  if (!customerId) {
    await unmatchedMail(
      tx,
      eventId,
      `Whose message is "${mail.subject.slice(0, 80)}"?`,
      `From ${mail.from ?? 'nobody'}:\n\n${mail.text}`,
      now,
    );
    return known.length > 1 ? 'reply that several customers could have sent' : 'reply of nobody we know';
  }
  return pauseForWords(
    tx,
    {
      customerId,
      noticeId: notice?.id ?? null,
      eventId,
      title: `Answer: ${mail.subject.slice(0, 80)}`,
      words: `From ${mail.from ?? 'unknown'}:\n\n${mail.text}`,
    },
    now,
  );
}

type Words = {
  readonly customerId: string;
  readonly noticeId: string | null;
  readonly eventId: string;
  readonly title: string;
  readonly words: string;
};

/** A person wrote: nothing more goes to this customer until a person has read it and lifts the hold. */
async function pauseForWords(tx: Tx, reply: Words, now: EpochMs): Promise<string> {
  const holdId = derivedId('hld', 'reply', reply.eventId);
  await placeHold(
    tx,
    {
      scope: 'customer',
      customerId: reply.customerId,
      id: holdId,
      kind: 'reply_received',
      reason: 'the customer answered',
      startsAt: now,
      endsAt: null,
    },
    actor,
  );
  await openTask(
    tx,
    {
      id: derivedId('task', 'reply', reply.eventId),
      kind: 'reply',
      customerId: reply.customerId,
      noticeId: reply.noticeId,
      title: reply.title,
      body: `${reply.words}\n\nThe customer's cases wait until this is read. Then lift hold ${holdId}.`,
      dueAt: now,
    },
    actor,
    now,
  );
  tx.event({ kind: 'reply.received', subject: `customer:${reply.customerId}`, actor, at: now, body: { noticeId: reply.noticeId, holdId } });
  return `reply: ${reply.customerId}`;
}

async function unmatchedMail(tx: Tx, eventId: string, title: string, body: string, now: EpochMs): Promise<void> {
  await openTask(tx, { id: derivedId('task', 'unmatched_mail', eventId), kind: 'unmatched_mail', title, body, dueAt: now }, actor, now);
}

/** The notice one of these Message-IDs belongs to, the nearest first. */
async function noticeOf(tx: Tx, messageIds: readonly string[]): Promise<Notice | undefined> {
  const wanted = messageIds.map(id => `<${id.replaceAll(/^<|>$/g, '')}>`);
  const [nearest] = await tx.rows<Notice>(sql`
    select id, customer_id, recipient from notices where tenant_id = ${tx.tenant} and message_id = any(${wanted})
    order by array_position(${wanted}::text[], message_id) limit 1`);
  return nearest;
}

export type InboundSms = { readonly from: string | null; readonly message: string; readonly stop: boolean };

/** A text message: STOP ends every use of the number, other words pause the customer. */
export async function bookSms(tx: Tx, sms: InboundSms, eventId: string, now: EpochMs): Promise<string> {
  if (!sms.from) return 'text message without a number';
  if (sms.stop) {
    const customers = await dropNumber(tx, sms.from, 'the owner of the number wrote STOP', now);
    return `stop: ${customers.length > 0 ? customers.join(', ') : 'no contact of ours has the number'}`;
  }
  const holders = await customersWithPhone(tx, sms.from);
  const [customerId] = holders;
  if (holders.length !== 1 || !customerId) {
    const task = {
      id: derivedId('task', 'unmatched_sms', eventId),
      kind: 'unmatched_sms' as const,
      title: 'Whose text message is this?',
      body: sms.message.slice(0, 1_000),
      dueAt: now,
    };
    await openTask(tx, task, actor, now);
    return 'text message nobody or several customers could have sent';
  }
  return pauseForWords(
    tx,
    { customerId, noticeId: null, eventId, title: 'Answer a text message', words: sms.message.slice(0, 1_000) },
    now,
  );
}
