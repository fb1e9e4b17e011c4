// invoices.ts: one row of an invoice file to one invoice, by the columns its profile maps. Files of postings and of line
// items go through here too; what makes one invoice of several rows is the merge, which sees them all.
import type { ImportedContact, ImportedInvoice } from '../domain/imported.ts';
import { addDays, type LocalDate } from '../domain/time.ts';
import { signOf } from './amount.ts';
import { isEmail } from './contact.ts';
import type { Cells } from './row-reader.ts';

/** undefined: the problems are in the cells. */
export function readInvoiceRow(cells: Cells): ImportedInvoice | { skip: string } | undefined {
  const status = statusOf(cells);
  if (status === 'skip') return { skip: `status ${cells.text('status')}` };
  const customer = cells.customer();
  const number = cells.text('number').replace(/^#/, '');
  const currency = cells.currency(cells.has('amount') ? 'amount' : 'open', signOf);
  if (!customer || number === '' || !currency) return undefined;
  const amounts = amountsOf(cells, currency, status);
  const issueDate = cells.date('issue_date') ?? null;
  const dueDate = dueDateOf(cells, issueDate);
  if (!amounts || !dueDate) return undefined;
  if (issueDate !== null && dueDate < issueDate) {
    return cells.problem('due_date', `a day on or after the day of issue, ${issueDate}`, cells.text('due_date') || dueDate);
  }
  if (status === 'draft') cells.context.tally.drafts++;
  return {
    externalId: cells.text('external_id') || number,
    number,
    customer,
    customerName: cells.text('customer_name'),
    currency,
    ...amounts,
    issueDate,
    dueDate,
    purchaseOrder: cells.text('purchase_order') || null,
    payLink: payLinkOf(cells),
    status: status === 'paid' ? 'issued' : status,
    contact: contactOf(cells),
  };
}

type Status = 'issued' | 'draft' | 'void' | 'paid' | 'skip';

function statusOf(cells: Cells): Status {
  const text = cells.text('status').toLowerCase();
  const { status } = cells.profile;
  const meant = (['skip', 'draft', 'void', 'paid'] as const).find(word => status[word]?.some(name => name.toLowerCase() === text));
  return text === '' ? 'issued' : (meant ?? 'issued');
}

function amountsOf(cells: Cells, currency: string, status: Status): { amountMinor: bigint; openMinor: bigint | null } | undefined {
  const openMinor = status === 'paid' ? 0n : cells.amount('open', currency);
  const amountMinor = cells.amount('amount', currency) ?? openMinor;
  if (cells.problems.length > 0) return undefined;
  if (amountMinor === undefined) return cells.missing('amount');
  if (openMinor === undefined) return { amountMinor, openMinor: null };
  const size = amountMinor < 0n ? -amountMinor : amountMinor;
  const openSize = openMinor < 0n ? -openMinor : openMinor;
  const sameSide = openMinor === 0n || openMinor < 0n === amountMinor < 0n;
  if (openSize > size || !sameSide) return cells.problem('open', `between 0 and the amount, ${cells.text('amount')}`);
  return { amountMinor, openMinor };
}

/** As written; else the day of issue plus the terms of the row, or of the profile. */
function dueDateOf(cells: Cells, issueDate: LocalDate | null): LocalDate | undefined {
  const written = cells.date('due_date');
  if (written || cells.problems.length > 0) return written;
  const terms = cells.text('terms_days');
  const days = /^\d{1,3}$/.test(terms) ? Number(terms) : cells.profile.due_days_after_issue;
  if (terms !== '' && !/^\d{1,3}$/.test(terms)) return cells.problem('terms_days', 'a number of days such as 30');
  if (issueDate === null || days === undefined) return cells.missing('due_date');
  if (terms === '') cells.context.tally.assumedDueDate++;
  return addDays(issueDate, days);
}

/** A link that goes into messages: only web addresses. */
function payLinkOf(cells: Cells): string | null {
  const text = cells.text('pay_link');
  if (text === '') return null;
  if (/^https:\/\/[^\s"'<>]+$/i.test(text)) return text;
  cells.problem('pay_link', 'a web address that begins with https://');
  return null;
}

function contactOf(cells: Cells): ImportedContact | null {
  const email = cells.text('email');
  if (email === '') return null;
  if (!isEmail(email)) {
    cells.problem('email', 'an e-mail address');
    return null;
  }
  return { name: cells.text('contact_name'), email, phone: null };
}
