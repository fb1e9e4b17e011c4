// call-now.ts: a person says "call now". Kixie rings the agent, then the customer, and cannot be asked afterwards what
// happened; so the wish is a row before the request, the request is made once, and doubt is a task for a person.
import { readCase } from '../../store/cases.ts';
import { insertCall, readCall, settleCall } from '../../store/calls.ts';
import { type Tx, withTenant } from '../../store/database.ts';
import { loadFacts } from '../../store/facts.ts';
import { derivedId } from '../../store/ids.ts';
import { openTask } from '../../store/tasks.ts';
import { lockCustomer } from '../../store/wakes.ts';
import type { CaseKey } from '../../workflows/contract/ids.ts';
import { askKixie, throwIfTrouble } from './ask.ts';
import { agentStatus, call } from './client.ts';
import type { RemovalDeps } from './removals.ts';

export type CallWish = {
  readonly case: CaseKey;
  readonly agentEmail: string;
  /** Made once by whoever asks, for instance a UUID: the same wish twice rings once. */
  readonly wishId: string;
  /** "person:ana". */
  readonly actor: string;
};

export type CallNowAnswer =
  | { readonly kind: 'ringing'; readonly callId: string }
  /** It may have rung. A webhook or a person will tell; never ask again with a new wish before looking. */
  | { readonly kind: 'unknown'; readonly callId: string; readonly because: string }
  | { readonly kind: 'not_called'; readonly because: string };

/** Calls once. Throws only while nothing was sent (Kixie down or out of quota before the wish was written). */
export async function callNow(deps: RemovalDeps, wish: CallWish): Promise<CallNowAnswer> {
  const { tenant } = wish.case;
  const account = deps.kixieOf(tenant);
  if (!account) return { kind: 'not_called', because: 'Kixie is not connected; set KIXIE_API_KEY and KIXIE_BUSINESS_ID' };
  const callId = `${wish.case.invoiceId}/${wish.case.cycle}/now/${wish.wishId}`;
  const before = await withTenant(deps.database, tenant, tx => readCall(tx, callId));
  if (before) return { kind: 'unknown', callId, because: `this call was already asked for; it is "${before.state}"` };
  const agent = await askKixie(deps, tenant, () => agentStatus(account, wish.agentEmail));
  throwIfTrouble(agent);
  if (agent.kind !== 'ready') {
    const because = agent.kind === 'on_call' ? 'is on another call' : 'is not logged in to Kixie';
    return { kind: 'not_called', because: `${wish.agentEmail} ${because}` };
  }
  const intent = await withTenant(deps.database, tenant, tx => writeIntent(deps, tx, wish, callId));
  if (intent.kind !== 'write') return intent;
  const answer = await askKixie(deps, tenant, () =>
    call(account, { agentEmail: wish.agentEmail, phone: intent.phone, displayName: intent.displayName }),
  ).catch(
    // The breaker or the quota stopped it before the request was made.
    (error: unknown) => ({ kind: 'not_sent' as const, because: error instanceof Error ? error.message : String(error) }),
  );
  return withTenant(deps.database, tenant, async tx => {
    if (answer.kind === 'ringing') {
      await settleCall(tx, callId, { state: 'ringing', kixieId: answer.callId, note: null });
      return { kind: 'ringing', callId };
    }
    if (answer.kind === 'unknown') {
      await settleCall(tx, callId, { state: 'unknown', kixieId: null, note: answer.seen });
      await askAPerson(deps, tx, wish, callId, answer.seen);
      return { kind: 'unknown', callId, because: answer.seen };
    }
    await settleCall(tx, callId, { state: 'rejected', kixieId: null, note: answer.because });
    return { kind: 'not_called', because: answer.because };
  });
}

type Intent = { readonly kind: 'write'; readonly phone: string; readonly displayName: string };

async function writeIntent(deps: RemovalDeps, tx: Tx, wish: CallWish, callId: string): Promise<Intent | CallNowAnswer> {
  const { invoiceId, cycle } = wish.case;
  const row = await readCase(tx, invoiceId, cycle);
  if (!row) return { kind: 'not_called', because: `the store knows no case ${invoiceId}, cycle ${cycle}` };
  await lockCustomer(tx, row.customer_id, 'reads');
  const now = deps.clock.now();
  const facts = await loadFacts(tx, row.customer_id, row.currency, now, invoiceId);
  const invoice = facts.invoices.find(candidate => candidate.id === invoiceId);
  if (!invoice || invoice.openMinor <= 0n) return { kind: 'not_called', because: `${row.number} is not open any more` };
  const stay = facts.holds.find(hold => hold.kind === 'legal_stay');
  if (stay) return { kind: 'not_called', because: `legal stay: ${stay.reason}` };
  const contact = facts.customer.contacts.find(candidate => candidate.phone !== null && !candidate.phoneSuppressed);
  if (!contact?.phone) return { kind: 'not_called', because: 'no number of the customer may be called' };
  const written = await insertCall(tx, {
    id: callId,
    invoiceId,
    customerId: row.customer_id,
    taskId: null,
    agentEmail: wish.agentEmail,
    phone: contact.phone,
    state: 'intent',
    requestedAt: now,
  });
  if (written === 'known') return { kind: 'unknown', callId, because: 'this call was already asked for' };
  tx.event({ kind: 'call.asked', subject: `invoice:${invoiceId}`, actor: wish.actor, at: now, body: { callId, agent: wish.agentEmail } });
  return { kind: 'write', phone: contact.phone, displayName: `${row.number} ${facts.customer.name}`.slice(0, 60) };
}

async function askAPerson(deps: RemovalDeps, tx: Tx, wish: CallWish, callId: string, seen: string): Promise<void> {
  const now = deps.clock.now();
  await openTask(
    tx,
    {
      id: derivedId('task', 'call_unknown', callId),
      kind: 'call_unknown',
      invoiceId: wish.case.invoiceId,
      owner: wish.agentEmail,
      title: 'Did this call ring?',
      body: `Kixie was asked to call and gave no clear answer (${seen}). It is not repeated by itself. Look at the dialer, then note what happened.`,
      dueAt: now,
    },
    'dunlin',
    now,
  );
}
