// cast.test.ts: the invented book must be the same for the same seed, full of the payers a demo needs, and unreachable.
import { describe, expect, test } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { parse } from 'csv-parse/sync';
import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { afterBusinessDays, castBook, type CastBook } from '../../local/cast.ts';
import { customersCsv, invoicesCsv, openOn, plainDecimal, premiumBook } from '../../local/cast/files.ts';
import { ibmBook } from '../../local/cast/ibm.ts';
import { daysBetween, isoWeekday } from '../../domain/time.ts';

const startDate = '2026-01-05';
const book = castBook({ seed: 7, startDate });
const written = (cast: CastBook): string => JSON.stringify(cast, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
const shareOf = <T>(all: readonly T[], some: (each: T) => boolean): number => all.filter(some).length / all.length;

describe('the seeded book', () => {
  test('is the same for the same seed, and another for another', () => {
    expect(written(castBook({ seed: 7, startDate }))).toBe(written(book));
    expect(written(castBook({ seed: 8, startDate }))).not.toBe(written(book));
  });

  test.each([1, 7, 42])('has 60 invoices of at least 25 customers in 4 currencies (seed %i)', seed => {
    const cast = castBook({ seed, startDate });
    expect(cast.invoices).toHaveLength(60);
    expect(new Set(cast.invoices.map(invoice => invoice.customerId)).size).toBeGreaterThanOrEqual(25);
    expect([...new Set(cast.invoices.map(invoice => invoice.currency))].sort()).toEqual(['CAD', 'EUR', 'GBP', 'USD']);
    expect([...new Set(cast.customers.map(customer => customer.country))].sort()).toEqual(['CA', 'DE', 'ES', 'FR', 'GB', 'US']);
    expect([...new Set(cast.customers.map(customer => customer.locale.slice(0, 2)))].sort()).toEqual(['de', 'en', 'es', 'fr']);
    expect(new Set(cast.invoices.map(invoice => invoice.fate.kind)).size).toBe(8);
  });

  test('knows a strategic, a government, a small-balance and a seasonal customer, and two pairs that share a name', () => {
    const segments = book.customers.map(customer => customer.segment);
    expect(segments).toEqual(expect.arrayContaining(['strategic', 'government', 'small-balance', 'seasonal']));
    const names = book.customers.map(customer => customer.name);
    expect(names.filter(name => name === 'Road Savannah')).toHaveLength(2);
    expect(new Set(book.customers.map(customer => customer.id)).size).toBe(book.customers.length);
    const government = book.customers.find(customer => customer.segment === 'government');
    expect(book.invoices.filter(invoice => invoice.customerId === government?.id).every(invoice => invoice.purchaseOrder)).toBe(true);
  });

  test('spreads the due dates: some are old, most fall due on the way, some are not due yet', () => {
    const due = book.invoices.map(invoice => daysBetween(startDate, invoice.dueDate));
    const length = daysBetween(startDate, book.endDate);
    expect(shareOf(due, day => day <= -40)).toBeGreaterThan(0.08);
    expect(shareOf(due, day => day >= 0 && day <= length)).toBeGreaterThan(0.5);
    expect(shareOf(due, day => day > length)).toBeGreaterThan(0.05);
    expect(book.invoices.every(invoice => invoice.issueDate < startDate && invoice.issueDate < invoice.dueDate)).toBe(true);
  });

  test('pays on working days after the start, never more of a return than of its payment, in order', () => {
    const ids = new Set(book.events.map(event => event.eventId));
    expect(ids.size).toBe(book.events.length);
    expect(book.events.every(event => event.date > startDate && isoWeekday(event.date) < 6 && event.amountMinor > 0n)).toBe(true);
    const dates = book.events.map(event => event.date);
    expect(dates).toEqual(dates.toSorted());
    for (const back of book.events.filter(event => event.kind === 'return')) {
      const paid = book.events.find(event => event.eventId === back.returns);
      expect(paid?.amountMinor).toBe(back.amountMinor);
      expect(daysBetween(paid?.date ?? '', back.date)).toBeGreaterThanOrEqual(2);
    }
  });

  test('cannot reach anyone: example domains, and numbers that are well formed', () => {
    const contacts = book.customers.flatMap(customer => customer.contacts);
    expect(contacts.every(contact => contact.email.endsWith('.example'))).toBe(true);
    const numbers = contacts.flatMap(contact => contact.phone ?? []);
    expect(numbers.filter(number => !parsePhoneNumberFromString(number)?.isPossible())).toEqual([]);
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  test('scales', () => {
    const large = castBook({ seed: 7, startDate, invoices: 5000 });
    expect(large.invoices).toHaveLength(5000);
    expect(new Set(large.customers.map(customer => customer.id)).size).toBe(large.customers.length);
    expect(castBook({ seed: 7, startDate, invoices: 3 }).invoices).toHaveLength(3);
    expect(() => castBook({ seed: 7, startDate, invoices: 0 })).toThrow(/found 0 invoices/);
  });

  test('sixty business days end twelve weeks later', () => expect(afterBusinessDays(startDate, 60)).toBe('2026-03-27'));
});

describe('the files of the book', () => {
  test('the invoices file tells the invoices and nothing of their fates', () => {
    const rows = parse(invoicesCsv(book), { columns: true }) as Record<string, string>[];
    expect(rows).toHaveLength(60);
    expect(Object.keys(rows[0] ?? {})).toEqual([
      ...['Invoice Number', 'Customer ID', 'Customer Name', 'Currency', 'Amount'],
      ...['Open Amount', 'Issue Date', 'Due Date', 'Purchase Order', 'Pay Link'],
    ]);
    expect(rows.every(row => /^\d+\.\d\d$/.test(row['Open Amount'] ?? ''))).toBe(true);
  });

  test('the customers file has a row for each contact', () => {
    const rows = parse(customersCsv(book), { columns: true }) as Record<string, string>[];
    expect(rows).toHaveLength(book.customers.flatMap(customer => customer.contacts).length);
    expect(new Set(rows.map(row => row['Customer ID'])).size).toBe(book.customers.length);
  });

  test('what is open at the end is what the events left', () => {
    const open = openOn(book, '2099-01-01');
    const never = book.invoices.filter(invoice => invoice.fate.kind === 'never');
    expect(never.every(invoice => open.get(invoice.number) === invoice.amountMinor)).toBe(true);
    const paid = book.invoices.filter(invoice => ['on_time', 'late', 'part_then_rest', 'twice', 'overpays'].includes(invoice.fate.kind));
    expect(paid.every(invoice => open.get(invoice.number) === 0n)).toBe(true);
    expect(premiumBook(book, startDate).invoices.every(invoice => invoice.openMinor === invoice.totalMinor)).toBe(true);
  });

  test.each([
    { minor: 107800n, currency: 'USD', text: '1078.00' },
    { minor: 5n, currency: 'EUR', text: '0.05' },
    { minor: -250n, currency: 'GBP', text: '-2.50' },
    { minor: 900n, currency: 'JPY', text: '900' },
  ])('$minor $currency is written $text', ({ minor, currency, text }) => expect(plainDecimal(minor, currency)).toBe(text));
});

const real = '../shared/data/ibm-ar/invoices.csv';
const withReal = existsSync(real) ? test : test.skip;

describe('a book of real invoices', () => {
  const header =
    'countryCode,customerID,PaperlessDate,invoiceNumber,InvoiceDate,DueDate,InvoiceAmount,Disputed,SettledDate,PaperlessBill,DaysToSettle,DaysLate';

  test('reads months first, keeps leading zeros, and pays at six in the morning of the settled day', () => {
    const one = ibmBook(`${header}\n770,AB-1,12/31/2012,0280670965,1/3/2012,2/2/2012,97.6,No,1/23/2012,Paper,20,0\n`);
    expect(one.invoices[0]).toMatchObject({
      number: '0280670965',
      issueDate: '2012-01-03',
      dueDate: '2012-02-02',
      amountMinor: 9760n,
      currency: 'USD',
    });
    expect(one.events).toEqual([
      expect.objectContaining({ date: '2012-01-23', minute: 360, amountMinor: 9760n, invoiceNumber: '0280670965' }),
    ]);
    expect(one.customers[0]).toMatchObject({
      zone: 'America/New_York',
      country: 'US',
      contacts: [expect.objectContaining({ email: 'ab-1@example.com' })],
    });
  });

  test('says line, column and value of a day that is none', () => {
    const bad = `${header}\n770,AB-1,12/31/2012,1,1/3/2012,2/30/2012,97.6,No,1/23/2012,Paper,20,0\n`;
    expect(() => ibmBook(bad)).toThrow('line 2, "DueDate": found "2/30/2012", expected a real day as M/D/YYYY');
    expect(() => ibmBook('a,b\n1,2\n')).toThrow(/no column customerID/);
  });

  withReal(`the published file, when ${real} is there`, () => {
    const all = ibmBook(readFileSync(real, 'utf8'));
    expect(all.invoices).toHaveLength(1725);
    expect(all.customers).toHaveLength(100);
    expect(all.startDate).toBe('2012-01-03');
    expect(ibmBook(readFileSync(real, 'utf8'), { invoices: 400 }).invoices).toHaveLength(400);
  });
});
