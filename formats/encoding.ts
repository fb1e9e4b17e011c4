// encoding.ts: bytes of unknown origin to text. Exports come as UTF-8 with and without a mark, as Excel's UTF-16, as
// Windows code pages; the first bytes that are not ASCII decide, wherever in the file they are.
import chardet from 'chardet';
import iconv from 'iconv-lite';

/** A file that can be read from its start as often as needed. */
export type ByteFile = { readonly name: string; open(): AsyncIterable<Uint8Array> };

export const SAMPLE_BYTES = 65_536;

/** Name of the encoding as iconv-lite knows it, or "ascii" when nothing in the sample tells more. */
export function detectEncoding(sample: Uint8Array): string {
  const bytes = Buffer.from(sample.buffer, sample.byteOffset, sample.byteLength);
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return 'utf-8';
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  const unmarked = utf16WithoutMark(bytes);
  if (unmarked) return unmarked;
  if (isAscii(bytes)) return 'ascii';
  if (isUtf8(bytes)) return 'utf-8';
  const guess = chardet.detect(bytes) ?? 'windows-1252';
  // The printable part of ISO-8859-1 is windows-1252; where they differ, exports mean windows-1252 (the euro sign).
  if (/^iso-8859-1$/i.test(guess) || /^utf-?(8|16|32)/i.test(guess) || !iconv.encodingExists(guess)) return 'windows-1252';
  return guess.toLowerCase();
}

/** Text in the order of the file. Tells through `noticed` which encoding it turned out to be. */
export async function* decode(chunks: AsyncIterable<Uint8Array>, noticed?: (encoding: string) => void): AsyncGenerator<string> {
  let decoder: ReturnType<typeof iconv.getDecoder> | undefined;
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  let started = false;
  const begin = (bytes: Buffer): string => {
    const encoding = detectEncoding(bytes);
    if (encoding === 'ascii') return bytes.toString('latin1');
    noticed?.(encoding);
    decoder = iconv.getDecoder(encoding);
    return decoder.write(bytes);
  };
  for await (const chunk of chunks) {
    if (!started) {
      held.push(chunk);
      heldBytes += chunk.byteLength;
      if (heldBytes < SAMPLE_BYTES) continue;
      started = true;
      const text = begin(Buffer.concat(held));
      held = [];
      yield text;
      continue;
    }
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    yield decoder ? decoder.write(bytes) : begin(bytes);
  }
  if (!started) yield begin(Buffer.concat(held));
  const rest = decoder?.end();
  if (rest) yield rest;
}

function isAscii(bytes: Uint8Array): boolean {
  for (let index = 0; index < bytes.length; index++) if ((bytes[index] ?? 0) > 0x7f) return false;
  return true;
}

/** A character may be cut at the end of a sample, so up to three last bytes are forgiven. */
function isUtf8(bytes: Buffer): boolean {
  for (let cut = 0; cut <= Math.min(3, bytes.length - 1); cut++) {
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, bytes.length - cut));
      return true;
    } catch {
      // Not valid up to here: try with one byte less, then it is something else.
    }
  }
  return false;
}

/** Western text in UTF-16 has a zero in every second byte. */
function utf16WithoutMark(bytes: Uint8Array): string | undefined {
  const pairs = Math.min(Math.floor(bytes.length / 2), 512);
  if (pairs < 4) return undefined;
  let low = 0;
  let high = 0;
  for (let pair = 0; pair < pairs; pair++) {
    if (bytes[pair * 2] === 0) high++;
    if (bytes[pair * 2 + 1] === 0) low++;
  }
  if (low > pairs * 0.7) return 'utf-16le';
  return high > pairs * 0.7 ? 'utf-16be' : undefined;
}
