// aged-book.test.ts: the first file of a new tenant is full of old debts. Nobody gets the letters of a year on one
// morning: one message a customer, each line at the stage of its age, and nothing for the stages that went by.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { importFile } from '../../client/cli/import-file.ts';
import { addDays, DAY_MS, instantAt } from '../../domain/time.ts';
import { sql } from '../../store/sql.ts';
import { type Book, openBook, zone } from '../walks/book.ts';

const today = '2026-03-02';
const customers = 20;
const invoices = 200;
const folder = mkdtempSync(join(tmpdir(), 'dunlin-aged-'));
let book: Book;

beforeAll(async () => {
  book = await openBook();
  const rows = Array.from({ length: invoices }, (_, index) => {
    const customer = index % customers;
    // From 2 to 400 days overdue.
    const due = addDays(today, -(2 + Math.floor((index * 398) / (invoices - 1))));
    return `AGED-${index},C${customer},Customer ${customer},USD,${500 + index}.00,${500 + index}.00,${addDays(due, -30)},${due},ap@customer-${customer}.example`;
  });
  const path = join(folder, 'aged.csv');
  writeFileSync(
    path,
    ['Invoice Number,Customer ID,Customer Name,Currency,Amount,Open Amount,Issue Date,Due Date,Email', ...rows].join('\n'),
  );
  const report = await importFile({ database: book.db.app, tenant: book.tenant, clock: book.clock }, { kind: 'invoices', path });
  expect(report).toMatchObject({ accepted: invoices, quarantined: 0, new: invoices });
}, 120_000);
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await book?.stop();
});

/** The standard cadence, as its page says it. */
function stageOfAge(days: number): string {
  if (days >= 30) return 'final';
  if (days >= 15) return 'escalation';
  return days >= 7 ? 'firm' : 'gentle';
}

test('every customer gets one message, with each invoice at the stage of its age', async () => {
  await book.passTo(instantAt(today, 23 * 60, zone));
  const { letters } = book.office;
  expect(letters).toHaveLength(customers);
  expect(new Set(letters.map(letter => letter.to)).size).toBe(customers);
  const due = new Map(
    (await book.rows<{ id: string; due_date: string }>(sql`select id, due_date from invoices`)).map(row => [row.id, row.due_date]),
  );
  const lines = letters.flatMap(letter => letter.lines.map(line => line.split('/')));
  expect(lines).toHaveLength(invoices);
  for (const [id = '', cycle, stage] of lines) {
    const days = (Date.parse(today) - Date.parse(due.get(id) ?? '')) / DAY_MS;
    expect([id, cycle, stage]).toEqual([id, '1', stageOfAge(days)]);
  }
}, 120_000);

test('after a month each has heard of later stages only, never twice of one and never of a past one', async () => {
  await book.passTo(instantAt('2026-03-20', 23 * 60, zone));
  const order = ['gentle', 'firm', 'escalation', 'final'];
  const heard = new Map<string, string[]>();
  for (const line of book.office.letters.flatMap(letter => letter.lines)) {
    const [id = '', , stage = ''] = line.split('/');
    heard.set(id, [...(heard.get(id) ?? []), stage]);
  }
  for (const stages of heard.values()) {
    const places = stages.map(stage => order.indexOf(stage));
    expect(places).toEqual([...new Set(places)].sort((a, b) => a - b));
  }
  for (const to of new Set(book.office.letters.map(letter => letter.to))) {
    const at = book.office.letters.filter(letter => letter.to === to).map(letter => letter.at);
    expect(at.every((one, index) => index === 0 || one - (at[index - 1] ?? 0) >= 3 * DAY_MS - 3_600_000)).toBe(true);
  }
}, 120_000);
