// kixie.ts: what Kixie's webhooks say. The address they were posted to decides the kind: the event's own word for itself
// is wrong in Kixie's own samples. Empty strings mean "absent", numbers come as text, a call has two names that trade
// places, and some payloads carry credentials, which are taken out before anything is stored.
import { z } from 'zod';
import { type EpochMs, instantAt, isZone } from '../domain/time.ts';

export const kixieEventTypes = [
  'endcall',
  'answeredcall',
  'startcall',
  'voicemail',
  'disposition',
  'sms',
  'scheduledactivity',
  'cisummary',
  'powerdialattempt',
] as const;
export type KixieEventType = (typeof kixieEventTypes)[number];

/** A call as any of its events tells it. */
export type KixieCall = {
  /** The call's UUID, wherever this kind of event keeps it. */
  readonly uuid: string | null;
  /** The call's number, likewise. */
  readonly number: string | null;
  /** The debtor's number in E.164, null when it is not one. */
  readonly customerPhone: string | null;
  readonly agentEmail: string | null;
  readonly disposition: string | null;
  readonly note: string | null;
  readonly durationSeconds: number | null;
  readonly incoming: boolean;
  readonly answered: boolean | null;
  /** ISO text as Kixie wrote it. */
  readonly date: string | null;
};

export type KixieEvent =
  | { readonly kind: 'call'; readonly type: 'endcall' | 'answeredcall' | 'startcall' | 'voicemail'; readonly call: KixieCall }
  | { readonly kind: 'disposition'; readonly call: KixieCall }
  /** An agent planned to call again; null when the day cannot be read. */
  | { readonly kind: 'scheduled'; readonly call: KixieCall; readonly at: EpochMs | null }
  /** Kept on record, nothing follows from it. */
  | { readonly kind: 'noted' }
  | {
      readonly kind: 'sms';
      readonly incoming: boolean;
      readonly from: string | null;
      readonly message: string;
      readonly messageId: string | null;
    }
  | { readonly kind: 'unreadable'; readonly because: string };

/** Reads an event of a known type. `payload` is the parsed JSON. */
export function readKixieEvent(type: KixieEventType, payload: unknown): KixieEvent {
  const root = Root.safeParse(payload);
  if (!root.success) return { kind: 'unreadable', because: 'found no object "data", expected the payload of a Kixie webhook' };
  const data = root.data.data;
  if (type === 'sms') {
    return {
      kind: 'sms',
      incoming: word(data.direction) === 'incoming',
      from: phone(data.customernumber) ?? phone(data.from),
      message: text(data.message) ?? '',
      messageId: text(data.messageid),
    };
  }
  if (type === 'cisummary' || type === 'powerdialattempt') return { kind: 'noted' };
  const details = Details.safeParse(data.callDetails);
  const inner = details.success ? details.data : {};
  if (type === 'disposition') return { kind: 'disposition', call: dispositionOf(data, inner) };
  if (type === 'scheduledactivity') return { kind: 'scheduled', call: dispositionOf(data, inner), at: plannedFor(data) };
  if (!details.success || !text(inner.callid)) {
    return { kind: 'unreadable', because: `found no data.callDetails.callid, expected the call of an "${type}" event` };
  }
  return { kind: 'call', type, call: callOf(inner) };
}

type Fields = Readonly<Record<string, unknown>>;

function callOf(details: Fields): KixieCall {
  const names = twoNames(text(details.callid), text(details.externalid));
  const status = word(details.callstatus);
  return {
    ...names,
    customerPhone:
      phone(details.customerNumber) ?? phone(word(details.calltype) === 'incoming' ? details.fromnumber164 : details.tonumber164),
    agentEmail: text(details.email),
    disposition: text(details.disposition),
    note: null,
    durationSeconds: seconds(details.duration),
    incoming: word(details.calltype) === 'incoming',
    answered: status === 'answered' ? true : status === 'missed' ? false : null,
    date: text(details.callEndDate) ?? text(details.calldate),
  };
}

/** Flat, and the two names of the call have traded places; a copy of the call may be inside. */
function dispositionOf(data: Fields, inner: Fields): KixieCall {
  const call = callOf(inner);
  const names = twoNames(text(data.callid), text(data.externalid));
  return {
    ...call,
    uuid: names.uuid ?? call.uuid,
    number: names.number ?? call.number,
    customerPhone: phone(data.phone) ?? call.customerPhone,
    agentEmail: text(data.email) ?? call.agentEmail,
    disposition: text(data.disposition),
    note: text(data.note) ?? text(data.description) ?? text(data.subject),
    incoming: word(data.callType) === 'incoming' || call.incoming,
  };
}

/** The day comes twice, once for machines (2024-03-13, 16:44), with the zone of the agent. */
function plannedFor(data: Fields): EpochMs | null {
  const date = text(data.dateformat) ?? '';
  const [, hour = '0', minute = '0'] = /^(\d{1,2}):(\d{2})/.exec(text(data.timeformat) ?? '') ?? [];
  const zone = text(data.timezone) ?? 'UTC';
  try {
    return instantAt(date, Number(hour) * 60 + Number(minute), isZone(zone) ? zone : 'UTC');
  } catch {
    return null;
  }
}

/** Which is which is told by their form: the number is digits only. */
function twoNames(callid: string | null, externalid: string | null): { uuid: string | null; number: string | null } {
  const names = [callid, externalid].filter(name => name !== null);
  return { uuid: names.find(name => !/^\d+$/.test(name)) ?? null, number: names.find(name => /^\d+$/.test(name)) ?? null };
}

function text(value: unknown): string | null {
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : null;
}

function word(value: unknown): string {
  return (text(value) ?? '').toLowerCase();
}

function seconds(value: unknown): number | null {
  const count = Number(text(value) ?? Number.NaN);
  return Number.isFinite(count) && count >= 0 ? Math.round(count) : null;
}

/** E.164 from "+13065550123" or "13065550123". */
function phone(value: unknown): string | null {
  const digits = (text(value) ?? '').replaceAll(/[^\d]/g, '');
  return /^\d{8,15}$/.test(digits) ? `+${digits}` : null;
}

const Root = z.looseObject({ data: z.looseObject({}) });
const Details = z.looseObject({});

/** Texts after which a number must not be written to or called again. */
export function asksToStop(message: string): boolean {
  return /^\W*(stop|stopall|stop all|unsubscribe|cancel|quit|end|revoke|opt ?out|arr[eê]t)\W*$/i.test(message.trim());
}

/** The payload without credentials, wherever they hide: Kixie's own samples leak an API key and a CRM connection. */
export function withoutCredentials(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutCredentials);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !/^(active_?crm|api_?key|.*(password|secret|token|credential).*)$/i.test(name))
      .map(([name, inner]) => [name, withoutCredentials(inner)]),
  );
}
