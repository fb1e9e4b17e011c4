// notice.ts: the life of a notice as one table. The SQL that moves notices, the exhaustive test that walks every order of
// worker, payment and crash, and docs/notice-protocol.md are all made from it. The promise it carries: no automatic
// duplicate, no silent loss, every ambiguous send visible as unknown.
import type { NoticeState } from './facts.ts';

/** What a transition asks before it may happen. All are asked in the one statement that writes the new state. */
export const guards = {
  my_token: 'the fence token is the one this worker was given when it claimed',
  lease_valid: 'the lease has not run out (database clock)',
  lease_expired: 'the lease has run out (database clock)',
  sends_allowed: 'sending is not stopped for the tenant, and its send epoch is the one the notice was opened in',
  review_allows: 'no person has to agree, or one has',
  alone: 'no other notice of this customer is on its way, so that gap and budget hold across currencies',
  is_due: 'its moment has come (business clock)',
  gate_sends: 'gate() said "send" about fresh facts, read in this transaction under the lock of the customer',
  gate_cancels: 'gate() said "cancel"',
  gate_suppresses: 'gate() said "suppress"',
  facts_unchanged: 'the version of the customer is the one the gate saw; the row is share-locked, so a payment waits or wins',
  lines_open: 'every line is of an open invoice with something left to pay',
  no_hold: 'no hold of tenant, source, customer or invoice is in force',
  address_allowed: 'the address is not suppressed',
  lines_living: 'no line was given free to another notice',
} as const;
export type Guard = keyof typeof guards;

/** What a transition writes beside the new state. */
export const effects = {
  new_token: 'a new fence token and a new lease; one more attempt',
  freeze: 'recipient, subject and bytes as rendered now, with the verdict of the gate',
  drop_lease: 'token and lease are taken away',
  mark_in_data: 'the instant at which the body began',
  keep_verdict: 'the verdict of the gate and its inputs',
  keep_reply: 'what the mail server said',
  come_back_later: 'the moment of the next attempt',
  finish: 'the instant at which it ended',
  unfinish: 'it has not ended after all',
  mark_crossed: 'a payment crossed it: an apology is owed, not another reminder',
  mark_bounced: 'it came back: the customer was not contacted',
  free_lines: 'its stages may be in a new notice',
  name_resolver: 'who or what settled it',
} as const;
export type Effect = keyof typeof effects;

export type NoticeEvent =
  | 'claim'
  | 'reclaim_expired'
  | 'enter_data'
  | 'release'
  | 'accepted'
  | 'refused_temporarily'
  | 'refused_for_good'
  | 'address_refused'
  | 'no_answer'
  | 'sweep'
  | 'cancel'
  | 'withdraw'
  | 'decline'
  | 'suppress'
  | 'payment_crosses'
  | 'resolve_sent'
  | 'resolve_not_sent'
  | 'bounce'
  | 'retry';

export type Transition = {
  readonly on: NoticeEvent;
  readonly from: readonly NoticeState[];
  readonly to: NoticeState;
  readonly guards: readonly Guard[];
  readonly effects: readonly Effect[];
  /** Who may bring it about. */
  readonly by: 'sender' | 'sweeper' | 'ledger' | 'provider' | 'person';
  /** The audit event it leaves behind. */
  readonly event: string;
  readonly why: string;
};

export const noticeProtocol: readonly Transition[] = [
  {
    on: 'claim',
    from: ['pending'],
    to: 'claimed',
    guards: ['is_due', 'review_allows', 'sends_allowed', 'alone', 'gate_sends'],
    effects: ['new_token', 'freeze'],
    by: 'sender',
    event: 'notice.claimed',
    why: 'Fresh facts are judged under the lock of the customer, and the bytes are rendered once.',
  },
  {
    on: 'reclaim_expired',
    from: ['claimed'],
    to: 'claimed',
    guards: ['lease_expired', 'is_due', 'review_allows', 'sends_allowed', 'alone', 'gate_sends'],
    effects: ['new_token', 'freeze'],
    by: 'sender',
    event: 'notice.claimed',
    why: 'A claimed notice has put no byte of its body on the wire, so another worker may take it over. The new token locks the old worker out.',
  },
  {
    on: 'enter_data',
    from: ['claimed'],
    to: 'in_data',
    guards: ['my_token', 'lease_valid', 'sends_allowed', 'facts_unchanged', 'lines_open', 'no_hold', 'address_allowed'],
    effects: ['mark_in_data'],
    by: 'sender',
    event: 'notice.in_data',
    why: 'The last look, durable before the first byte of the body: after a payment is booked no reminder can begin.',
  },
  {
    on: 'release',
    from: ['claimed', 'in_data'],
    to: 'pending',
    guards: ['my_token'],
    effects: ['drop_lease', 'keep_reply', 'come_back_later'],
    by: 'sender',
    event: 'notice.released',
    why: 'The sender knows that no byte of the body left, even when it does not know whether its in_data mark was stored.',
  },
  {
    on: 'accepted',
    from: ['in_data', 'unknown'],
    to: 'sent',
    guards: ['my_token'],
    effects: ['keep_reply', 'finish', 'drop_lease'],
    by: 'sender',
    event: 'notice.sent',
    why: 'The server said 2xx after the final dot. It counts even when the sweeper had given up waiting.',
  },
  {
    on: 'refused_temporarily',
    from: ['in_data'],
    to: 'pending',
    guards: ['my_token'],
    effects: ['drop_lease', 'keep_reply', 'come_back_later'],
    by: 'sender',
    event: 'notice.refused_for_now',
    why: 'A 4xx reply is a certain no: the same notice tries again later, and the gate is asked again then.',
  },
  {
    on: 'refused_for_good',
    from: ['claimed', 'in_data'],
    to: 'not_sent',
    guards: ['my_token'],
    effects: ['drop_lease', 'keep_reply', 'finish'],
    by: 'sender',
    event: 'notice.not_sent',
    why: 'A 5xx reply to the message, or too many attempts. Its stages stay taken, so that nothing hammers; a person decides about another try.',
  },
  {
    on: 'address_refused',
    from: ['claimed', 'in_data'],
    to: 'not_sent',
    guards: ['my_token'],
    effects: ['drop_lease', 'keep_reply', 'finish', 'free_lines'],
    by: 'sender',
    event: 'notice.not_sent',
    why: 'The server does not know the address: it is suppressed, and the stages are free for another contact of the customer.',
  },
  {
    on: 'no_answer',
    from: ['in_data'],
    to: 'unknown',
    guards: ['my_token'],
    effects: ['keep_reply', 'finish'],
    by: 'sender',
    event: 'notice.unknown',
    why: 'The body was on the wire and no reply came. It may have been delivered, so it is never sent again by itself.',
  },
  {
    on: 'sweep',
    from: ['in_data'],
    to: 'unknown',
    guards: ['lease_expired'],
    effects: ['finish'],
    by: 'sweeper',
    event: 'notice.unknown',
    why: 'Its worker died with the body on the wire. in_data is never claimed again.',
  },
  {
    on: 'cancel',
    from: ['pending', 'claimed'],
    to: 'cancelled',
    guards: ['gate_cancels'],
    effects: ['keep_verdict', 'drop_lease', 'finish', 'free_lines'],
    by: 'sender',
    event: 'notice.cancelled',
    why: 'A line no longer holds, or it may not leave now: the stages are gathered again when the rules say so.',
  },
  {
    on: 'suppress',
    from: ['pending', 'claimed'],
    to: 'suppressed',
    guards: ['gate_suppresses'],
    effects: ['keep_verdict', 'drop_lease', 'finish'],
    by: 'sender',
    event: 'notice.suppressed',
    why: 'Decided and recorded, nobody is contacted (shadow mode, no usable address). The stages count as done.',
  },
  {
    on: 'withdraw',
    from: ['pending', 'claimed'],
    to: 'cancelled',
    guards: [],
    effects: ['drop_lease', 'finish', 'free_lines'],
    by: 'ledger',
    event: 'notice.cancelled',
    why: 'A payment or another fact made it wrong. It happens in the transaction of that fact.',
  },
  {
    on: 'payment_crosses',
    from: ['in_data'],
    to: 'in_data',
    guards: [],
    effects: ['mark_crossed'],
    by: 'ledger',
    event: 'notice.crossed',
    why: 'The payment came while the body was on the wire. Nothing can call it back; an apology follows.',
  },
  {
    on: 'decline',
    from: ['pending'],
    to: 'suppressed',
    guards: [],
    effects: ['finish'],
    by: 'person',
    event: 'notice.declined',
    why: 'A person read it and said no. The stages count as done, so that the same message is not proposed again.',
  },
  {
    on: 'resolve_sent',
    from: ['unknown'],
    to: 'sent',
    guards: [],
    effects: ['name_resolver', 'drop_lease'],
    by: 'person',
    event: 'notice.resolved',
    why: 'The provider log, the journal mailbox or a person shows that it was delivered.',
  },
  {
    on: 'resolve_not_sent',
    from: ['unknown'],
    to: 'not_sent',
    guards: [],
    effects: ['name_resolver', 'drop_lease', 'free_lines'],
    by: 'person',
    event: 'notice.resolved',
    why: 'Evidence shows that it was never delivered: the stages are free, and the rules decide whether they are still wanted.',
  },
  {
    on: 'bounce',
    from: ['sent', 'unknown'],
    to: 'sent',
    guards: [],
    effects: ['mark_bounced', 'name_resolver', 'drop_lease', 'free_lines'],
    by: 'provider',
    event: 'notice.bounced',
    why: 'A delivery report says that it came back. The customer was not contacted and the address is suppressed.',
  },
  {
    on: 'retry',
    from: ['not_sent'],
    to: 'pending',
    guards: ['lines_living'],
    effects: ['unfinish', 'come_back_later', 'name_resolver'],
    by: 'person',
    event: 'notice.retried',
    why: 'A person mended what was refused and asks for another try of the same message.',
  },
];

/** The row of the table for an event. */
export function transitionOn(on: NoticeEvent, protocol: readonly Transition[] = noticeProtocol): Transition {
  const found = protocol.find(transition => transition.on === on);
  if (!found) throw new Error(`the notice protocol has no event "${on}"`);
  return found;
}
