// sql.ts: SQL as a tagged template: every ${value} becomes a numbered parameter, never text. A fragment made by sql``
// may be nested in another. Rows come back typed by the caller, bigint as bigint, date as "YYYY-MM-DD".
import pg from 'pg';

const { types } = pg;
types.setTypeParser(types.builtins.INT8, BigInt);
types.setTypeParser(types.builtins.DATE, text => text);
types.setTypeParser(types.builtins.TIMESTAMPTZ, text =>
  Date.parse(text.includes('T') ? text : text.replace(' ', 'T').replace(/([+-]\d\d)$/, '$1:00')),
);

type Value =
  | string
  | number
  | bigint
  | boolean
  | null
  | Uint8Array
  | Date
  | readonly (string | number | bigint | boolean | null)[]
  | object;

export class Sql {
  readonly parts: readonly string[];
  readonly values: readonly (Value | Sql)[];
  constructor(parts: readonly string[], values: readonly (Value | Sql)[]) {
    this.parts = parts;
    this.values = values;
  }

  /** The statement as PostgreSQL wants it. */
  statement(): { text: string; values: Value[] } {
    const values: Value[] = [];
    const render = (query: Sql): string =>
      query.parts.reduce((text, part, index) => {
        const value = query.values[index - 1];
        if (index === 0) return part;
        if (value instanceof Sql) return text + render(value) + part;
        values.push(value as Value);
        return `${text}$${values.length}${part}`;
      }, '');
    const text = render(this);
    return { text, values };
  }
}

export function sql(parts: TemplateStringsArray, ...values: (Value | Sql)[]): Sql {
  return new Sql(parts, values);
}

/** An instant in milliseconds as a timestamptz parameter. */
export function at(ms: number): Date {
  return new Date(ms);
}

/** A value stored as jsonb; bigint becomes decimal text. */
export function json(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'bigint' ? inner.toString() : inner));
}
