// seeded.ts: chance that repeats. The cast and the stand-in vendors draw from here, by seed and by what a draw is about,
// never by when it happens: the same seed gives the same world however fast or slow the machine is.

/** A number in [0, 1) that depends on nothing but `parts`. */
export function unitOf(...parts: readonly (string | number)[]): number {
  return mixed(parts.join('\u0000')) / 2 ** 32;
}

/** 32 bits of a text: FNV-1a, then the finaliser of MurmurHash3 so that similar texts end far apart. */
function mixed(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** `length` characters of A-Z and 0-9 that depend on nothing but `parts`. */
export function codeOf(length: number, ...parts: readonly (string | number)[]): string {
  const letters = 'ABCDEFGHJKLMNPQRSTVWXYZ0123456789';
  return Array.from({ length }, (_, index) => letters[Math.floor(unitOf(...parts, index) * letters.length)]).join('');
}

/** A UUID (version 4 in form) that depends on nothing but `parts`. */
export function uuidOf(...parts: readonly (string | number)[]): string {
  const hex = Array.from({ length: 32 }, (_, index) => Math.floor(unitOf('uuid', ...parts, index) * 16).toString(16)).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
}

/** A row of draws, in order (mulberry32, public domain). */
export class Draws {
  private state: number;

  constructor(...seed: readonly (string | number)[]) {
    this.state = Math.floor(unitOf(...seed) * 2 ** 32);
  }

  /** The next number in [0, 1). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mix = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mix = (mix + Math.imul(mix ^ (mix >>> 7), 61 | mix)) ^ mix;
    return ((mix ^ (mix >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `low` to `high`, both included. */
  whole(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  /** One of `choices`, which must not be empty. */
  pick<T>(choices: readonly T[]): T {
    const chosen = choices[this.whole(0, choices.length - 1)];
    if (chosen === undefined) throw new RangeError('found nothing to pick from, expected at least one choice');
    return chosen;
  }

  /** The same things in another order. */
  shuffled<T>(things: readonly T[]): T[] {
    return things
      .map(thing => ({ thing, at: this.next() }))
      .sort((a, b) => a.at - b.at)
      .map(({ thing }) => thing);
  }
}
