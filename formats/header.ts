// header.ts: finds the row that names the columns, below whatever the exporting program wrote above it, and the profile
// that knows these names.
import type { Profile } from './profile.ts';

export type Header = {
  readonly profile: Profile;
  /** Our field to the position of its column. */
  readonly positions: ReadonlyMap<string, number>;
  /** Our field to the column's name as the file writes it. */
  readonly labels: ReadonlyMap<string, string>;
  readonly width: number;
};

/** How far down a header may be. */
export const HEADER_WITHIN = 50;

/** Letters and digits only: "Invoice No." and "invoice_no" are one name. */
export function plainName(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '');
}

type Match = { readonly header: Header; readonly missing: string[]; readonly signed: boolean };

function matchHeader(fields: readonly string[], profile: Profile): Match {
  const written = fields.map(plainName);
  const positions = new Map<string, number>();
  const labels = new Map<string, string>();
  for (const [field, names] of Object.entries(profile.columns)) {
    // Names are in order of preference: the first one the file has is meant.
    const position = names.map(name => written.indexOf(plainName(name))).find(index => index !== -1);
    if (position === undefined) continue;
    positions.set(field, position);
    labels.set(field, fields[position]?.trim() ?? field);
  }
  const missing = profile.required
    .map(need => (typeof need === 'string' ? [need] : need))
    .filter(choices => !choices.some(field => positions.has(field)))
    .map(choices => choices.map(field => `"${profile.columns[field]?.[0] ?? field}"`).join(' or '));
  const signed = profile.signature.length > 0 && profile.signature.every(name => written.includes(plainName(name)));
  return { header: { profile, positions, labels, width: fields.length }, missing, signed };
}

export type FoundHeader =
  | { readonly found: Header; readonly row: number }
  /** No row names all required columns: what the nearest profile misses, and the row that came nearest. */
  | {
      readonly found: null;
      readonly profile: Profile;
      readonly missing: readonly string[];
      readonly row: number;
      readonly columns: readonly string[];
    };

/** A file with a program's signature is that program's; otherwise the profile without signature that finds most columns. */
export function findHeader(rows: readonly (readonly string[])[], profiles: readonly Profile[]): FoundHeader {
  let nearest: { match: Match; row: number } | undefined;
  for (const [row, fields] of rows.slice(0, HEADER_WITHIN).entries()) {
    const matches = profiles.map(profile => matchHeader(fields, profile));
    const eligible = matches.filter(match => match.signed || match.header.profile.signature.length === 0 || profiles.length === 1);
    const usable = eligible.filter(match => match.missing.length === 0);
    const best = usable.sort((a, b) => Number(b.signed) - Number(a.signed) || b.header.positions.size - a.header.positions.size)[0];
    if (best) return { found: best.header, row };
    for (const match of eligible) {
      if (!nearest || isNearer(match, nearest.match)) nearest = { match, row };
    }
  }
  const profile = nearest?.match.header.profile ?? profiles[0];
  if (!profile) throw new Error('expected at least one profile');
  return { found: null, profile, missing: nearest?.match.missing ?? [], row: nearest?.row ?? 0, columns: rows[nearest?.row ?? 0] ?? [] };
}

function isNearer(a: Match, b: Match): boolean {
  if (a.signed !== b.signed) return a.signed;
  if (a.header.positions.size !== b.header.positions.size) return a.header.positions.size > b.header.positions.size;
  return a.missing.length < b.missing.length;
}
