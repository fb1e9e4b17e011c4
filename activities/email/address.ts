// address.ts: exactly one mailbox, or none. A mail library that reads "b@y.t\r\nBcc: x@evil.t" or "a@x.t,b@y.t" writes to
// people nobody chose, so we read addresses ourselves and hand the envelope over as it stands.

/** RFC 5321 dot-string local part (no quoted form) and a domain name; ASCII only. */
const mailbox =
  /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$/i;

/** The address when the text is exactly one, undefined otherwise: no names, lists, comments, quotes or control characters. */
export function oneAddress(text: string): string | undefined {
  const address = text.replace(/^ +| +$/g, '');
  if (address.length > 254 || address.indexOf('@') > 64) return undefined;
  return mailbox.test(address) ? address : undefined;
}

/** One line of plain text for a header or a sentence: control, format and line characters become a space, blanks shrink. */
export function oneLine(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/ {2,}/g, ' ')
    .trim();
}
