// book.ts: a tenant's books for the import tests: a real database, files written as text, and what stands in the ledger.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FileImport, type FileReport, importFile } from '../../client/cli/import-file.ts';
import { instantAt } from '../../domain/time.ts';
import { type Tx, withTenant } from '../../store/database.ts';
import { listReconciliations, type ReconciliationRow } from '../../store/reconciliation.ts';
import { type Sql, sql } from '../../store/sql.ts';
import { saveTenant } from '../../store/tenants.ts';
import { startTestDatabase, type TestDatabase } from '../support/postgres.ts';

export type InvoiceRow = {
  id: string;
  number: string;
  external_id: string;
  kind: string;
  customer: string;
  currency: string;
  amount_minor: bigint;
  open_minor: bigint;
  due_date: string;
  state: string;
  outcome: string | null;
  cycle: number;
  version: bigint;
  intake_on: string | null;
};

export const today = '2026-11-20';

/** One tenant in Toronto, in a database shared by the tests of a file; "today" is a Friday. */
export class Book {
  readonly tenant: string;
  now = instantAt(today, 540, 'America/Toronto');
  readonly #database: TestDatabase;
  readonly #folder = mkdtempSync(join(tmpdir(), 'dunlin-import-'));

  static #shared: Promise<TestDatabase> | undefined;
  static #opened = 0;

  private constructor(database: TestDatabase, tenant: string) {
    this.#database = database;
    this.tenant = tenant;
  }

  static async open(): Promise<Book> {
    Book.#shared ??= startTestDatabase();
    const database = await Book.#shared;
    const book = new Book(database, `acme-${++Book.#opened}`);
    await saveTenant(database.url, {
      tenant_id: book.tenant,
      name: 'Example Creditor',
      zone: 'America/Toronto',
      country: 'CA',
      locale: 'en',
      currency: 'USD',
      settings: {},
    });
    return book;
  }

  /** After the last test of a file. */
  static async closeAll(): Promise<void> {
    await (await Book.#shared)?.stop();
  }

  get database() {
    return this.#database.app;
  }

  file(content: string | Uint8Array, name = 'file.csv'): string {
    const path = join(this.#folder, name);
    writeFileSync(path, content);
    return path;
  }

  /** Imports a text as a file. */
  async take(
    kind: FileImport['kind'],
    content: string | Uint8Array,
    options: Partial<FileImport> & { name?: string } = {},
  ): Promise<FileReport> {
    const { name, ...rest } = options;
    const clock = { now: () => this.now, realMsUntil: () => 0 };
    return importFile(
      { database: this.database, tenant: this.tenant, clock },
      { kind, path: this.file(content, name), actor: 'person:ana', ...rest },
    );
  }

  tx<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return withTenant(this.database, this.tenant, work);
  }

  rows<Row>(query: Sql): Promise<Row[]> {
    return this.tx(tx => tx.rows<Row>(query));
  }

  invoices(): Promise<InvoiceRow[]> {
    return this.rows<InvoiceRow>(sql`
      select i.id, i.number, i.external_id, i.kind, c.name as customer, i.currency, i.amount_minor, i.open_minor, i.due_date, i.state, i.outcome, i.cycle, i.version, i.intake_on
      from invoices i join customers c on c.tenant_id = i.tenant_id and c.id = i.customer_id order by i.number, i.id`);
  }

  async invoice(number: string): Promise<InvoiceRow> {
    const found = (await this.invoices()).filter(invoice => invoice.number === number);
    if (found.length !== 1 || !found[0]) throw new Error(`expected one invoice ${number}, found ${found.length}`);
    return found[0];
  }

  reconciliations(): Promise<ReconciliationRow[]> {
    return this.tx(tx => listReconciliations(tx));
  }

  holds(): Promise<{ scope: string; source: string | null; invoice_id: string | null; reason: string }[]> {
    return this.rows(sql`select scope, source, invoice_id, reason from holds where lifted_at is null order by id`);
  }

  /** A case whose workflow is thought to run. */
  async openCase(invoiceId: string): Promise<void> {
    await this.tx(async tx => {
      await tx.run(
        sql`insert into policies (tenant_id, name, version, source, sha256, created_at) values (${tx.tenant}, 'standard', 1, '', '', now()) on conflict do nothing`,
      );
      await tx.run(sql`
        insert into cases (tenant_id, invoice_id, cycle, customer_id, workflow_id, state, policy, policy_version, opened_at)
        select tenant_id, id, cycle, customer_id, 'dunning/' || tenant_id || '/' || id, 'open', 'standard', 1, now() from invoices where tenant_id = ${tx.tenant} and id = ${invoiceId}`);
    });
  }

  async closeCase(invoiceId: string): Promise<void> {
    await this.tx(tx =>
      tx.run(sql`update cases set state = 'closed', outcome = 'paid' where tenant_id = ${tx.tenant} and invoice_id = ${invoiceId}`),
    );
  }

  async wakes(invoiceId: string): Promise<number> {
    return (await this.rows(sql`select id from wakes where invoice_id = ${invoiceId}`)).length;
  }
}

export const invoiceHeader =
  'Invoice Number,Customer ID,Customer Name,Currency,Amount,Open Amount,Issue Date,Due Date,Purchase Order,Pay Link';

/** A generic invoices file of these rows. */
export function invoicesFile(...rows: readonly string[]): string {
  return `${[invoiceHeader, ...rows].join('\n')}\n`;
}
