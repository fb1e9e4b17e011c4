// smtp.ts: puts one message on the wire and says what is certain about it. The body is a stream whose first read waits
// for the durable in_data mark, so "no byte was read" proves that nothing was sent, and silence after it is "unknown".
// nodemailer's own errors do not tell these apart: a connection lost after acceptance looks like one that never opened.
import { Readable } from 'node:stream';
import SMTPConnection from 'nodemailer/lib/smtp-connection';

export type SmtpSettings = {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte (smtps). */
  readonly secure: boolean;
  readonly requireTls: boolean;
  readonly auth: { readonly user: string; readonly pass: string } | null;
  /** PEM of a private authority; null: the system's. */
  readonly ca: string | null;
  /** Real milliseconds after which the whole conversation is given up; must be shorter than the lease of a claim. */
  readonly deadlineMs: number;
};

/** Addresses are already single mailboxes (address.ts); `bytes` are the frozen message with CRLF line ends. */
export type Envelope = { readonly from: string; readonly to: string; readonly bytes: Uint8Array };

export type SendAnswer =
  /** 2xx after the final dot. */
  | { readonly kind: 'accepted'; readonly reply: string }
  /** A 4xx: certainly not taken, worth another try. `began`: the body was on its way. */
  | { readonly kind: 'refused_temporarily'; readonly reply: string; readonly began: boolean }
  /** A 5xx to the sender or the message: certainly not taken. */
  | { readonly kind: 'refused_for_good'; readonly reply: string }
  /** A 5xx that says the mailbox does not exist. */
  | { readonly kind: 'address_refused'; readonly reply: string }
  /** No byte of the body left: safe to try again. */
  | { readonly kind: 'not_begun'; readonly seen: string }
  /** `enter` said no: the facts have changed. */
  | { readonly kind: 'stopped' }
  /** The body was on the wire and no answer came. It may have been delivered. */
  | { readonly kind: 'unknown'; readonly seen: string };

const loopback = new Set(['localhost', '127.0.0.1', '::1', '[::1]']);

/**
 * Reads SMTP_URL: smtp://user:pass@host:587 or smtps://host. TLS is required wherever a password or a real network is
 * involved; ?tls=optional lifts that, ?ca=FILE is read by the caller. Throws a sentence on anything else.
 */
export function smtpSettings(url: string, deadlineMs = 45_000): SmtpSettings {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw new Error('SMTP_URL is not a URL; expected for instance smtp://user:password@mail.example.com:587');
  }
  if (parsed.protocol !== 'smtp:' && parsed.protocol !== 'smtps:') {
    throw new Error(`SMTP_URL begins with "${parsed.protocol}", expected smtp: or smtps:`);
  }
  const secure = parsed.protocol === 'smtps:';
  const user = decodeURIComponent(parsed.username);
  return {
    host: parsed.hostname.replace(/^\[|\]$/g, ''),
    port: parsed.port ? Number(parsed.port) : secure ? 465 : 587,
    secure,
    requireTls: !secure && !loopback.has(parsed.hostname) && parsed.searchParams.get('tls') !== 'optional',
    auth: user ? { user, pass: decodeURIComponent(parsed.password) } : null,
    ca: null,
    deadlineMs,
  };
}

type Failure = { readonly message?: string; readonly responseCode?: number; readonly response?: string; readonly command?: string };

/**
 * One conversation, never more than one body. `enter` stores in_data and says whether it may begin; it is called once,
 * after the server asked for the body. Never throws: the answer says what is certain.
 */
export async function sendMessage(settings: SmtpSettings, message: Envelope, enter: () => Promise<boolean>): Promise<SendAnswer> {
  const body = new Body(message.bytes, enter);
  const connection = new SMTPConnection({
    host: settings.host,
    port: settings.port,
    secure: settings.secure,
    requireTLS: settings.requireTls,
    connectionTimeout: settings.deadlineMs,
    greetingTimeout: settings.deadlineMs,
    socketTimeout: settings.deadlineMs,
    socketCloseTimeout: 0,
    ...(settings.ca ? { tls: { ca: settings.ca } } : {}),
  });
  let deadline: NodeJS.Timeout | undefined;
  const answer = await new Promise<{ reply: string } | Failure>(resolve => {
    deadline = setTimeout(() => resolve({ message: `no answer within ${settings.deadlineMs} ms` }), settings.deadlineMs);
    connection.on('error', (error: Error) => resolve(error as Failure));
    connection.on('end', () => resolve({ message: 'the server closed the connection' }));
    const fail = (error: Error | null | undefined): boolean => {
      if (error) resolve(error as Failure);
      return Boolean(error);
    };
    const deliver = () => {
      const envelope = { from: message.from, to: message.to, size: message.bytes.length };
      connection.send(envelope, body, (error, info) => {
        if (!fail(error)) resolve({ reply: String(info?.response ?? '') });
      });
    };
    connection.connect(error => {
      if (fail(error)) return;
      if (settings.auth) connection.login({ credentials: { ...settings.auth } }, failed => void (fail(failed) || deliver()));
      else deliver();
    });
  });
  clearTimeout(deadline);
  // From here on not one byte may leave any more, also when the mark is only now being stored.
  body.giveUp();
  connection.close();
  await body.settled();
  return judge(answer, body);
}

function judge(answer: { reply: string } | Failure, body: Body): SendAnswer {
  if ('reply' in answer) return { kind: 'accepted', reply: answer.reply };
  if (body.stopped) return { kind: 'stopped' };
  const seen = (answer.message ?? 'the connection ended').slice(0, 300);
  const code = answer.responseCode ?? 0;
  if (code < 400 || code > 599) return body.began ? { kind: 'unknown', seen } : { kind: 'not_begun', seen };
  const reply = (answer.response ?? seen).slice(0, 300);
  if (code < 500) return { kind: 'refused_temporarily', reply, began: body.began };
  const asked = answer.command ?? '';
  // Greeting, EHLO, STARTTLS and AUTH are about us and the server, not about this message: somebody mends them, then it goes.
  if (!body.began && !/^(MAIL FROM|RCPT TO|DATA)$/.test(asked)) return { kind: 'refused_temporarily', reply, began: false };
  return asked === 'RCPT TO' && noSuchMailbox(code, reply) ? { kind: 'address_refused', reply } : { kind: 'refused_for_good', reply };
}

/** RFC 3463: 5.1.x bad address, 5.2.1 mailbox disabled. Without such a code, 550, 551 and 553 say so (RFC 5321 4.2.3). */
function noSuchMailbox(code: number, reply: string): boolean {
  const enhanced = /\b5\.(\d{1,3})\.(\d{1,3})\b/.exec(reply);
  if (enhanced) return enhanced[1] === '1' || (enhanced[1] === '2' && enhanced[2] === '1');
  return code === 550 || code === 551 || code === 553;
}

/** The message as a stream that asks before its first byte. */
class Body extends Readable {
  /** A byte was handed to the connection. */
  began = false;
  /** `enter` said no. */
  stopped = false;
  private readonly bytes: Uint8Array;
  private readonly enter: () => Promise<boolean>;
  private asking: Promise<void> | undefined;
  private over = false;

  constructor(bytes: Uint8Array, enter: () => Promise<boolean>) {
    super({ highWaterMark: 64 * 1024 });
    this.bytes = bytes;
    this.enter = enter;
    // A destroyed stream reports through the connection's callback; without a listener its error would end the process.
    this.on('error', () => undefined);
  }

  override _read(): void {
    this.asking ??= this.ask();
  }

  private async ask(): Promise<void> {
    let allowed = false;
    try {
      allowed = await this.enter();
      this.stopped = !allowed;
    } catch (error) {
      this.destroy(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    if (!allowed || this.over) {
      this.destroy(new Error('stopped before the body'));
      return;
    }
    this.began = true;
    this.push(this.bytes);
    this.push(null);
  }

  giveUp(): void {
    this.over = true;
  }

  /** Waits until a question that is under way has been answered. */
  async settled(): Promise<void> {
    await this.asking;
  }
}
