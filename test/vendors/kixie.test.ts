// kixie.test.ts: the Kixie stand-in answers as documented, spoils as told, and witnesses only what it took.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { startKixie } from '../../local/vendors/kixie.ts';
import type { StandIn } from '../../local/vendors/frame.ts';
import { folder, handClock, receiver, stage } from './staging.ts';

const clock = handClock(Date.UTC(2026, 0, 5, 15, 0));
const { dir, remove } = folder();
let kixie: StandIn;
let hooks: Awaited<ReturnType<typeof receiver>>;
let admin: ReturnType<typeof stage>;

beforeAll(async () => {
  kixie = await startKixie({ dir, clock, deliveries: 'word', apiKey: 'K', businessId: '7' });
  hooks = await receiver();
  admin = stage(kixie);
});
beforeEach(async () => {
  hooks.heard.length = 0;
  await admin.reset();
});
afterEach(() => clock.forward(24 * 3_600_000));
afterAll(async () => {
  await kixie.close();
  await hooks.close();
  remove();
});

const phone = '+13065550123';
const agent = 'agent@example.com';
const send = (body: object, options: { fault?: string; query?: string; path?: string } = {}): Promise<Response> =>
  fetch(`${kixie.url}${options.path ?? '/app/event'}?${options.query ?? 'apikey=K&businessid=7'}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(options.fault ? { 'x-fault': options.fault } : {}) },
    body: JSON.stringify({ apikey: 'K', businessid: '7', ...body }),
  });
const call = (fault?: string, to = phone) =>
  send({ eventname: 'call', target: to, email: agent, displayname: 'INV-1' }, fault ? { fault } : {});
const add = (fields: object, fault?: string) =>
  send(
    { eventname: 'updatepowerlist', powerlistId: '9', target: '13065550123', duplicateHandling: 'merge', ...fields },
    fault ? { fault } : {},
  );
const list = async () => (await admin.get<{ powerlists: Record<string, Record<string, unknown>[]> }>('powerlists')).powerlists['9'] ?? [];
const kinds = async () => (await admin.witness()).map(entry => entry['kind']);
const status = (fault?: string) =>
  fetch(`${kixie.url}/www/agent/status?apiKey=K&email=${agent}`, fault ? { headers: { 'x-fault': fault } } : {});
const register = async (...events: string[]) => {
  for (const eventname of events) {
    const headers = JSON.stringify([{ name: 'X-Kixie-Token', value: 'long-random' }]);
    await send(
      { call: 'postWebhook', name: eventname, eventname, location: `${hooks.url}/hooks/${eventname}`, headers },
      { path: '/app/v1/api/postWebhook' },
    );
  }
};
const allDelivered = async () => {
  clock.forward(3_600_000);
  await admin.deliver();
};
const bodyOf = (index: number) => (JSON.parse(hooks.heard[index]?.body ?? '{}') as { data: Record<string, unknown> }).data;

describe('Kixie takes requests', () => {
  test('with the key in the query and in the body, or not at all', async () => {
    expect((await send({ eventname: 'queue' }, { query: 'apikey=K' })).status).toBe(401);
    expect((await send({ eventname: 'queue', apikey: 'other' })).status).toBe(401);
    await admin.turn({ bad_key_is_401: false });
    const refused = await send({ eventname: 'queue', apikey: 'other' });
    expect([refused.status, await refused.json()]).toEqual([200, expect.objectContaining({ success: false })]);
    expect(await admin.witness()).toEqual([]);
    expect(await (await send({ eventname: 'queue' })).json()).toEqual({ success: true });
    expect(await kinds()).toEqual(['queue']);
  });

  test('of seven kinds, and answers 200 with success:false to any other', async () => {
    for (const body of [
      { eventname: 'call', target: phone, email: agent },
      { eventname: 'sms', target: phone, email: agent, message: 'hello' },
      { eventname: 'bizsms', target: phone, id: 5, message: 'hello' },
      { eventname: 'queue' },
      { eventname: 'cadence', action: 'remove' },
      { eventname: 'updatepowerlist', powerlistId: 9, target: phone },
      { eventname: 'removefrompowerlist', action: 'removefromallpowerlists', target: phone },
    ]) {
      expect(await (await send(body)).json()).toEqual({ success: true });
    }
    const unknown = await send({ eventname: 'teleport' });
    expect([unknown.status, await unknown.json()]).toEqual([200, { success: false, error: 'function does not exist' }]);
    expect(await kinds()).toEqual(['call', 'sms', 'bizsms', 'queue', 'cadence', 'updatepowerlist', 'removefrompowerlist']);
  });

  test('and never writes its key into the witness', async () => {
    await call();
    expect(JSON.stringify(await admin.witness())).not.toContain('"K"');
  });
});

describe('a PowerList', () => {
  test('is keyed by the telephone number: merge keeps what is left out, overwrite nulls it, ignore changes nothing', async () => {
    await add({ firstName: 'Pat', companyName: 'Example Ltd', extraData: { caseId: 'case_1' } });
    await add({ firstName: 'Alex' });
    expect(await list()).toEqual([expect.objectContaining({ phone, firstName: 'Alex', companyName: 'Example Ltd' })]);
    await add({ firstName: 'Sam', duplicateHandling: 'ignore' });
    expect(await list()).toEqual([expect.objectContaining({ firstName: 'Alex' })]);
    await add({ firstName: 'Sam', duplicateHandling: 'overwrite' });
    expect(await list()).toEqual([expect.objectContaining({ firstName: 'Sam', companyName: null, extraData: null })]);
    expect((await admin.witness())[0]).toMatchObject({ businessKey: 'case_1', did: 'added' });
  });

  test('a number leaves one list or all; a list of numbers is not taken', async () => {
    await add({});
    await send({ eventname: 'updatepowerlist', powerlistId: '10', target: phone });
    await send({ eventname: 'removefrompowerlist', action: 'removefrompowerlist', powerlistId: '9', target: phone });
    expect(await list()).toEqual([]);
    const many = await send({ eventname: 'removefrompowerlist', action: 'removefromallpowerlists', target: [phone] });
    expect(await many.json()).toMatchObject({ success: false });
    await send({ eventname: 'removefrompowerlist', action: 'removefromallpowerlists', target: phone });
    expect((await admin.get<{ powerlists: Record<string, unknown[]> }>('powerlists')).powerlists['10']).toEqual([]);
  });

  test('is dialled by an agent, contact after contact, but not who has left it meanwhile', async () => {
    await register('endcall');
    for (const target of [phone, '+13065550124', '+13065550125']) await add({ target, extraData: { caseId: `case ${target}` } });
    expect(await admin.post('dial', { powerlistId: '9', agent })).toEqual({ scheduled: 3 });
    await admin.deliver();
    await send({ eventname: 'removefrompowerlist', action: 'removefromallpowerlists', target: '+13065550124' });
    await allDelivered();
    const dialled = (await admin.witness()).filter(entry => entry['kind'] === 'dialled');
    expect(dialled.map(entry => entry['businessKey'])).toEqual([`case ${phone}`, 'case +13065550125']);
    expect(hooks.heard).toHaveLength(2);
    expect(await admin.post('dial', { powerlistId: '9', agent })).toEqual({ scheduled: 0 });
  });
});

describe('a call', () => {
  test('tells its story by webhooks: static header, the id swap of dispositions, the leak, the wrong label of startcall', async () => {
    await register('startcall', 'answeredcall', 'endcall', 'disposition');
    await admin.behave({
      call: [{ phone, nth: 1, outcome: 'answered', disposition: 'Promise to pay', note: 'Will pay by {day+7}', seconds: 153 }],
    });
    const day = new Date(clock.now() + 7 * 86_400_000).toISOString().slice(0, 10);
    await call();
    await allDelivered();
    expect(hooks.heard.map(({ path }) => path)).toEqual([
      '/hooks/startcall',
      '/hooks/answeredcall',
      '/hooks/endcall',
      '/hooks/disposition',
    ]);
    expect(hooks.heard.every(({ headers }) => headers['x-kixie-token'] === 'long-random')).toBe(true);
    expect(bodyOf(0)['hookevent']).toBe('endcall');
    const ended = bodyOf(2)['callDetails'] as Record<string, unknown>;
    expect(ended).toMatchObject({
      duration: 153,
      callstatus: 'answered',
      customerNumber: phone,
      email: agent,
      powerlistid: '',
      businessid: '7',
    });
    expect(bodyOf(3)).toMatchObject({
      disposition: 'Promise to pay',
      note: `Will pay by ${day}`,
      externalid: ended['callid'],
      callid: ended['externalid'],
    });
    expect(bodyOf(3)).toHaveProperty('activeCRM.token');
    expect(String(ended['callid'])).toMatch(/^[0-9a-f]{8}-/);
    expect(String(bodyOf(3)['callid'])).toMatch(/^\d+$/);
  });

  test('that nobody answers ends as missed', async () => {
    await register('answeredcall', 'endcall');
    await admin.behave({ call: [{ phone, nth: 'every', outcome: 'no_answer', disposition: 'No answer' }] });
    await call();
    await allDelivered();
    expect(hooks.heard.map(({ path }) => path)).toEqual(['/hooks/endcall']);
    expect(bodyOf(0)['callDetails']).toMatchObject({ callstatus: 'missed', duration: 0, answerDate: '' });
  });

  test('needs an agent who is logged in and free', async () => {
    await admin.set('settings', { agents: [{ email: agent }] });
    expect(await (await send({ eventname: 'call', target: phone, email: 'nobody@example.com' })).json()).toMatchObject({ success: false });
    expect(await (await status()).json()).toMatchObject({ success: true, result: { onCall: 0, registered: 1 } });
    await call();
    expect(await (await status()).json()).toMatchObject({ result: { onCall: 1 } });
    expect(await (await call()).json()).toMatchObject({ success: false, error: 'agent on a call' });
    expect(await (await status('agent_offline')).json()).toEqual({ success: false });
    clock.forward(3_600_000);
    expect(await (await status('agent_on_call')).json()).toMatchObject({ result: { onCall: 1 } });
    expect(await kinds()).toEqual(['call']);
  });

  test('a call back that was planned leaks the account key', async () => {
    await register('scheduledactivity');
    await admin.behave({ call: [{ phone, nth: 1, outcome: 'answered', disposition: 'Call back', callBackInDays: 2 }] });
    await call();
    await allDelivered();
    expect(bodyOf(0)).toMatchObject({ apiKey: 'K', subject: 'Call back', timezone: 'UTC' });
  });

  test('a text is told when sent, and so is its answer', async () => {
    await register('SMS');
    await admin.behave({ sms: [{ phone, nth: 1, text: 'STOP' }] });
    await send({ eventname: 'sms', target: phone, email: agent, message: 'hello' });
    await allDelivered();
    expect([bodyOf(0), bodyOf(1)]).toEqual([
      expect.objectContaining({ direction: 'outgoing', hookevent: 'sms' }),
      expect.objectContaining({ direction: 'incoming', message: 'STOP', from: phone }),
    ]);
  });
});

describe('webhook management', () => {
  const manage = (path: string, body: object) => send(body, { path: `/app/v1/api/${path}` });

  test('creates, lists, changes, deletes; headers are text', async () => {
    const hook = { call: 'postWebhook', name: 'x', eventname: 'endcall', location: hooks.url, headers: false };
    expect(await (await manage('postwebhook', { ...hook, headers: [{ name: 'a', value: 'b' }] })).json()).toMatchObject({ success: false });
    const made = (await (await manage('postwebhook', hook)).json()) as { webhookid: string };
    await manage('postwebhook', { call: 'putWebhook', webhookid: made.webhookid, name: 'y' });
    expect(await (await manage('getWebhooks', { call: 'getWebhooks' })).json()).toMatchObject({
      webhooks: [{ name: 'y', eventname: 'endcall' }],
    });
    expect(await (await manage('deleteWebhooks', { call: 'removeWebhook', webhookid: made.webhookid })).json()).toEqual({ success: true });
    expect(await (await manage('getWebhooks', { call: 'getWebhooks' })).json()).toEqual({ webhooks: [] });
  });

  test('may be as broken as somebody saw it', async () => {
    await admin.turn({ lower_case_path: false, remove_webhook: false });
    const refused = { success: false, error: 'function does not exist' };
    expect(await (await manage('postwebhook', { call: 'postWebhook' })).json()).toEqual(refused);
    expect(await (await manage('deleteWebhooks', { call: 'removeWebhook', webhookid: '1' })).json()).toEqual(refused);
  });
});

describe('Kixie fails', () => {
  test('accepting a call and dropping the connection: it happened', async () => {
    await expect(call('drop@after')).rejects.toThrow('fetch failed');
    await expect(call('drop@before', '+13065550124')).rejects.toThrow('fetch failed');
    expect((await admin.witness()).map(entry => entry['target'])).toEqual([phone]);
  });

  test('with 5xx before or after the effect', async () => {
    expect((await add({}, 'status@after=502')).status).toBe(502);
    expect((await send({ eventname: 'queue' }, { fault: 'status' })).status).toBe(503);
    expect(await kinds()).toEqual(['updatepowerlist']);
  });

  test('with 200 and success:false: nothing happened; with plain text: it did', async () => {
    expect(await (await add({}, 'refused=no such list')).json()).toEqual({ success: false, error: 'no such list' });
    expect(await kinds()).toEqual([]);
    const text = await add({}, 'text_body');
    expect([text.headers.get('content-type'), await text.text()]).toEqual(['text/plain', 'OK']);
    expect(await kinds()).toEqual(['updatepowerlist']);
  });

  test('when the day has no calls left, until 00:00 UTC', async () => {
    await admin.set('settings', { quotaPerDay: 2 });
    const answers = [await status(), await status(), await status()].map(answer => answer.status);
    expect(answers).toEqual([200, 200, 429]);
    await admin.turn({ quota_is_429: false });
    expect(await (await status()).json()).toMatchObject({ success: false });
    clock.forward(9 * 3_600_000);
    expect((await status()).status).toBe(200);
    expect((await status('quota_exhausted')).status).toBe(200);
    expect(await (await status('quota_exhausted')).json()).toMatchObject({ success: false });
  });

  test('with 429, silence and delay', async () => {
    const limited = await call('rate_limited');
    expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, null]);
    expect((await call('rate_limited=7')).headers.get('retry-after')).toBe('7');
    await expect(
      fetch(`${kixie.url}/www/agent/status?apiKey=K&email=x`, { headers: { 'x-fault': 'hang' }, signal: AbortSignal.timeout(60) }),
    ).rejects.toThrow(/timeout/);
    const began = performance.now();
    await status('delay=50');
    expect(performance.now() - began).toBeGreaterThanOrEqual(48);
    expect(await admin.witness()).toEqual([]);
  });

  test('losing, doubling, reordering and mislabelling webhooks', async () => {
    await register('startcall', 'answeredcall', 'endcall', 'disposition');
    await admin.behave({ call: [{ phone, nth: 'every', outcome: 'answered', disposition: 'Note' }] });
    await admin.faults(
      { fault: 'webhook_lost', match: { event: 'startcall' } },
      { fault: 'webhook_duplicated', match: { event: 'answeredcall' } },
      { fault: 'webhook_reordered', match: { event: 'endcall' }, value: 30 },
      { fault: 'webhook_mislabelled', match: { event: 'disposition' }, value: 'voicemail' },
      { fault: 'disposition_unswapped', match: { event: 'disposition' } },
    );
    await call();
    await allDelivered();
    expect(hooks.heard.map(({ path }) => path.replace('/hooks/', ''))).toEqual(['answeredcall', 'answeredcall', 'disposition', 'endcall']);
    expect(bodyOf(2)['hookevent']).toBe('voicemail');
    expect(bodyOf(2)['callid']).toBe((bodyOf(3)['callDetails'] as Record<string, unknown>)['callid']);
  });

  test('an unknown fault is refused with what is known', async () => {
    const answer = await call('explode');
    expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([
      400,
      expect.stringContaining('found fault "explode", expected one of drop'),
    ]);
    await expect(admin.faults({ fault: 'drop', at: 'sideways' })).rejects.toThrow('expected one of before, after');
  });
});
