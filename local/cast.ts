// cast.ts: the seeded book of the demo: who owes what, and what will become of it. Pure: the same options give the same
// book, byte for byte, on every machine.
import { addDays, isoWeekday, type LocalDate } from '../domain/time.ts';
import type { CallBehaviour, MailBehaviour } from './vendors/behaviour.ts';
import { inOrder, type CastBook, type CastCustomer, type CastInvoice, type Fate } from './cast/book.ts';
import { dealFates, eventsOf } from './cast/fate.ts';
import { customerAt } from './cast/people.ts';
import { Draws, codeOf } from './seeded.ts';

export type { CastBook, CastContact, CastCustomer, CastEvent, CastInvoice } from './cast/book.ts';

export type CastOptions = {
  readonly seed: number;
  /** How many invoices; 60 by default. Customers are 25 or more, about two invoices each. */
  readonly invoices?: number;
  readonly startDate: LocalDate;
  /** Length of the story in Mondays to Fridays; 60 by default. */
  readonly businessDays?: number;
};

/** The cast of a demo. Throws RangeError on fewer than one invoice or business day. */
export function castBook({ seed, invoices: count = 60, startDate, businessDays = 60 }: CastOptions): CastBook {
  if (count < 1 || businessDays < 1)
    throw new RangeError(`found ${count} invoices over ${businessDays} business days, expected at least one of each`);
  const draws = new Draws('cast', seed, count);
  const customers = Array.from({ length: Math.max(25, Math.round(count / 2.2)) }, (_, index) => customerAt(index, seed, draws));
  const endDate = afterBusinessDays(startDate, businessDays);
  const fates = dealFates(count, draws);
  const dueDays = draws.shuffled(Array.from({ length: count }, (_, index) => dueDay(index / count, businessDays, draws)));
  const invoices = fates.map((fate, index) =>
    invoiceAt(index, fate, dueDays[index] ?? 0, customerOf(index, customers, draws), { seed, startDate, draws }),
  );
  return {
    seed,
    creditor: { name: 'Example Platform Inc.', zone: 'America/Toronto', country: 'CA' },
    startDate,
    endDate,
    customers,
    invoices,
    events: inOrder(invoices.flatMap(invoice => eventsOf(invoice, invoice.fate, startDate))),
    mailBehaviour: mailOf(customers),
    callBehaviour: callsOf(customers),
  };
}

/** The `days`-th Monday to Friday, the start itself counted when it is one. */
export function afterBusinessDays(startDate: LocalDate, days: number): LocalDate {
  let day = startDate;
  for (let counted = isoWeekday(day) < 6 ? 1 : 0; counted < days; ) {
    day = addDays(day, 1);
    if (isoWeekday(day) < 6) counted++;
  }
  return day;
}

/** Days from the start to the due date for the invoice at `share` of the book: an eighth is very old, most fall due on the way. */
function dueDay(share: number, businessDays: number, draws: Draws): number {
  const calendarDays = Math.ceil((businessDays * 7) / 5);
  if (share < 0.13) return -draws.whole(41, 130);
  if (share < 0.27) return -draws.whole(1, 38);
  if (share < 0.88) return draws.whole(0, Math.ceil(calendarDays * 0.72));
  return draws.whole(calendarDays + 1, calendarDays + 20);
}

/** Everyone owes something while there are enough invoices; after that some owe more than others. */
function customerOf(index: number, customers: readonly CastCustomer[], draws: Draws): CastCustomer {
  return customers[index] ?? customers[Math.floor(draws.next() ** 1.6 * customers.length)] ?? draws.pick(customers);
}

const terms = [10, 14, 30, 45, 60, 90, 120] as const;

function invoiceAt(
  index: number,
  fate: Fate,
  due: number,
  customer: CastCustomer,
  { seed, startDate, draws }: { seed: number; startDate: LocalDate; draws: Draws },
): CastInvoice {
  const dueDate = addDays(startDate, due);
  // Issued before the story starts, so that one file at the start knows all of them.
  const usual = customer.segment === 'government' ? 60 : draws.pick([10, 14, 30, 30, 30, 45]);
  const days = terms.find(each => each >= Math.max(usual, due + 1)) ?? due + 2;
  const number = `INV-${String(1001 + index)}`;
  return {
    number,
    customerId: customer.id,
    currency: customer.currency,
    amountMinor: amountOf(customer.segment, draws),
    issueDate: addDays(dueDate, -days),
    dueDate,
    purchaseOrder: customer.segment === 'government' ? `PO-${startDate.slice(0, 4)}-${codeOf(5, 'po', seed, index)}` : null,
    payLink: draws.next() < 0.4 ? `https://pay.example/i/${codeOf(16, 'pay', seed, index)}` : null,
    fate,
  };
}

/** Minor units, from `low` to `high` whole ones, small amounts more often than large. */
function amountOf(segment: CastCustomer['segment'], draws: Draws): bigint {
  const [low, high] =
    segment === 'strategic'
      ? [20_000, 90_000]
      : segment === 'small-balance'
        ? [2, 30]
        : segment === 'government'
          ? [2_000, 40_000]
          : [40, 9_000];
  return BigInt(Math.round(low * (high / low) ** draws.next() * 100));
}

/** A few people whose mail does not simply arrive. The rest read in silence. */
function mailOf(customers: readonly CastCustomer[]): MailBehaviour[] {
  return customers.flatMap((customer, index): MailBehaviour[] => {
    const address = customer.contacts[0]?.email ?? '';
    if (index % 25 === 9) return [{ address, nth: 1, does: 'bounce', text: 'The e-mail account that you tried to reach does not exist.' }];
    if (index % 25 === 12) return [{ address, nth: 1, does: 'auto_reply', text: 'I am out of the office until Monday.', afterMinutes: 1 }];
    if (index % 25 === 14)
      return [{ address, nth: 1, does: 'reply', text: 'We already paid this last week, please check.', afterMinutes: 150 }];
    if (index % 25 === 17)
      return [
        {
          address,
          nth: 2,
          does: 'reply',
          text: 'Could you send me a copy of the invoice and the purchase order number?',
          afterMinutes: 45,
        },
      ];
    if (index % 25 === 21) return [{ address, nth: 1, does: 'bounce_soft', text: 'The mailbox is full, delivery will be tried again.' }];
    return [];
  });
}

/** Every number answers somehow: mostly nobody picks up the first time. */
function callsOf(customers: readonly CastCustomer[]): CallBehaviour[] {
  return customers.flatMap((customer, index) =>
    customer.contacts.flatMap(({ phone }): CallBehaviour[] => {
      if (phone === null) return [];
      const missed: CallBehaviour = { phone, nth: 1, outcome: 'no_answer', disposition: 'No answer', seconds: 0 };
      const voicemail: CallBehaviour = { phone, nth: 1, outcome: 'voicemail', disposition: 'Left voicemail', seconds: 31 };
      const promise: CallBehaviour = {
        phone,
        nth: 'every',
        outcome: 'answered',
        disposition: 'Promise to pay',
        note: 'Will pay by {day+7}',
        seconds: 153,
      };
      const dispute: CallBehaviour = {
        phone,
        nth: 'every',
        outcome: 'answered',
        disposition: 'Dispute',
        note: 'Says the quantity is wrong',
        seconds: 240,
      };
      const wrong: CallBehaviour = { phone, nth: 'every', outcome: 'answered', disposition: 'Wrong number', note: '', seconds: 12 };
      const stories = [
        [promise],
        [missed, promise],
        [voicemail, { ...missed, nth: 'every' as const }],
        [missed, dispute],
        [{ ...missed, nth: 'every' as const }],
        [wrong],
      ];
      return stories[index % stories.length] ?? [];
    }),
  );
}
