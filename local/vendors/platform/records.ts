// records.ts: the CRM's records: fields by id, found by external id, e-mail or name, joined by associations. Which fields exist
// is told by meta/fields, and a client must read it instead of trusting a guide [1P] 2.6.
import { uuidOf } from '../../seeded.ts';

export const resourceKinds = {
  contacts: 'ContactID',
  companies: 'CompanyID',
  activities: 'ActivityID',
  callActivities: 'ActivityID',
  communicationActivities: 'ActivityID',
  emailActivities: 'ActivityID',
  meetingActivities: 'ActivityID',
  noteActivities: 'ActivityID',
  taskActivities: 'ActivityID',
  customObjects: 'CustomObjectID',
} as const;
export type ResourceKind = keyof typeof resourceKinds;

/** Field ids of 2.6 by resource, beside external_id. The activity ids are shared by the kinds of activity. */
const company = [
  'standard__company_name',
  'standard__company_phone_number',
  'standard__company_timezone',
  'standard__company_primary_email',
  'standard__company_tags',
];
const contact = ['standard__email', 'standard__first_name', 'standard__last_name', 'standard__phone_number', 'standard__contact_tags'];
const call = ['date', 'direction', 'duration', 'from_number', 'to_number', 'outcome', 'body'].map(
  name => `standard__activity_call_${name}`,
);
const task = ['body', 'due_date', 'priority', 'status', 'type'].map(name => `standard__activity_task_${name}`);
const email = ['subject', 'body', 'date', 'direction', 'status'].map(name => `standard__activity_email_${name}`);
const activity = ['standard__activity_name', 'standard__activity_note', ...call, ...task, ...email];

export function fieldIds(kind: ResourceKind): readonly string[] {
  if (kind === 'companies') return [...company, 'system__company_external_id'];
  if (kind === 'contacts') return [...contact, 'system__contact_external_id'];
  if (kind === 'customObjects') return ['standard__custom_object_name', 'system__custom_object_external_id'];
  return [...activity, 'system__activity_external_id'];
}

/** The automatic fallbacks of searchExisting [1P] 2.6; none is documented for activities. */
export function defaultSearch(kind: ResourceKind): readonly string[] {
  if (kind === 'contacts') return ['standard__email'];
  if (kind === 'companies') return ['external_id', 'standard__company_name'];
  if (kind === 'customObjects') return ['external_id', 'standard__custom_object_name'];
  return [];
}

function uniqueFields(kind: ResourceKind): readonly string[] {
  return kind === 'contacts' ? ['external_id', 'standard__email'] : ['external_id'];
}

export type FieldWrite = {
  readonly id: string;
  readonly value: string;
  readonly operation: 'always_overwrite' | 'overwrite_if_empty' | 'overwrite_if_newer' | 'combine';
};
export type Association = { readonly id: string; readonly type: string; readonly subtype?: string | undefined };
export type CrmRecord = {
  readonly id: string;
  readonly kind: ResourceKind;
  readonly fields: Map<string, string>;
  associations: Association[];
  readonly createdAt: number;
  updatedAt: number;
};

export class Records {
  private readonly seed: number;
  private readonly spaces = new Map<string, CrmRecord[]>();
  private made = 0;

  constructor(seed: number) {
    this.seed = seed;
  }

  all(namespace: string, kind: ResourceKind): CrmRecord[] {
    const key = `${namespace}/${kind}`;
    const records = this.spaces.get(key) ?? [];
    this.spaces.set(key, records);
    return records;
  }

  /** By the system's id or by ours. */
  byId(namespace: string, kind: ResourceKind, id: string): CrmRecord | undefined {
    return this.all(namespace, kind).find(record => record.id === id || record.fields.get('external_id') === id);
  }

  /** The ordered search: the first field that hits anything wins, and the first record of it. */
  find(namespace: string, kind: ResourceKind, fields: readonly FieldWrite[], order: readonly string[]): CrmRecord | undefined {
    for (const fieldId of order) {
      const value = fields.find(field => field.id === fieldId)?.value;
      if (value === undefined || value === '') continue;
      const hit = this.all(namespace, kind).find(record => record.fields.get(fieldId) === value);
      if (hit) return hit;
    }
    return undefined;
  }

  /** The unique fields of this write that another record has, with that record's id. */
  taken(namespace: string, kind: ResourceKind, fields: readonly FieldWrite[], except: CrmRecord | undefined): Record<string, string> {
    const hits = fields
      .filter(({ id, value }) => uniqueFields(kind).includes(id) && value !== '')
      .map(({ id, value }) => ({
        id,
        owner: this.all(namespace, kind).find(record => record !== except && record.fields.get(id) === value),
      }));
    return Object.fromEntries(hits.flatMap(({ id, owner }) => (owner ? [[id, owner.id]] : [])));
  }

  create(namespace: string, kind: ResourceKind, at: number): CrmRecord {
    const id = `${resourceKinds[kind]}-${uuidOf('crm', this.seed, namespace, ++this.made)}`;
    const record: CrmRecord = { id, kind, fields: new Map(), associations: [], createdAt: at, updatedAt: at };
    this.all(namespace, kind).push(record);
    return record;
  }

  remove(namespace: string, record: CrmRecord): void {
    const records = this.all(namespace, record.kind);
    records.splice(records.indexOf(record), 1);
  }

  clear(): void {
    this.spaces.clear();
  }
}

/** overwrite_if_newer compares with now, so it always wins; combine joins the parts of both [UNVERIFIED] 2.6. */
export function write(record: CrmRecord, fields: readonly FieldWrite[], associations: readonly Association[], at: number): void {
  for (const { id, value, operation } of fields) {
    const known = record.fields.get(id) ?? '';
    if (operation === 'overwrite_if_empty' && known !== '') continue;
    const combined = [...new Set([...known.split(';'), ...value.split(';')])].filter(part => part !== '').join(';');
    record.fields.set(id, operation === 'combine' ? combined : value);
  }
  const news = associations.filter(each => !record.associations.some(known => known.id === each.id && known.type === each.type));
  record.associations = [...record.associations, ...news];
  record.updatedAt = at;
}

/** A cursor nobody should read. */
export function cursorOf(offset: number): string {
  return Buffer.from(String(offset)).toString('base64');
}
