// mailbox.ts: everything behind the 250: messages kept as raw files, the witness line, and the people who bounce, answer by
// machine or write back. Who does what is told by address and by how many mails that address had before.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { EpochMs } from '../../../domain/time.ts';
import { behaviourFor, mailBehaviour } from '../behaviour.ts';
import { post } from '../deliveries.ts';
import type { Frame } from '../frame.ts';
import { answerMessage, type AnswerKind } from './answers.ts';
import type { smtpClaims } from './claims.ts';
import type { ReadMessage } from './message.ts';

const behaviours = z.strictObject({
  /** Where bounces and replies go: a raw message/rfc822 is posted there with the token in `header`. */
  inbound: z.strictObject({ url: z.url(), header: z.string().default('x-inbound-token'), token: z.string() }).optional(),
  mail: z.array(mailBehaviour).default([]),
});
export type Envelope = { readonly from: string; readonly to: readonly string[] };

/** How often an unwilling inbound address is tried again, a business minute apart. */
const triesLeft = 4;

export class Mailbox {
  private readonly frame: Frame<typeof smtpClaims>;
  private readonly folder: string;
  private people: z.output<typeof behaviours> = { mail: [] };
  private readonly accepted = new Map<string, number>();
  private readonly attempts = new Map<string, number>();
  private readonly seenIds = new Set<string>();
  private files: number;

  constructor(frame: Frame<typeof smtpClaims>) {
    this.frame = frame;
    this.folder = join(frame.dir, 'mail');
    mkdirSync(this.folder, { recursive: true });
    this.files = readdirSync(this.folder).length;
    // A stand-in that was killed and started again goes on counting where it stood.
    for (const entry of frame.witness.entries()) {
      for (const address of z.array(z.string()).parse(entry['to'])) this.count(this.accepted, address);
    }
  }

  behave(body: unknown): void {
    this.people = behaviours.parse(body);
  }

  /** What RCPT answers when this address refuses its mail, null when it takes it. */
  refusal(address: string): string | null {
    const about = this.people.mail.filter(each => each.does === 'reject' && same(each.address, address));
    if (about.length === 0) return null;
    const refused = behaviourFor(about, this.count(this.attempts, address));
    return refused ? `550 5.1.1 ${refused.text ?? 'no such user here'}` : null;
  }

  /** Stores and witnesses the message, and plans what comes back. On disk when this returns: only now may a 250 leave. */
  accept(mail: ReadMessage, raw: Buffer, envelope: Envelope, bounceStatus: string | null): void {
    const swallowed = !this.frame.claims.holds('repeats_are_delivered') && this.seenIds.has(mail.messageId);
    this.seenIds.add(mail.messageId);
    if (swallowed) return;
    const file = join('mail', `${String(++this.files).padStart(6, '0')}.eml`);
    writeFileSync(join(this.frame.dir, file), raw);
    this.frame.witness.accept({
      kind: 'mail',
      businessKey: mail.notice,
      messageId: mail.messageId,
      from: envelope.from,
      to: envelope.to,
      subject: mail.subject,
      lines: mail.lines,
      inReplyTo: mail.inReplyTo,
      autoSubmitted: mail.autoSubmitted,
      bytes: raw.length,
      sha256: createHash('sha256').update(raw).digest('hex'),
      file,
    });
    for (const recipient of envelope.to) this.answer(mail, envelope.from, recipient, bounceStatus);
  }

  private answer(mail: ReadMessage, sender: string, recipient: string, bounceStatus: string | null): void {
    const nth = this.count(this.accepted, recipient);
    if (bounceStatus !== null)
      return this.sendBack(
        { kind: 'bounce', status: bounceStatus || '5.1.1' },
        { mail, sender, recipient, text: '', at: this.frame.clock.now() },
      );
    const does = behaviourFor(
      this.people.mail.filter(each => each.does !== 'reject' && same(each.address, recipient)),
      nth,
    );
    // Machines do not answer machines' bounces (RFC 3834 2): a mail without a sender has nobody to answer to.
    if (!does || sender === '') return;
    const at = this.frame.clock.now() + does.afterMinutes * 60_000;
    const kinds: Record<string, AnswerKind> = {
      bounce: { kind: 'bounce', status: '5.1.1' },
      bounce_soft: { kind: 'bounce', status: '4.2.2' },
      auto_reply: { kind: 'auto_reply' },
      reply: { kind: 'reply' },
    };
    const kind = kinds[does.does];
    if (kind) this.sendBack(kind, { mail, sender, recipient, text: does.text ?? '', at });
  }

  private sendBack(kind: AnswerKind, to: { mail: ReadMessage; sender: string; recipient: string; text: string; at: EpochMs }): void {
    const inbound = this.people.inbound;
    if (!inbound) return;
    const message = answerMessage(kind, { ...to, headersReturned: this.frame.claims.holds('bounce_returns_headers') });
    const headers = { 'content-type': 'message/rfc822', [inbound.header]: inbound.token };
    const deliver = (dueAt: EpochMs, tries: number): void =>
      this.frame.deliveries.add({
        dueAt,
        key: `${to.recipient} ${kind.kind} ${to.mail.messageId}`,
        send: async () => {
          const status = await post(inbound.url, headers, message).catch(() => 599);
          if (status >= 500 && tries > 0) deliver(dueAt + 60_000, tries - 1);
          return status;
        },
      });
    deliver(to.at, triesLeft);
  }

  private count(counts: Map<string, number>, address: string): number {
    const nth = (counts.get(address.toLowerCase()) ?? 0) + 1;
    counts.set(address.toLowerCase(), nth);
    return nth;
  }

  clear(): void {
    this.people = { mail: [] };
    this.accepted.clear();
    this.attempts.clear();
    this.seenIds.clear();
  }
}

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
