// activities.ts: what a case may ask of the telephone: offer a call to an agent, and stop offering it. The task is on the
// worklist before Kixie is asked, so a person can call even while Kixie cannot; the list is brought up to date by retries.
import type { Clock } from '../../domain/clock.ts';
import type { Contact, Facts, InvoiceFacts } from '../../domain/facts.ts';
import { DAY_MS } from '../../domain/time.ts';
import { readCase } from '../../store/cases.ts';
import { insertCall, openCallTask, otherOffers, withdrawOffers } from '../../store/calls.ts';
import { type Database, type Tx, withTenant } from '../../store/database.ts';
import { loadFacts } from '../../store/facts.ts';
import { derivedId } from '../../store/ids.ts';
import { phonesToRemove, wantCustomerRemoved, wantRemovedAgain } from '../../store/powerlist.ts';
import { addToTask, closeTask, openTask } from '../../store/tasks.ts';
import { readTenant } from '../../store/tenants.ts';
import { lockCustomer } from '../../store/wakes.ts';
import type { CallActivities } from '../../workflows/contract/activities.ts';
import type { CaseKey } from '../../workflows/contract/ids.ts';
import type { StageTask } from '../../workflows/contract/types.ts';
import { accountGroupOf } from '../../store/contacts.ts';
import type { BreakerLimits } from '../../store/vendors.ts';
import { failureOf } from '../failures.ts';
import type { KixieAccount, PowerListContact } from './client.ts';
import { claimNumbers, listContact, powerListContact } from './listing.ts';
import { removeWanted } from './removals.ts';
import { callScript, endOfDay, invoiceLines, owedInShort, type ScriptInput } from './script.ts';

export type CallDeps = {
  readonly database: Database;
  readonly clock: Clock;
  /** null: this tenant has no Kixie; its calls are tasks for people. */
  readonly kixieOf: (tenant: string) => KixieAccount | null;
  readonly breaker?: BreakerLimits;
  /** Requests per UTC day Dunlin allows itself: the account's 10,000 are shared with every other integration. */
  readonly dailyQuota?: number;
};

type Refused = {
  readonly refused: string;
  /** The customer whose numbers a lost attempt may have listed after they were taken off. */
  readonly removeAgain?: string;
};

type Offer = {
  readonly customerId: string;
  readonly listId: string | null;
  readonly contacts: readonly PowerListContact[];
  readonly because: string;
};

export function createCallActivities(deps: CallDeps): CallActivities {
  return {
    offerCall: async ({ case: key, task }) => {
      const stage = stageOf(task);
      const decided = await withTenant(deps.database, key.tenant, tx => decideOffer(deps, tx, key, stage));
      if ('refused' in decided) {
        if (decided.removeAgain) await removeWanted(deps, key.tenant, decided.removeAgain);
        return { offered: false, because: decided.refused };
      }
      const account = deps.kixieOf(key.tenant);
      if (!account || !decided.listId)
        return { offered: true, because: `${decided.because}; on the worklist only, no PowerList is configured` };
      const list = { tenant: key.tenant, account, listId: decided.listId, customerId: decided.customerId };
      const refusals: string[] = [];
      for (const contact of decided.contacts) refusals.push(...(await listContact(deps, list, contact)));
      return { offered: true, because: [decided.because, ...refusals].join('; ') };
    },
    stopCalls: async ({ case: key }) => {
      const customerId = await withTenant(deps.database, key.tenant, tx => endOffers(deps, tx, key));
      if (!customerId) return { removed: 0 };
      return { removed: await removeWanted(deps, key.tenant, customerId) };
    },
  };
}

function stageOf(task: StageTask): string {
  if (task.kind !== 'call') {
    throw failureOf({ kind: 'rejected', vendor: 'kixie', because: `found a task of kind "${task.kind}", expected "call"` });
  }
  return task.stage;
}

/** Reads the facts again (the step may have waited out an outage), puts the task on the worklist, claims the numbers. */
async function decideOffer(deps: CallDeps, tx: Tx, key: CaseKey, stage: string): Promise<Offer | Refused> {
  const row = await readCase(tx, key.invoiceId, key.cycle);
  if (!row) return { refused: `the store knows no case ${key.invoiceId}, cycle ${key.cycle}` };
  await lockCustomer(tx, row.customer_id, 'reads');
  const now = deps.clock.now();
  const facts = await loadFacts(tx, row.customer_id, row.currency, now, key.invoiceId);
  const invoice = facts.invoices.find(candidate => candidate.id === key.invoiceId);
  if (!invoice) return { refused: 'the invoice is not open any more' };
  const no = whyNot(facts, invoice);
  if (no) {
    const again = await wantRemovedAgain(tx, row.customer_id, now - DAY_MS, now);
    return { refused: no, ...(again > 0 ? { removeAgain: row.customer_id } : {}) };
  }
  const callable = await callableContacts(tx, facts, invoice, key, stage, now);
  if ('refused' in callable) return callable;
  const tenant = await readTenant(tx);
  const agents = tenant.settings.kixie?.agents ?? [];
  const input: ScriptInput = {
    creditor: facts.creditor,
    customer: facts.customer,
    contacts: callable,
    invoice,
    currency: facts.currency,
    stage,
    now,
  };
  await offerOnWorklist(tx, key, stage, input, agentFor(facts.customer.id, agents));
  const listId = tenant.settings.kixie?.powerlistId ?? null;
  if (!listId) return { customerId: row.customer_id, listId, contacts: [], because: `call offered for ${invoice.number}` };
  const mine = await claimNumbers(tx, listId, input, key, stage);
  const reference = (await accountGroupOf(tx, facts.customer.id)) ?? facts.customer.id;
  return {
    customerId: row.customer_id,
    listId,
    contacts: mine.map(contact => powerListContact(input, contact, reference, key)),
    because: `call offered for ${invoice.number} on ${mine.length} number${mine.length === 1 ? '' : 's'}`,
  };
}

function whyNot(facts: Facts, invoice: InvoiceFacts): string | undefined {
  if (invoice.state !== 'open' || invoice.openMinor <= 0n) return 'nothing is open any more';
  if (facts.customer.mode === 'shadow') return 'shadow mode: nobody is called';
  const hold = facts.holds.find(candidate => candidate.invoiceId === null || candidate.invoiceId === invoice.id);
  if (hold) return `held: ${hold.reason}`;
  return facts.unappliedMinor >= invoice.openMinor ? 'unapplied cash of the customer covers it' : undefined;
}

async function callableContacts(
  tx: Tx,
  facts: Facts,
  invoice: InvoiceFacts,
  key: CaseKey,
  stage: string,
  now: number,
): Promise<readonly Contact[] | { refused: string }> {
  const reachable = facts.customer.contacts.filter(contact => contact.phone !== null);
  if (reachable.length === 0) {
    await openTask(
      tx,
      {
        id: derivedId('task', 'no_phone', facts.customer.id, key.invoiceId, key.cycle, stage),
        kind: 'fix_contact',
        invoiceId: key.invoiceId,
        customerId: facts.customer.id,
        owner: facts.customer.owner,
        title: `Find a telephone number for ${facts.customer.name}`,
        body: `A call about ${invoice.number} is due and no number is known. Add one to the customer's contacts.`,
        dueAt: now,
      },
      'dunlin',
      now,
    );
    return { refused: 'no telephone number is known; finding one is on the worklist' };
  }
  const callable = reachable.filter(contact => !contact.phoneSuppressed);
  return callable.length > 0 ? callable : { refused: 'every number of the customer is suppressed' };
}

/** One call about several invoices of a customer: a second one joins the task that is open. */
async function offerOnWorklist(tx: Tx, key: CaseKey, stage: string, input: ScriptInput, agentEmail: string): Promise<void> {
  const { customer, invoice, now } = input;
  const joined = await openCallTask(tx, customer.id);
  const taskId = joined ?? derivedId('task', 'call', key.invoiceId, key.cycle, stage);
  if (!joined) {
    await openTask(
      tx,
      {
        id: taskId,
        kind: 'call',
        invoiceId: key.invoiceId,
        customerId: customer.id,
        owner: agentEmail || customer.owner,
        title: `Call ${customer.name}: ${owedInShort(input)}`,
        body: callScript(input),
        dueAt: endOfDay(input),
      },
      'dunlin',
      now,
    );
  }
  const call = {
    id: `${key.invoiceId}/${key.cycle}/${stage}`,
    invoiceId: key.invoiceId,
    customerId: customer.id,
    taskId,
    agentEmail,
    phone: input.contacts[0]?.phone ?? '',
    state: 'offered' as const,
    requestedAt: now,
  };
  if ((await insertCall(tx, call)) === 'known') return;
  if (joined) await addToTask(tx, taskId, `Also:\n${invoiceLines(input)}`);
  tx.event({
    kind: 'call.offered',
    subject: `invoice:${key.invoiceId}`,
    actor: 'dunlin',
    at: now,
    body: { callId: call.id, taskId, stage, number: invoice.number },
  });
}

/** The same agent for the same customer, spread over all agents. */
function agentFor(customerId: string, agents: readonly string[]): string {
  if (agents.length === 0) return '';
  const spread = Number.parseInt(derivedId('agent', customerId).slice(-8), 16);
  return agents[spread % agents.length] ?? '';
}

/** Withdraws this case's offers. The customer's id when his numbers have to go, undefined when another case still wants the call. */
async function endOffers(deps: CallDeps, tx: Tx, key: CaseKey): Promise<string | undefined> {
  const row = await readCase(tx, key.invoiceId, key.cycle);
  if (!row) return undefined;
  const customerId = row.customer_id;
  await lockCustomer(tx, customerId, 'reads');
  const now = deps.clock.now();
  for (const taskId of await withdrawOffers(tx, key.invoiceId, now)) {
    await closeTask(tx, taskId, { state: 'dropped', because: 'no invoice of this call is chased any more', actor: 'dunlin', now });
  }
  if (await otherOffers(tx, customerId, key.invoiceId)) return undefined;
  const wanted = await wantCustomerRemoved(tx, customerId, now);
  return wanted > 0 || (await phonesToRemove(tx, customerId)).length > 0 ? customerId : undefined;
}
