// client.ts: speaks Kixie's protocol: one endpoint, the operation named in the body, the account's key in the query and
// in the body. It says what was seen and never throws: whether to try again depends on the operation, for a call that may
// have rung must not ring twice, while adding a number to a list twice changes nothing.
import { z } from 'zod';
import { type Exchange, exchange, glimpse, jsonOf } from '../vendor/http.ts';

export type KixieAccount = {
  /** "https://apig.kixie.com", or where a stand-in listens. */
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly businessId: string;
  /** Real milliseconds for one request. */
  readonly timeoutMs?: number;
  /** Spelling of the webhook paths is disputed between Kixie's article and what was seen to work: configurable. */
  readonly webhookPaths?: { readonly post: string; readonly list: string; readonly remove: string };
};

/** What every operation can meet, beside its own success. */
export type KixieTrouble =
  | { readonly kind: 'not_sent'; readonly because: string }
  | { readonly kind: 'rejected'; readonly because: string }
  | { readonly kind: 'not_allowed'; readonly because: string }
  | { readonly kind: 'throttled'; readonly because: string; readonly retryAfterMs: number | null };

export type CallAnswer =
  | { readonly kind: 'ringing'; readonly callId: string | null }
  /** Kixie took it, in words we cannot read, or may have: a webhook or a person will tell. Never to be tried again. */
  | { readonly kind: 'unknown'; readonly seen: string }
  | KixieTrouble;

/** Lists and webhooks: repeating them is harmless, so "no answer" is only a failure. */
export type RepeatableAnswer =
  | { readonly kind: 'done'; readonly seen: string }
  | { readonly kind: 'failed'; readonly because: string }
  | KixieTrouble;

export type AgentAnswer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'on_call' }
  /** Not logged in: an answer, not an error. */
  | { readonly kind: 'offline' }
  | { readonly kind: 'failed'; readonly because: string }
  | KixieTrouble;

export type WebhooksAnswer =
  | { readonly kind: 'listed'; readonly webhooks: readonly { readonly id: string; readonly name: string; readonly location: string }[] }
  | { readonly kind: 'failed'; readonly because: string }
  | KixieTrouble;

export type PowerListContact = {
  /** E.164. A contact of a list is its number. */
  readonly phone: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly companyName: string;
  readonly email: string;
  /** What the agent reads before the call: "USD 1,078.00, 31 days overdue". */
  readonly refresher: string;
  readonly contactId: string;
  readonly extra: Readonly<Record<string, string>>;
};

export type NewWebhook = { readonly name: string; readonly event: string; readonly location: string; readonly token: string };

const defaultPaths = { post: '/app/v1/api/postWebhook', list: '/app/v1/api/getWebhooks', remove: '/app/v1/api/deleteWebhooks' };
const defaultTimeoutMs = 10_000;

/** Rings the agent, then the number. The one operation that must never be repeated once its body was handed over. */
export async function call(
  account: KixieAccount,
  wanted: { readonly agentEmail: string; readonly phone: string; readonly displayName: string },
): Promise<CallAnswer> {
  const body = { eventname: 'call', email: wanted.agentEmail, target: wanted.phone, displayname: wanted.displayName };
  return readCallAnswer(await post(account, '/app/event', body));
}

/** Adds or updates one contact. Always "merge": "overwrite" would empty every field left out. */
export async function mergeIntoPowerList(account: KixieAccount, powerlistId: string, contact: PowerListContact): Promise<RepeatableAnswer> {
  return readRepeatable(
    await post(account, '/app/event', {
      eventname: 'updatepowerlist',
      powerlistId,
      target: digits(contact.phone),
      duplicateHandling: 'merge',
      firstName: contact.firstName,
      lastName: contact.lastName,
      companyName: contact.companyName,
      email: contact.email,
      nextCallRefresher: contact.refresher,
      crmContactId: contact.contactId,
      extraData: contact.extra,
    }),
  );
}

/** Takes the number off one list. */
export async function removeFromPowerList(account: KixieAccount, powerlistId: string, phone: string): Promise<RepeatableAnswer> {
  const action = 'removefrompowerlist';
  return readRepeatable(
    await post(account, '/app/event', { eventname: 'removefrompowerlist', action, powerlistId, target: digits(phone) }),
  );
}

/** Takes the number off every list of the account. One number a request: the form of a list of them is not documented. */
export async function removeFromAllPowerLists(account: KixieAccount, phone: string): Promise<RepeatableAnswer> {
  const action = 'removefromallpowerlists';
  return readRepeatable(await post(account, '/app/event', { eventname: 'removefrompowerlist', action, target: digits(phone) }));
}

/** Is the agent logged in and free? */
export async function agentStatus(account: KixieAccount, email: string): Promise<AgentAnswer> {
  const url = new URL('/www/agent/status', account.baseUrl);
  url.searchParams.set('apiKey', account.apiKey);
  url.searchParams.set('email', email);
  const seen = await exchange({ method: 'GET', url, timeoutMs: account.timeoutMs ?? defaultTimeoutMs, secrets: [account.apiKey] });
  return readAgentAnswer(seen);
}

/** Asks Kixie to report one kind of event. The direction, result and disposition filters are left open. */
export async function registerWebhook(account: KixieAccount, webhook: NewWebhook): Promise<RepeatableAnswer> {
  return readRepeatable(
    await post(account, (account.webhookPaths ?? defaultPaths).post, {
      call: 'postWebhook',
      name: webhook.name,
      eventname: webhook.event,
      direction: 'all',
      callresult: 'all',
      disposition: 'all',
      location: webhook.location,
      headers: JSON.stringify([{ name: 'X-Kixie-Token', value: webhook.token }]),
      runtime: 'realtime',
    }),
  );
}

/** The webhooks Kixie knows. */
export async function listWebhooks(account: KixieAccount): Promise<WebhooksAnswer> {
  const seen = await post(account, (account.webhookPaths ?? defaultPaths).list, { call: 'getWebhooks' });
  const trouble = troubleOf(seen);
  if (trouble) return trouble;
  if (seen.kind !== 'answered') return { kind: 'failed', because: seen.because };
  const reply = WebhookList.safeParse(jsonOf(seen.body));
  if (!reply.success) return { kind: 'failed', because: glimpse(seen.status, seen.body) };
  return {
    kind: 'listed',
    webhooks: reply.data.webhooks.map(({ webhookid, id, name, location }) => ({ id: String(webhookid ?? id ?? ''), name, location })),
  };
}

/** Answers by the table of Kixie's errors: after the body was handed over, everything but a clear yes or no is "unknown". */
export function readCallAnswer(seen: Exchange): CallAnswer {
  if (seen.kind === 'lost') return { kind: 'unknown', seen: seen.because };
  const trouble = troubleOf(seen);
  if (trouble) return trouble;
  if (seen.kind !== 'answered') return seen;
  const reply = CallReply.safeParse(jsonOf(seen.body));
  if (isOk(seen.status) && reply.success && reply.data.success) {
    return { kind: 'ringing', callId: reply.data.callid === undefined ? null : String(reply.data.callid) };
  }
  return { kind: 'unknown', seen: glimpse(seen.status, seen.body) };
}

/** The same table for what may be repeated: a text answer is taken as yes, no answer is a failure to try again. */
export function readRepeatable(seen: Exchange): RepeatableAnswer {
  const trouble = troubleOf(seen);
  if (trouble) return trouble;
  if (seen.kind !== 'answered') return { kind: 'failed', because: seen.because };
  return isOk(seen.status)
    ? { kind: 'done', seen: glimpse(seen.status, seen.body) }
    : { kind: 'failed', because: glimpse(seen.status, seen.body) };
}

export function readAgentAnswer(seen: Exchange): AgentAnswer {
  if (seen.kind !== 'answered') return { kind: 'failed', because: seen.because };
  const reply = AgentReply.safeParse(jsonOf(seen.body));
  // "success": false means "not logged in" here, and only here.
  if (isOk(seen.status) && reply.success) {
    if (!reply.data.success || !Number(reply.data.result?.registered ?? 0)) return { kind: 'offline' };
    return Number(reply.data.result?.onCall ?? 0) ? { kind: 'on_call' } : { kind: 'ready' };
  }
  return troubleOf(seen) ?? { kind: 'failed', because: glimpse(seen.status, seen.body) };
}

/** Kixie answers "no" with status 200 and success: false; 4xx is a wrong key or too many requests. */
function troubleOf(seen: Exchange): KixieTrouble | undefined {
  if (seen.kind === 'not_sent') return { kind: 'not_sent', because: seen.because };
  if (seen.kind !== 'answered') return undefined;
  const because = glimpse(seen.status, seen.body);
  if (seen.status === 401 || seen.status === 403) return { kind: 'not_allowed', because };
  if (seen.status === 429) return { kind: 'throttled', because, retryAfterMs: seen.retryAfterMs };
  if (seen.status >= 400 && seen.status < 500) return { kind: 'rejected', because };
  const reply = Refusal.safeParse(jsonOf(seen.body));
  if (!isOk(seen.status) || !reply.success) return undefined;
  const said = reply.data.error ?? reply.data.message ?? because;
  // How Kixie says that the day's calls are used up is not documented: a status, or a plain "no" that names the limit.
  return /\b(limit|quota)\b/i.test(said) ? { kind: 'throttled', because: said, retryAfterMs: null } : { kind: 'rejected', because: said };
}

async function post(account: KixieAccount, path: string, body: Readonly<Record<string, unknown>>): Promise<Exchange> {
  const url = new URL(path, account.baseUrl);
  url.searchParams.set('apikey', account.apiKey);
  url.searchParams.set('businessid', account.businessId);
  return exchange({
    method: 'POST',
    url,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...body, businessid: account.businessId, apikey: account.apiKey }),
    timeoutMs: account.timeoutMs ?? defaultTimeoutMs,
    secrets: [account.apiKey],
  });
}

const isOk = (status: number): boolean => status >= 200 && status < 300;
/** PowerLists know a number without its plus. */
const digits = (phone: string): string => phone.replace(/^\+/, '');

const numberish = z.union([z.string(), z.number()]);
const CallReply = z.looseObject({ success: z.literal([true, 'true', 1]), callid: numberish.optional() });
const Refusal = z.looseObject({ success: z.literal([false, 'false', 0]), error: z.string().optional(), message: z.string().optional() });
const AgentReply = z.looseObject({
  success: z.boolean(),
  result: z.looseObject({ onCall: numberish.optional(), registered: numberish.optional() }).nullish(),
});
const WebhookList = z.looseObject({
  webhooks: z.array(
    z.looseObject({
      webhookid: numberish.optional(),
      id: numberish.optional(),
      name: z.string().default(''),
      location: z.string().default(''),
    }),
  ),
});
