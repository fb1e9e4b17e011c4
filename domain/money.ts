// money.ts: amounts are whole minor units (cents, yen, fils) in a bigint, always beside their currency. Two currencies
// never add up. Outside memory money is { amount: "107800", currency: "USD" }, because JSON has no bigint.

/** Minor units with their ISO 4217 currency. */
export type Money = { readonly minor: bigint; readonly currency: string };
/** Money as it crosses JSON, HTTP and Temporal payloads: minor units as a decimal string. */
export type MoneyJson = { readonly amount: string; readonly currency: string };

/** Minor-unit digits of a currency (ISO 4217): JPY 0, USD 2, BHD 3. Throws RangeError on a code that is not a currency. */
export function exponentOf(currency: string): number {
  const known = exponents.get(currency);
  if (known !== undefined) return known;
  if (!isCurrency(currency)) {
    throw new RangeError(`found currency "${currency}", expected an ISO 4217 code such as USD`);
  }
  const digits = new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2;
  exponents.set(currency, digits);
  return digits;
}

/** True for an ISO 4217 code that is in use. */
export function isCurrency(code: string): boolean {
  return exponents.has(code) || Intl.supportedValuesOf('currency').includes(code);
}

const exponents = new Map<string, number>([
  ['USD', 2],
  ['EUR', 2],
  ['GBP', 2],
  ['JPY', 0],
  // ICU follows cash practice for a few currencies; ISO 4217 is what files and banks use.
  ['HUF', 2],
  ['TWD', 2],
  ['IDR', 2],
  ['COP', 2],
  ['CLP', 0],
]);

export function money(minor: bigint, currency: string): Money {
  exponentOf(currency);
  return { minor, currency };
}

export function moneyToJson(value: Money): MoneyJson {
  return { amount: value.minor.toString(), currency: value.currency };
}

export function moneyFromJson(value: MoneyJson): Money {
  return money(BigInt(value.amount), value.currency);
}

function sameCurrency(a: Money, b: Money): void {
  if (a.currency !== b.currency) throw new RangeError(`${a.currency} and ${b.currency} never add up without a rate`);
}

export function add(a: Money, b: Money): Money {
  sameCurrency(a, b);
  return { minor: a.minor + b.minor, currency: a.currency };
}

export function subtract(a: Money, b: Money): Money {
  sameCurrency(a, b);
  return { minor: a.minor - b.minor, currency: a.currency };
}

/**
 * Plain decimal text ("1078.00", "-3", point as separator) to minor units. More digits than the currency has are an
 * error unless they are zeros: money is never rounded silently.
 */
export function parseDecimal(text: string, currency: string): Money {
  const parts = /^([+-]?)(\d+)(?:\.(\d+))?$/.exec(text.trim());
  if (!parts) throw new RangeError(`found "${text}", expected an amount such as 1078.00`);
  const digits = exponentOf(currency);
  const fraction = parts[3] ?? '';
  if (/[^0]/.test(fraction.slice(digits))) {
    throw new RangeError(`found "${text}", expected at most ${digits} decimals for ${currency}`);
  }
  const minor = BigInt(parts[2] + fraction.slice(0, digits).padEnd(digits, '0'));
  return { minor: parts[1] === '-' ? -minor : minor, currency };
}

/** "1078.00": minor units as plain decimal text. */
export function decimalText(value: Money): string {
  const digits = exponentOf(value.currency);
  const sign = value.minor < 0n ? '-' : '';
  const whole = (value.minor < 0n ? -value.minor : value.minor).toString().padStart(digits + 1, '0');
  return digits === 0 ? `${sign}${whole}` : `${sign}${whole.slice(0, -digits)}.${whole.slice(-digits)}`;
}

/** "USD 1,078.00" / "1.078,00 €": for people, in their locale. `code` keeps the ISO code where signs are ambiguous. */
export function formatMoney(value: Money, locale: string, display: 'code' | 'symbol' = 'symbol'): string {
  return formatOf(locale, value.currency, display).format(decimalText(value) as unknown as number);
}

const formats = new Map<string, Intl.NumberFormat>();

/** Kept once made: making one costs a hundred times what using it does. */
function formatOf(locale: string, currency: string, display: 'code' | 'symbol'): Intl.NumberFormat {
  const key = `${locale} ${currency} ${display}`;
  const known = formats.get(key) ?? new Intl.NumberFormat(locale, { style: 'currency', currency, currencyDisplay: display });
  formats.set(key, known);
  return known;
}

/** Percentage of an amount, `percent` as decimal text ("8.5"), half away from zero. */
export function percentOf(minor: bigint, percent: string): bigint {
  const parts = /^(\d+)(?:\.(\d+))?$/.exec(percent);
  if (!parts) throw new RangeError(`found "${percent}", expected a percentage such as 8.5`);
  const scale = 100n * 10n ** BigInt((parts[2] ?? '').length);
  const scaled = minor * BigInt(parts[1] + (parts[2] ?? ''));
  const half = scaled < 0n ? -scale / 2n : scale / 2n;
  return (scaled + half) / scale;
}

/**
 * Splits an amount by weights so that the shares add up exactly and none differs from its exact value by a whole unit:
 * largest remainder, ties to the first. Weights are whole and not negative; at least one is positive.
 */
export function allocate(minor: bigint, weights: readonly bigint[]): bigint[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0n);
  if (total <= 0n || weights.some(weight => weight < 0n)) throw new RangeError('expected whole weights with a positive sum');
  const sign = minor < 0n ? -1n : 1n;
  const size = minor * sign;
  const shares = weights.map(weight => (size * weight) / total);
  let left = size - shares.reduce((sum, share) => sum + share, 0n);
  const byRemainder = weights
    .map((weight, index) => ({ index, remainder: (size * weight) % total }))
    .sort((a, b) => (a.remainder === b.remainder ? a.index - b.index : a.remainder > b.remainder ? -1 : 1));
  for (const { index } of byRemainder) {
    if (left === 0n) break;
    shares[index] = (shares[index] ?? 0n) + 1n;
    left -= 1n;
  }
  return shares.map(share => share * sign);
}
