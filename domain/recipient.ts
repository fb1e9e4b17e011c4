// recipient.ts: who at the customer is written to. Accounts payable first; late stages first ask whether the customer
// named somebody for escalations.
import type { Contact } from './facts.ts';

const usual: readonly Contact['role'][] = ['ap', 'billing', 'owner', 'escalation'];
const late: readonly Contact['role'][] = ['escalation', 'ap', 'billing', 'owner'];
const lateStages: ReadonlySet<string> = new Set(['escalation', 'final']);

/** The first contact, by role and then as listed, with an address that may be used; undefined when there is none. */
export function recipientFor(contacts: readonly Contact[], stage: string): Contact | undefined {
  const order = lateStages.has(stage) ? late : usual;
  return order
    .flatMap(role => contacts.filter(contact => contact.role === role))
    .find(contact => contact.email !== null && contact.email !== '' && !contact.emailSuppressed);
}
