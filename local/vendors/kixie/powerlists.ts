// powerlists.ts: the lists agents dial from. A contact is its telephone number and nothing else [1P] 1.2.3.
import { z } from 'zod';

const optional = z.string().nullish();
export const powerListUpdate = z.looseObject({
  powerlistId: z.union([z.string(), z.number()]).transform(String),
  target: z.string().min(7),
  firstName: optional,
  lastName: optional,
  title: optional,
  companyName: optional,
  email: optional,
  nextCallRefresher: optional,
  crmUserId: optional,
  crmContactId: optional,
  extraData: z.record(z.string(), z.unknown()).nullish(),
  duplicateHandling: z.enum(['overwrite', 'merge', 'ignore']).optional(),
});
export type PowerListUpdate = z.output<typeof powerListUpdate>;

const fields = [
  'firstName',
  'lastName',
  'title',
  'companyName',
  'email',
  'nextCallRefresher',
  'crmUserId',
  'crmContactId',
  'extraData',
] as const;
export type PowerListContact = { phone: string } & { [field in (typeof fields)[number]]: unknown };

/** "18554842053" and "+1 855 484 2053" are one number: "+18554842053". */
export function dialled(target: string): string {
  return `+${target.replace(/\D/g, '')}`;
}

export class PowerLists {
  private readonly lists = new Map<string, Map<string, PowerListContact>>();

  /** `usual` is what happens to a known number when the request does not say. */
  update(wanted: PowerListUpdate, usual: 'overwrite' | 'merge'): 'added' | 'merged' | 'overwritten' | 'ignored' {
    const list = this.lists.get(wanted.powerlistId) ?? new Map<string, PowerListContact>();
    this.lists.set(wanted.powerlistId, list);
    const phone = dialled(wanted.target);
    const known = list.get(phone);
    const handling = wanted.duplicateHandling ?? usual;
    if (known && handling === 'ignore') return 'ignored';
    // merge keeps what the request leaves out; overwrite nulls it [1P] 1.2.3
    const kept = known && handling === 'merge' ? known : undefined;
    const next = Object.fromEntries(fields.map(field => [field, wanted[field] ?? kept?.[field] ?? null]));
    list.set(phone, { phone, ...next } as PowerListContact);
    if (!known) return 'added';
    return kept ? 'merged' : 'overwritten';
  }

  /** How many lists the number was on. Removing what is not there is no error. */
  remove(target: string, powerlistId: string | null): number {
    const phone = dialled(target);
    const from = powerlistId === null ? [...this.lists.values()] : [this.lists.get(powerlistId)];
    return from.filter(list => list?.delete(phone)).length;
  }

  contact(powerlistId: string, phone: string): PowerListContact | undefined {
    return this.lists.get(powerlistId)?.get(phone);
  }

  /** By telephone number, so that agents dial in the same order whatever order the contacts came in. */
  contacts(powerlistId: string): PowerListContact[] {
    return [...(this.lists.get(powerlistId)?.values() ?? [])].sort((a, b) => (a.phone < b.phone ? -1 : 1));
  }

  all(): Record<string, PowerListContact[]> {
    return Object.fromEntries([...this.lists.keys()].sort().map(id => [id, this.contacts(id)]));
  }

  clear(): void {
    this.lists.clear();
  }
}
