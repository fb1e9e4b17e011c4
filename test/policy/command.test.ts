// command.test.ts: `dunlin policy` as a person types it, with and without a store.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { startTestDatabase, type TestDatabase } from '../support/postgres.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'dunlin-policy-'));
let database: TestDatabase;

function dunlin(args: readonly string[], url = ''): { code: number | null; out: string; err: string } {
  const run = spawnSync(process.execPath, ['--import', 'tsx', 'client/cli/main.ts', ...args], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1', DATABASE_URL: url, DUNLIN_CLOCK: '' },
  });
  return { code: run.status, out: run.stdout, err: run.stderr };
}

beforeAll(async () => {
  database = await startTestDatabase();
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(`
    insert into tenants (tenant_id, name, zone, country, currency) values ('acme', 'Acme', 'America/New_York', 'US', 'USD');
    insert into segments (tenant_id, position, name, rule, policy, mode) values
      ('acme', 0, 'strategic', '{"attributes.tier": ["strategic"]}', 'strategic', 'auto'), ('acme', 1, 'abroad', '{"abroad": true}', 'international', 'suggest');
    insert into customers (tenant_id, id, name, country, attributes, created_at) values
      ('acme', 'c1', 'Example Ltd', 'DE', '{}', now()), ('acme', 'c2', 'Twin', 'US', '{"segment": "strategic"}', now()), ('acme', 'c3', 'twin', 'US', '{}', now());
    insert into customer_references (tenant_id, system, kind, external_id, customer_id) values ('acme', 'premium', 'partner', 'ABC1', 'c1');
    insert into policies (tenant_id, name, version, source, sha256, created_at) values
      ('acme', 'standard', 1, 'policy: standard
contact: { min_gap_days: 9 }
stages: [{ id: only, day: 3, channel: email, template: reminder-2 }]', 'x', now())`);
  await client.end();
}, 120_000);

afterAll(async () => {
  rmSync(folder, { recursive: true });
  await database?.stop();
});

describe('check', () => {
  test('a right file is right', () => {
    expect(dunlin(['policy', 'check', 'policies/standard.yaml', '--json'])).toMatchObject({
      code: 0,
      out: '{\n  "ok": true,\n  "errors": []\n}\n',
    });
  });
  test('a wrong one ends with 1 and every mistake in its place', () => {
    const file = join(folder, 'wrong.yaml');
    writeFileSync(file, 'policy: x\ncontact: { form: "09:00" }\nstages: []\n');
    const { code, out } = dunlin(['policy', 'check', file, '--json']);
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      ok: false,
      errors: [
        { line: 2, column: 12, path: 'contact.form' },
        { line: 3, column: 9, path: 'stages' },
      ],
    });
    expect(dunlin(['policy', 'check', file]).out).toContain(`${file}:3:9 stages: found [], expected at least one stage`);
  });
  test('a file of segments is checked as one', () => {
    expect(dunlin(['policy', 'check', 'policies/segments.yaml']).code).toBe(0);
  });
  test('a file that is not there is wrong use', () => {
    expect(dunlin(['policy', 'check', join(folder, 'none.yaml')])).toMatchObject({ code: 2, out: '' });
  });
});

describe('show', () => {
  test('the policies that come with Dunlin are listed', () => {
    expect(JSON.parse(dunlin(['policy', 'show', '--json']).out).policies).toContain('government');
  });
  test("the tenant's version comes before the one that comes with Dunlin", () => {
    const { out } = dunlin(['policy', 'show', 'standard'], database.url);
    expect(out).toContain('standard version 1');
    expect(out).toContain('At least 9 days between two messages');
    expect(JSON.parse(dunlin(['policy', 'show', 'standard', '--shipped', '--json'], database.url).out)).toMatchObject({
      version: null,
      policy: { name: 'standard' },
    });
  });
  test('a policy nobody has is wrong use', () => {
    const { code, err } = dunlin(['policy', 'show', 'nope', '--shipped']);
    expect([code, err]).toEqual([2, expect.stringContaining('found policy "nope", expected one of government')]);
  });
});

describe('explain', () => {
  const ask = (named: string) => dunlin(['policy', 'explain', named, '--json'], database.url);

  test('by id, by name and by the id of a source system, with every rule that was asked', () => {
    for (const named of ['c1', 'EXAMPLE ltd', 'ABC1']) {
      expect(JSON.parse(ask(named).out)).toMatchObject({
        customer: { id: 'c1', name: 'Example Ltd' },
        segment: 'abroad',
        policy: 'international',
        mode: 'suggest',
        told: null,
        asked: [
          { segment: 'strategic', holds: false },
          { segment: 'abroad', holds: true, conditions: [{ found: 'true', holds: true }] },
        ],
      });
    }
  });
  test('a segment that the source names in so many words wins', () => {
    expect(JSON.parse(ask('c2').out)).toMatchObject({ segment: 'strategic', told: 'strategic' });
    expect(dunlin(['policy', 'explain', 'c2'], database.url).out).toContain('wins over the rules');
  });
  test('a name two customers have is asked back', () => {
    const { code, err } = ask('Twin');
    expect([code, err]).toEqual([2, expect.stringContaining('ask by id: c2 (Twin), c3 (twin)')]);
  });
  test('a customer nobody knows is wrong use', () => {
    expect(ask('nobody').code).toBe(2);
  });
});
