// book.ts: a creditor with the shipped policies, customers who owe, a clock the test moves and a mail server that takes
// note. Cases are stepped here without Temporal: what a step does is the same, whoever asks for it.
import pg from 'pg';
import { pino } from 'pino';
import { sendNotice } from '../../activities/email/send-notice.ts';
import { smtpSettings } from '../../activities/email/smtp.ts';
import { loadTemplates } from '../../activities/email/templates.ts';
import { holidayCalendar } from '../../activities/ledger/holidays.ts';
import { policyReader } from '../../activities/ledger/policies.ts';
import { type LedgerDeps, takeStep } from '../../activities/ledger/take-step.ts';
import { segmentCustomers } from '../../client/cli/segmenting.ts';
import type { Clock } from '../../domain/clock.ts';
import { addDays, instantAt, type LocalDate, localDateAt } from '../../domain/time.ts';
import { openNewBooks } from '../../local/new-books.ts';
import { claimDueCases, markStarted } from '../../store/cases.ts';
import { type Tx, withTenant } from '../../store/database.ts';
import { type Booked, bookPayment, type NewPayment } from '../../store/payments.ts';
import { readSegments, saveSegments } from '../../store/policies.ts';
import { at, json, type Sql, sql } from '../../store/sql.ts';
import { saveTenant } from '../../store/tenants.ts';
import { dunningWorkflowId } from '../../workflows/contract/ids.ts';
import type { Heard, TakenStep } from '../../workflows/contract/types.ts';
import { startTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { openPostOffice, type PostOffice } from './post-office.ts';

export const zone = 'Europe/London';
/** Monday 2 March 2026, 08:00 in London: before every window opens. */
export const monday = instantAt('2026-03-02', 8 * 60, zone);
export const quiet = pino({ level: 'silent' });

export type NewCustomer = {
  /** One of the shipped segments, "suggested" or "shadowed"; "standard" when left out. */
  readonly segment?: string;
  /** None: null. */
  readonly email?: string | null;
  readonly phone?: string;
  readonly owner?: string;
  readonly name?: string;
  readonly attributes?: Readonly<Record<string, unknown>>;
};

export type NewInvoice = {
  readonly customer: string;
  readonly dueDate?: LocalDate;
  readonly amountMinor?: bigint;
  readonly currency?: string;
  readonly id?: string;
};

export type Book = {
  readonly db: TestDatabase;
  readonly tenant: string;
  readonly clock: Clock & { set(ms: number): void };
  readonly office: PostOffice;
  readonly ledger: LedgerDeps;
  readonly tx: <T>(work: (tx: Tx) => Promise<T>) => Promise<T>;
  rows<Row>(query: Sql): Promise<Row[]>;
  /** As the owner, past row-level security. */
  readonly byHand: (statement: string, values?: unknown[]) => Promise<pg.QueryResult>;
  customer(id: string, more?: NewCustomer): Promise<void>;
  /** Due on 5 March 2026 and of USD 1,078.00 when not said. Its id is inv_ and the number. */
  invoice(number: string, more: NewInvoice): Promise<string>;
  /** Opens every case that is due to start, as intake does. */
  openCases(): Promise<string[]>;
  step(invoiceId: string, heard?: readonly Heard[], carriedOut?: string): Promise<TakenStep>;
  pay(number: string, amountMinor: bigint, more?: Partial<NewPayment>): Promise<Booked>;
  /** Lets business time run to the instant and carries out everything that comes due on the way. */
  passTo(until: number): Promise<void>;
  /** Subjects of the letters that went to the customer, with the stages of the invoice. */
  stagesSent(invoiceId: string): string[];
  /** Empties the book for the next test: quicker than another one. */
  startOver(): Promise<void>;
  stop(): Promise<void>;
};

export async function openBook(tenant = 'acme'): Promise<Book> {
  const db = await startTestDatabase();
  let now = monday;
  const clock = { now: () => now, realMsUntil: (until: number) => Math.max(0, until - now), set: (ms: number) => void (now = ms) };
  const office = await openPostOffice(clock.now);
  const owner = new pg.Client({ connectionString: db.url });
  await owner.connect();
  await openTenant(db, tenant);
  const policyOf = policyReader();
  const email = {
    database: db.app,
    clock,
    smtp: smtpSettings(office.url, 5_000),
    templates: loadTemplates(),
    holidaysOf: holidayCalendar,
    policyOf,
    leaseMs: 10_000,
    patienceMs: 500,
    log: quiet,
  };
  const ledger: LedgerDeps = {
    database: db.app,
    clock,
    policyOf,
    holidaysOf: holidayCalendar,
    sendNotice: (of, noticeId) => sendNotice(email, of, noticeId),
    platformConfigured: () => false,
    codeVersion: 'test',
    stageAttributes: 'each_stage',
  };
  const tx = <T>(work: (tx: Tx) => Promise<T>): Promise<T> => withTenant(db.app, tenant, work);
  let payments = 0;
  const book: Book = {
    db,
    tenant,
    clock,
    office,
    ledger,
    tx,
    rows: query => tx(inner => inner.rows(query)),
    byHand: (statement, values) => owner.query(statement, values),
    customer: (id, more = {}) => tx(inner => writeCustomer(inner, id, more, now)),
    invoice: (number, more) => tx(inner => writeInvoice(inner, number, more, now)),
    openCases: () => openDue(book),
    step: async (invoiceId, heard = [], carriedOut) => {
      const [row] = await book.rows<{ cycle: number }>(sql`select cycle from invoices where id = ${invoiceId}`);
      return takeStep(ledger, { case: { tenant, invoiceId, cycle: row?.cycle ?? 1 }, heard, carriedOut });
    },
    pay: (number, amountMinor, more = {}) =>
      tx(inner => {
        payments += 1;
        return bookPayment(
          inner,
          {
            source: 'test',
            externalId: `pay-${payments}`,
            invoiceNumber: number,
            currency: 'USD',
            amountMinor,
            valueDate: localDateAt(now, zone),
            bookedAt: now,
            reference: '',
            ...more,
          },
          'test',
        );
      }),
    passTo: until => pass(book, until),
    stagesSent: invoiceId =>
      office.letters.flatMap(letter =>
        letter.lines.filter(line => line.startsWith(`${invoiceId}/`)).map(line => line.split('/').at(-1) ?? ''),
      ),
    startOver: async () => {
      now = monday;
      office.letters.length = 0;
      office.refusals.clear();
      office.onRecipient = undefined;
      office.onBody = undefined;
      await owner.query(emptied(await tablesOf(owner)));
    },
    stop: async () => {
      await Promise.all([owner.end(), office.stop()]);
      await db.stop();
    },
  };
  return book;
}

async function tablesOf(owner: pg.Client): Promise<string[]> {
  const { rows } = await owner.query<{ name: string }>(
    `select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' and relrowsecurity and relname not in ('tenants', 'policies', 'segments')`,
  );
  return rows.map(row => row.name);
}

/** As a replica the server asks no trigger and no foreign key: also what may never be changed goes. */
function emptied(tables: readonly string[]): string {
  const statements = tables.map(table => `delete from ${table}`);
  return ['begin', 'set local session_replication_role = replica', ...statements, 'update tenants set event_seq = 0', 'commit'].join('; ');
}

/** A tenant with the shipped policies and segments, one segment in mode suggest and one in mode shadow. */
export async function openTenant(db: TestDatabase, tenant: string): Promise<void> {
  const company = { name: 'Example Traders', email: `ar@${tenant}.example`, phone: '+44 20 7946 0100', address: '1 Harbour Way, London' };
  await openNewBooks(db.url, { tenant, company: company.name, zone, country: 'GB', currency: 'USD' }, monday);
  await saveTenant(db.url, {
    tenant_id: tenant,
    name: company.name,
    zone,
    country: 'GB',
    locale: 'en',
    currency: 'USD',
    settings: { company },
  });
  await withTenant(db.app, tenant, async tx => {
    const more = (['suggest', 'shadow'] as const).map(mode => {
      const name = mode === 'suggest' ? 'suggested' : 'shadowed';
      return { name, rule: { 'attributes.mode': mode }, policy: 'standard', mode };
    });
    await saveSegments(tx, [...(await readSegments(tx)), ...more], 'test', monday);
  });
}

export async function writeCustomer(tx: Tx, id: string, more: NewCustomer, now: number): Promise<void> {
  const { segment = 'standard', email = `ap@${id.replaceAll('_', '-')}.example`, phone = null, name = `Customer ${id}` } = more;
  await tx.run(sql`
    insert into customers (tenant_id, id, name, country, zone, locale, owner, segment, attributes, created_at)
    values (${tx.tenant}, ${id}, ${name}, 'GB', ${zone}, 'en-GB', ${more.owner ?? null}, ${segment}, ${json(more.attributes ?? {})}, ${at(now)})`);
  if (email === null && phone === null) return;
  await tx.run(sql`
    insert into contacts (tenant_id, customer_id, id, role, name, email, phone) values (${tx.tenant}, ${id}, 'c1', 'ap', 'Ada Payable', ${email}, ${phone})`);
}

/** The first stage of the shipped policies that these tests use is three days before the due date, intake two days earlier. */
const intakeDaysBeforeDue = 5;

export async function writeInvoice(tx: Tx, number: string, more: NewInvoice, now: number): Promise<string> {
  const { customer, dueDate = '2026-03-05', amountMinor = 107_800n, currency = 'USD', id = `inv_${number}` } = more;
  await tx.run(sql`
    insert into invoices (tenant_id, id, customer_id, source, external_id, number, kind, currency, amount_minor, issue_date, due_date, intake_on, created_at)
    values (${tx.tenant}, ${id}, ${customer}, 'test', ${id}, ${number}, 'invoice', ${currency}, ${amountMinor}, ${addDays(dueDate, -30)}, ${dueDate},
      ${addDays(dueDate, -intakeDaysBeforeDue)}, ${at(now)})`);
  return id;
}

async function openDue(book: Book): Promise<string[]> {
  const { tenant, clock } = book;
  return book.tx(async tx => {
    const due = await claimDueCases(tx, {
      today: localDateAt(clock.now(), zone),
      now: clock.now(),
      limit: 1000,
      workflowIdOf: (invoiceId, cycle) => dunningWorkflowId({ tenant, invoiceId, cycle }),
    });
    for (const { invoiceId, cycle } of due) await markStarted(tx, invoiceId, cycle);
    return due.map(({ invoiceId }) => invoiceId);
  });
}

/** Cases that want a step at this instant: their moment has come, or something was written for them that they have not read. */
async function wanting(book: Book): Promise<string[]> {
  const rows = await book.rows<{ invoice_id: string }>(sql`
    select invoice_id from cases k where state <> 'closed' and (planned_at is null or next_action_at <= ${at(book.clock.now())}
      or exists (select from wakes w where w.tenant_id = k.tenant_id and w.workflow_id = k.workflow_id and w.seen_at is null))
    order by invoice_id`);
  return rows.map(row => row.invoice_id);
}

async function pass(book: Book, until: number): Promise<void> {
  for (let rounds = 0; rounds < 10_000; rounds += 1) {
    await openDue(book);
    const due = await wanting(book);
    for (const invoiceId of due) await book.step(invoiceId);
    if (due.length > 0) continue;
    const [row] = await book.rows<{ next: number | null }>(
      sql`select min(next_action_at) as next from cases where state <> 'closed' and next_action_at > ${at(book.clock.now())}`,
    );
    const midnight = instantAt(addDays(localDateAt(book.clock.now(), zone), 1), 0, zone);
    const next = Math.min(row?.next ?? until, midnight, until);
    if (book.clock.now() >= until) return;
    book.clock.set(next);
  }
  throw new Error('business time does not pass: a case wants a step again and again at the same instant');
}

/** Asks the segment rules about everybody, as an import does. */
export async function segment(book: Book): Promise<void> {
  await segmentCustomers(book.db.app, book.tenant, 'test', book.clock.now());
}
