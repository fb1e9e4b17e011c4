// contact.ts: addresses and places as files give them, to the one form the rest of Dunlin uses: E.164 numbers, ISO
// countries. What cannot be read for certain is left out: a wrong number would be called.
import { type CountryCode, isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js';

/** Plain shape only; whether it is read is what a bounce tells. */
export function isEmail(text: string): boolean {
  return /^[^\s@<>",;:]+@[^\s@<>",;:]+\.[^\s@<>",;:.]{2,}$/.test(text) && text.length <= 254;
}

/** "+13065550123", or undefined when no number of that country is as long. */
export function phoneNumber(text: string, country: string): string | undefined {
  const region = isSupportedCountry(country) ? (country as CountryCode) : undefined;
  const parsed = parsePhoneNumberFromString(text, region);
  return parsed?.isPossible() ? parsed.number : undefined;
}

let countryNames: Map<string, string> | undefined;

/** ISO 3166-1 alpha-2 of a code or of an English name; undefined when it is neither. */
export function countryCode(text: string): string | undefined {
  const upper = text.toUpperCase();
  countryNames ??= new Map(
    Array.from({ length: 26 * 26 }, (_, index) => String.fromCharCode(65 + Math.floor(index / 26), 65 + (index % 26)))
      .filter(code => isSupportedCountry(code))
      .flatMap(code => [
        [code, code],
        [new Intl.DisplayNames('en', { type: 'region' }).of(code)?.toUpperCase() ?? code, code],
      ]),
  );
  if (upper === 'UK') return 'GB';
  if (upper === 'USA') return 'US';
  return countryNames.get(upper);
}
