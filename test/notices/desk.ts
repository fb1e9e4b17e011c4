// desk.ts: a creditor with one customer, a real database and a mail server, for tests of how a notice leaves.
import pg from 'pg';
import { loadTemplates } from '../../activities/email/templates.ts';
import { type EmailDeps, sendNotice } from '../../activities/email/send-notice.ts';
import { smtpSettings } from '../../activities/email/smtp.ts';
import type { Stage } from '../../domain/policy/policy.ts';
import { readPolicy } from '../../domain/policy/parse.ts';
import { readFileSync } from 'node:fs';
import { type Tx, withTenant } from '../../store/database.ts';
import { loadFacts } from '../../store/facts.ts';
import { openNotice } from '../../store/notices.ts';
import { savePolicy } from '../../store/policies.ts';
import { sql } from '../../store/sql.ts';
import { saveTenant } from '../../store/tenants.ts';
import { lockCustomer } from '../../store/wakes.ts';
import { type MailServer, startMailServer } from '../email/mail-server.ts';
import { startTestDatabase, type TestDatabase } from '../support/postgres.ts';

export const tenant = 'northwind';
const source = readFileSync(new URL('../../policies/standard.yaml', import.meta.url), 'utf8');
const read = readPolicy(source);
if (!read.ok) throw new Error('policies/standard.yaml is not a policy');
export const standard = read.policy;
const templates = loadTemplates();

export type Desk = {
  readonly database: TestDatabase;
  readonly mail: MailServer;
  readonly deps: EmailDeps;
  now: number;
  in<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /** As the owner, past row-level security: to put a row into a state by hand. */
  byHand(statement: string, values?: unknown[]): Promise<pg.QueryResult>;
  customer(id: string, more?: { email?: string; locale?: string; country?: string }): Promise<void>;
  invoice(
    id: string,
    customerId: string,
    more?: { dueDate?: string; amountMinor?: bigint; currency?: string; payLink?: string },
  ): Promise<void>;
  /** Opens a notice about these invoices at the stage. */
  open(customerId: string, invoiceIds: readonly string[], more?: Partial<Parameters<typeof openNotice>[1]>): Promise<string>;
  send(noticeId: string, more?: Partial<EmailDeps>): ReturnType<typeof sendNotice>;
  notice(id: string): Promise<NoticeRow>;
  stop(): Promise<void>;
};

export type NoticeRow = {
  state: string;
  crossed_payment: boolean;
  attempts: number;
  provider_reply: string | null;
  review: string;
  subject: string | null;
  live: boolean | null;
};

/** Tuesday 10 March 2026, 15:00 in London: an invoice due on the 3rd is seven days late, stage "firm". */
export const tuesday = Date.UTC(2026, 2, 10, 15, 0);

export async function openDesk(): Promise<Desk> {
  const database = await startTestDatabase();
  const mail = await startMailServer();
  await saveTenant(database.url, {
    tenant_id: tenant,
    name: 'Northwind Traders',
    zone: 'Europe/London',
    country: 'GB',
    locale: 'en',
    currency: 'USD',
    settings: {
      company: { name: 'Northwind Traders', email: 'ar@northwind.example', phone: '+44 20 7946 0100', address: '1 Harbour Way, London' },
    },
  });
  const owner = new pg.Client({ connectionString: database.url });
  await owner.connect();
  const desk: Desk = {
    database,
    mail,
    now: tuesday,
    deps: {
      database: database.app,
      clock: { now: () => desk.now, realMsUntil: () => 0 },
      smtp: smtpSettings(`smtp://127.0.0.1:${mail.port}`, 3_000),
      templates,
      holidaysOf: () => ({ has: () => false, nameOf: () => null }),
      policyOf: async () => standard,
      leaseMs: 5_000,
      patienceMs: 4_000,
      log: { warn: () => undefined },
    },
    in: work => withTenant(database.app, tenant, work),
    byHand: (statement, values) => owner.query(statement, values),
    customer: async (id, more = {}) => {
      await desk.in(async tx => {
        await tx.run(sql`insert into customers (tenant_id, id, name, country, zone, locale, created_at)
          values (${tenant}, ${id}, ${`Customer ${id}`}, ${more.country ?? 'GB'}, 'Europe/London', ${more.locale ?? 'en-GB'}, ${new Date(tuesday)})`);
        await tx.run(sql`insert into contacts (tenant_id, customer_id, id, role, name, email)
          values (${tenant}, ${id}, 'c1', 'ap', 'Ada Payable', ${more.email ?? `ap@${id.replace('_', '-')}.example`})`);
      });
    },
    invoice: async (id, customerId, more = {}) => {
      await desk.in(async tx => {
        await tx.run(sql`insert into invoices (tenant_id, id, customer_id, source, external_id, number, kind, currency, amount_minor, due_date, issue_date, pay_link, created_at)
          values (${tenant}, ${id}, ${customerId}, 'test', ${id}, ${id.toUpperCase()}, 'invoice', ${more.currency ?? 'USD'}, ${more.amountMinor ?? 107_800n},
            ${more.dueDate ?? '2026-03-03'}, '2026-02-01', ${more.payLink ?? null}, ${new Date(tuesday)})`);
        await tx.run(sql`insert into cases (tenant_id, invoice_id, cycle, customer_id, workflow_id, state, policy, policy_version, opened_at)
          values (${tenant}, ${id}, 1, ${customerId}, ${`dunning/${tenant}/${id}`}, 'open', 'standard', 1, ${new Date(tuesday)})`);
      });
    },
    open: (customerId, invoiceIds, more = {}) =>
      desk.in(async tx => {
        await lockCustomer(tx, customerId, 'reads');
        const facts = await loadFacts(tx, customerId, more.currency ?? 'USD', desk.now);
        const stage = standard.stages.find(candidate => candidate.id === more.stage) ?? (standard.stages[2] as Stage);
        return openNotice(tx, {
          customerId,
          currency: 'USD',
          kind: 'reminder',
          stage: stage.id,
          template: stage.template,
          mode: 'auto',
          review: 'none',
          policy: 'standard',
          policyVersion: 1,
          customerVersion: BigInt(facts.customer.version),
          decidedAt: desk.now,
          dueAt: desk.now,
          lines: invoiceIds.map(id => {
            const invoice = facts.invoices.find(candidate => candidate.id === id);
            return {
              invoiceId: id,
              cycle: invoice?.cycle ?? 1,
              stage: stage.id,
              amountMinor: invoice?.openMinor ?? 0n,
              invoiceVersion: invoice?.version ?? 1,
            };
          }),
          ...more,
        });
      }),
    send: (noticeId, more = {}) => sendNotice({ ...desk.deps, ...more }, tenant, noticeId),
    notice: async id => {
      const row = await desk.in(tx =>
        tx.one<NoticeRow>(sql`select n.state, n.crossed_payment, n.attempts, n.provider_reply, n.review, n.subject,
          (select bool_and(l.live) from notice_lines l where l.tenant_id = n.tenant_id and l.notice_id = n.id) as live
          from notices n where n.tenant_id = ${tenant} and n.id = ${id}`),
      );
      if (!row) throw new Error(`no notice ${id}`);
      return row;
    },
    stop: async () => {
      await owner.end();
      await mail.stop();
      await database.stop();
    },
  };
  await desk.in(tx => savePolicy(tx, { name: 'standard', source, by: 'test', now: tuesday }));
  return desk;
}
