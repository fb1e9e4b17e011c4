// fact-inbox.ts: what signals brought and no step has read yet. Signal handlers only add; the main loop drains. Anybody
// who can reach the namespace can signal anything, and a handler that throws would stop the case for ever: so nothing is
// taken for granted here, and what a payment says is checked by the step that records it.
import { log } from '@temporalio/workflow';
import type { Heard } from './contract/types.ts';

/** Characters: a payment with a long reference has room; a flood must not fill the history of the case. */
const mostTold = 4_000;
/** Facts per step: what comes in a flood is recorded in turns. */
const mostAtOnce = 100;

export class FactInbox {
  private heard: Heard[];

  constructor(carried: readonly Heard[] = []) {
    this.heard = [...carried];
  }

  /** The same event id twice is one fact. What has no event id is no fact. */
  add(kind: Heard['kind'], told: unknown): void {
    const fact = factOf(kind, told);
    if (!fact) return log.warn('a signal without an event id was ignored', { signal: kind });
    if (!this.heard.some(known => known.eventId === fact.eventId && known.kind === fact.kind)) this.heard.push(fact);
  }

  some(): boolean {
    return this.heard.length > 0;
  }

  /** True when somebody told a payment that nobody has recorded yet. */
  holdsPayment(): boolean {
    return this.heard.some(fact => fact.payment !== undefined);
  }

  drain(most = mostAtOnce): Heard[] {
    return this.heard.splice(0, most);
  }
}

function factOf(kind: Heard['kind'], told: unknown): Heard | undefined {
  if (typeof told !== 'object' || told === null) return undefined;
  const { eventId, amount, valueDate, reference } = told as Record<string, unknown>;
  if (typeof eventId !== 'string' || eventId === '' || eventId.length > mostTold) return undefined;
  if (kind !== 'payment' || (amount === undefined && valueDate === undefined)) return { kind, eventId };
  const payment = { amount, valueDate, ...(reference === undefined ? {} : { reference }) };
  if (JSON.stringify(payment).length <= mostTold) return { kind, eventId, payment };
  log.warn('a signal told a payment at too great a length: it is not recorded', { signal: kind });
  return { kind, eventId };
}
