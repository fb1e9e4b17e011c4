// crm.ts: the CRM's REST surface under /org. An upsert searches by what it was told and then, on its own, by more: that is
// how an update of one "Road Savannah" lands on the other [1P] 2.6.
import { z } from 'zod';
import type { Frame } from '../frame.ts';
import { json, jsonOrNull, type Answer, type Call } from '../http.ts';
import type { platformClaims } from './claims.ts';
import {
  cursorOf,
  defaultSearch,
  fieldIds,
  Records,
  resourceKinds,
  write,
  type CrmRecord,
  type FieldWrite,
  type ResourceKind,
} from './records.ts';
import type { TokenService } from './sso.ts';

const operations = ['always_overwrite', 'overwrite_if_empty', 'overwrite_if_newer', 'combine'] as const;
const writeBody = z.looseObject({
  subtype: z.string().optional(),
  fields: z.array(z.looseObject({ id: z.string().min(1), value: z.string(), operation: z.enum(operations).default('always_overwrite') })),
  searchExisting: z.array(z.string()).default([]),
  returnFields: z.array(z.string()).default([]),
  associations: z
    .array(
      z.looseObject({ id: z.string(), type: z.enum(['Contact', 'Company', 'Activity', 'CustomObject']), subtype: z.string().optional() }),
    )
    .default([]),
});
type WriteBody = z.output<typeof writeBody>;
const listBody = z.looseObject({
  fields: z.array(z.looseObject({ id: z.string(), value: z.string(), operation: z.literal('IS').default('IS') })).default([]),
  returnFields: z.array(z.string()).default([]),
  page: z.looseObject({ cursor: z.string().default(''), limit: z.number().int().min(1).max(200).default(50) }).prefault({}),
});

const longDueDate = 'standard__activity_task_due_date';
const shortDueDate = 'standard__task_due_date';
const options: Readonly<Record<string, readonly string[]>> = {
  standard__activity_call_outcome: ['BUSY', 'CONNECTED', 'LEFT_LIVE_MESSAGE', 'LEFT_VOICE_MESSAGE', 'NO_ANSWER', 'WRONG_NUMBER'],
  standard__activity_call_direction: ['INBOUND', 'OUTBOUND'],
  standard__activity_task_status: ['NOT_STARTED', 'IN_PROGRESS', 'COMPLETED'],
  standard__activity_task_type: ['EMAIL', 'CALL', 'TODO'],
  standard__activity_task_priority: ['LOW', 'MEDIUM', 'HIGH'],
  standard__activity_email_status: ['SENT', 'BOUNCED'],
};
const bad = (error: string, status = 400): Answer => json({ error }, status);

export class Crm {
  readonly records: Records;
  private readonly frame: Frame<typeof platformClaims>;
  private readonly sso: TokenService;

  constructor(frame: Frame<typeof platformClaims>, sso: TokenService) {
    this.frame = frame;
    this.sso = sso;
    this.records = new Records(frame.seed);
  }

  answer(call: Call): Answer | null {
    const parts = call.path.split('/').slice(2).map(decodeURIComponent);
    if (parts[0] === 'list' && call.method === 'POST')
      return this.at(parts.slice(1), true, call, (space, kind) => this.list(space, kind, call));
    return this.at(parts, call.method === 'GET', call, (space, kind, rest) => this.route(space, kind, rest, call));
  }

  private at(
    parts: readonly string[],
    reading: boolean,
    call: Call,
    handle: (space: string, kind: ResourceKind, rest: readonly string[]) => Answer | null,
  ): Answer | null {
    const [space = '', name = '', ...rest] = parts;
    const kind = kindOf(name);
    if (space === '' || !kind) return null;
    return this.sso.deny(call, scopesOf(kind, reading)) ?? handle(space, kind, rest);
  }

  private route(space: string, kind: ResourceKind, rest: readonly string[], call: Call): Answer | null {
    const id = rest.join('/');
    if (rest[0] === 'meta' && rest[1] === 'fields' && call.method === 'GET') return this.meta(kind, rest, call);
    if (id === '' && call.method === 'PATCH') return this.write(space, kind, call, 'upsert');
    if (id === '' && call.method === 'POST') return this.write(space, kind, call, 'create');
    if (id === '') return null;
    const record = this.records.byId(space, kind, id);
    if (!record) return bad(`no ${kind} "${id}" in ${space}`, 404);
    if (call.method === 'PATCH') return this.write(space, kind, call, record);
    if (call.method === 'GET') return json(this.shown(record, [...record.fields.keys()], call));
    if (call.method !== 'DELETE') return null;
    this.records.remove(space, record);
    this.frame.witness.accept({
      kind: 'delete',
      businessKey: record.fields.get('external_id') ?? null,
      space,
      resource: kind,
      id: record.id,
    });
    return json({});
  }

  private write(space: string, kind: ResourceKind, call: Call, how: 'upsert' | 'create' | CrmRecord): Answer {
    const read = writeBody.safeParse(jsonOrNull(call.raw.toString('utf8')));
    if (!read.success) return bad(z.prettifyError(read.error));
    const problem = this.badField(kind, read.data, call);
    if (problem) return problem;
    const fields = read.data.fields.map(field => ({ ...field, id: this.inside(field.id) }));
    const target = typeof how === 'object' ? how : how === 'create' ? undefined : this.match(space, kind, fields, read.data.searchExisting);
    const conflict = this.conflict(space, kind, fields, target, call);
    if (conflict) return conflict;
    const record = target ?? this.records.create(space, kind, this.frame.clock.now());
    write(record, fields, read.data.associations, this.frame.clock.now());
    this.frame.witness.accept({
      kind: target ? 'update' : 'create',
      businessKey: record.fields.get('external_id') ?? null,
      space,
      resource: kind,
      id: record.id,
      subtype: read.data.subtype ?? null,
      fields: Object.fromEntries(fields.map(({ id, value }) => [id, value])),
      associations: read.data.associations.map(({ id, type }) => `${type} ${id}`),
    });
    const answer = { fields: this.shown(record, read.data.returnFields, call).fields };
    return json(this.frame.claims.holds('upsert_hides_id') ? answer : { id: record.id, ...answer });
  }

  /** Told fields first, then the automatic ones: an upsert that carries a name can match a stranger of that name. */
  private match(space: string, kind: ResourceKind, fields: readonly FieldWrite[], told: readonly string[]): CrmRecord | undefined {
    return this.records.find(space, kind, fields, [...new Set([...told, ...defaultSearch(kind)])]);
  }

  private conflict(
    space: string,
    kind: ResourceKind,
    fields: readonly FieldWrite[],
    target: CrmRecord | undefined,
    call: Call,
  ): Answer | null {
    const forced = call.struck.get('uniqueness');
    const taken =
      forced === undefined
        ? this.records.taken(space, kind, fields, target)
        : Object.fromEntries((forced || 'external_id').split('+').map(id => [id, `${resourceKinds[kind]}-elsewhere`]));
    const values = Object.keys(taken);
    if (values.length === 0) return null;
    return json(
      {
        error: `The following field values are already used by other records in ${space}. Remove them from the request to continue.`,
        fieldViolations: { uniqueness: { description: 'Values that violate a unique constraint and must be removed to proceed.', values } },
        metadata: Object.fromEntries(values.map(id => [id, `Already used by: ${taken[id]}`])),
      },
      409,
    );
  }

  private badField(kind: ResourceKind, body: WriteBody, call: Call): Answer | null {
    const isActivity = resourceKinds[kind] === 'ActivityID';
    if (isActivity && !this.frame.claims.holds('activity_external_id') && body.fields.some(({ id }) => id === 'external_id')) {
      return bad('external_id is read only on activities');
    }
    if (!this.frame.claims.holds('unknown_field_is_400')) return null;
    const known = ['external_id', ...this.visibleFields(kind, call)];
    const unknown = body.fields.find(({ id }) => !known.includes(id) && !id.startsWith('custom__'));
    return unknown ? bad(`unknown field "${unknown.id}" on ${kind}`) : null;
  }

  private meta(kind: ResourceKind, rest: readonly string[], call: Call): Answer {
    const fields = this.visibleFields(kind, call);
    const [, , fieldId, tail] = rest;
    if (fieldId === undefined)
      return json({
        fields: fields.map(id => ({ id, type: /date$/.test(id) ? 'DATETIME' : 'STRING', readOnly: id.startsWith('system__') })),
      });
    if (tail !== 'options' || !fields.includes(fieldId)) return bad(`no field "${fieldId}" on ${kind}`, 404);
    return json({ options: (options[fieldId] ?? []).map(value => ({ value, label: value })) });
  }

  private visibleFields(kind: ResourceKind, call: Call): string[] {
    const long = this.frame.claims.holds('task_due_date_is_long') !== call.struck.has('renamed_fields');
    return fieldIds(kind).map(id => (id === longDueDate && !long ? shortDueDate : id));
  }

  /** One id inside, whatever it is called outside; the external id has a read-only name of its own. */
  private inside(id: string): string {
    if (id === shortDueDate) return longDueDate;
    return /^system__.*_external_id$/.test(id) ? 'external_id' : id;
  }

  private list(space: string, kind: ResourceKind, call: Call): Answer {
    const read = listBody.safeParse(jsonOrNull(call.raw.toString('utf8')));
    if (!read.success) return bad(z.prettifyError(read.error));
    const { fields, returnFields, page } = read.data;
    const hits = this.records
      .all(space, kind)
      .filter(record => fields.every(({ id, value }) => record.fields.get(this.inside(id)) === value));
    const from = page.cursor === '' ? 0 : Number(Buffer.from(page.cursor, 'base64').toString('latin1'));
    if (!Number.isInteger(from) || (page.cursor !== '' && call.struck.has('cursor_expired'))) return bad('the cursor has expired');
    const objects = hits.slice(from, from + page.limit).map(record => this.shown(record, returnFields, call));
    const more = from + page.limit < hits.length;
    return json({ objects, next_cursor: more ? cursorOf(from + page.limit) : '', has_more: more, total_objects: hits.length });
  }

  /** Timestamps may be text or {seconds, nanos} [1P] 2.6. */
  private shown(
    record: CrmRecord,
    ids: readonly string[],
    call: Call,
  ): { id: string; fields: { id: string; value: string }[]; created: unknown; updated: unknown; associations: unknown } {
    const asText = this.frame.claims.holds('dates_are_rfc3339') !== call.struck.has('seconds_dates');
    const date = (ms: number): unknown =>
      asText ? new Date(ms).toISOString() : { seconds: Math.floor(ms / 1000), nanos: (ms % 1000) * 1_000_000 };
    const fields = ids.flatMap(id => {
      const value = record.fields.get(this.inside(id));
      return value === undefined ? [] : [{ id, value }];
    });
    return { id: record.id, fields, created: date(record.createdAt), updated: date(record.updatedAt), associations: record.associations };
  }
}

/** The guide spells customobjects [1P] 2.6. */
function kindOf(name: string): ResourceKind | null {
  const spelled = name === 'customobjects' ? 'customObjects' : name;
  return spelled in resourceKinds ? (spelled as ResourceKind) : null;
}

/** Which scope an activity needs is not documented [UNVERIFIED]: any CRM scope will do. */
function scopesOf(kind: ResourceKind, reading: boolean): string[] {
  const own =
    kind === 'companies'
      ? ['crm.company']
      : kind === 'contacts'
        ? ['crm.contact']
        : kind === 'customObjects'
          ? ['crm.custom-object']
          : ['crm.company', 'crm.contact'];
  const all = ['crm', ...own];
  return reading ? [...all, ...all.map(scope => `${scope}:read`), 'crm.schema', 'crm.schema:read'] : all;
}
