// removals.ts: takes off Kixie's lists every number that must not be called any more. Who wants a number removed writes it
// to our shadow of the lists; asking Kixie is done here, by the case that stops, and by the sweeper for everything else
// (a customer who texts STOP, a wrong number).
import { withTenant } from '../../store/database.ts';
import { endRemoval, phonesToRemove } from '../../store/powerlist.ts';
import { askKixie, type KixieDeps, throwIfTrouble } from './ask.ts';
import { type KixieAccount, removeFromAllPowerLists } from './client.ts';

export type RemovalDeps = KixieDeps & { readonly kixieOf: (tenant: string) => KixieAccount | null };

/** Removes what is marked, of one customer or of the tenant. Returns how many numbers; throws a retryable failure when Kixie cannot. */
export async function removeWanted(deps: RemovalDeps, tenant: string, customerId?: string): Promise<number> {
  const phones = await withTenant(deps.database, tenant, tx => phonesToRemove(tx, customerId));
  const account = deps.kixieOf(tenant);
  if (!account) return 0;
  for (const phone of phones) {
    throwIfTrouble(await askKixie(deps, tenant, () => removeFromAllPowerLists(account, phone)));
    await withTenant(deps.database, tenant, tx => endRemoval(tx, phone, deps.clock.now()));
  }
  return phones.length;
}
