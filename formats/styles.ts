// styles.ts: how a file writes its numbers and days, from what its rows show. When they show nothing, or two things, the
// person who imports is asked.
import { isAmbiguousAmount, type NumberStyle, stylesOf } from './amount.ts';
import { type DateStyle, styleOfDate } from './date.ts';

export type Styles = { readonly number: NumberStyle | null; readonly date: DateStyle | null };

/** The import cannot go on without an answer. The message says what was found and which option gives the answer. */
export class ImportQuestion extends Error {
  override readonly name = 'ImportQuestion';
}

type Seen = { readonly line: number; readonly column: string; readonly text: string };

/** Collects what the rows of one column style show. `a` and `b` are the two styles it may be. */
class Evidence<Style extends string> {
  readonly firsts = new Map<Style, Seen>();
  ambiguous: Seen | undefined;

  for(style: Style, seen: Seen): void {
    if (!this.firsts.has(style)) this.firsts.set(style, seen);
  }

  /** Nothing more can change the answer, except a contradiction. */
  get settled(): boolean {
    return this.firsts.size > 0 || this.ambiguous === undefined;
  }

  verdict(ask: { what: string; option: string; choices: string }): Style | null {
    const [one, other] = [...this.firsts.entries()];
    if (one && other) {
      throw new ImportQuestion(
        `The file writes ${ask.what} in two ways: line ${one[1].line}, "${one[1].column}" has "${one[1].text}", line ${other[1].line}, "${other[1].column}" has "${other[1].text}". Say which one holds with ${ask.option} ${ask.choices}; rows of the other kind then go to quarantine.`,
      );
    }
    if (!one && this.ambiguous) {
      const { line, column, text } = this.ambiguous;
      throw new ImportQuestion(
        `Line ${line}, "${column}": "${text}" can be read in two ways, and no other row of the file tells which. Give ${ask.option} ${ask.choices}.`,
      );
    }
    return one?.[0] ?? null;
  }
}

export class StyleEvidence {
  readonly #dates = new Evidence<DateStyle>();
  readonly #numbers = new Evidence<NumberStyle>();

  seeDate(text: string, line: number, column: string): void {
    const style = styleOfDate(text);
    if (style === 'dmy' || style === 'mdy') this.#dates.for(style, { line, column, text });
    else if (style === 'ambiguous') this.#dates.ambiguous ??= { line, column, text };
  }

  seeAmount(text: string, line: number, column: string): void {
    const styles = stylesOf(text);
    if (styles.length === 1 && styles[0]) this.#numbers.for(styles[0], { line, column, text });
    else if (isAmbiguousAmount(text)) this.#numbers.ambiguous ??= { line, column, text };
  }

  get settled(): boolean {
    return this.#dates.settled && this.#numbers.settled;
  }

  /** What is forced wins; throws ImportQuestion when the rows cannot tell or contradict each other. */
  verdict(forced: Partial<Styles>): Styles {
    return {
      date: forced.date ?? this.#dates.verdict({ what: 'dates', option: '--date-style', choices: 'dmy (day first) or mdy (month first)' }),
      number:
        forced.number ??
        this.#numbers.verdict({ what: 'amounts', option: '--number-style', choices: 'point (1,234.56) or comma (1.234,56)' }),
    };
  }
}
