// notices.ts: opening a notice with its lines, and stopping it again in the transaction of the fact that makes it wrong.
// A line is the business key (invoice, cycle, stage, channel): the database lets a stage be in one living notice only.
import type { GateLine } from '../domain/gate.ts';
import type { Mode } from '../domain/policy/policy.ts';
import type { EpochMs } from '../domain/time.ts';
import type { Tx } from './database.ts';
import { derivedId } from './ids.ts';
import { moveNotice } from './notice-transitions.ts';
import { at, sql } from './sql.ts';
import { readTenant } from './tenants.ts';
import { wakeInvoices } from './wakes.ts';

export type NewNotice = {
  readonly customerId: string;
  readonly currency: string;
  readonly kind: 'reminder' | 'apology';
  readonly stage: string;
  readonly template: string;
  readonly mode: Mode;
  readonly review: 'none' | 'waiting';
  /** The kind of decision a person is asked for, for instance "final_notice". */
  readonly reviewAsks?: string;
  readonly policy: string;
  readonly policyVersion: number;
  readonly customerVersion: bigint;
  readonly lines: readonly GateLine[];
  /** The notice that crossed a payment; set for an apology. */
  readonly apologisesFor?: string;
  readonly decidedAt: EpochMs;
  readonly dueAt: EpochMs;
};

/**
 * Writes a notice as pending and returns its id. The caller holds the customer. Its id comes from its lines, and from how
 * often the same stages were given free before, so a repeated decision cannot write it twice: the second time the first
 * one's id comes back. Throws when a line's stage is in another living notice.
 */
export async function openNotice(tx: Tx, notice: NewNotice): Promise<string> {
  if (notice.lines.length === 0) throw new Error(`a notice for customer ${notice.customerId} needs at least one line`);
  const lines = await linesOf(tx, notice);
  const keys = lines.map(line => `${line.invoiceId}/${line.cycle}/${line.stage}`).sort();
  await replaceRefused(tx, keys);
  const earlier = await tx.one<{ freed: number }>(sql`
    select count(distinct notice_id)::int as freed from notice_lines where tenant_id = ${tx.tenant} and not live
      and (invoice_id || '/' || cycle || '/' || stage) = any(${keys})
      and invoice_id = any(${lines.map(line => line.invoiceId)})`);
  const edition = (earlier?.freed ?? 0) + 1;
  const id = derivedId('ntc', tx.tenant, notice.currency, notice.kind, 'email', ...keys, edition);
  const tenant = await readTenant(tx);
  const inserted = await tx.run(sql`
    insert into notices (tenant_id, id, customer_id, currency, channel, kind, stage, template, state, review, review_asks, mode, policy,
      policy_version, message_id, customer_version, send_epoch, apologises_for, decided_at, due_at, created_at)
    values (${tx.tenant}, ${id}, ${notice.customerId}, ${notice.currency}, 'email', ${notice.kind}, ${notice.stage}, ${notice.template}, 'pending',
      ${notice.review}, ${notice.reviewAsks ?? null}, ${notice.mode}, ${notice.policy}, ${notice.policyVersion},
      ${`<${id}.${edition}@${messageDomain(tenant.settings.company?.email)}>`}, ${notice.customerVersion}, ${tenant.send_epoch},
      ${notice.apologisesFor ?? null}, ${at(notice.decidedAt)}, ${at(notice.dueAt)}, ${at(notice.decidedAt)})
    on conflict (tenant_id, id) do nothing`);
  if (inserted === 0) return id;
  await tx.run(sql`
    insert into notice_lines (tenant_id, notice_id, invoice_id, cycle, stage, channel, amount_minor, invoice_version)
    select ${tx.tenant}, ${id}, line.invoice_id, line.cycle, line.stage, 'email', line.amount_minor, line.invoice_version
    from unnest(${lines.map(line => line.invoiceId)}::text[], ${lines.map(line => line.cycle)}::int[], ${lines.map(line => line.stage)}::text[],
      ${lines.map(line => line.amountMinor.toString())}::bigint[], ${lines.map(line => line.invoiceVersion)}::bigint[])
      as line (invoice_id, cycle, stage, amount_minor, invoice_version)`);
  tx.event({
    kind: 'notice.decided',
    subject: `notice:${id}`,
    actor: 'dunlin',
    at: notice.decidedAt,
    body: {
      customer: notice.customerId,
      kind: notice.kind,
      stage: notice.stage,
      template: notice.template,
      mode: notice.mode,
      lines: keys,
    },
  });
  return id;
}

/** A stage whose message was refused for good is free for a new one: the rules decided to speak again. */
async function replaceRefused(tx: Tx, keys: readonly string[]): Promise<void> {
  await tx.run(sql`
    update notice_lines l set live = false from notices n
    where n.tenant_id = l.tenant_id and n.id = l.notice_id and n.state = 'not_sent' and l.tenant_id = ${tx.tenant} and l.live
      and l.channel = 'email' and (l.invoice_id || '/' || l.cycle || '/' || l.stage) = any(${[...keys]}::text[])
      and l.invoice_id = any(${keys.map(key => key.split('/')[0] ?? '')}::text[])`);
}

/** An apology's line is named after the stage that crossed, so a second crossing in the same cycle has its own key. */
async function linesOf(tx: Tx, notice: NewNotice): Promise<readonly GateLine[]> {
  if (notice.kind === 'reminder') return notice.lines;
  const crossed = await tx.rows<{ invoice_id: string; cycle: number; stage: string }>(sql`
    select invoice_id, cycle, stage from notice_lines where tenant_id = ${tx.tenant} and notice_id = ${notice.apologisesFor ?? ''}`);
  return notice.lines.map(line => {
    const stage = crossed.find(other => other.invoice_id === line.invoiceId)?.stage ?? notice.stage;
    return { ...line, stage: `apology:${stage}` };
  });
}

/** The right side of our Message-IDs: the domain of the creditor's own address. */
function messageDomain(email: string | undefined): string {
  const domain = /@([a-z0-9.-]+)$/i.exec(email ?? '')?.[1];
  return domain ? domain.toLowerCase() : 'dunlin.invalid';
}

/**
 * The notice of this invoice that wants sendNotice() now: due and agreed to; on its way with another worker, who may have
 * died; or waiting for a person who has nothing to read yet.
 */
export async function sendableNotice(tx: Tx, invoiceId: string, now: EpochMs): Promise<string | null> {
  const found = await tx.one<{ id: string }>(sql`
    select n.id from notices n join notice_lines l on l.tenant_id = n.tenant_id and l.notice_id = n.id
    where n.tenant_id = ${tx.tenant} and l.invoice_id = ${invoiceId} and l.live and n.channel = 'email'
      and ((n.state = 'pending' and n.review in ('none', 'approved') and n.due_at <= ${at(now)})
        or (n.state = 'pending' and n.review = 'waiting' and n.rendered is null)
        or n.state in ('claimed', 'in_data'))
    order by n.due_at, n.id limit 1`);
  return found?.id ?? null;
}

/**
 * Stops what a payment makes wrong: notices about these invoices that have not begun are withdrawn and their stages freed;
 * one whose body is on the wire is marked as crossed. The caller holds the customer and wakes these invoices itself; the
 * other invoices of a withdrawn notice are woken here.
 */
export async function cancelPendingNotices(tx: Tx, invoiceIds: readonly string[], because: string, now: EpochMs): Promise<void> {
  await withdrawNotices(tx, invoiceIds, because, now);
  for (const id of await noticesAbout(tx, invoiceIds, ['in_data'])) {
    await moveNotice(tx, 'payment_crosses', id, { now, actor: 'dunlin', because });
  }
}

/** The same for a fact that is no payment (an amendment, a merge): what is on the wire stays as it is. */
export async function withdrawNotices(tx: Tx, invoiceIds: readonly string[], because: string, now: EpochMs): Promise<void> {
  for (const id of await noticesAbout(tx, invoiceIds, ['pending', 'claimed'])) {
    const withdrawn = await moveNotice(tx, 'withdraw', id, { now, actor: 'dunlin', because });
    const others = (withdrawn?.invoiceIds ?? []).filter(invoiceId => !invoiceIds.includes(invoiceId));
    await wakeInvoices(tx, others, 'notice', `${id}:withdrawn`);
  }
}

async function noticesAbout(tx: Tx, invoiceIds: readonly string[], states: readonly string[]): Promise<string[]> {
  if (invoiceIds.length === 0) return [];
  const rows = await tx.rows<{ id: string }>(sql`
    select distinct n.id from notices n join notice_lines l on l.tenant_id = n.tenant_id and l.notice_id = n.id
    where n.tenant_id = ${tx.tenant} and n.state = any(${[...states]}::text[]) and n.channel = 'email' and n.kind = 'reminder'
      and l.live and l.invoice_id = any(${[...invoiceIds]}::text[])
    order by n.id`);
  return rows.map(row => row.id);
}
