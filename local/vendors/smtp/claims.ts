// claims.ts: what the SMTP stand-in believes about mail servers, by RFC, and what can go wrong at each step of a delivery.
import type { ClaimTable } from '../claims.ts';
import type { FaultTable } from '../faults.ts';

export const smtpClaims = {
  accepted_is_250: {
    says: 'the message is ours from the 250 after the final dot on, and not before',
    mark: '1P',
    source: 'RFC 5321 6.1',
    holds: true,
  },
  reply_4xx_is_temporary: {
    says: '4yz: not accepted, may be tried again; 5yz: not accepted, never again',
    mark: '1P',
    source: 'RFC 5321 4.2.1',
    holds: true,
  },
  bounce_is_a_report: {
    says: 'a bounce is multipart/report with message/delivery-status, from the null sender',
    mark: '1P',
    source: 'RFC 3464 2',
    holds: true,
  },
  auto_reply_is_marked: { says: 'an automatic answer carries Auto-Submitted: auto-replied', mark: '1P', source: 'RFC 3834 5', holds: true },
  bounce_returns_headers: {
    says: 'a bounce returns the headers of the message; turned: nothing but the report',
    mark: 'UNVERIFIED',
    source: 'RFC 3464 2',
    holds: true,
  },
  repeats_are_delivered: {
    says: 'two messages with one Message-ID are both delivered; turned: the second is swallowed with a 250',
    mark: 'UNVERIFIED',
    source: 'reliability 2.1',
    holds: true,
  },
} as const satisfies ClaimTable;

/**
 * The steps of a delivery, in order. `dot`: the body is complete and nothing is accepted yet. `accepted`: stored and
 * witnessed, the 250 has not left. `answered`: the 250 has left.
 */
const steps = ['banner', 'ehlo', 'mail', 'rcpt', 'data', 'body', 'dot', 'accepted', 'answered'] as const;
export type Step = (typeof steps)[number];

export const smtpFaults = {
  reply: { at: ['rcpt', 'banner', 'mail', 'dot'], says: 'answers with value, such as "451 4.3.0 try again later"; nothing is accepted' },
  drop: {
    at: ['accepted', 'banner', 'ehlo', 'mail', 'rcpt', 'data', 'body', 'dot', 'answered'],
    says: 'closes the connection at this step; accepted: the message IS delivered',
  },
  hang: { at: ['dot', 'banner', 'mail', 'rcpt', 'accepted'], says: 'never answers at this step; accepted: the message IS delivered' },
  delay: { at: ['dot', 'banner', 'mail', 'rcpt', 'accepted'], says: 'answers value real milliseconds later' },
  greylist: { at: ['rcpt'], says: '450 at the first try of a sender for a recipient, and until value business minutes have passed (0)' },
  bounce: { at: ['accepted'], says: 'accepts, then sends a bounce with the status in value (5.1.1) to the inbound address' },
} as const satisfies FaultTable;
