// claims.ts: what the Kixie stand-in believes about Kixie and what can go wrong with it. Kixie has no sandbox, so most of
// this is second-hand: every claim that is not [1P] is a switch.
import type { ClaimTable } from '../claims.ts';
import type { FaultTable } from '../faults.ts';
import { httpFaults } from '../http.ts';

export const kixieClaims = {
  one_endpoint: { says: 'POST /app/event, the operation is eventname in the body', mark: '1P', source: '1.1', holds: true },
  key_in_query_and_body: {
    says: 'apikey and businessid are needed in the query and in the body',
    mark: 'UNVERIFIED',
    source: '1.1',
    holds: true,
  },
  bad_key_is_401: { says: 'a wrong key is 401; turned: 200 with success:false', mark: 'UNVERIFIED', source: '1.4', holds: true },
  success_is_json: { says: 'success answers {"success":true}; turned: the text OK', mark: 'constructed', source: '1.2.1', holds: true },
  rejection_is_200: {
    says: 'an unknown operation answers 200 {"success":false,"error":"function does not exist"}',
    mark: '3P-LIVE',
    source: '1.4',
    holds: true,
  },
  offline_agent_refuses_call: {
    says: 'a call for an agent who is not logged in answers success:false',
    mark: 'UNVERIFIED',
    source: '1.2.1',
    holds: true,
  },
  status_false_is_offline: {
    says: 'agent status success:false means not logged in; turned: registered 0 does',
    mark: '1P*',
    source: '1.2.5',
    holds: true,
  },
  phone_is_identity: { says: 'the telephone number is the identity inside a PowerList', mark: '1P', source: '1.2.3', holds: true },
  overwrite_nulls: { says: 'duplicateHandling overwrite nulls every omitted field', mark: '1P', source: '1.2.3', holds: true },
  overwrite_is_usual: {
    says: 'without duplicateHandling a contact is overwritten; turned: merged',
    mark: 'UNVERIFIED',
    source: '1.2.3',
    holds: true,
  },
  remove_takes_a_list: { says: 'target of a removal may be a list of numbers', mark: 'UNVERIFIED', source: '1.2.4', holds: false },
  lower_case_path: { says: '/app/v1/api/postwebhook exists; turned: only postWebhook does', mark: '3P-LIVE', source: '1.2.6', holds: true },
  remove_webhook: { says: 'removeWebhook works', mark: '3P-LIVE', source: '1.2.6', holds: true },
  headers_are_text: { says: 'headers of a webhook are false or a JSON string of an array', mark: '1P', source: '1.2.6', holds: true },
  quota_per_utc_day: { says: 'calls per account are counted per UTC day', mark: '1P', source: '1.3', holds: true },
  quota_is_429: { says: 'an exhausted quota answers 429; turned: 200 with success:false', mark: 'UNVERIFIED', source: '1.3', holds: true },
  startcall_says_endcall: { says: 'hookevent of the documented startcall sample is "endcall"', mark: '1P*', source: '1.2.6', holds: true },
  disposition_swaps_ids: {
    says: 'a disposition has the number in callid and the UUID in externalid',
    mark: '1P*',
    source: '1.5.2',
    holds: true,
  },
  disposition_leaks_active_crm: {
    says: 'a disposition carries an activeCRM block with credentials',
    mark: '1P*',
    source: '1.5.2',
    holds: true,
  },
  activity_leaks_key: { says: 'a scheduledactivity carries apiKey', mark: '1P*', source: '1.5.4', holds: true },
  echoes_contact: { says: 'call events of a PowerList echo crmContactId and extraData', mark: 'UNVERIFIED', source: '1.5.5', holds: false },
  webhooks_retried: {
    says: 'a webhook that was not answered with 2xx is sent again a minute later, once',
    mark: 'UNVERIFIED',
    source: '1.5',
    holds: false,
  },
} as const satisfies ClaimTable;

export const kixieFaults = {
  ...httpFaults,
  refused: { at: ['request'], says: '200 {"success":false} with the text in value; nothing happened' },
  text_body: { at: ['request'], says: 'it happened, and 200 answers plain text instead of JSON' },
  quota_exhausted: { at: ['request'], says: 'the daily quota is used up' },
  agent_offline: { at: ['request'], says: 'the agent is not logged in' },
  agent_on_call: { at: ['request'], says: 'the agent is on a call' },
  webhook_lost: { at: ['webhook'], says: 'this webhook is never sent' },
  webhook_duplicated: { at: ['webhook'], says: 'this webhook is sent twice' },
  webhook_reordered: { at: ['webhook'], says: 'this webhook comes value business minutes late (10), behind the ones that follow' },
  webhook_mislabelled: { at: ['webhook'], says: 'hookevent names another event (value, or endcall)' },
  disposition_unswapped: { at: ['webhook'], says: 'a disposition has the UUID in callid, like the call events' },
} as const satisfies FaultTable;
