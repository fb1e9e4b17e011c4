// ids.ts: an id is derived from the business key, so the same fact arriving twice has the same id and cannot be stored twice.
import { hash } from 'node:crypto';

/** "inv_4f2a91c07be35d16": 64 bits of SHA-256 over the parts. Says nothing about the person behind it. */
export function derivedId(prefix: string, ...parts: readonly (string | number)[]): string {
  return `${prefix}_${hash('sha256', parts.join('\u0000'), 'hex').slice(0, 16)}`;
}
