// client.ts: speaks the platform's protocol: CRM records that are known by our own external id, the fields they have, and
// the sales accounts that hold telephone numbers. A company is only ever matched by its external id: an upsert that
// carries a name is matched by name too, and two companies may share one.
import { z } from 'zod';
import { type Exchange, exchange, glimpse, jsonOf } from '../vendor/http.ts';
import type { TokenSource } from './token.ts';

export type PlatformAccount = {
  /** "https://prod.apigateway.co", or where a stand-in listens. */
  readonly baseUrl: string;
  /** PID or AG id whose CRM receives our records. */
  readonly namespace: string;
  readonly tokens: TokenSource;
  readonly timeoutMs?: number;
};

export type Field = {
  readonly id: string;
  readonly value: string;
  readonly operation: 'always_overwrite' | 'overwrite_if_empty' | 'overwrite_if_newer' | 'combine';
};
export type Resource = 'companies' | 'taskActivities' | 'noteActivities' | 'callActivities';

export type PlatformTrouble =
  /** No answer, or a 5xx. Everything here overwrites by external id, so it may be repeated. */
  | { readonly kind: 'failed'; readonly because: string }
  | { readonly kind: 'throttled'; readonly because: string; readonly retryAfterMs: number | null }
  | { readonly kind: 'not_allowed'; readonly because: string }
  | { readonly kind: 'rejected'; readonly because: string };

export type WriteAnswer =
  | { readonly kind: 'written' }
  /** Nothing was written: other records hold these values already. `fields` are the ids of ours that clash. */
  | { readonly kind: 'not_unique'; readonly fields: readonly string[]; readonly because: string }
  | PlatformTrouble;

export type FieldsAnswer = { readonly kind: 'fields'; readonly ids: readonly string[] } | PlatformTrouble;
export type SalesAccount = { readonly id: string; readonly phones: readonly string[]; readonly countryCode: string };
export type SalesAccountsAnswer =
  | { readonly kind: 'page'; readonly accounts: readonly SalesAccount[]; readonly next: string | null }
  | PlatformTrouble;

export type Upsert = {
  readonly resource: Resource;
  readonly subtype?: 'Task' | 'Note' | 'Call';
  readonly fields: readonly Field[];
  /** External id of the company the activity belongs to. */
  readonly company?: string;
};

/** Creates or updates the record whose external id is among the fields. */
export async function upsert(account: PlatformAccount, wanted: Upsert): Promise<WriteAnswer> {
  const body = {
    ...(wanted.subtype ? { subtype: wanted.subtype } : {}),
    fields: wanted.fields,
    searchExisting: ['external_id'],
    ...(wanted.company ? { associations: [{ id: wanted.company, type: 'Company', subtype: '' }] } : {}),
  };
  return readWriteAnswer(await ask(account, 'PATCH', `/org/${encodeURIComponent(account.namespace)}/${wanted.resource}`, body));
}

/** Updates the record that has this external id; never creates one and never matches by anything else. */
export async function updateById(
  account: PlatformAccount,
  resource: Resource,
  externalId: string,
  fields: readonly Field[],
): Promise<WriteAnswer> {
  const path = `/org/${encodeURIComponent(account.namespace)}/${resource}/${encodeURIComponent(externalId)}`;
  return readWriteAnswer(await ask(account, 'PATCH', path, { fields }));
}

/** The ids of the fields a resource has: guides and specification spell some of them differently. */
export async function fieldIds(account: PlatformAccount, resource: Resource): Promise<FieldsAnswer> {
  const seen = await ask(account, 'GET', `/org/${encodeURIComponent(account.namespace)}/${resource}/meta/fields`);
  if (seen.kind === 'answered' && seen.status === 200) {
    const reply = FieldList.safeParse(jsonOf(seen.body));
    if (reply.success) {
      const fields = Array.isArray(reply.data) ? reply.data : (reply.data.fields ?? reply.data.data ?? reply.data.objects ?? []);
      return { kind: 'fields', ids: fields.map(field => field.id ?? field.fieldId ?? '').filter(Boolean) };
    }
    return { kind: 'failed', because: glimpse(seen.status, seen.body) };
  }
  return troubleOf(seen);
}

/** One page of the partner's sales accounts; follow `next` until it is null, and never build that address yourself. */
export async function salesAccounts(account: PlatformAccount, partnerId: string, next?: string): Promise<SalesAccountsAnswer> {
  const first = `/platform/salesAccounts?filter%5BbusinessPartner.id%5D=${encodeURIComponent(partnerId)}&page%5Blimit%5D=25`;
  const url = new URL(next ?? first, account.baseUrl);
  if (url.origin !== new URL(account.baseUrl).origin) {
    return {
      kind: 'rejected',
      because: `the next page is at ${url.origin}, expected ${new URL(account.baseUrl).origin}: the token is not sent there`,
    };
  }
  const seen = await ask(account, 'GET', `${url.pathname}${url.search}`);
  if (seen.kind !== 'answered' || seen.status !== 200) return troubleOf(seen);
  const reply = AccountPage.safeParse(jsonOf(seen.body));
  if (!reply.success) return { kind: 'failed', because: glimpse(seen.status, seen.body) };
  return {
    kind: 'page',
    accounts: reply.data.data.map(({ id, attributes }) => ({
      id,
      phones: attributes.phoneNumbers,
      countryCode: attributes.address.countryCode,
    })),
    next: reply.data.links?.next ?? null,
  };
}

function readWriteAnswer(seen: Exchange): WriteAnswer {
  if (seen.kind === 'answered' && seen.status >= 200 && seen.status < 300) return { kind: 'written' };
  if (seen.kind === 'answered' && seen.status === 409) {
    const reply = Conflict.safeParse(jsonOf(seen.body));
    if (reply.success) {
      return {
        kind: 'not_unique',
        fields: reply.data.fieldViolations.uniqueness.values,
        because: reply.data.error ?? 'values are used by other records',
      };
    }
  }
  return troubleOf(seen);
}

function troubleOf(seen: Exchange): PlatformTrouble {
  if (seen.kind !== 'answered') return { kind: 'failed', because: seen.because };
  const because = glimpse(seen.status, seen.body);
  if (seen.status === 429) return { kind: 'throttled', because, retryAfterMs: seen.retryAfterMs };
  if (seen.status === 401 || seen.status === 403) return { kind: 'not_allowed', because };
  return { kind: seen.status >= 400 && seen.status < 500 ? 'rejected' : 'failed', because };
}

/** One request with a token; a token the platform no longer takes is renewed once. */
async function ask(account: PlatformAccount, method: 'GET' | 'PATCH', path: string, body?: unknown): Promise<Exchange> {
  const first = await account.tokens.token();
  if (first.kind !== 'token') return asExchange(first);
  const seen = await askWith(account, first.token, method, path, body);
  if (seen.kind !== 'answered' || seen.status !== 401) return seen;
  const second = await account.tokens.token(first.token);
  return second.kind === 'token' ? askWith(account, second.token, method, path, body) : asExchange(second);
}

/** Trouble with the token is told as if the request itself had met it. */
function asExchange(answer: { kind: 'not_allowed' | 'throttled' | 'failed'; because: string; retryAfterMs?: number | null }): Exchange {
  if (answer.kind === 'failed') return { kind: 'not_sent', because: answer.because };
  return {
    kind: 'answered',
    status: answer.kind === 'throttled' ? 429 : 401,
    body: answer.because,
    retryAfterMs: answer.retryAfterMs ?? null,
  };
}

async function askWith(account: PlatformAccount, token: string, method: 'GET' | 'PATCH', path: string, body: unknown): Promise<Exchange> {
  return exchange({
    method,
    url: new URL(path, account.baseUrl),
    headers: {
      authorization: `Bearer ${token}`,
      accept: 'application/json, application/vnd.api+json',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    timeoutMs: account.timeoutMs ?? 10_000,
    secrets: [token],
  });
}

const FieldEntry = z.looseObject({ id: z.string().optional(), fieldId: z.string().optional() });
const FieldList = z.union([
  z.array(FieldEntry),
  z.looseObject({ fields: z.array(FieldEntry).optional(), data: z.array(FieldEntry).optional(), objects: z.array(FieldEntry).optional() }),
]);
const Conflict = z.looseObject({
  error: z.string().optional(),
  fieldViolations: z.looseObject({ uniqueness: z.looseObject({ values: z.array(z.string()) }) }),
});
const AccountPage = z.looseObject({
  data: z.array(
    z.looseObject({
      id: z.string(),
      attributes: z.looseObject({
        phoneNumbers: z.array(z.string()).catch([]),
        address: z.looseObject({ countryCode: z.string().catch('') }).catch({ countryCode: '' }),
      }),
    }),
  ),
  links: z.looseObject({ next: z.string().nullish() }).optional(),
});
