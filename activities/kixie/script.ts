// script.ts: what an agent has in front of him when he calls: what is owed, how long, what was said, what to ask for.
import type { Contact, CreditorFacts, CustomerFacts, InvoiceFacts } from '../../domain/facts.ts';
import { formatMoney } from '../../domain/money.ts';
import { addDays, daysBetween, type EpochMs, instantAt, isoInstant, localDateAt } from '../../domain/time.ts';

export type ScriptInput = {
  readonly creditor: CreditorFacts;
  readonly customer: CustomerFacts;
  readonly contacts: readonly Contact[];
  readonly invoice: InvoiceFacts;
  readonly currency: string;
  readonly stage: string;
  readonly now: EpochMs;
};

/** "USD 1,078.00 open, 31 days overdue": one line, for lists and for the agent's screen. */
export function owedInShort({ creditor, invoice, currency, now }: Pick<ScriptInput, 'creditor' | 'invoice' | 'currency' | 'now'>): string {
  const open = formatMoney({ minor: invoice.openMinor, currency }, 'en', 'code');
  const days = daysBetween(invoice.dueDate, localDateAt(now, creditor.zone));
  const age = days > 0 ? `${days} day${days === 1 ? '' : 's'} overdue` : days === 0 ? 'due today' : `due in ${-days} days`;
  return `${open} open, ${age}`;
}

/** One invoice as it stands in the script; a second one joins an open task with these lines. */
export function invoiceLines(input: ScriptInput): string {
  const sent = input.invoice.covered
    .filter(stage => stage.at !== null && (stage.state === 'sent' || stage.state === 'unknown'))
    .map(stage => `  ${isoInstant(stage.at ?? input.now).slice(0, 10)} ${stage.stage} by ${stage.channel}`);
  return [
    `${input.invoice.number}: ${owedInShort(input)} (due ${input.invoice.dueDate}, stage ${input.stage})`,
    ...(sent.length > 0 ? ['Already sent:', ...sent] : ['Nothing was sent about it yet.']),
  ].join('\n');
}

/** The whole script, plain text. */
export function callScript(input: ScriptInput): string {
  const people = input.contacts.map(contact => `  ${contact.phone ?? ''} ${contact.name || 'name not known'} (${contact.role})`);
  return [
    `Call ${input.customer.name}.`,
    ...people,
    '',
    invoiceLines(input),
    '',
    'Ask, in this order:',
    `1. "I am calling for ${input.creditor.name} about ${input.invoice.number}. Did it reach you, and is anything wrong with it?"`,
    '2. Nothing wrong: "On which day will you pay, and how much?" Note the amount and the date.',
    '3. Something wrong: note what and which part; do not argue it on this call.',
    '4. Wrong person or number: ask who looks after payables.',
    'Choose the disposition that fits; the note of the call goes on record.',
  ].join('\n');
}

/** Midnight after today, in the creditor's zone: when a call that is due today is late. */
export function endOfDay({ now, creditor }: ScriptInput): number {
  return instantAt(addDays(localDateAt(now, creditor.zone), 1), 0, creditor.zone);
}
