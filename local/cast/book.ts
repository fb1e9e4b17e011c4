// book.ts: the shape of a cast: customers who owe, their invoices, and what will really happen to each invoice. Dunlin is
// given the first two as files; the events are what the world does to it, day by day.
import type { LocalDate, Zone } from '../../domain/time.ts';
import type { CallBehaviour, MailBehaviour } from '../vendors/behaviour.ts';

export type CastSegment = 'standard' | 'strategic' | 'government' | 'international' | 'seasonal' | 'small-balance';

export type CastContact = {
  readonly role: 'billing' | 'ap' | 'owner' | 'escalation';
  readonly name: string;
  readonly email: string;
  /** E.164, from ranges kept for fiction; null where the customer gave none. */
  readonly phone: string | null;
};

export type CastCustomer = {
  /** Premium's account group, "AG-XXXXXXXXXX"; in a book of real invoices that file's own customer id. */
  readonly id: string;
  readonly name: string;
  /** ISO 3166-1 alpha-2. */
  readonly country: string;
  /** ISO 3166-2 without the country ("ON"), empty where it does not matter. */
  readonly region: string;
  readonly city: string;
  readonly zone: Zone;
  /** BCP 47. */
  readonly locale: string;
  readonly currency: string;
  readonly segment: CastSegment;
  /** The collector or account manager: an e-mail address. */
  readonly owner: string;
  readonly contacts: readonly CastContact[];
};

/** What will become of an invoice; hidden from Dunlin. */
export type Fate =
  | { readonly kind: 'on_time'; readonly daysBefore: number }
  | { readonly kind: 'late'; readonly days: number }
  | { readonly kind: 'after_reminder'; readonly reminder: number; readonly days: number }
  | { readonly kind: 'part_then_rest'; readonly percent: number; readonly days: number; readonly restDays: number }
  | { readonly kind: 'twice'; readonly days: number; readonly againDays: number }
  | { readonly kind: 'overpays'; readonly days: number; readonly extraMinor: bigint }
  | { readonly kind: 'bounces'; readonly days: number; readonly returnDays: number; readonly againDays: number | null }
  | { readonly kind: 'never' };

export type CastInvoice = {
  readonly number: string;
  readonly customerId: string;
  readonly currency: string;
  readonly amountMinor: bigint;
  readonly issueDate: LocalDate;
  readonly dueDate: LocalDate;
  readonly purchaseOrder: string | null;
  readonly payLink: string | null;
  readonly fate: Fate;
};

/** Something that happens to an invoice from outside. `amountMinor` is above 0 for a return too. */
export type CastEvent = {
  readonly eventId: string;
  readonly date: LocalDate;
  /** Minutes after midnight in the creditor's zone. */
  readonly minute: number;
  readonly kind: 'payment' | 'return';
  readonly invoiceNumber: string;
  readonly customerId: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  /** What the payer wrote: the invoice number. */
  readonly reference: string;
  /** Of a return: the event id of the payment that came back. */
  readonly returns: string | null;
};

export type CastBook = {
  readonly seed: number;
  readonly creditor: { readonly name: string; readonly zone: Zone; readonly country: string };
  readonly startDate: LocalDate;
  /** The last day of the story. */
  readonly endDate: LocalDate;
  readonly customers: readonly CastCustomer[];
  readonly invoices: readonly CastInvoice[];
  /** By date, minute and event id; those after `endDate` belong to the world, but a demo never reaches them. */
  readonly events: readonly CastEvent[];
  readonly mailBehaviour: readonly MailBehaviour[];
  readonly callBehaviour: readonly CallBehaviour[];
};

/** Earliest first; two at the same minute by their id. */
export function inOrder(events: readonly CastEvent[]): CastEvent[] {
  const key = (event: CastEvent): string => `${event.date} ${String(event.minute).padStart(4, '0')} ${event.eventId}`;
  return events
    .map(event => ({ event, key: key(event) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ event }) => event);
}
