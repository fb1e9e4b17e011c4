// facts.ts: reads what the rules are told about one customer in one currency, in five statements. The caller decides
// whether it holds the customer's lock: plan and gate do, a report need not.
import type { CloseOutcome, Contact, CoveredStage, Facts, Hold, InvoiceFacts } from '../domain/facts.ts';
import type { Mode } from '../domain/policy/policy.ts';
import { DAY_MS, type EpochMs } from '../domain/time.ts';
import type { Tx } from './database.ts';
import { at, sql } from './sql.ts';

type CustomerRow = {
  id: string;
  name: string;
  country: string;
  region: string | null;
  zone: string | null;
  locale: string;
  natural_person: boolean;
  owner: string | null;
  segment: string;
  version: bigint;
  mode: Mode | null;
  creditor_name: string;
  creditor_zone: string;
  creditor_country: string;
  sends_stopped_because: string | null;
};

type InvoiceRow = {
  id: string;
  number: string;
  kind: 'invoice' | 'balance_forward';
  source: string;
  due_date: string;
  amount_minor: bigint;
  open_minor: bigint;
  state: 'open' | 'closed';
  outcome: CloseOutcome | null;
  version: bigint;
  cycle: number;
  opened_at: number | null;
};

type LineRow = {
  invoice_id: string;
  stage: string;
  channel: CoveredStage['channel'];
  cycle: number;
  notice_id: string;
  state: CoveredStage['state'];
  review: CoveredStage['review'];
  at: number | null;
  kind: 'reminder' | 'apology';
  crossed: boolean;
  apologised: boolean;
};

/** Throws when the customer does not exist. Closed invoices are read only when a message about them crossed a payment. */
export async function loadFacts(tx: Tx, customerId: string, currency: string, now: EpochMs, subjectId?: string): Promise<Facts> {
  const customer = await tx.one<CustomerRow>(sql`
    select c.id, c.name, c.country, c.region, c.zone, c.locale, c.natural_person, c.owner, c.segment, c.version, s.mode,
      t.name as creditor_name, t.zone as creditor_zone, t.country as creditor_country, t.sends_stopped_because
    from customers c join tenants t on t.tenant_id = c.tenant_id
    left join segments s on s.tenant_id = c.tenant_id and s.name = c.segment
    where c.tenant_id = ${tx.tenant} and c.id = ${customerId}`);
  if (!customer) throw new Error(`customer ${customerId} does not exist`);
  const invoices = await tx.rows<InvoiceRow>(sql`
    select i.id, i.number, i.kind, i.source, i.due_date, i.amount_minor, i.open_minor, i.state, i.outcome, i.version, i.cycle, k.opened_at
    from invoices i left join cases k on k.tenant_id = i.tenant_id and k.invoice_id = i.id and k.cycle = i.cycle and k.state <> 'closed'
    where i.tenant_id = ${tx.tenant} and i.customer_id = ${customerId} and i.currency = ${currency}
      and (i.state = 'open' or i.id = ${subjectId ?? ''} or k.invoice_id is not null)
    order by i.due_date, i.id`);
  const lines = await readLines(
    tx,
    invoices.map(invoice => invoice.id),
  );
  const touched = await tx.one<{ contacted: string[] | null; unapplied: string | null }>(sql`
    select
      (select array_agg((extract(epoch from coalesce(n.in_data_at, n.finished_at)) * 1000)::bigint::text) from notices n
        where n.tenant_id = ${tx.tenant} and n.customer_id = ${customerId} and n.channel = 'email' and n.state in ('in_data', 'sent', 'unknown')
          and coalesce(n.in_data_at, n.finished_at) > ${at(now - 14 * DAY_MS)} and not coalesce((n.gate->>'bounced')::boolean, false)) as contacted,
      (select sum(p.amount_minor - p.allocated_minor)::text from payments p
        where p.tenant_id = ${tx.tenant} and p.customer_id = ${customerId} and p.currency = ${currency}) as unapplied`);
  const unapplied = BigInt(touched?.unapplied ?? '0');
  return {
    creditor: { name: customer.creditor_name, zone: customer.creditor_zone, country: customer.creditor_country },
    customer: {
      id: customer.id,
      name: customer.name,
      country: customer.country,
      region: customer.region,
      zone: customer.zone,
      locale: customer.locale,
      naturalPerson: customer.natural_person,
      segment: customer.segment,
      mode: customer.mode ?? 'auto',
      owner: customer.owner,
      contacts: await readContacts(tx, customerId),
      version: Number(customer.version),
      contactedAt: (touched?.contacted ?? []).map(Number).sort((a, b) => a - b),
    },
    currency,
    invoices: invoices.map(invoice =>
      invoiceFacts(
        invoice,
        lines.filter(line => line.invoice_id === invoice.id),
      ),
    ),
    holds: await readHolds(tx, customerId, invoices, now, customer.sends_stopped_because),
    unappliedMinor: unapplied > 0n ? unapplied : 0n,
  };
}

function invoiceFacts(invoice: InvoiceRow, lines: readonly LineRow[]): InvoiceFacts {
  return {
    id: invoice.id,
    number: invoice.number,
    kind: invoice.kind,
    source: invoice.source,
    dueDate: invoice.due_date,
    amountMinor: invoice.amount_minor,
    openMinor: invoice.open_minor,
    state: invoice.state,
    outcome: invoice.outcome,
    version: Number(invoice.version),
    cycle: invoice.cycle,
    openedAt: invoice.opened_at,
    covered: lines
      .filter(line => line.kind === 'reminder')
      .map(line => ({
        stage: line.stage,
        channel: line.channel,
        cycle: line.cycle,
        noticeId: line.notice_id,
        state: line.state,
        review: line.review,
        at: line.at,
      })),
    crossedNoticeIds: lines.filter(line => line.crossed && !line.apologised).map(line => line.notice_id),
  };
}

async function readLines(tx: Tx, invoiceIds: readonly string[]): Promise<LineRow[]> {
  if (invoiceIds.length === 0) return [];
  return tx.rows<LineRow>(sql`
    select l.invoice_id, l.stage, l.channel, l.cycle, l.notice_id, n.state, n.review, coalesce(n.finished_at, n.in_data_at) as at, n.kind,
      (n.crossed_payment and n.state in ('sent', 'unknown') and n.kind = 'reminder') as crossed,
      exists (select from notices a where a.tenant_id = n.tenant_id and a.apologises_for = n.id and a.state <> 'cancelled') as apologised
    from notice_lines l join notices n on n.tenant_id = l.tenant_id and n.id = l.notice_id
    where l.tenant_id = ${tx.tenant} and l.invoice_id = any(${invoiceIds}) and l.live
    order by n.decided_at, l.notice_id`);
}

async function readContacts(tx: Tx, customerId: string): Promise<Contact[]> {
  return tx.rows<Contact>(sql`
    select c.id, c.role, c.name, c.email, c.phone, (e.address is not null) as "emailSuppressed", (p.address is not null) as "phoneSuppressed"
    from contacts c
    left join suppressions e on e.tenant_id = c.tenant_id and e.channel = 'email' and e.address = lower(c.email)
    left join suppressions p on p.tenant_id = c.tenant_id and p.channel = 'phone' and p.address = c.phone
    where c.tenant_id = ${tx.tenant} and c.customer_id = ${customerId} order by c.id`);
}

type HoldRow = {
  kind: Hold['kind'];
  scope: Hold['scope'];
  source: string | null;
  invoice_id: string | null;
  reason: string;
  ends_at: number | null;
};

async function readHolds(
  tx: Tx,
  customerId: string,
  invoices: readonly InvoiceRow[],
  now: EpochMs,
  stopped: string | null,
): Promise<Hold[]> {
  const rows = await tx.rows<HoldRow>(sql`
    select kind, scope, source, invoice_id, reason, ends_at from holds
    where tenant_id = ${tx.tenant} and lifted_at is null and starts_at <= ${at(now)} and (ends_at is null or ends_at > ${at(now)})
      and (scope = 'tenant' or scope = 'source' or (scope = 'customer' and customer_id = ${customerId})
        or (scope = 'invoice' and invoice_id = any(${invoices.map(invoice => invoice.id)})))
    order by id`);
  const holds = rows.flatMap<Hold>(row => {
    const hold = { kind: row.kind, reason: row.reason, until: row.ends_at };
    // A source that is held holds its own invoices and no others.
    if (row.scope === 'source') {
      return invoices
        .filter(invoice => invoice.source === row.source)
        .map(invoice => ({ ...hold, scope: 'source' as const, invoiceId: invoice.id }));
    }
    return [{ ...hold, scope: row.scope, invoiceId: row.invoice_id }];
  });
  return stopped ? [...holds, { kind: 'manual', scope: 'tenant', invoiceId: null, reason: stopped, until: null }] : holds;
}
