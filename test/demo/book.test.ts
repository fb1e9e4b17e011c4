// book.test.ts: a book of real invoices, on the whole house: the real server, the real database, a mail server as witness.
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { countBook, rowsOf } from './book-model.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const book = join(root, '../shared/data/ibm-ar/invoices.csv');
const stages = { friendly: -3, gentle: 1, firm: 7, escalation: 15, final: 30 };
const policy = `policy: standard
contact: { days: [mon, tue, wed, thu, fri], from: "09:00", to: "17:00", zone: creditor, holidays: none, min_gap_days: 0, max_per_7_days: 1000, spread: false }
stages:
${Object.entries(stages)
  .map(([id, day], index) => `  - { id: ${id}, day: ${day}, channel: email, template: reminder-${index + 1} }`)
  .join('\n')}
`;
const count = 30;

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'dunlin-book-'));
  chmodSync(home, 0o755);
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

const known = existsSync(book);
if (!known)
  process.stderr.write('the book of real invoices is not here; expected ../shared/data/ibm-ar/invoices.csv beside the checkout\n');

(known ? describe : describe.skip)('a book of real invoices', () => {
  test('gets exactly the stages that were due before each invoice was really paid', async () => {
    writeFileSync(join(home, 'policy.yaml'), policy);
    const { stdout } = await promisify(execFile)(
      join(root, 'dunlin'),
      ['demo', '--book', book, '--invoices', String(count), '--policy', join(home, 'policy.yaml'), '--seconds-per-day', '0.2', '--json'],
      { env: { ...process.env, NODE_OPTIONS: '', DUNLIN_HOME: join(home, 'state') }, maxBuffer: 10_000_000 },
    );
    const result = JSON.parse(stdout) as {
      workflows: { started: number };
      notices: { by_stage: object; duplicates: number };
      contacts_after_payment: number;
    };
    const model = countBook(rowsOf(readFileSync(book, 'utf8'), count), stages);
    expect(result.notices.by_stage).toEqual(model.byStage);
    expect(result.workflows.started).toBe(model.started);
    expect(result).toMatchObject({ notices: { duplicates: 0 }, contacts_after_payment: 0 });
  }, 400_000);
});
