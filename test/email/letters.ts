// letters.ts: one customer with three invoices, as the letters of each language are looked at.
import { readFileSync } from 'node:fs';
import { letterContext } from '../../activities/email/letter.ts';
import type { LetterContext } from '../../activities/email/letter-context.ts';
import type { TemplateBook } from '../../activities/email/templates.ts';
import type { Facts } from '../../domain/facts.ts';
import type { Policy } from '../../domain/policy/policy.ts';
import { readPolicy } from '../../domain/policy/parse.ts';
import type { OpenItem } from '../../store/open-items.ts';

export function shippedPolicy(name: string): Policy {
  const read = readPolicy(readFileSync(new URL(`../../policies/${name}.yaml`, import.meta.url), 'utf8'));
  if (!read.ok) throw new Error(`policies/${name}.yaml is not a policy`);
  return read.policy;
}

export function item(number: string, dueDate: string, openMinor: bigint, more: Partial<OpenItem> = {}): OpenItem {
  return {
    invoiceId: number,
    number,
    kind: 'invoice',
    issueDate: '2026-02-01',
    dueDate,
    amountMinor: openMinor,
    openMinor,
    state: 'open',
    payLink: null,
    purchaseOrder: null,
    ...more,
  };
}

export const threeItems = [
  item('INV-0041', '2026-03-03', 107_800n, { purchaseOrder: 'PO-7781', payLink: 'https://pay.northwind.example/INV-0041' }),
  item('INV-0052', '2026-03-26', 42_050n),
  item('INV-0060', '2026-04-05', 9_900n),
];

export type LetterOptions = {
  readonly template?: string;
  readonly stage?: string;
  readonly items?: readonly OpenItem[];
  readonly policy?: Policy;
  readonly customerName?: string;
  readonly addressee?: string;
  readonly companyName?: string;
  readonly payPage?: string;
  readonly country?: string;
  readonly today?: string;
  readonly crossedSubject?: string;
};

/** What a letter would say on 2 April 2026. */
export function letterFor(book: TemplateBook, locale: string, currency: string, options: LetterOptions = {}): LetterContext {
  const language = book.languageFor(options.template ?? 'reminder-5', locale);
  const items = options.items ?? threeItems;
  const facts: Facts = {
    creditor: { name: 'Northwind Traders', zone: 'Europe/London', country: 'GB' },
    customer: {
      id: 'cus_1',
      name: options.customerName ?? 'Example Ltd',
      country: options.country ?? 'GB',
      region: null,
      zone: null,
      locale,
      naturalPerson: false,
      segment: 'standard',
      mode: 'auto',
      owner: null,
      contacts: [],
      version: 1,
      contactedAt: [],
    },
    currency,
    invoices: [],
    holds: [],
    unappliedMinor: 15_000n,
  };
  return letterContext({
    facts,
    policy: options.policy ?? shippedPolicy('standard'),
    company: {
      name: options.companyName ?? 'Northwind Traders',
      email: 'ar@northwind.example',
      phone: '+44 20 7946 0100',
      address: '1 Harbour Way, London',
      payPage: options.payPage ?? 'https://pay.northwind.example/',
    },
    items,
    allOpen: items.filter(one => one.openMinor > 0n),
    addressee: options.addressee ?? 'Ada Payable',
    language,
    words: book.wordsFor(language),
    today: options.today ?? '2026-04-02',
    crossed: { subject: options.crossedSubject ?? 'Past due: INV-0041', date: '2026-03-30' },
    stage: options.stage ?? 'final',
  });
}
