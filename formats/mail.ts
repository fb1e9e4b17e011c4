// mail.ts: tells inbound mail apart. A person's answer pauses a sequence, so out-of-office notes, bounces and complaints
// must not pass for one. Sources: RFC 3464 (delivery reports), RFC 5965 (complaints), RFC 3834 (automatic answers).
import PostalMime, { type Attachment, type Email } from 'postal-mime';

export type Inbound =
  /** A delivery report about a message of ours. */
  | {
      readonly kind: 'bounce';
      /** hard: it will never arrive there; soft: it may, or the report is only about a delay. */
      readonly severity: 'hard' | 'soft';
      readonly recipient: string | null;
      /** "5.1.1". */
      readonly status: string | null;
      readonly diagnostic: string;
      readonly originalMessageId: string | null;
    }
  /** The relay reports that it did arrive. */
  | { readonly kind: 'delivered'; readonly recipient: string | null; readonly originalMessageId: string | null }
  /** Somebody called our message spam. */
  | { readonly kind: 'complaint'; readonly recipient: string | null; readonly originalMessageId: string | null }
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
      /** What was written, without the quoted message. */
      readonly text: string;
      /** Message-IDs it answers, nearest first, without angle brackets. */
      readonly answers: readonly string[];
    }
  | { readonly kind: 'unreadable'; readonly because: string };

/** The reading, with the message's own id (without brackets) when it has one. */
export type ReadMail = { readonly messageId: string | null; readonly mail: Inbound };

/** Reads a raw RFC 5322 message. Never throws for what is in it. */
export async function readInbound(raw: Uint8Array): Promise<ReadMail> {
  let email: Email;
  try {
    email = await PostalMime.parse(raw, {
      attachmentEncoding: 'utf8',
      maxNestingDepth: 20,
      maxHeadersSize: 256 * 1024,
      forceRfc822Attachments: true,
    });
  } catch (error) {
    return { messageId: null, mail: { kind: 'unreadable', because: error instanceof Error ? error.message : String(error) } };
  }
  if (email.headers.length === 0)
    return { messageId: null, mail: { kind: 'unreadable', because: 'found no headers, expected a message/rfc822' } };
  return { messageId: bareId(email.messageId), mail: readReport(email) ?? readWords(email) };
}

function readReport(email: Email): Inbound | undefined {
  const status = partOf(email, 'message/delivery-status') ?? partOf(email, 'message/global-delivery-status');
  const feedback = partOf(email, 'message/feedback-report');
  const original = partOf(email, 'message/rfc822') ?? partOf(email, 'text/rfc822-headers') ?? partOf(email, 'message/global-headers');
  const originalMessageId = bareId(original ? fieldOf(original, 'Message-ID') : null);
  if (feedback !== undefined) {
    const recipient = address(fieldOf(feedback, 'Original-Rcpt-To') ?? (original ? fieldOf(original, 'To') : null));
    return { kind: 'complaint', recipient, originalMessageId };
  }
  if (status === undefined) return undefined;
  const action = (fieldOf(status, 'Action') ?? '').toLowerCase();
  const code = /\b([245]\.\d{1,3}\.\d{1,3})\b/.exec(fieldOf(status, 'Status') ?? '')?.[1] ?? null;
  const recipient = address(fieldOf(status, 'Original-Recipient') ?? fieldOf(status, 'Final-Recipient'));
  if (action === 'delivered' || action === 'relayed' || action === 'expanded') return { kind: 'delivered', recipient, originalMessageId };
  const hard = action !== 'delayed' && (code ? code.startsWith('5') : action === 'failed');
  const diagnostic = (fieldOf(status, 'Diagnostic-Code') ?? code ?? action).replaceAll(/\s+/g, ' ').slice(0, 300);
  return { kind: 'bounce', severity: hard ? 'hard' : 'soft', recipient, status: code, diagnostic, originalMessageId };
}

function readWords(email: Email): Inbound {
  const answers = [email.inReplyTo, ...(email.references ?? '').split(/\s+/).toReversed()].map(bareId).filter(id => id !== null);
  const common = { from: mailbox(email), subject: (email.subject ?? '').slice(0, 300), answers: [...new Set(answers)] };
  const because = automatic(email);
  return because ? { kind: 'automatic', because, ...common } : { kind: 'reply', text: ownWords(email), ...common };
}

/** Why a machine wrote this; undefined when nothing says so. */
function automatic(email: Email): string | undefined {
  const header = (name: string): string | undefined =>
    email.headers
      .find(candidate => candidate.key === name)
      ?.value.trim()
      .toLowerCase();
  const submitted = header('auto-submitted')?.split(';')[0]?.trim();
  if (submitted && submitted !== 'no') return `Auto-Submitted: ${submitted}`;
  for (const name of ['x-autoreply', 'x-autorespond', 'x-autoresponder']) {
    const value = header(name);
    if (value !== undefined && value !== 'no') return `${name}: ${value || 'set'}`;
  }
  const precedence = header('precedence');
  if (precedence && /^(auto_reply|bulk|junk|list)$/.test(precedence)) return `Precedence: ${precedence}`;
  if (header('list-id') !== undefined) return 'List-Id: a mailing list';
  const returnPath = header('return-path');
  if (returnPath === '<>') return 'Return-Path: <>';
  const from = mailbox(email) ?? '';
  return /^(mailer-daemon|postmaster|no-?reply|do-?not-?reply)@/i.test(from) ? `From: ${from.split('@')[0]}` : undefined;
}

function mailbox(email: Email): string | null {
  return address(email.from?.address ?? null);
}

/** Up to the first sign of a quoted message. */
function ownWords(email: Email): string {
  const text = email.text ?? (email.html ?? '').replaceAll(/<(style|script)[\s\S]*?<\/\1>/gi, ' ').replaceAll(/<[^>]*>/g, ' ');
  const lines = text.split(/\r?\n/);
  const quoted = lines.findIndex(
    line =>
      /^\s*>/.test(line) ||
      /^\s*(On|Am|Le|El)\b.{6,200}(wrote|schrieb|écrit|escribió)\s*:\s*$/.test(line) ||
      /^-{2,}\s*(Original|Ursprüngliche|Message)/i.test(line),
  );
  return (quoted === -1 ? lines : lines.slice(0, quoted)).join('\n').trim().slice(0, 4_000);
}

function partOf(email: Email, mimeType: string): string | undefined {
  const part: Attachment | undefined = email.attachments.find(candidate => candidate.mimeType === mimeType);
  if (!part) return undefined;
  return typeof part.content === 'string' ? part.content : new TextDecoder().decode(part.content);
}

/** First field of that name in a block of headers, unfolded. */
function fieldOf(block: string, name: string): string | null {
  const found = new RegExp(`^${name}:[ \\t]*(.*(?:\\r?\\n[ \\t]+.*)*)`, 'im').exec(block);
  return found?.[1]?.replaceAll(/\r?\n[ \t]+/g, ' ').trim() ?? null;
}

/** "rfc822; Pat@Example.com" and "Pat <pat@example.com>" to "pat@example.com". */
function address(value: string | null): string | null {
  return /[^\s<>;,"]+@[^\s<>;,"]+/.exec(value ?? '')?.[0].toLowerCase() ?? null;
}

function bareId(value: string | null | undefined): string | null {
  const id = (value ?? '').trim().replaceAll(/^<|>$/g, '');
  return id === '' ? null : id;
}
