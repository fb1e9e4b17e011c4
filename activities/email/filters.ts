// filters.ts: money, dates, numbers and plurals inside letters, always in the customer's locale. Intl does the work; a
// filter that is given something else says what it found.
import type { Context, FilterImplOptions, Liquid } from 'liquidjs';
import { formatMoney, moneyFromJson } from '../../domain/money.ts';
import { dayNumber, DAY_MS } from '../../domain/time.ts';

type This = { context: Context };

function localeOf(self: This): string {
  return String(self.context.getSync(['locale']));
}

function isMoney(value: unknown): value is { amount: string; currency: string } {
  return typeof value === 'object' && value !== null && 'amount' in value && 'currency' in value;
}

/** Keeps what `make` made for a key: formatters cost a hundred times what they are used for. */
function kept<T>(make: (key: string) => T): (key: string) => T {
  const made = new Map<string, T>();
  return key => {
    const known = made.get(key) ?? make(key);
    made.set(key, known);
    return known;
  };
}

const longDates = kept(locale => new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeZone: 'UTC' }));
const shortDates = kept(locale => new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeZone: 'UTC' }));
const plurals = kept(locale => new Intl.PluralRules(locale));
const numbers = kept(locale => new Intl.NumberFormat(locale));

/** "3 March 2026" / "3. März 2026" of a "YYYY-MM-DD". */
export function longDate(date: string, locale: string): string {
  return longDates(locale).format(dayNumber(date) * DAY_MS);
}

/** "3 Mar 2026" / "03.03.2026", for narrow columns. */
export function shortDate(date: string, locale: string): string {
  return shortDates(locale).format(dayNumber(date) * DAY_MS);
}

/** The form for a count: { one: "# day", other: "# days" } with # as the number in the customer's locale. */
export function pluralForm(count: number, forms: Readonly<Record<string, string>>, locale: string): string {
  const category = plurals(locale).select(Math.abs(count));
  const form = forms[category] ?? forms['other'];
  if (form === undefined) throw new Error(`plural needs an "other" form, found ${Object.keys(forms).join(', ') || 'none'}`);
  return form.replaceAll('#', numbers(locale).format(count));
}

const filters: Record<string, FilterImplOptions> = {
  money(this: This, value: unknown) {
    if (!isMoney(value)) throw new Error('the filter "money" needs an amount such as total or line.amount');
    return formatMoney(moneyFromJson(value), localeOf(this));
  },
  date(this: This, value: unknown) {
    if (typeof value !== 'string') throw new Error('the filter "date" needs a day such as line.due_date');
    return longDate(value, localeOf(this));
  },
  plural(this: This, value: unknown, ...forms: unknown[]) {
    if (typeof value !== 'number') throw new Error('the filter "plural" needs a number such as count');
    return pluralForm(value, Object.fromEntries(forms.filter(Array.isArray) as [string, string][]), localeOf(this));
  },
  /** Fills up to a width, for columns in plain text. */
  pad: (value: unknown, width: unknown) => String(value).padEnd(Number(width)),
  pad_left: (value: unknown, width: unknown) => String(value).padStart(Number(width)),
};

/** Teaches an engine our filters and takes away those that would let a value through unescaped. */
export function addFilters(engine: Liquid): void {
  engine.unregisterFilter('raw');
  for (const [name, filter] of Object.entries(filters)) engine.registerFilter(name, filter);
}
