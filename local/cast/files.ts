// files.ts: the book as other parties hold it: the files Dunlin imports, and what each stand-in vendor knows. The files
// carry nothing of the hidden fates.
import { exponentOf } from '../../domain/money.ts';
import type { LocalDate } from '../../domain/time.ts';
import type { PlatformBook } from '../vendors/platform/book.ts';
import type { PremiumBook } from '../vendors/premium/book.ts';
import { uuidOf } from '../seeded.ts';
import type { CastBook, CastInvoice } from './book.ts';

/** Minor units as a plain decimal: 107800 USD is "1078.00". */
export function plainDecimal(minor: bigint, currency: string): string {
  const digits = exponentOf(currency);
  const text = (minor < 0n ? -minor : minor).toString().padStart(digits + 1, '0');
  const whole = digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`;
  return minor < 0n ? `-${whole}` : whole;
}

/** One CSV line (RFC 4180, quoted only where it must be), without its line end. */
function csvLine(fields: readonly string[]): string {
  return fields.map(field => (/[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field)).join(',');
}

/** The generic invoices file. `openMinor` tells what is still owed of an invoice; the whole amount by default. */
export function invoicesCsv(book: CastBook, openMinor: (invoice: CastInvoice) => bigint = invoice => invoice.amountMinor): string {
  const names = new Map(book.customers.map(customer => [customer.id, customer.name]));
  const header = 'Invoice Number,Customer ID,Customer Name,Currency,Amount,Open Amount,Issue Date,Due Date,Purchase Order,Pay Link';
  const lines = book.invoices.map(invoice =>
    csvLine([
      invoice.number,
      invoice.customerId,
      names.get(invoice.customerId) ?? '',
      invoice.currency,
      plainDecimal(invoice.amountMinor, invoice.currency),
      plainDecimal(openMinor(invoice), invoice.currency),
      invoice.issueDate,
      invoice.dueDate,
      invoice.purchaseOrder ?? '',
      invoice.payLink ?? '',
    ]),
  );
  return `${[header, ...lines].join('\n')}\n`;
}

/** The customers file: one row a contact. */
export function customersCsv(book: CastBook): string {
  const header = 'Customer ID,Customer Name,Country,Region,Time Zone,Locale,Segment,Owner,Contact Role,Contact Name,Email,Phone';
  const lines = book.customers.flatMap(customer =>
    customer.contacts.map(contact =>
      csvLine([
        customer.id,
        customer.name,
        customer.country,
        customer.region,
        customer.zone,
        customer.locale,
        customer.segment,
        customer.owner,
        contact.role,
        contact.name,
        contact.email,
        contact.phone ?? '',
      ]),
    ),
  );
  return `${[header, ...lines].join('\n')}\n`;
}

/** What is owed of each invoice on the morning of `asOf` if every event before that day was booked; overpaid counts as 0. */
export function openOn(book: CastBook, asOf: LocalDate): Map<string, bigint> {
  const open = new Map(book.invoices.map(invoice => [invoice.number, invoice.amountMinor]));
  for (const event of book.events) {
    if (event.date >= asOf) break;
    const before = open.get(event.invoiceNumber) ?? 0n;
    open.set(event.invoiceNumber, event.kind === 'payment' ? before - event.amountMinor : before + event.amountMinor);
  }
  return new Map([...open].map(([number, minor]) => [number, minor < 0n ? 0n : minor]));
}

/** What the platform's stand-in knows: the accounts with their people. */
export function platformBook(book: CastBook, partnerId: string): PlatformBook {
  return {
    partnerId,
    accounts: book.customers.map(customer => ({
      id: customer.id,
      name: customer.name,
      countryCode: customer.country,
      regionCode: customer.region === '' ? '' : `${customer.country}-${customer.region}`,
      city: customer.city,
      // "up to 3 numbers" [1P] 2.4.3
      phoneNumbers: customer.contacts.flatMap(contact => contact.phone ?? []).slice(0, 3),
      customerIdentifier: customer.id.toLowerCase(),
      salesPerson: customer.owner,
      users: customer.contacts.map(contact => ({
        id: `U-${uuidOf('user', customer.id, contact.email)}`,
        email: contact.email,
        name: contact.name,
        phone: contact.phone ?? '',
      })),
    })),
    purchases: [],
  };
}

/** What Premium's stand-in reports on the morning of `asOf`. */
export function premiumBook(book: CastBook, asOf: LocalDate): PremiumBook {
  const open = openOn(book, asOf);
  return {
    customers: book.customers.map(({ id, name, city, country, owner }) => ({
      id,
      name,
      address: `1 Example Street, ${city}, ${country}`,
      salesperson: owner,
    })),
    invoices: book.invoices.map(invoice => ({
      number: invoice.number,
      customerId: invoice.customerId,
      currency: invoice.currency,
      totalMinor: invoice.amountMinor.toString(),
      openMinor: (open.get(invoice.number) ?? 0n).toString(),
      issued: invoice.issueDate,
      due: invoice.dueDate,
    })),
  };
}
