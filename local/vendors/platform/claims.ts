// claims.ts: what the platform stand-in believes about Vendasta's gateway, CRM and token service, and what can go wrong there.
import type { ClaimTable } from '../claims.ts';
import type { FaultTable } from '../faults.ts';
import { httpFaults } from '../http.ts';

export const platformClaims = {
  aud_is_not_token_uri: {
    says: 'the assertion is for assertionPayloadData.aud, not for token_uri',
    mark: '1P',
    source: '2.4.1',
    holds: true,
  },
  assertion_ten_minutes: { says: 'exp - iat of the assertion is at most 10 minutes', mark: '1P', source: '2.4.1', holds: true },
  token_answer: {
    says: 'the token answer is {access_token, token_type, expires_in}; turned: expires_in is text',
    mark: '3P',
    source: '2.4.1',
    holds: true,
  },
  token_lasts_an_hour: { says: 'expires_in is 3600; turned: 5', mark: 'UNVERIFIED', source: '2.4.1', holds: true },
  token_errors_rfc6749: {
    says: 'token errors are {error, error_description}; turned: plain text',
    mark: 'UNVERIFIED',
    source: '2.4.1',
    holds: true,
  },
  sales_accounts_25: { says: 'page[limit] of salesAccounts is at most 25', mark: '1P', source: '2.4.3', holds: true },
  purchases_100: { says: 'page[limit] of purchases is 0 to 100, 10 by default', mark: '1P', source: '2.5', holds: true },
  relationship_is_recipient: {
    says: 'a purchase names its partner as "recipient" (guide); turned: as "partner" (schema)',
    mark: 'UNVERIFIED',
    source: '2.5',
    holds: true,
  },
  users_look_like_this: {
    says: 'users have attributes email, firstName, lastName, phoneNumber; turned: email, displayName, phoneNumbers',
    mark: 'constructed',
    source: '2.4.3',
    holds: true,
  },
  defaults_are_appended: {
    says: 'searchExisting is extended: contacts by e-mail, companies by external_id and name',
    mark: '1P',
    source: '2.6',
    holds: true,
  },
  upsert_hides_id: {
    says: 'an upsert answers returnFields only, not the id of the record',
    mark: 'UNVERIFIED',
    source: '2.6',
    holds: true,
  },
  uniqueness_is_409: { says: 'a value another record has is 409, and nothing is written', mark: '1P', source: '2.6', holds: true },
  dates_are_rfc3339: { says: 'timestamps are RFC 3339; turned: {seconds, nanos}', mark: 'UNVERIFIED', source: '2.6', holds: true },
  task_due_date_is_long: {
    says: 'the field is standard__activity_task_due_date; turned: standard__task_due_date',
    mark: 'UNVERIFIED',
    source: '2.6',
    holds: true,
  },
  unknown_field_is_400: {
    says: 'a field id that meta/fields does not list is refused with 400',
    mark: 'UNVERIFIED',
    source: '2.6',
    holds: true,
  },
  activity_external_id: { says: 'external_id can be written on activities', mark: 'UNVERIFIED', source: '2.6', holds: true },
  automation_run_is_empty_202: { says: 'an automation run answers 202 with an empty body', mark: '1P', source: '2.7', holds: true },
} as const satisfies ClaimTable;

export const platformFaults = {
  ...httpFaults,
  token_expired: { at: ['request'], says: '401, and the token is really gone: the next one needs a new assertion' },
  rotated_kid: { at: ['request'], says: 'the key of the assertion is not known (any more)' },
  insufficient_scope: { at: ['request'], says: '403, whatever scopes the token has' },
  cursor_expired: { at: ['request'], says: '400 for a page[cursor]' },
  unknown_enum: { at: ['request'], says: 'an enum carries a value nobody documented' },
  extra_fields: { at: ['request'], says: 'objects carry fields nobody documented' },
  partner_relationship: { at: ['request'], says: 'a purchase names its partner the other way round' },
  uniqueness: { at: ['request'], says: '409 for the fields in value (external_id), whatever the records say' },
  seconds_dates: { at: ['request'], says: 'timestamps are {seconds, nanos}' },
  renamed_fields: { at: ['request'], says: 'the task due date goes by its other id, in meta/fields and in writes' },
} as const satisfies FaultTable;
