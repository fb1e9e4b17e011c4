// reach.ts: whether a customer can be reached at all. A suppressed address is as good as none; a task for our own people
// needs no address.
import type { Contact, CustomerFacts } from './facts.ts';
import type { Channel } from './policy/policy.ts';

/** The address of a contact on a channel; null when there is none that may be used. */
export function addressOf(contact: Contact, channel: 'email' | 'call'): string | null {
  const [address, suppressed] = channel === 'email' ? [contact.email, contact.emailSuppressed] : [contact.phone, contact.phoneSuppressed];
  return suppressed || address === '' ? null : address;
}

/** True when a stage on this channel has somebody to go to. */
export function canReach(customer: CustomerFacts, channel: Channel): boolean {
  return channel === 'task' || customer.contacts.some(contact => addressOf(contact, channel) !== null);
}

/** True when addresses are known and every one of them is suppressed: the customer asked not to be contacted at all. */
export function everyChannelSuppressed(customer: CustomerFacts): boolean {
  const known = customer.contacts.filter(contact => contact.email || contact.phone);
  return known.length > 0 && !canReach(customer, 'email') && !canReach(customer, 'call');
}
