// customers.ts: one row of a customer file: the customer's facts, and one contact. A customer with three contacts has three
// rows. An empty cell means "not told", it clears nothing.
import type { ContactRole, ImportedCustomer } from '../domain/imported.ts';
import { isZone } from '../domain/time.ts';
import { countryCode, isEmail, phoneNumber } from './contact.ts';
import type { Cells } from './row-reader.ts';

const ROLES: Readonly<Record<string, ContactRole>> = {
  '': 'billing',
  billing: 'billing',
  invoice: 'billing',
  invoices: 'billing',
  ap: 'ap',
  accountspayable: 'ap',
  payables: 'ap',
  owner: 'owner',
  director: 'owner',
  ceo: 'owner',
  cfo: 'escalation',
  escalation: 'escalation',
  manager: 'escalation',
};

/** undefined: the problems are in the cells. */
export function readCustomerRow(cells: Cells): ImportedCustomer | undefined {
  const customer = cells.customer();
  if (!customer) return undefined;
  const country = countryOf(cells);
  const zone = cells.text('zone') || undefined;
  if (zone && !isZone(zone)) cells.problem('zone', 'an IANA time zone such as America/Toronto');
  const locale = localeOf(cells);
  const contact = contactOf(cells, country ?? '');
  if (cells.problems.length > 0) return undefined;
  return {
    customer,
    name: cells.text('customer_name'),
    country,
    region: cells.text('region') || undefined,
    zone,
    locale,
    segment: cells.text('segment') || undefined,
    owner: cells.text('owner') || undefined,
    naturalPerson: naturalPersonOf(cells),
    contact,
  };
}

function countryOf(cells: Cells): string | undefined {
  const text = cells.text('country');
  if (text === '') return undefined;
  return countryCode(text) ?? cells.problem('country', 'an ISO 3166 code such as CA');
}

function localeOf(cells: Cells): string | undefined {
  const text = cells.text('locale').replaceAll('_', '-');
  if (text === '') return undefined;
  try {
    return new Intl.Locale(text).toString();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return cells.problem('locale', 'a language such as fr-CA');
  }
}

function naturalPersonOf(cells: Cells): boolean | undefined {
  const text = cells.text('natural_person').toLowerCase();
  if (text === '') return undefined;
  if (['yes', 'true', '1', 'y'].includes(text)) return true;
  if (['no', 'false', '0', 'n'].includes(text)) return false;
  return cells.problem('natural_person', 'yes or no');
}

function contactOf(cells: Cells, country: string): ImportedCustomer['contact'] {
  const [name, email, phoneText] = [cells.text('contact_name'), cells.text('email'), cells.text('phone')];
  if (name === '' && email === '' && phoneText === '') return null;
  const role =
    ROLES[
      cells
        .text('contact_role')
        .toLowerCase()
        .replace(/[^a-z]/g, '')
    ];
  if (!role) {
    cells.problem('contact_role', 'billing, ap, owner or escalation');
    return null;
  }
  if (email !== '' && !isEmail(email)) cells.problem('email', 'an e-mail address');
  const phone = phoneText === '' ? undefined : phoneNumber(phoneText, country);
  // The address is good without the number, so the row is kept and the number is left out and told.
  if (phoneText !== '' && !phone) cells.context.tally.unreadablePhones++;
  return { role, name, email: email || null, phone: phone ?? null };
}
