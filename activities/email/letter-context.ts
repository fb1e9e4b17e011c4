// letter-context.ts: everything a letter may say, as plain values. What is not here cannot be written to a customer. Texts
// are single lines without control characters, links are http(s) or absent, threats are what the policy will do.
import type { MoneyJson } from '../../domain/money.ts';
import type { LocalDate } from '../../domain/time.ts';

/** Words of tables and buttons in one language: policies/templates/_words/<language>.yaml. */
export type Words = {
  readonly invoice: string;
  readonly purchase_order: string;
  readonly issued: string;
  readonly due: string;
  readonly status: string;
  readonly amount: string;
  readonly original: string;
  readonly open: string;
  readonly total: string;
  readonly credits: string;
  readonly balance: string;
  readonly pay: string;
  readonly pay_page: string;
  readonly account_balance: string;
  /** How a sentence names an invoice ("invoice #") or a balance; feminine in every language that has genders. */
  readonly the_invoice: string;
  readonly the_balance: string;
  readonly team: string;
  readonly transfer_note: string;
  readonly due_today: string;
  readonly settled: string;
  readonly overdue: Readonly<Record<string, string>>;
  readonly due_in: Readonly<Record<string, string>>;
  readonly statement: string;
  readonly statement_of: string;
  readonly as_of: string;
  readonly page: string;
  readonly overdue_part: string;
  readonly overdue_label: string;
  readonly not_due_label: string;
  /** French puts a space before it. */
  readonly colon: string;
  readonly why_this: string;
  /** By what the policy proposes: "service_suspension". Proposals without words here are not mentioned to customers. */
  readonly consequences: Readonly<Record<string, string>>;
};

export type LetterLine = {
  readonly number: string;
  /** For sentences: "invoice INV-0041" or "the balance of your account". */
  readonly name: string;
  readonly purchase_order: string | null;
  readonly due_date: LocalDate;
  readonly issue_date: LocalDate | null;
  readonly amount: MoneyJson;
  readonly original: MoneyJson;
  /** Negative before the due date. */
  readonly days_overdue: number;
  readonly is_overdue: boolean;
  readonly is_settled: boolean;
  readonly pay_link: string | null;
  /** As the table shows them, in the customer's locale. */
  readonly due_text: string;
  readonly amount_text: string;
  readonly state_text: string;
};

export type LetterContext = {
  /** Language the words are in: "fr". */
  readonly language: string;
  /** The customer's own locale, for money and dates: "fr-CA". */
  readonly locale: string;
  readonly words: Words;
  readonly company: {
    readonly name: string;
    readonly email: string | null;
    readonly phone: string | null;
    readonly address: string | null;
  };
  readonly customer: { readonly name: string };
  /** How the recipient is addressed: the contact's name, or the customer's. */
  readonly addressee: string;
  readonly today: LocalDate;
  readonly currency: string;
  readonly lines: readonly LetterLine[];
  readonly first: LetterLine;
  readonly count: number;
  readonly overdue_count: number;
  readonly upcoming_count: number;
  readonly oldest_days: number;
  readonly total: MoneyJson;
  readonly overdue_total: MoneyJson;
  readonly widths: { readonly number: number; readonly due: number; readonly state: number; readonly amount: number };
  /** Where to pay: the invoice's own link when the letter is about one, else the creditor's page. */
  readonly pay_link: string | null;
  readonly statement: { readonly count: number; readonly balance: MoneyJson; readonly credits: MoneyJson | null };
  /** What the policy will propose next for these invoices, earliest first. */
  readonly consequences: readonly { readonly text: string; readonly date: LocalDate }[];
  /** The policy has a call beside this letter. */
  readonly call_follows: boolean;
  /** An earlier message about one of these invoices did leave. */
  readonly reminded_before: boolean;
  /** Customer and creditor are in different countries. */
  readonly cross_border: boolean;
  readonly purchase_order_missing: boolean;
  /** The message that crossed a payment; null unless this is an apology. */
  readonly crossed: { readonly subject: string; readonly date: LocalDate } | null;
};

/** Invented letters that templates are checked with: about one invoice, about several, and with everything optional absent. */
export function exampleLetter(kind: 'one' | 'several' | 'bare' = 'several'): LetterContext {
  const line = (number: string, days: number, amount: string): LetterLine => ({
    number,
    name: `invoice ${number}`,
    purchase_order: kind === 'bare' ? null : 'PO-7781',
    due_date: '2026-03-03',
    issue_date: kind === 'bare' ? null : '2026-02-01',
    amount: { amount, currency: 'USD' },
    original: { amount, currency: 'USD' },
    days_overdue: days,
    is_overdue: days > 0,
    is_settled: false,
    pay_link: kind === 'bare' ? null : `https://pay.example/${number}`,
    due_text: '3 March 2026',
    amount_text: '$1,078.00',
    state_text: `${days}`,
  });
  const lines =
    kind === 'several'
      ? [line('INV-0041', 30, '107800'), line('INV-0052', 7, '42000'), line('INV-0060', -3, '9900')]
      : [line('INV-0041', 30, '107800')];
  const [first = line('INV-0041', 30, '107800')] = lines;
  const optional = <T>(value: T): T | null => (kind === 'bare' ? null : value);
  return {
    language: 'en',
    locale: 'en',
    words: exampleWords,
    company: {
      name: 'Northwind Traders',
      email: optional('ar@northwind.example'),
      phone: optional('+1 206 555 0100'),
      address: optional('1 Harbor Way, Seattle'),
    },
    customer: { name: 'Example Ltd' },
    addressee: 'Example Ltd',
    today: '2026-04-02',
    currency: 'USD',
    lines,
    first,
    count: lines.length,
    overdue_count: lines.filter(item => item.is_overdue).length,
    upcoming_count: lines.filter(item => !item.is_overdue).length,
    oldest_days: 30,
    total: { amount: '159700', currency: 'USD' },
    overdue_total: { amount: '149800', currency: 'USD' },
    widths: { number: 10, due: 14, state: 16, amount: 12 },
    pay_link: optional('https://pay.example/'),
    statement: {
      count: lines.length,
      balance: { amount: '159700', currency: 'USD' },
      credits: optional({ amount: '5000', currency: 'USD' }),
    },
    consequences: kind === 'bare' ? [] : [{ text: 'suspension', date: '2026-04-17' }],
    call_follows: kind !== 'bare',
    reminded_before: kind !== 'bare',
    cross_border: kind === 'several',
    purchase_order_missing: kind === 'bare',
    crossed: { subject: 'Past due: INV-0041', date: '2026-03-10' },
  };
}

const exampleWords: Words = {
  invoice: 'Invoice',
  purchase_order: 'Your reference',
  issued: 'Issued',
  due: 'Due',
  status: 'Status',
  amount: 'Amount',
  original: 'Original',
  open: 'Open',
  total: 'Total',
  credits: 'Credits',
  balance: 'Balance',
  pay: 'Pay',
  pay_page: 'Pay',
  account_balance: 'Account balance',
  the_invoice: 'invoice #',
  the_balance: 'the balance of your account',
  team: 'Accounts Receivable',
  transfer_note: 'Quote the invoice number.',
  due_today: 'due today',
  settled: 'paid',
  overdue: { one: '#', other: '#' },
  due_in: { one: '#', other: '#' },
  statement: 'Statement',
  statement_of: 'Statement',
  as_of: 'As of',
  page: 'Page',
  overdue_part: 'Overdue',
  overdue_label: 'Overdue',
  not_due_label: 'Not due',
  colon: ':',
  why_this: 'Why',
  consequences: { service_suspension: 'suspension' },
};
