// message.ts: what a mail server reads of a message: its headers. Dunlin marks each mail with the notice it is and with the
// invoice/cycle/stage of every line, so that a witness can tell a duplicate without asking Dunlin.
import PostalMime from 'postal-mime';

export type ReadMessage = {
  readonly messageId: string;
  readonly from: string;
  readonly subject: string;
  readonly inReplyTo: string | null;
  readonly references: string | null;
  readonly autoSubmitted: string | null;
  /** X-Dunlin-Notice: the business key. */
  readonly notice: string | null;
  /** X-Dunlin-Lines: "inv_x/1/gentle, inv_y/1/firm". */
  readonly lines: string | null;
  /** The header block as it came, for bounces. */
  readonly head: string;
};

/** Reads the headers of a raw message; the body is not decoded, however large its attachments are. */
export async function readMessage(raw: Buffer): Promise<ReadMessage> {
  const end = raw.indexOf('\r\n\r\n');
  const head = (end < 0 ? raw : raw.subarray(0, end + 2)).toString('latin1');
  const mail = await PostalMime.parse(Buffer.from(`${head}\r\n`, 'latin1'));
  const header = (name: string): string | null => mail.headers.find(each => each.key === name)?.value.trim() ?? null;
  return {
    messageId: mail.messageId ?? '',
    from: mail.from?.address ?? '',
    subject: mail.subject ?? '',
    inReplyTo: mail.inReplyTo ?? null,
    references: mail.references ?? null,
    autoSubmitted: header('auto-submitted'),
    notice: header('x-dunlin-notice'),
    lines: header('x-dunlin-lines'),
    head,
  };
}
