// render-notice.ts: one notice as the message that would leave now: fresh figures, the customer's language, the thread it
// belongs to, the statement beside it.
import type { Contact, Facts } from '../../domain/facts.ts';
import type { Policy } from '../../domain/policy/policy.ts';
import { type EpochMs, localDateAt } from '../../domain/time.ts';
import type { Tx } from '../../store/database.ts';
import { type Notice, readNotice, readThread } from '../../store/notice-claims.ts';
import type { Draft } from '../../store/notice-transitions.ts';
import { readOpenItems } from '../../store/open-items.ts';
import { readTenant, type Tenant } from '../../store/tenants.ts';
import { oneAddress, oneLine } from './address.ts';
import { letterContext } from './letter.ts';
import { buildMessage } from './message.ts';
import { statementPdf } from './statement.ts';
import type { TemplateBook } from './templates.ts';

export type RenderInput = {
  readonly notice: Notice;
  readonly facts: Facts;
  readonly policy: Policy;
  readonly contact: Contact;
  readonly now: EpochMs;
};

export type RenderedNotice = { readonly draft: Draft; readonly from: string; readonly to: string; readonly bytes: Uint8Array };

/** Throws when the tenant has no address to write from, or a template does not render; both say what to do. */
export async function renderNotice(templates: TemplateBook, tx: Tx, input: RenderInput): Promise<RenderedNotice> {
  const { notice, facts, policy, contact, now } = input;
  const tenant = await readTenant(tx);
  const from = senderOf(tenant);
  const to = oneAddress(contact.email ?? '') ?? '';
  const thread = await readThread(tx, notice);
  const apologised = notice.apologisesFor ? await readNotice(tx, notice.apologisesFor) : undefined;
  const about = new Set((apologised ?? notice).lines.map(line => line.invoiceId));
  const known = await readOpenItems(tx, notice.customerId, notice.currency, [...about]);
  const allOpen = known.filter(item => item.state === 'open' && item.openMinor > 0n);
  const template = templateFor(templates, notice.template, policy.name);
  const language = templates.languageFor(template, facts.customer.locale);
  const today = localDateAt(now, facts.creditor.zone);
  const crossed = thread.find(link => link.messageId === apologised?.messageId);
  const letter = letterContext({
    facts,
    policy,
    company: tenant.settings.company,
    items: known.filter(item => about.has(item.invoiceId)),
    allOpen,
    addressee: contact.name,
    language,
    words: templates.wordsFor(language),
    today,
    crossed: crossed?.subject ? { subject: crossed.subject, date: localDateAt(crossed.at, facts.creditor.zone) } : null,
    stage: notice.stage,
  });
  const creditMinor = facts.unappliedMinor;
  const pdf = allOpen.length > 0 ? await statementPdf({ items: allOpen, creditMinor, currency: notice.currency, letter, at: now }) : null;
  const rendered = templates.render(template, letter);
  const { bytes, sha256 } = await buildMessage({
    noticeId: notice.id,
    lineKeys: notice.lines.map(line => `${line.invoiceId}/${line.cycle}/${line.stage}`),
    messageId: notice.messageId,
    references: thread.map(link => link.messageId),
    from: { name: letter.company.name, address: from },
    replyTo: from,
    to: { name: oneLine(contact.name), address: to },
    letter: rendered,
    language,
    statement: pdf ? { fileName: `statement-${today}.pdf`, pdf } : null,
    at: now,
  });
  const draft: Draft = {
    recipient: to,
    recipientName: oneLine(contact.name),
    locale: letter.locale,
    subject: rendered.subject,
    inReplyTo: thread.at(-1)?.messageId ?? null,
    bytes,
    sha256,
    customerVersion: BigInt(facts.customer.version),
  };
  return { draft, from, to, bytes };
}

/** A policy may have its own wording of a letter, in a folder named after both: reminder-3-government. */
function templateFor(templates: TemplateBook, template: string, policy: string): string {
  const own = `${template}-${policy}`;
  return templates.names.includes(own) ? own : template;
}

function senderOf(tenant: Tenant): string {
  const found = tenant.settings.company?.email ?? '';
  const address = oneAddress(found);
  if (address) return address;
  throw new Error(
    `tenant "${tenant.tenant_id}", settings.company.email: found "${oneLine(found)}", expected the address messages are sent from and answered to`,
  );
}
