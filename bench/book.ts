// book.ts: the books of a benchmark: one invoice per customer, so that every case speaks for itself, and a policy whose
// window never closes. They come in through the same import as everybody's.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../domain/clock.ts';
import { addDays, localDateAt } from '../domain/time.ts';
import { importFile } from '../client/cli/import-file.ts';
import { Draws } from '../local/seeded.ts';
import { type Database, withTenant } from '../store/database.ts';
import { savePolicy, saveSegments } from '../store/policies.ts';
import { saveTenant } from '../store/tenants.ts';

export const tenant = 'bench';
export const stages = ['friendly', 'gentle', 'firm', 'escalation', 'final'] as const;
/** Days from today to the due date: intake opens a case two days before its first stage, which is three days before it. */
const dueInDays = 5;

const policy = `policy: standard
entry: contextual
contact: { days: [mon, tue, wed, thu, fri, sat, sun], from: "00:00", to: "24:00", zone: creditor, holidays: none, min_gap_days: 0, max_per_7_days: 7, spread: false }
stages:
  - { id: friendly,   day: -3, channel: email, template: reminder-1 }
  - { id: gentle,     day: 1,  channel: email, template: reminder-2 }
  - { id: firm,       day: 7,  channel: email, template: reminder-3 }
  - { id: escalation, day: 15, channel: email, template: reminder-4 }
  - { id: final,      day: 30, channel: email, template: reminder-5 }
`;

/** A tenant with the policy above for everybody, in mode auto. */
export async function openBooks(ownerUrl: string, database: Database, now: number): Promise<void> {
  const company = {
    name: 'Bench Ltd',
    address: '1 Example Street, London',
    email: 'receivables@bench.example',
    phone: '+44 20 7946 0000',
    payPage: 'https://pay.bench.example',
  };
  await saveTenant(ownerUrl, {
    tenant_id: tenant,
    name: company.name,
    zone: 'UTC',
    country: 'GB',
    locale: 'en',
    currency: 'USD',
    settings: { company },
  });
  await withTenant(database, tenant, async tx => {
    await savePolicy(tx, { name: 'standard', source: policy, by: 'bench', now });
    await saveSegments(tx, [{ name: 'standard', rule: {}, policy: 'standard', mode: 'auto' }], 'bench', now);
  });
}

/** Imports `count` customers with an invoice each, all due so that their cases open today. `batch` keeps their names apart. */
export async function importBook(
  books: { readonly database: Database; readonly clock: Clock; readonly folder: string },
  { batch, count, seed }: { readonly batch: string; readonly count: number; readonly seed: number },
): Promise<void> {
  const draws = new Draws('bench', seed, batch);
  const today = localDateAt(books.clock.now(), 'UTC');
  const lines = Array.from({ length: count }, (_, index) => {
    const name = `${batch}-${String(index + 1).padStart(6, '0')}`;
    const amount = (draws.whole(10_000, 5_000_000) / 100).toFixed(2);
    return `${name},C-${name},Customer ${name} Ltd,USD,${amount},${addDays(today, -30)},${addDays(today, dueInDays)},Pat Doe,ap@${name}.example`;
  });
  mkdirSync(books.folder, { recursive: true });
  const path = join(books.folder, `${batch}.csv`);
  const header = 'Invoice Number,Customer ID,Customer Name,Currency,Amount,Issue Date,Due Date,Contact Name,Email';
  writeFileSync(path, `${[header, ...lines].join('\n')}\n`);
  const report = await importFile({ ...books, tenant }, { kind: 'invoices', path, part: true, actor: 'bench' });
  if (report.accepted !== count)
    throw new Error(`${path}: ${report.accepted} of ${count} rows were accepted: ${JSON.stringify(report.findings)}`);
}
