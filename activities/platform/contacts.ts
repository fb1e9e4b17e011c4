// contacts.ts: Premium's reports know no telephone numbers; the platform's sales accounts do. Reads them page by page and
// adds the numbers we did not have. Numbers come as people typed them, with extensions, in the format of their country.
import { isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { addPhone, customersByAccountGroup } from '../../store/contacts.ts';
import { withTenant } from '../../store/database.ts';
import { derivedId } from '../../store/ids.ts';
import { askPlatform, type PlatformGuard } from './ask.ts';
import { failureOf } from '../failures.ts';
import { type PlatformAccount, salesAccounts } from './client.ts';

export type ContactsRead = { readonly accounts: number; readonly added: number; readonly unreadable: number };

/** Every sales account of the partner that is a customer of ours. Safe to repeat; stops at the first page that fails. */
export async function readPlatformContacts(guard: PlatformGuard, tenant: string, account: PlatformAccount): Promise<ContactsRead> {
  const ours = await withTenant(guard.database, tenant, tx => customersByAccountGroup(tx));
  let [accounts, added, unreadable] = [0, 0, 0];
  let next: string | undefined;
  do {
    const page = await askPlatform(guard, tenant, () => salesAccounts(account, account.namespace, next));
    if (page.kind === 'rejected') throw failureOf({ ...page, vendor: 'platform' });
    for (const sales of page.accounts) {
      const customerId = ours.get(sales.id);
      if (!customerId) continue;
      accounts += 1;
      for (const written of sales.phones) {
        const phone = e164(written, sales.countryCode);
        if (!phone) unreadable += 1;
        else {
          const contact = { id: derivedId('con', sales.id, phone), customerId, phone, source: 'platform' };
          const result = await withTenant(guard.database, tenant, tx => addPhone(tx, contact, guard.clock.now()));
          if (result === 'added') added += 1;
        }
      }
    }
    next = page.next ?? undefined;
  } while (next !== undefined);
  return { accounts, added, unreadable };
}

/** "+13068800001", without its extension; undefined when it is no valid number of that country. */
export function e164(written: string, countryCode: string): string | undefined {
  const country = isSupportedCountry(countryCode) ? countryCode : undefined;
  const digits = written.replace(/[,;].*$/, '');
  const number = parsePhoneNumberFromString(digits, country ? { defaultCountry: country } : undefined);
  return number?.isValid() ? number.number : undefined;
}
