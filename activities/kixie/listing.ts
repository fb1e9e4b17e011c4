// listing.ts: brings a customer's numbers onto the PowerList. A list knows a contact by its number alone, and cannot be read
// back: our shadow of it is written before and after each request.
import type { Contact } from '../../domain/facts.ts';
import { type Tx, withTenant } from '../../store/database.ts';
import { derivedId } from '../../store/ids.ts';
import { beginListing, dropListing, endListing } from '../../store/powerlist.ts';
import { openTask } from '../../store/tasks.ts';
import type { CaseKey } from '../../workflows/contract/ids.ts';
import { askKixie, throwIfTrouble } from './ask.ts';
import { type KixieAccount, mergeIntoPowerList, type PowerListContact } from './client.ts';
import { type RemovalDeps, removeWanted } from './removals.ts';
import { endOfDay, owedInShort, type ScriptInput } from './script.ts';

/** The contacts whose numbers are free. One that another customer has on the list becomes a task, not a call. */
export async function claimNumbers(tx: Tx, listId: string, input: ScriptInput, key: CaseKey, stage: string): Promise<Contact[]> {
  const mine: Contact[] = [];
  for (const contact of input.contacts) {
    const claim = await beginListing(tx, { powerlistId: listId, phone: contact.phone ?? '', customerId: input.customer.id }, input.now);
    if (claim.kind === 'mine') {
      mine.push(contact);
      continue;
    }
    await openTask(
      tx,
      {
        id: derivedId('task', 'shared_phone', input.customer.id, contact.id, key.invoiceId, key.cycle, stage),
        kind: 'shared_phone',
        invoiceId: key.invoiceId,
        customerId: input.customer.id,
        owner: input.customer.owner,
        title: `${input.customer.name} shares a telephone number with another customer`,
        body: `Its number is on the PowerList for customer ${claim.customerId}, so it was not added: an agent would see the wrong debt. Call by hand from the call task, or correct the number.`,
        dueAt: endOfDay(input),
      },
      'dunlin',
      input.now,
    );
  }
  return mine;
}

export function powerListContact(input: ScriptInput, contact: Contact, reference: string, key: CaseKey): PowerListContact {
  const [firstName = '', ...rest] = contact.name.trim().split(/\s+/);
  return {
    phone: contact.phone ?? '',
    firstName,
    lastName: rest.join(' '),
    companyName: input.customer.name,
    email: contact.email ?? '',
    refresher: `${input.invoice.number}: ${owedInShort(input)}`,
    contactId: reference,
    extra: { caseId: `${key.invoiceId}/${key.cycle}`, currency: input.currency },
  };
}

type List = { readonly tenant: string; readonly account: KixieAccount; readonly listId: string; readonly customerId: string };

/** Adds one number. Returns why Kixie said no to it, if it did: the task stays, and a person calls by hand. Throws what may be tried again. */
export async function listContact(deps: RemovalDeps, list: List, contact: PowerListContact): Promise<string[]> {
  const { tenant, account, listId, customerId } = list;
  const answer = await askKixie(deps, tenant, () => mergeIntoPowerList(account, listId, contact));
  if (answer.kind === 'rejected') {
    await withTenant(deps.database, tenant, tx => dropListing(tx, listId, contact.phone, deps.clock.now()));
    return [`Kixie did not take a number: ${answer.because}`];
  }
  throwIfTrouble(answer);
  const listed = await withTenant(deps.database, tenant, tx =>
    endListing(tx, { powerlistId: listId, phone: contact.phone, customerId }, deps.clock.now()),
  );
  // Paid, or told to stop, while the request was on its way: off again.
  if (listed === 'stopped') await removeWanted(deps, tenant, customerId);
  return [];
}
