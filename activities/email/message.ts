// message.ts: the bytes of a message, built once. The same letter, date and notice give the same bytes, so what was
// approved, stored and sent can be compared by hash. Nothing is fetched while it is built: no file, no URL.
import { createHash } from 'node:crypto';
import MailComposer from 'nodemailer/lib/mail-composer';
import type { EpochMs } from '../../domain/time.ts';
import { oneLine } from './address.ts';
import type { Rendered } from './templates.ts';

export type MessageInput = {
  readonly noticeId: string;
  /** "inv_41/1/firm": what outside witnesses recognise a stage by. */
  readonly lineKeys: readonly string[];
  readonly messageId: string;
  /** Message-IDs of earlier messages in the conversation, oldest first. */
  readonly references: readonly string[];
  readonly from: { readonly name: string; readonly address: string };
  readonly replyTo: string | null;
  readonly to: { readonly name: string; readonly address: string };
  readonly letter: Rendered;
  readonly language: string;
  readonly statement: { readonly fileName: string; readonly pdf: Uint8Array } | null;
  readonly at: EpochMs;
};

export type BuiltMessage = { readonly bytes: Uint8Array; readonly sha256: string };

/** RFC 5322 bytes with CRLF line ends. Throws when an address holds anything but itself. */
export async function buildMessage(input: MessageInput): Promise<BuiltMessage> {
  for (const address of [input.from.address, input.to.address, input.replyTo ?? '']) {
    if (/[\p{Cc}<>,;"\s]/u.test(address))
      throw new Error(`found a mail address with ${JSON.stringify(address)}, expected one plain mailbox`);
  }
  const composer = new MailComposer({
    from: named(input.from),
    to: named(input.to),
    ...(input.replyTo ? { replyTo: { name: '', address: input.replyTo } } : {}),
    subject: oneLine(input.letter.subject),
    messageId: input.messageId,
    date: new Date(input.at),
    ...(input.references.length > 0 ? { inReplyTo: input.references.at(-1), references: [...input.references] } : {}),
    headers: {
      'Auto-Submitted': 'auto-generated',
      'Content-Language': input.language,
      'X-Dunlin-Notice': input.noticeId,
      'X-Dunlin-Lines': input.lineKeys.join(', '),
    },
    text: input.letter.text,
    html: input.letter.html,
    textEncoding: 'quoted-printable',
    attachments: input.statement
      ? [{ filename: input.statement.fileName, content: Buffer.from(input.statement.pdf), contentType: 'application/pdf' }]
      : [],
    baseBoundary: createHash('sha256').update(input.messageId).digest('hex').slice(0, 24),
    disableFileAccess: true,
    disableUrlAccess: true,
    newline: 'windows',
  });
  const bytes = await composer.compile().build();
  return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
}

function named(mailbox: { name: string; address: string }): { name: string; address: string } {
  return { name: oneLine(mailbox.name).replaceAll('"', "'"), address: mailbox.address };
}
