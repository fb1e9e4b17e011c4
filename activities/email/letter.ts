// letter.ts: from facts to what a letter says. Figures are read when it is written, never taken from an older decision.
import type { Facts } from '../../domain/facts.ts';
import { formatMoney, type MoneyJson } from '../../domain/money.ts';
import type { Policy } from '../../domain/policy/policy.ts';
import { addDays, daysBetween, type LocalDate } from '../../domain/time.ts';
import type { OpenItem } from '../../store/open-items.ts';
import type { TenantSettings } from '../../store/tenants.ts';
import { oneLine } from './address.ts';
import { longDate, pluralForm } from './filters.ts';
import type { LetterContext, LetterLine, Words } from './letter-context.ts';

export type LetterInput = {
  readonly facts: Facts;
  readonly policy: Policy;
  readonly company: TenantSettings['company'];
  /** Invoices this letter is about. */
  readonly items: readonly OpenItem[];
  /** Every open item of the customer in this currency. */
  readonly allOpen: readonly OpenItem[];
  readonly addressee: string;
  readonly language: string;
  readonly words: Words;
  /** The creditor's day. */
  readonly today: LocalDate;
  readonly crossed: { readonly subject: string; readonly date: LocalDate } | null;
  /** Stage of the policy this letter is sent at; an apology has none of its own. */
  readonly stage: string;
};

/** Throws RangeError when there is no invoice to write about. */
export function letterContext(input: LetterInput): LetterContext {
  const { facts, words } = input;
  const locale = knownLocale(facts.customer.locale, input.language);
  const lines = input.items.map(item => lineOf(item, input, locale));
  const [first] = lines;
  if (!first) throw new RangeError('a letter needs at least one invoice to write about');
  const overdue = lines.filter(line => line.is_overdue);
  const money = (minor: bigint): MoneyJson => ({ amount: minor.toString(), currency: facts.currency });
  const sum = (of: readonly LetterLine[]) => money(of.reduce((total, line) => total + BigInt(line.amount.amount), 0n));
  const openMinor = input.allOpen.reduce((total, item) => total + item.openMinor, 0n);
  return {
    language: input.language,
    locale,
    words,
    company: {
      name: oneLine(input.company?.name ?? facts.creditor.name),
      email: optional(input.company?.email),
      phone: optional(input.company?.phone),
      address: optional(input.company?.address),
    },
    customer: { name: oneLine(facts.customer.name) },
    addressee: oneLine(input.addressee) || oneLine(facts.customer.name),
    today: input.today,
    currency: facts.currency,
    lines,
    first,
    count: lines.length,
    overdue_count: overdue.length,
    upcoming_count: lines.filter(line => !line.is_overdue && !line.is_settled).length,
    oldest_days: Math.max(0, ...lines.filter(line => !line.is_settled).map(line => line.days_overdue)),
    total: sum(lines),
    overdue_total: sum(overdue),
    widths: {
      number: widest(lines, line => line.number),
      due: widest(lines, line => line.due_text),
      state: widest(lines, line => line.state_text),
      amount: widest(lines, line => line.amount_text),
    },
    pay_link: (lines.length === 1 ? first.pay_link : null) ?? safeLink(input.company?.payPage ?? null),
    statement: {
      count: input.allOpen.length,
      balance: money(openMinor - facts.unappliedMinor),
      credits: facts.unappliedMinor > 0n ? money(facts.unappliedMinor) : null,
    },
    consequences: consequencesOf(input),
    call_follows: input.policy.stages.some(stage => stage.id === input.stage && stage.also.includes('call')),
    reminded_before: facts.invoices.some(
      invoice =>
        input.items.some(item => item.invoiceId === invoice.id) &&
        invoice.covered.some(line => line.channel === 'email' && (line.state === 'sent' || line.state === 'unknown')),
    ),
    cross_border: facts.customer.country !== '' && facts.customer.country !== facts.creditor.country,
    purchase_order_missing: lines.some(line => line.purchase_order === null),
    crossed: input.crossed ? { subject: oneLine(input.crossed.subject), date: input.crossed.date } : null,
  };
}

function lineOf(item: OpenItem, input: LetterInput, locale: string): LetterLine {
  const days = daysBetween(item.dueDate, input.today);
  const settled = item.openMinor <= 0n;
  const balance = item.kind === 'balance_forward';
  const number = oneLine(balance ? input.words.account_balance : item.number);
  const amount = { amount: (settled ? 0n : item.openMinor).toString(), currency: input.facts.currency };
  return {
    number,
    name: balance ? input.words.the_balance : input.words.the_invoice.replace('#', () => number),
    purchase_order: optional(item.purchaseOrder ?? undefined),
    due_date: item.dueDate,
    issue_date: item.issueDate,
    amount,
    original: { amount: item.amountMinor.toString(), currency: input.facts.currency },
    days_overdue: days,
    is_overdue: days > 0 && !settled,
    is_settled: settled,
    pay_link: settled ? null : safeLink(item.payLink),
    due_text: longDate(item.dueDate, locale),
    amount_text: formatMoney({ minor: BigInt(amount.amount), currency: amount.currency }, locale),
    state_text: settled ? input.words.settled : stateText(days, input.words, locale),
  };
}

/** "7 days overdue", "due in 3 days", "due today". */
export function stateText(days: number, words: Words, locale: string): string {
  if (days === 0) return words.due_today;
  return days > 0 ? pluralForm(days, words.overdue, locale) : pluralForm(-days, words.due_in, locale);
}

/** Only what the policy really proposes, on the day it does so for the oldest of these invoices, and only what is still ahead. */
function consequencesOf({ policy, items, words, today }: LetterInput): { text: string; date: LocalDate }[] {
  const oldest = items
    .filter(item => item.openMinor > 0n)
    .map(item => item.dueDate)
    .sort()[0];
  if (!oldest) return [];
  return policy.then.flatMap(proposal => {
    const text = words.consequences[proposal.propose];
    const date = addDays(oldest, proposal.day);
    return text && daysBetween(today, date) > 0 ? [{ text, date }] : [];
  });
}

/** A link a customer may be shown: http or https, no credentials in it, nothing that could break out of its attribute. */
export function safeLink(link: string | null): string | null {
  if (!link || /[\p{Cc}\s"'<>\\]/u.test(link) || link.length > 2_000) return null;
  try {
    const url = new URL(link);
    return (url.protocol === 'https:' || url.protocol === 'http:') && !url.username && !url.password ? link : null;
  } catch {
    return null;
  }
}

function optional(text: string | undefined): string | null {
  const line = oneLine(text ?? '');
  return line === '' ? null : line;
}

/** The customer's locale when the running ICU knows it and it speaks the letter's language; else the language alone. */
function knownLocale(locale: string, language: string): string {
  try {
    const [found] = Intl.DateTimeFormat.supportedLocalesOf(locale);
    return found !== undefined && found.split('-')[0] === language.split('-')[0] ? found : language;
  } catch {
    return language;
  }
}

function widest(lines: readonly LetterLine[], text: (line: LetterLine) => string): number {
  return Math.max(0, ...lines.map(line => text(line).length));
}
