// call-events.ts: what a webhook about a call means for the case. Kixie echoes nothing of ours, so a call is found by one
// of its two ids, else by number, agent and time; never by the number alone when it could be two customers. What a
// conversation brought (a promise, a dispute, a wrong number) becomes a pause and a task until a person has recorded it.
import { DAY_MS, type EpochMs } from '../domain/time.ts';
import { type CallOutcome, type CallRow, callsByKixieId, callsByNumber, finishOffersOfTask, readCall, reportCall } from './calls.ts';
import { customersWithPhone } from './contacts.ts';
import type { Tx } from './database.ts';
import { placeHold } from './holds.ts';
import { derivedId } from './ids.ts';
import { wantCustomerRemoved, wantPhoneRemoved } from './powerlist.ts';
import { suppress } from './suppressions.ts';
import { closeTask, openTask } from './tasks.ts';
import { lockCustomer, wakeCustomer } from './wakes.ts';

export type CallEvent = {
  /** startcall and answeredcall only link the ids; endcall and voicemail end it; disposition says what it brought. */
  readonly type: 'startcall' | 'answeredcall' | 'endcall' | 'voicemail' | 'disposition' | 'scheduledactivity';
  readonly uuid: string | null;
  readonly number: string | null;
  /** E.164. */
  readonly customerPhone: string | null;
  readonly agentEmail: string | null;
  readonly disposition: string | null;
  readonly note: string | null;
  readonly durationSeconds: number | null;
  readonly answered: boolean | null;
  readonly at: EpochMs;
};

/** Texts of the tenant's dialler to what they mean here. */
export type DispositionTable = Readonly<Record<string, string>>;

const actor = 'vendor:kixie';
/** A call that was asked for rings within minutes; two hours forgive a slow webhook. An offer may be taken up for two weeks. */
const ringingForMs = 2 * 60 * 60_000;
const offeredForMs = 14 * DAY_MS;
/** How long a case stays quiet after a conversation, while a person records what was agreed. null: until he has. */
const quietForMs: Partial<Record<CallOutcome, number | null>> = { promise: 7 * DAY_MS, call_back: 2 * DAY_MS, dispute: null };
const outcomes = new Set(['promise', 'dispute', 'wrong_number', 'no_answer', 'call_back', 'connected', 'other']);

/** Books the event and says what became of it. The same event twice changes nothing the second time. */
export async function bookCallEvent(tx: Tx, event: CallEvent, table: DispositionTable, eventId: string, now: EpochMs): Promise<string> {
  const found = await findCall(tx, event);
  if (!found) return unmatched(tx, event, table, eventId, now);
  await lockCustomer(tx, found.customer_id, 'changes');
  // Two events of one call may come at once: what the first one booked is read under the lock.
  const call = (await readCall(tx, found.id)) ?? found;
  const meaning = meaningOf(event, table);
  const said = event.type === 'disposition' ? (meaning.outcome ?? 'other') : outcomeOfEnd(event, call, meaning.outcome);
  const outcome = said ?? (event.type === 'endcall' || event.type === 'voicemail' ? call.outcome : null);
  // Nobody answered a call from the list: it stays on offer, and the agent tries again.
  const finished = outcome !== null && !(outcome === 'no_answer' && call.state === 'offered');
  await reportCall(tx, call.id, {
    kixieUuid: event.uuid,
    kixieNumber: event.number,
    disposition: event.type === 'disposition' ? event.disposition : null,
    outcome: said,
    durationSeconds: event.durationSeconds,
    note: event.note,
    finishedAt: finished ? event.at : null,
  });
  if (meaning.unmapped) await askWhatItMeans(tx, call, meaning.unmapped, now);
  if (outcome === null) return `linked to ${call.id}`;
  tx.event({
    kind: finished ? 'call.finished' : 'call.tried',
    subject: `invoice:${call.invoice_id}`,
    actor,
    at: event.at,
    body: { callId: call.id, outcome, disposition: event.disposition, seconds: event.durationSeconds },
  });
  if (finished) await conclude(tx, call, outcome, event, now);
  await wakeCustomer(tx, call.customer_id, 'call', eventId);
  return `${outcome.replace('_', ' ')}: ${call.id}`;
}

/** By either id; else the one customer whose number, agent and time fit. A call that was asked for goes before an offer. */
async function findCall(tx: Tx, event: CallEvent): Promise<CallRow | undefined> {
  const ids = [event.uuid, event.number].filter(id => id !== null);
  const known = await callsByKixieId(tx, ids);
  if (known[0]) return known[0];
  if (!event.customerPhone) return undefined;
  const candidates = await callsByNumber(tx, {
    phone: event.customerPhone,
    agentEmail: event.agentEmail,
    at: event.at,
    ringingSince: event.at - ringingForMs,
    offeredSince: event.at - offeredForMs,
  });
  return new Set(candidates.map(call => call.customer_id)).size === 1 ? candidates[0] : undefined;
}

function meaningOf(event: CallEvent, table: DispositionTable): { outcome: CallOutcome | null; unmapped: string | null } {
  const text = event.disposition?.trim().toLowerCase();
  if (!text || text === 'not disposed') return { outcome: null, unmapped: null };
  const mapped = Object.entries(table).find(([name]) => name.trim().toLowerCase() === text)?.[1];
  if (mapped && outcomes.has(mapped)) return { outcome: mapped as CallOutcome, unmapped: null };
  return { outcome: null, unmapped: event.disposition };
}

/** The agent's disposition stands, whichever event came first; without one the line itself tells. */
function outcomeOfEnd(event: CallEvent, call: CallRow, mapped: CallOutcome | null): CallOutcome | null {
  if (event.type === 'startcall' || event.type === 'answeredcall' || call.disposition !== null) return null;
  if (mapped) return mapped;
  return event.type === 'voicemail' || event.answered === false ? 'no_answer' : event.answered ? 'connected' : null;
}

async function conclude(tx: Tx, call: CallRow, outcome: CallOutcome, event: CallEvent, now: EpochMs): Promise<void> {
  if (call.task_id) {
    await finishOffersOfTask(tx, call.task_id, outcome, event.at);
    await closeTask(tx, call.task_id, { state: 'done', because: `call: ${outcome.replace('_', ' ')}`, actor, now });
    await wantCustomerRemoved(tx, call.customer_id, now);
  }
  if (outcome === 'wrong_number' && event.customerPhone) {
    await dropNumber(tx, event.customerPhone, 'wrong number, as told on a call', now);
    await openTask(
      tx,
      {
        id: derivedId('task', 'wrong_number', call.customer_id, event.customerPhone),
        kind: 'fix_contact',
        customerId: call.customer_id,
        invoiceId: call.invoice_id,
        title: 'Find the right telephone number',
        body: 'An agent reached somebody else. The number is not used any more.',
        dueAt: now,
      },
      actor,
      now,
    );
    return;
  }
  const quiet = quietForMs[outcome];
  if (quiet !== undefined) await pauseFor(tx, { ...call, callKey: call.id }, outcome, quiet, event, now);
}

/** An agent agreed to call again on a day: the invoice is quiet until then, and the call is on the worklist for then. */
export async function bookCallBack(tx: Tx, event: CallEvent, callAt: EpochMs, eventId: string, now: EpochMs): Promise<string> {
  const call = await findCall(tx, event);
  if (!call) return 'a call back that belongs to no call of ours';
  await placeHold(
    tx,
    {
      scope: 'invoice',
      invoiceId: call.invoice_id,
      id: derivedId('hld', 'call_back', call.id, callAt),
      kind: 'reply_received',
      reason: 'the customer wants to be called back',
      startsAt: now,
      endsAt: callAt,
    },
    actor,
  );
  await openTask(
    tx,
    {
      id: derivedId('task', 'call_back', call.id, callAt),
      kind: 'call_back',
      customerId: call.customer_id,
      invoiceId: call.invoice_id,
      owner: event.agentEmail ?? call.agent_email,
      title: 'Call back as agreed',
      body: event.note ?? '',
      dueAt: callAt,
    },
    actor,
    now,
  );
  await wakeCustomer(tx, call.customer_id, 'call', eventId);
  return `call back planned: ${call.id}`;
}

type Subject = { readonly customer_id: string; readonly invoice_id: string | null; readonly callKey: string };

async function pauseFor(tx: Tx, about: Subject, outcome: CallOutcome, quiet: number | null, event: CallEvent, now: EpochMs): Promise<void> {
  const spoken = outcome === 'promise' ? 'a promise to pay' : outcome === 'dispute' ? 'a dispute' : 'a wish to be called back';
  const scope = about.invoice_id
    ? { scope: 'invoice' as const, invoiceId: about.invoice_id }
    : { scope: 'customer' as const, customerId: about.customer_id };
  await placeHold(
    tx,
    {
      ...scope,
      id: derivedId('hld', 'call', about.callKey, outcome),
      kind: 'reply_received',
      reason: `${spoken} on the telephone`,
      startsAt: now,
      endsAt: quiet === null ? null : now + quiet,
    },
    actor,
  );
  await openTask(
    tx,
    {
      id: derivedId('task', 'call_outcome', about.callKey, outcome),
      kind: 'call_outcome',
      customerId: about.customer_id,
      invoiceId: about.invoice_id,
      owner: event.agentEmail,
      title: `Record ${spoken}`,
      body: `The agent chose "${event.disposition ?? outcome}". Note of the call: ${event.note ?? 'none'}. The chase pauses until this is recorded${quiet === null ? '' : `, at most ${quiet / DAY_MS} days`}.`,
      dueAt: now,
    },
    actor,
    now,
  );
}

async function askWhatItMeans(tx: Tx, call: CallRow, disposition: string, now: EpochMs): Promise<void> {
  await openTask(
    tx,
    {
      id: derivedId('task', 'unmapped', call.id, disposition.toLowerCase()),
      kind: 'unmapped_disposition',
      customerId: call.customer_id,
      invoiceId: call.invoice_id,
      title: `What does the disposition "${disposition.slice(0, 80)}" mean?`,
      body: `It is not in the tenant's table (settings.kixie.dispositions), so the call counts as "other". Add it there as one of ${[...outcomes].join(', ')}, and record what this call brought.`,
      dueAt: now,
    },
    actor,
    now,
  );
}

/** A call nobody asked us for, or one that could be about two customers: a person says whose it is. */
async function unmatched(tx: Tx, event: CallEvent, table: DispositionTable, eventId: string, now: EpochMs): Promise<string> {
  if (event.type === 'startcall' || event.type === 'answeredcall') return 'no call of ours; waiting for its end';
  const holders = event.customerPhone ? await customersWithPhone(tx, event.customerPhone) : [];
  const customerId = holders.length === 1 ? (holders[0] ?? null) : null;
  const callKey = event.uuid ?? event.number ?? eventId;
  const { outcome } = meaningOf(event, table);
  const quiet = outcome ? quietForMs[outcome] : undefined;
  // The debtor is certain, only the invoice is not: what he said still pauses the chase.
  if (customerId && outcome && quiet !== undefined) {
    await pauseFor(tx, { customer_id: customerId, invoice_id: null, callKey }, outcome, quiet, event, now);
    return `unmatched call of ${customerId}: ${outcome}`;
  }
  await openTask(
    tx,
    {
      id: derivedId('task', 'unmatched_call', callKey),
      kind: 'unmatched_call',
      customerId,
      owner: event.agentEmail,
      title: 'Whose call was this?',
      body: `A call of ${event.agentEmail ?? 'an agent'} (${event.durationSeconds ?? 0} s, disposition "${event.disposition ?? ''}", note "${event.note ?? ''}") fits ${holders.length > 1 ? `${holders.length} customers` : 'no call that was offered'}. Record its outcome with the right case.`,
      dueAt: now,
    },
    actor,
    now,
  );
  return holders.length > 1 ? 'unmatched: several customers have this number' : 'unmatched: no call of ours fits';
}

/** Never called or written to again, and taken off every list (the lists themselves are changed by the sweeper). */
export async function dropNumber(tx: Tx, phone: string, reason: string, now: EpochMs): Promise<string[]> {
  const customers = await suppress(tx, { channel: 'phone', address: phone, reason, at: now }, actor);
  await wantPhoneRemoved(tx, phone, now);
  return customers;
}
