// codec.test.ts: with keys, what Temporal stores about a case reads as noise: to its operators, to its backups, to whoever
// finds its disk. With the keys it reads in clear, here and at the codec endpoint of the Temporal UI.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Client, type WorkflowHandle } from '@temporalio/client';
import temporalProto from '@temporalio/proto';
import { codecRoutes } from '../../client/api/codec.ts';
import { buildServer } from '../../client/api/server.ts';
import { instantAt } from '../../domain/time.ts';
import { EncryptionCodec } from '../../formats/payload-codec.ts';
import { sql } from '../../store/sql.ts';
import { zone } from '../walks/book.ts';
import { openShop, type Shop } from './shop.ts';

jest.setTimeout(60_000);
const { temporal } = temporalProto;
const [oldKey, newKey] = [
  { id: 'k1', key: randomBytes(32) },
  { id: 'k2', key: randomBytes(32) },
];
const keys = [newKey, oldKey];
/** None of this may be in anything that Temporal holds. */
const secrets = ['HH-SECRET-1', 'Hidden Harbour', 'ap@harbour.example', '1,078.00', 'expected each key once', 'thanks for all'];
const id = 'inv_0123456789abcdef';
let shop: Shop;
let blind: Client;
let handle: WorkflowHandle;

beforeAll(async () => {
  shop = await openShop({ codecKeys: keys });
  blind = new Client({ connection: shop.client.connection, namespace: shop.temporal.namespace });
  handle = shop.client.workflow.getHandle(`dunning/acme/${id}`);
  const { book } = shop;
  await book.customer('cus_0123456789abcdef', { name: 'Hidden Harbour Ltd', email: 'ap@harbour.example' });
  await book.invoice('HH-SECRET-1', { customer: 'cus_0123456789abcdef', id });
  // The first step fails, and its message and stack tell why.
  await book.byHand(`update policies set source = 'policy: HH-SECRET-1' || chr(10) || source where name = 'standard'`);
  const opened = shop.openCases();
  await shop.until('a failed step', async () => {
    const described = await handle.describe().catch(() => undefined);
    return (described?.raw.pendingActivities ?? []).some(activity => activity.lastFailure);
  });
  await book.byHand(`update policies set source = substr(source, strpos(source, chr(10)) + 1) where name = 'standard'`);
  await opened;
  shop.startDispatcher();
  await shop.passTo(instantAt('2026-03-06', 18 * 60, zone));
  await handle.signal('paymentReceived', {
    eventId: 'bank-1',
    amount: { amount: '100000', currency: 'USD' },
    valueDate: '2026-03-06',
    reference: 'thanks for all',
  });
  await shop.until('the signal is read', async () => (await book.rows(sql`select 1 from payments`)).length === 1);
}, 120_000);
afterAll(() => shop?.stop());

type Payload = { metadata: Record<string, Uint8Array>; data: Uint8Array };

/** Every payload in a message of the server, however deep. */
function payloadsIn(value: unknown): Payload[] {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return [];
  const found = value as Partial<Payload>;
  if (found.metadata && found.data instanceof Uint8Array) return [found as Payload];
  // Search attributes are what operators filter by: ids and stages, by design in clear.
  return Object.entries(value).flatMap(([name, inner]) => (name === 'searchAttributes' ? [] : payloadsIn(inner)));
}

const encodingOf = (payload: Payload) => Buffer.from(payload.metadata['encoding'] ?? new Uint8Array()).toString();

function expectNoise(bytes: Uint8Array): void {
  const text = Buffer.from(bytes).toString('latin1');
  expect(secrets.filter(secret => text.includes(secret))).toEqual([]);
}

test('the whole history is noise to whoever has no key', async () => {
  const history = await blind.workflow.getHandle(handle.workflowId).fetchHistory();
  expect(history.events?.length ?? 0).toBeGreaterThan(15);
  expectNoise(temporal.api.history.v1.History.encode(history).finish());
  const payloads = payloadsIn(history);
  expect(payloads.length).toBeGreaterThan(10);
  expect([...new Set(payloads.map(encodingOf))]).toEqual(['binary/encrypted']);
  for (const payload of payloads) expectNoise(payload.data);
  const decoded = await new EncryptionCodec(keys).decode(payloads);
  const clear = decoded.map(payload => Buffer.from(payload.data ?? new Uint8Array()).toString('utf8')).join('\n');
  for (const secret of ['HH-SECRET-1', 'Hidden Harbour', 'expected each key once', 'thanks for all']) expect(clear).toContain(secret);
});

test('so are the summary, the current details and the answers of the run', async () => {
  const { connection, temporal: server } = { connection: shop.client.connection, temporal: shop.temporal };
  const execution = { workflowId: handle.workflowId };
  const service = connection.workflowService;
  const described = await service.describeWorkflowExecution({ namespace: server.namespace, execution });
  expectNoise(temporal.api.workflowservice.v1.DescribeWorkflowExecutionResponse.encode(described).finish());
  for (const queryType of ['whatNow', '__temporal_workflow_metadata', '__stack_trace']) {
    const told = await service.queryWorkflow({ namespace: server.namespace, execution, query: { queryType } });
    expectNoise(temporal.api.workflowservice.v1.QueryWorkflowResponse.encode(told).finish());
    expect([queryType, ...payloadsIn(told).map(encodingOf)]).toEqual([queryType, 'binary/encrypted']);
  }
  expect(await (await handle.describe()).staticSummary()).toContain('HH-SECRET-1 · Hidden Harbour Ltd');
  expect(await handle.query('whatNow')).toMatchObject({ story: expect.stringContaining('HH-SECRET-1') });
});

test('search attributes tell ids, stages and amounts, and no name', async () => {
  const { searchAttributes } = await handle.describe();
  expect(
    Object.keys(searchAttributes)
      .filter(name => name.startsWith('Dunlin'))
      .toSorted(),
  ).toEqual([
    'DunlinCurrency',
    'DunlinCustomer',
    'DunlinNextActionAt',
    'DunlinOpenMinor',
    'DunlinOutcome',
    'DunlinSegment',
    'DunlinStage',
    'DunlinState',
    'DunlinTenant',
  ]);
  expect(searchAttributes['DunlinCustomer']).toEqual(['cus_0123456789abcdef']);
  expect(JSON.stringify(searchAttributes)).not.toMatch(/Harbour|SECRET/);
});

test('a signal sealed by somebody else, or spoiled on the way, stops nobody', async () => {
  const send = (data: Buffer, keyId: string) =>
    shop.client.workflowService.signalWorkflowExecution({
      namespace: shop.temporal.namespace,
      workflowExecution: { workflowId: handle.workflowId },
      signalName: 'paymentReceived',
      input: { payloads: [{ metadata: { encoding: Buffer.from('binary/encrypted'), 'encryption-key-id': Buffer.from(keyId) }, data }] },
    });
  await send(Buffer.from('x'.repeat(64)), 'k1');
  await send(Buffer.from('short'), 'k2');
  // Not encrypted at all, as typed into the Temporal UI or CLI by hand: readable, and heard.
  await blind.workflow
    .getHandle(handle.workflowId)
    .signal('paymentReceived', { eventId: 'by-hand', amount: { amount: '7800', currency: 'USD' }, valueDate: '2026-03-06' });
  expect(await handle.result()).toEqual({ outcome: 'paid' });
});

describe('the codec endpoint of the Temporal UI', () => {
  const origin = 'http://127.0.0.1:8233';
  const server = () =>
    buildServer({ database: shop.book.db.app, clock: shop.book.clock, tenants: new Map(), plugins: [codecRoutes(keys, origin)] });
  const asJson = (payload: Payload) => ({
    metadata: Object.fromEntries(Object.entries(payload.metadata).map(([name, value]) => [name, Buffer.from(value).toString('base64')])),
    data: Buffer.from(payload.data).toString('base64'),
  });

  test('gives clear text for what a history holds, to the origin of the UI', async () => {
    const door = server();
    const payloads = payloadsIn(await blind.workflow.getHandle(handle.workflowId).fetchHistory());
    const told = await door.inject({
      method: 'POST',
      url: '/codec/decode',
      headers: { origin },
      payload: { payloads: payloads.map(asJson) },
    });
    expect(told.headers['access-control-allow-origin']).toBe(origin);
    const { payloads: clear } = told.json<{ payloads: { metadata: Record<string, string>; data: string }[] }>();
    expect(clear).toHaveLength(payloads.length);
    const text = clear.map(payload => Buffer.from(payload.data, 'base64').toString('utf8')).join('\n');
    expect(text).toContain('HH-SECRET-1');
    expect(Buffer.from(clear[0]?.metadata['encoding'] ?? '', 'base64').toString()).toBe('json/plain');
    const preflight = await door.inject({ method: 'OPTIONS', url: '/codec/decode', headers: { origin } });
    expect([preflight.statusCode, preflight.headers['access-control-allow-origin']]).toEqual([204, origin]);
    const stranger = await door.inject({ method: 'OPTIONS', url: '/codec/decode', headers: { origin: 'https://elsewhere.example' } });
    expect(stranger.headers['access-control-allow-origin']).toBeUndefined();
    await door.close();
  });

  test('encodes what the UI sends, with the first key; both keys read', async () => {
    const door = server();
    const payload = {
      metadata: { encoding: Buffer.from('json/plain').toString('base64') },
      data: Buffer.from('{"a":1}').toString('base64'),
    };
    const sealed = (await door.inject({ method: 'POST', url: '/codec/encode', payload: { payloads: [payload] } })).json<{
      payloads: (typeof payload)[];
    }>();
    expect(
      Buffer.from((sealed.payloads[0]?.metadata as Record<string, string> | undefined)?.['encryption-key-id'] ?? '', 'base64').toString(),
    ).toBe('k2');
    const opened = (await door.inject({ method: 'POST', url: '/codec/decode', payload: sealed })).json();
    expect(opened).toEqual({ payloads: [payload] });
    await door.close();
  });
});

describe('keys', () => {
  const clear = { metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from('"told long ago"') };

  test('what an older key sealed is read as long as that key is listed', async () => {
    const sealed = await new EncryptionCodec([oldKey]).encode([clear]);
    expect(Buffer.from((await new EncryptionCodec(keys).decode(sealed))[0]?.data ?? []).toString()).toBe('"told long ago"');
    await expect(new EncryptionCodec([newKey]).decode(sealed)).rejects.toThrow(
      'encrypted with key "k1", expected one of k2; add it to DUNLIN_CODEC_KEYS',
    );
  });

  test('the same text sealed twice looks different, and the name of the key cannot be changed', async () => {
    const codec = new EncryptionCodec([
      { id: 'a', key: oldKey.key },
      { id: 'b', key: oldKey.key },
    ]);
    const [one, two] = [await codec.encode([clear]), await codec.encode([clear])];
    expect(Buffer.from(one[0]?.data ?? []).equals(Buffer.from(two[0]?.data ?? []))).toBe(false);
    const renamed = [{ ...one[0], metadata: { ...one[0]?.metadata, 'encryption-key-id': Buffer.from('b') } }];
    expect(await codec.decode(renamed)).toEqual(renamed);
  });
});
