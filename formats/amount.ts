// amount.ts: amounts as people and programs write them, to exact minor units. "1,234" is a thousand in one file and a
// little more than one in another, so the style is found for a whole column, and asked for when the column cannot tell.
import { exponentOf, parseDecimal } from '../domain/money.ts';

/** point: 1,234.56 (also 1'234.56, 1 234.56); comma: 1.234,56 (also 1 234,56). */
export type NumberStyle = 'point' | 'comma';
export type ReadAmount = { readonly minor: bigint } | { readonly expected: string };

/** Currencies a sign may stand for; a bare "$" is any dollar, because exports drop the country. */
const SIGNS: Readonly<Record<string, readonly string[]>> = {
  $: ['USD', 'CAD', 'AUD', 'NZD', 'SGD', 'HKD', 'MXN', 'CLP', 'COP', 'ARS', 'TWD', 'JMD', 'BSD', 'BBD', 'BMD', 'TTD', 'FJD', 'NAD', 'XCD'],
  US$: ['USD'],
  CA$: ['CAD'],
  C$: ['CAD', 'NIO'],
  A$: ['AUD'],
  AU$: ['AUD'],
  NZ$: ['NZD'],
  HK$: ['HKD'],
  S$: ['SGD'],
  MX$: ['MXN'],
  R$: ['BRL'],
  NT$: ['TWD'],
  '€': ['EUR'],
  '£': ['GBP', 'EGP', 'GIP', 'FKP', 'SHP', 'LBP', 'SYP'],
  '¥': ['JPY', 'CNY'],
  '₹': ['INR'],
  '₪': ['ILS'],
  '₩': ['KRW'],
  zł: ['PLN'],
  kr: ['SEK', 'NOK', 'DKK', 'ISK'],
  Kč: ['CZK'],
  Ft: ['HUF'],
};

type Parts = { readonly negative: boolean; readonly sign: string; readonly digits: string };

/** "(CA$1,026.00)" to its three parts; undefined when it is no amount at all. Spaces of every kind group like separators. */
function partsOf(text: string): Parts | undefined {
  let rest = text.replace(/[\s\u00a0\u202f\u2009]+/gu, ' ').trim();
  let negative = false;
  const bracketed = /^\((.*)\)$/.exec(rest);
  if (bracketed?.[1] !== undefined) {
    negative = true;
    rest = bracketed[1].trim();
  }
  const found = /^([-−+]?) ?(\p{L}{0,3}\p{Sc}?) ?([-−+]?) ?(\d(?:[\d.,'’ ]*\d)?|[.,]\d+) ?(\p{L}{0,3}\p{Sc}?) ?([-−]?)$/u.exec(rest);
  if (!found) return undefined;
  const [, before = '', prefix = '', inner = '', digits = '', suffix = '', after = ''] = found;
  const minuses = [before, inner, after].filter(mark => mark === '-' || mark === '−').length;
  if (minuses > 1 || (negative && minuses > 0) || (prefix && suffix)) return undefined;
  return { negative: negative || minuses === 1, sign: prefix || suffix, digits };
}

// Groups are of three; of two before the last three in South Asia ("12,34,567.00").
const POINT = /^(?:\d+|\d{1,3}(?:,\d{2,3})*,\d{3}|\d{1,3}(?:[' ’]\d{3})+)?(?:\.\d+)?$/;
const COMMA = /^(?:\d+|\d{1,3}(?:\.\d{3})+|\d{1,3}(?:[' ’]\d{3})+)?(?:,\d+)?$/;

/** What programs write most: "1078.00". Known at a glance, in a file of a million rows. */
const PLAIN = /^-?\d+\.\d{1,2}$/;

/** Which styles can read this amount: both for "500", only one for "1,234.56". Empty when it is no amount. */
export function stylesOf(text: string): NumberStyle[] {
  if (PLAIN.test(text)) return ['point'];
  if (isDash(text)) return ['point', 'comma'];
  const parts = partsOf(text);
  if (!parts) return [];
  return [...(POINT.test(parts.digits) ? (['point'] as const) : []), ...(COMMA.test(parts.digits) ? (['comma'] as const) : [])];
}

/** True when the styles read different amounts out of it: "1,234", "1.234". */
export function isAmbiguousAmount(text: string): boolean {
  if (PLAIN.test(text)) return false;
  return stylesOf(text).length === 2 && /[.,]/.test(partsOf(text)?.digits ?? '');
}

/**
 * Exact minor units of `text` in `currency`. `style` null means that the column never needed one; then only amounts that
 * read the same in both are taken. Never rounds: more decimals than the currency has are an error, unless zeros.
 */
export function readAmount(text: string, currency: string, style: NumberStyle | null): ReadAmount {
  if (style !== 'comma' && PLAIN.test(text)) return exact(text, currency);
  if (isDash(text)) return { minor: 0n };
  const parts = partsOf(text);
  if (!parts) return { expected: `an amount such as ${example(style)}` };
  const { digits, sign } = parts;
  if (!signMayMean(sign, currency)) return { expected: `an amount in ${currency}` };
  const usable = stylesOf(text);
  const used = style ?? (isAmbiguousAmount(text) ? undefined : usable[0]);
  if (!used) return { expected: 'an amount that can be read in one way only; give --number-style point or comma' };
  if (!usable.includes(used)) return { expected: `an amount written like ${example(used)}` };
  const point = used === 'point' ? digits.replaceAll(/[,'’ ]/g, '') : digits.replaceAll(/[.'’ ]/g, '').replace(',', '.');
  return exact(`${parts.negative ? '-' : ''}${point.startsWith('.') ? '0' : ''}${point}`, currency);
}

function exact(plain: string, currency: string): ReadAmount {
  try {
    return { minor: parseDecimal(plain, currency).minor };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { expected: `an amount with at most ${exponentOf(currency)} decimals (${currency})` };
  }
}

/** The sign an amount carries ("CA$", "€", "USD"), empty when none. */
export function signOf(text: string): string {
  return partsOf(text)?.sign ?? '';
}

function signMayMean(sign: string, currency: string): boolean {
  if (sign === '' || sign.toUpperCase() === currency) return true;
  return SIGNS[sign]?.includes(currency) ?? false;
}

/** Accounting formats print nothing owed as a dash. */
function isDash(text: string): boolean {
  return /^\p{Sc}? ?[-–—]$/u.test(text.trim());
}

function example(style: NumberStyle | null): string {
  return style === 'comma' ? '1.234,56' : '1,234.56';
}
