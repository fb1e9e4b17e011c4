// platform.test.ts: the platform stand-in checks tokens for real, pages, upserts as documented, and spoils as told.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { SignJWT } from 'jose';
import { castBook } from '../../local/cast.ts';
import { platformBook } from '../../local/cast/files.ts';
import { startPlatform } from '../../local/vendors/platform.ts';
import { folder, stage } from './staging.ts';

type KeyFile = {
  private_key: string;
  token_uri: string;
  assertionHeaderData: { alg: string; kid: string };
  assertionPayloadData: { aud: string; iss: string; sub: string };
};
const { dir, remove } = folder();
let platform: Awaited<ReturnType<typeof startPlatform>>;
let admin: ReturnType<typeof stage>;
let bearer = '';

const book = platformBook(castBook({ seed: 1, startDate: '2026-01-05' }), 'ABC1');
const purchase = (id: string, createdAt: string) => ({
  id,
  createdAt,
  statusCode: 'due',
  currencyCode: 'CAD',
  total: 278,
  taxAmount: 28,
  discountAmount: 250,
  customerId: 'AG-1',
});
const purchases = Array.from({ length: 25 }, (_, index) =>
  purchase(`p${index}`, `2026-01-${String(index + 1).padStart(2, '0')}T00:00:00Z`),
);

beforeAll(async () => {
  platform = await startPlatform({ dir });
  admin = stage(platform);
}, 30_000);
beforeEach(async () => {
  await admin.reset();
  await admin.set('book', { ...book, purchases });
  bearer = await tokenFor('sales.account financial business user.admin crm profile');
});
afterAll(async () => {
  await platform.close();
  remove();
});

async function assertion(
  scope: string,
  change: { aud?: string; lastsSeconds?: number; kid?: string; keyFile?: KeyFile; iss?: string } = {},
): Promise<string> {
  const file = change.keyFile ?? (JSON.parse(readFileSync(platform.keyFile, 'utf8')) as KeyFile);
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({
    ...file.assertionPayloadData,
    ...(change.aud ? { aud: change.aud } : {}),
    ...(change.iss ? { iss: change.iss } : {}),
    scope,
  })
    .setProtectedHeader({ ...file.assertionHeaderData, ...(change.kid ? { kid: change.kid } : {}) })
    .setIssuedAt(now)
    .setExpirationTime(now + (change.lastsSeconds ?? 600))
    .sign(createPrivateKey(file.private_key));
}
async function ask(jwt: string, fault = ''): Promise<{ status: number; body: Record<string, unknown> }> {
  const form = new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: jwt });
  const answer = await fetch(`${platform.url}/oauth2/token`, { method: 'POST', body: form, headers: { 'x-fault': fault } });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}
async function tokenFor(scope: string): Promise<string> {
  return String((await ask(await assertion(scope))).body['access_token']);
}
async function request<T = Record<string, never>>(
  method: string,
  path: string,
  body?: object,
  options: { fault?: string; token?: string } = {},
) {
  const answer = await fetch(path.startsWith('http') ? path : `${platform.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${options.token ?? bearer}`, 'x-fault': options.fault ?? '' },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const text = await answer.text();
  return { status: answer.status, type: answer.headers.get('content-type'), body: (text.startsWith('{') ? JSON.parse(text) : {}) as T };
}
type Page = {
  data: { id: string; attributes: Record<string, unknown>; relationships: Record<string, unknown> }[];
  links: { first: string; next?: string };
  errors?: { code: string; source?: { parameter: string } }[];
};
const accountsPath = '/platform/salesAccounts?filter[businessPartner.id]=ABC1';
const purchasesPath = '/platform/purchases?filter[partner.id]=ABC1';

describe('the token service', () => {
  test('gives a token for a good assertion, and user-info knows whose it is', async () => {
    const { status, body } = await ask(await assertion('profile'));
    expect([status, body]).toEqual([200, { access_token: expect.any(String), token_type: 'Bearer', expires_in: 3600 }]);
    const info = await request('GET', '/oauth2/user-info', undefined, { token: String(body['access_token']) });
    expect(info.body).toMatchObject({ roles: ['partner_service_account'] });
  });

  test.each([
    {
      what: 'for the token_uri instead of the audience',
      change: { aud: 'http://127.0.0.1/oauth2/token' },
      error: 'invalid_grant',
      scope: 'crm',
    },
    { what: 'that lasts longer than ten minutes', change: { lastsSeconds: 601 }, error: 'invalid_grant', scope: 'crm' },
    { what: 'that has expired', change: { lastsSeconds: -120 }, error: 'invalid_grant', scope: 'crm' },
    { what: 'of an unknown key', change: { kid: 'nobody' }, error: 'invalid_grant', scope: 'crm' },
    { what: 'of another issuer', change: { iss: 'someone@else.example' }, error: 'invalid_grant', scope: 'crm' },
    { what: 'without a scope', change: {}, error: 'invalid_scope', scope: '' },
    { what: 'with a scope that does not exist', change: {}, error: 'invalid_scope', scope: 'crm root' },
  ])('refuses an assertion $what', async ({ change, error, scope }) => {
    const { status, body } = await ask(await assertion(scope, change));
    expect([status, body['error']]).toEqual([400, error]);
    expect(body['error_description']).toEqual(expect.any(String));
  });

  test('refuses an assertion that somebody changed, and one signed by another key', async () => {
    const [head, , signature] = (await assertion('crm')).split('.');
    const forged = Buffer.from(JSON.stringify({ scope: 'financial', iat: 1, exp: 2 })).toString('base64url');
    expect((await ask(`${head}.${forged}.${signature}`)).body['error']).toBe('invalid_grant');
    const old = JSON.parse(readFileSync(platform.keyFile, 'utf8')) as KeyFile;
    await admin.post('rotate-key', { retireOld: false });
    expect((await ask(await assertion('crm', { keyFile: old }))).status).toBe(200);
    await admin.post('rotate-key', { retireOld: true });
    expect((await ask(await assertion('crm', { keyFile: old }))).body['error']).toBe('invalid_grant');
    expect((await ask(await assertion('crm'))).status).toBe(200);
    expect((await ask(await assertion('crm'), 'rotated_kid')).body['error']).toBe('invalid_grant');
  }, 30_000);

  test('keeps its key over a restart', async () => {
    const other = folder();
    const first = await startPlatform({ dir: other.dir });
    const before = JSON.parse(readFileSync(first.keyFile, 'utf8')) as KeyFile;
    await first.close();
    const second = await startPlatform({ dir: other.dir });
    const after = JSON.parse(readFileSync(second.keyFile, 'utf8')) as KeyFile;
    expect([after.private_key, after.token_uri]).toEqual([before.private_key, `${second.url}/oauth2/token`]);
    await second.close();
    other.remove();
  }, 30_000);

  test('a token lasts as long as it says, and does what its scopes allow', async () => {
    expect((await request('GET', accountsPath, undefined, { token: 'made-up' })).status).toBe(401);
    expect((await request('GET', accountsPath, undefined, { token: await tokenFor('financial') })).status).toBe(403);
    expect((await request('GET', accountsPath, undefined, { fault: 'insufficient_scope' })).status).toBe(403);
    expect((await request('GET', accountsPath, undefined, { fault: 'token_expired' })).status).toBe(401);
    expect((await request('GET', accountsPath)).status).toBe(401);
  });
});

describe('the gateway', () => {
  test('pages sales accounts by links.next until there is none, never more than 25', async () => {
    const ids: string[] = [];
    for (let next: string | undefined = `${accountsPath}&page[limit]=7`; next; ) {
      const { body, type }: { body: Page; type: string | null } = await request<Page>('GET', next);
      expect(type).toBe('application/vnd.api+json');
      ids.push(...body.data.map(({ id }) => id));
      next = body.links.next;
    }
    expect(ids).toEqual(book.accounts.map(({ id }) => id));
    const greedy = await request<Page>('GET', `${accountsPath}&page[limit]=26`);
    expect([greedy.status, greedy.body.errors?.[0]]).toEqual([
      400,
      expect.objectContaining({ code: 'QueryParameterBadValue', source: { parameter: 'page[limit]' } }),
    ]);
    expect((await request('GET', '/platform/salesAccounts')).status).toBe(400);
    const one = await request<Page>('GET', `${accountsPath}&filter[id]=${ids[3]}`);
    expect(one.body.data.map(({ id }) => id)).toEqual([ids[3]]);
  });

  test('knows the people of an account', async () => {
    const account = book.accounts[0];
    const { body } = await request<Page>('GET', `/platform/users?filter[account.id]=${account?.id}`);
    expect(body.data.map(({ attributes }) => attributes['email'])).toEqual(account?.users.map(({ email }) => email));
  });

  test('lists purchases in minor units, ten a page, with the partner under either name', async () => {
    const { body } = await request<Page>('GET', purchasesPath);
    expect([body.data.length, body.data[0]?.attributes, body.data[0]?.relationships]).toEqual([
      10,
      expect.objectContaining({ total: 278, currencyCode: 'CAD', statusCode: 'due' }),
      { recipient: { data: { type: 'purchases', id: 'ABC1' } } },
    ]);
    const other = await request<Page>('GET', purchasesPath, undefined, { fault: 'partner_relationship' });
    expect(other.body.data[0]?.relationships).toEqual({ partner: { data: { type: 'partner', id: 'ABC1' } } });
    const since = await request<Page>('GET', `${purchasesPath}&filter[createdAt][>]=2026-01-20T00:00:00Z&page[limit]=100`);
    expect([since.body.data.length, since.body.links.next]).toEqual([5, undefined]);
    expect((await request('GET', `${purchasesPath}&page[limit]=101`)).status).toBe(400);
  });

  test('shows enums and fields nobody documented, and cursors that expire', async () => {
    const strange = await request<Page>('GET', purchasesPath, undefined, { fault: 'unknown_enum, extra_fields' });
    expect(strange.body.data[0]?.attributes).toMatchObject({ statusCode: 'partially_paid', dunningAttempts: 2 });
    const next = (await request<Page>('GET', purchasesPath)).body.links.next ?? '';
    expect((await request('GET', next, undefined, { fault: 'cursor_expired' })).status).toBe(400);
  });

  test('fires automations as often as it is asked: 202, empty, and witnessed even when the answer is lost', async () => {
    const run = {
      data: {
        type: 'automationRuns',
        relationships: {
          businessLocation: { data: { id: 'AG-1', type: 'businessLocations' } },
          automation: { data: { id: 'Automation-1', type: 'automations' } },
        },
      },
    };
    expect(await request('POST', '/platform/automationRuns', run)).toMatchObject({ status: 202, body: {} });
    await expect(request('POST', '/platform/automationRuns', run, { fault: 'drop@after' })).rejects.toThrow('fetch failed');
    expect((await request('POST', '/platform/automationRuns', run, { fault: 'rate_limited' })).status).toBe(429);
    expect((await request('POST', '/platform/automationRuns', { data: {} })).status).toBe(400);
    expect(await admin.witness()).toEqual([
      expect.objectContaining({ kind: 'automation_run', account: 'AG-1' }),
      expect.objectContaining({ kind: 'automation_run' }),
    ]);
  });
});

describe('the CRM', () => {
  const field = (id: string, value: string, operation = 'always_overwrite') => ({ id, value, operation });
  const upsert = (kind: string, fields: object[], more: object = {}, fault = '') =>
    request<{ fields: object[]; error?: string }>('PATCH', `/org/ABC1/${kind}`, { fields, ...more }, { fault });
  type Listed = {
    objects: { id: string; fields: { id: string; value: string }[]; created: unknown }[];
    next_cursor: string;
    has_more: boolean;
    total_objects: number;
  };
  const list = async (kind: string, body: object = {}, fault = '') =>
    (
      await request<Listed>(
        'POST',
        `/org/list/ABC1/${kind}`,
        { returnFields: ['external_id', 'standard__company_name'], ...body },
        { fault },
      )
    ).body;
  const company = (externalId: string, name: string) => [
    field('external_id', externalId),
    field('standard__company_name', name, 'overwrite_if_empty'),
  ];

  test('an upsert answers only the fields it was asked for, and a second one changes the same record', async () => {
    const more = { searchExisting: ['external_id'], returnFields: ['standard__company_name'] };
    expect((await upsert('companies', company('arc:1', 'Example Ltd'), more)).body).toEqual({
      fields: [{ id: 'standard__company_name', value: 'Example Ltd' }],
    });
    await upsert('companies', company('arc:1', 'Renamed Ltd'), more);
    expect((await list('companies')).objects.map(({ fields }) => fields)).toEqual([
      [field('external_id', 'arc:1'), field('standard__company_name', 'Example Ltd')].map(({ id, value }) => ({ id, value })),
    ]);
    expect((await admin.witness()).map(entry => [entry['kind'], entry['businessKey']])).toEqual([
      ['create', 'arc:1'],
      ['update', 'arc:1'],
    ]);
  });

  test('an upsert that carries a name lands on a stranger of that name', async () => {
    await upsert('companies', company('arc:1', 'Road Savannah'), { searchExisting: ['external_id'] });
    await upsert('companies', company('arc:2', 'Road Savannah'), { searchExisting: ['external_id'] });
    const { objects, total_objects } = await list('companies');
    expect([total_objects, objects[0]?.fields[0]]).toEqual([1, { id: 'external_id', value: 'arc:2' }]);
  });

  test('the order of searchExisting decides who is hit', async () => {
    await upsert('contacts', [field('external_id', 'c:1'), field('standard__email', 'a@x.example')]);
    await upsert('contacts', [field('external_id', 'c:2'), field('standard__email', 'b@x.example')]);
    const clash = await upsert('contacts', [field('external_id', 'c:1'), field('standard__email', 'b@x.example')], {
      searchExisting: ['external_id'],
    });
    expect([clash.status, clash.body]).toEqual([
      409,
      {
        error: 'The following field values are already used by other records in ABC1. Remove them from the request to continue.',
        fieldViolations: {
          uniqueness: {
            description: 'Values that violate a unique constraint and must be removed to proceed.',
            values: ['standard__email'],
          },
        },
        metadata: { standard__email: expect.stringMatching(/^Already used by: ContactID-/) },
      },
    ]);
    expect(await admin.witness()).toHaveLength(2);
  });

  test.each([
    { operation: 'always_overwrite', value: 'new' },
    { operation: 'overwrite_if_empty', value: 'old' },
    { operation: 'overwrite_if_newer', value: 'new' },
    { operation: 'combine', value: 'old;new' },
  ])('$operation makes of old and new: $value', async ({ operation, value }) => {
    const write = (text: string, how: string) =>
      upsert('companies', [field('external_id', 'arc:9'), field('standard__company_tags', text, how)], {
        searchExisting: ['external_id'],
        returnFields: ['standard__company_tags'],
      });
    await write('old', 'always_overwrite');
    expect((await write('new', operation)).body.fields).toEqual([{ id: 'standard__company_tags', value }]);
  });

  test('a call is logged once by its external id, with its associations, and can be read, changed and deleted by it', async () => {
    const call = [
      field('external_id', 'arc:call:1'),
      field('standard__activity_call_duration', '153000'),
      field('standard__activity_call_outcome', 'CONNECTED'),
    ];
    const more = { subtype: 'Call', searchExisting: ['external_id'], associations: [{ id: 'arc:1', type: 'Company' }] };
    await upsert('callActivities', call, more);
    await expect(request('PATCH', '/org/ABC1/callActivities', { fields: call, ...more }, { fault: 'drop@after' })).rejects.toThrow(
      'fetch failed',
    );
    expect((await list('callActivities')).total_objects).toBe(1);
    const path = `/org/ABC1/callActivities/${encodeURIComponent('arc:call:1')}`;
    expect((await request('GET', path)).body).toMatchObject({ associations: [{ id: 'arc:1', type: 'Company' }] });
    expect((await request('PATCH', path, { fields: [field('standard__activity_call_body', 'Will pay Friday')] })).status).toBe(200);
    expect((await request('DELETE', path)).status).toBe(200);
    expect((await request('GET', path)).status).toBe(404);
    expect((await admin.witness()).map(entry => entry['kind'])).toEqual(['create', 'update', 'update', 'delete']);
  });

  test('lists by cursor while has_more, and a cursor may expire', async () => {
    for (let index = 0; index < 5; index++) await upsert('companies', company(`arc:${index}`, `Company ${index}`));
    const first = await list('companies', { page: { limit: 3 } });
    expect([first.objects.length, first.has_more, first.total_objects]).toEqual([3, true, 5]);
    const second = await list('companies', { page: { limit: 3, cursor: first.next_cursor } });
    expect([second.objects.length, second.has_more]).toEqual([2, false]);
    expect(await list('companies', { page: { cursor: first.next_cursor } }, 'cursor_expired')).toHaveProperty('error');
    const found = await list('companies', { fields: [{ id: 'standard__company_name', value: 'Company 2', operation: 'IS' }] });
    expect(found.total_objects).toBe(1);
  });

  test('dates are text or {seconds, nanos}', async () => {
    await upsert('companies', company('arc:1', 'Example Ltd'));
    expect((await list('companies')).objects[0]?.created).toEqual(expect.stringMatching(/Z$/));
    expect((await list('companies', {}, 'seconds_dates')).objects[0]?.created).toEqual({
      seconds: expect.any(Number),
      nanos: expect.any(Number),
    });
  });

  test('meta/fields tells which ids there are; an id may be another tomorrow', async () => {
    const ids = async (fault = '') =>
      (await request<{ fields: { id: string }[] }>('GET', '/org/ABC1/taskActivities/meta/fields', undefined, { fault })).body.fields.map(
        ({ id }) => id,
      );
    expect(await ids()).toContain('standard__activity_task_due_date');
    expect(await ids('renamed_fields')).toContain('standard__task_due_date');
    const due = [field('external_id', 't:1'), field('standard__task_due_date', '2026-01-09')];
    expect((await upsert('taskActivities', due)).status).toBe(400);
    expect((await upsert('taskActivities', due, {}, 'renamed_fields')).status).toBe(200);
    const { body } = await request<{ options: { value: string }[] }>(
      'GET',
      '/org/ABC1/taskActivities/meta/fields/standard__activity_task_status/options',
    );
    expect(body.options.map(({ value }) => value)).toEqual(['NOT_STARTED', 'IN_PROGRESS', 'COMPLETED']);
  });

  test('a forced 409, and each remaining guess turned', async () => {
    expect((await upsert('companies', company('arc:1', 'A'), {}, 'uniqueness=external_id+standard__email')).body).toHaveProperty(
      'metadata.standard__email',
    );
    expect(await admin.witness()).toEqual([]);
    await admin.turn({ upsert_hides_id: false, unknown_field_is_400: false, activity_external_id: false });
    expect((await upsert('companies', [...company('arc:1', 'A'), field('made__up', 'x')])).body).toHaveProperty('id');
    expect((await upsert('noteActivities', [field('external_id', 'n:1')])).status).toBe(400);
  });
});
