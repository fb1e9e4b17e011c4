// facts-builder.ts: facts of a customer, told briefly: what a test does not mention is ordinary.
import { readFileSync } from 'node:fs';
import type { Contact, CoveredStage, CustomerFacts, Facts, Hold, InvoiceFacts } from '../../domain/facts.ts';
import { readPolicy } from '../../domain/policy/parse.ts';
import type { HolidayCalendar, Policy } from '../../domain/policy/policy.ts';
import { type EpochMs, instantAt, type Zone } from '../../domain/time.ts';

export const NEW_YORK: Zone = 'America/New_York';

/** "2026-03-02 09:30" on the clocks of a zone. */
export function at(local: string, zone: Zone = NEW_YORK): EpochMs {
  const [date = '', time = '00:00'] = local.split(' ');
  const [hour = '0', minute = '0', second = '0'] = time.split(':');
  return instantAt(date, Number(hour) * 60 + Number(minute), zone) + Number(second) * 1000;
}

export const contact: Contact = {
  id: 'c1',
  role: 'ap',
  name: 'Ada',
  email: 'ap@example.com',
  phone: '+12125550100',
  emailSuppressed: false,
  phoneSuppressed: false,
};

export function invoice(changes: Partial<InvoiceFacts> = {}): InvoiceFacts {
  return {
    id: 'i1',
    number: 'INV-1',
    kind: 'invoice',
    source: 'books',
    dueDate: '2026-03-02',
    amountMinor: 107_800n,
    openMinor: 107_800n,
    state: 'open',
    outcome: null,
    version: 1,
    cycle: 1,
    openedAt: at('2026-02-20 08:00'),
    covered: [],
    crossedNoticeIds: [],
    ...changes,
  };
}

export function covered(stage: string, changes: Partial<CoveredStage> = {}): CoveredStage {
  return {
    stage,
    channel: 'email',
    cycle: 1,
    noticeId: `n-${stage}`,
    state: 'sent',
    review: 'none',
    at: at('2026-02-27 10:00'),
    ...changes,
  };
}

export function hold(changes: Partial<Hold> = {}): Hold {
  return { kind: 'manual', scope: 'customer', invoiceId: null, reason: 'asked by sales', until: null, ...changes };
}

type Told = {
  customer?: Partial<CustomerFacts>;
  invoices?: readonly InvoiceFacts[];
  holds?: readonly Hold[];
  unappliedMinor?: bigint;
  currency?: string;
  creditorZone?: Zone;
};

export function factsOf(told: Told = {}): Facts {
  return {
    creditor: { name: 'Acme', zone: told.creditorZone ?? NEW_YORK, country: 'US' },
    customer: {
      id: 'cust-1',
      name: 'Example Ltd',
      country: 'US',
      region: null,
      zone: NEW_YORK,
      locale: 'en',
      naturalPerson: false,
      segment: 'standard',
      mode: 'auto',
      owner: 'olivia',
      contacts: [contact],
      version: 1,
      contactedAt: [],
      ...told.customer,
    },
    currency: told.currency ?? 'USD',
    invoices: told.invoices ?? [invoice()],
    holds: told.holds ?? [],
    unappliedMinor: told.unappliedMinor ?? 0n,
  };
}

export const noHolidays: HolidayCalendar = { has: () => false, nameOf: () => null };

export function holidays(...dates: readonly string[]): HolidayCalendar {
  return { has: date => dates.includes(date), nameOf: date => (dates.includes(date) ? 'a holiday' : null) };
}

/** A policy that is shipped, as it is read from its file. */
export function shipped(name: string): Policy {
  const read = readPolicy(readFileSync(new URL(`../../policies/${name}.yaml`, import.meta.url), 'utf8'));
  if (!read.ok) throw new Error(`policies/${name}.yaml: ${JSON.stringify(read.errors)}`);
  return read.policy;
}

/** The standard policy without spread: the first minute of the window is everybody's. */
export const standard: Policy = withContact(shipped('standard'), { spread: false });

export function withContact(policy: Policy, changes: Partial<Policy['contact']>): Policy {
  return { ...policy, contact: { ...policy.contact, ...changes } };
}
