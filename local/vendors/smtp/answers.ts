// answers.ts: what comes back for a mail: bounces as RFC 3464 reports, automatic answers as RFC 3834 wants them marked, and
// plain human replies that thread by In-Reply-To and References (RFC 5322 3.6.4).
import { isoInstant, type EpochMs } from '../../../domain/time.ts';
import { codeOf } from '../../seeded.ts';
import type { ReadMessage } from './message.ts';

/** `status` is an RFC 3463 code: 5.x.x failed, 4.x.x delayed. */
export type AnswerKind =
  | { readonly kind: 'bounce'; readonly status: string }
  | { readonly kind: 'auto_reply' }
  | { readonly kind: 'reply' };
export type AnswerTo = {
  readonly mail: ReadMessage;
  readonly sender: string;
  readonly recipient: string;
  readonly text: string;
  readonly at: EpochMs;
  readonly headersReturned: boolean;
};

/** A raw message/rfc822, CRLF line ends. */
export function answerMessage(answer: AnswerKind, to: AnswerTo): string {
  const lines = answer.kind === 'bounce' ? bounce(answer.status, to) : reply(answer.kind, to);
  return lines.join('\r\n');
}

function reply(kind: 'auto_reply' | 'reply', { mail, recipient, text, at }: AnswerTo): string[] {
  const automatic = kind === 'auto_reply';
  return [
    `From: <${recipient}>`,
    `To: <${mail.from}>`,
    `Subject: ${encoded(`${automatic ? 'Automatic reply: ' : 'Re: '}${mail.subject}`)}`,
    `Date: ${rfcDate(at)}`,
    `Message-ID: ${idOf(kind, mail, recipient)}`,
    `In-Reply-To: ${mail.messageId}`,
    `References: ${[mail.references, mail.messageId].filter(Boolean).join(' ')}`,
    ...(automatic ? ['Auto-Submitted: auto-replied', 'Precedence: bulk', 'X-Autoreply: yes'] : []),
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: base64',
    '',
    ...base64(`${text}\r\n`),
    '',
  ];
}

function bounce(status: string, { mail, sender, recipient, text, at, headersReturned }: AnswerTo): string[] {
  const failed = status.startsWith('5');
  const edge = `=_${codeOf(24, 'edge', mail.messageId, recipient)}`;
  const says = text || (failed ? 'The mailbox does not exist.' : 'Delivery is delayed and will be tried again.');
  return [
    'From: Mail Delivery System <MAILER-DAEMON@mail.example>',
    `To: <${sender}>`,
    `Subject: ${failed ? 'Undelivered Mail Returned to Sender' : 'Delayed Mail (still being retried)'}`,
    `Date: ${rfcDate(at)}`,
    `Message-ID: ${idOf('bounce', mail, recipient)}`,
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    `Content-Type: multipart/report; report-type=delivery-status; boundary="${edge}"`,
    '',
    `--${edge}`,
    'Content-Type: text/plain; charset=utf-8',
    '',
    `Your message to <${recipient}> could not be delivered. ${says}`,
    '',
    `--${edge}`,
    'Content-Type: message/delivery-status',
    '',
    'Reporting-MTA: dns; mail.example',
    `Arrival-Date: ${rfcDate(at)}`,
    '',
    `Final-Recipient: rfc822; ${recipient}`,
    `Original-Recipient: rfc822; ${recipient}`,
    `Action: ${failed ? 'failed' : 'delayed'}`,
    `Status: ${status}`,
    `Diagnostic-Code: smtp; ${failed ? '550' : '452'} ${status} ${says}`,
    '',
    ...(headersReturned ? [`--${edge}`, 'Content-Type: text/rfc822-headers', '', mail.head.trimEnd(), ''] : []),
    `--${edge}--`,
    '',
  ];
}

function idOf(kind: string, mail: ReadMessage, recipient: string): string {
  return `<${kind}.${codeOf(16, kind, mail.messageId, recipient)}@mail.example>`;
}

function rfcDate(at: EpochMs): string {
  return new Date(isoInstant(at)).toUTCString().replace('GMT', '+0000');
}

/** A header value that is not ASCII, as RFC 2047 wants it. */
function encoded(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) ? text : `=?utf-8?B?${Buffer.from(text, 'utf8').toString('base64')}?=`;
}

function base64(text: string): string[] {
  return (
    Buffer.from(text, 'utf8')
      .toString('base64')
      .match(/.{1,76}/g) ?? []
  );
}
