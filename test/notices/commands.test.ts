// commands.test.ts: `dunlin notices` as a person and a program use it.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Desk, openDesk, tenant } from './desk.ts';

let desk: Desk;
beforeAll(async () => {
  desk = await openDesk();
}, 120_000);
afterAll(() => desk?.stop());

function dunlin(...args: string[]): { code: number | null; out: string; err: string } {
  const main = fileURLToPath(new URL('../../client/cli/main.ts', import.meta.url));
  const ran = spawnSync(process.execPath, ['--import', 'tsx', main, ...args, '--tenant', tenant], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], USER: 'ana', DATABASE_URL: desk.database.url, NO_COLOR: '1' },
  });
  return { code: ran.status, out: ran.stdout, err: ran.stderr };
}

test('a message that waits is listed, read, approved once, and told to be settled when asked again', async () => {
  await desk.customer('cus_1');
  await desk.invoice('inv_1', 'cus_1');
  const id = await desk.open('cus_1', ['inv_1'], { mode: 'suggest', review: 'waiting', reviewAsks: 'suggest' });
  await desk.send(id);
  expect(dunlin('notices', 'review').out).toMatch(new RegExp(`${id}.*INV_1 firm.*waits for a person \\(suggest\\)`));
  expect(dunlin('notices', 'show', id).out).toContain('is now 7 days past due');
  expect(JSON.parse(dunlin('notices', 'show', id, '--json').out)).toMatchObject({ id, attachments: ['statement-2026-03-10.pdf'] });
  expect(dunlin('notices', 'approve', id)).toMatchObject({ code: 0, out: `${id} may leave.\n` });
  expect(dunlin('notices', 'decline', id, '--because', 'no')).toMatchObject({
    code: 1,
    out: `Too late: notice ${id} is pending, review approved by ana.\n`,
  });
}, 120_000);

test('an unknown delivery is listed and settled by a person with a reason', async () => {
  await desk.customer('cus_2');
  await desk.invoice('inv_2', 'cus_2');
  const id = await desk.open('cus_2', ['inv_2']);
  desk.mail.behave({ kind: 'drops', at: 'after' });
  await desk.send(id);
  const listed = JSON.parse(dunlin('notices', '--state', 'unknown', '--json').out) as { notices: { id: string }[] };
  expect(listed.notices.map(notice => notice.id)).toEqual([id]);
  expect(dunlin('notices', 'resolve', id, 'maybe', '--because', 'x').code).toBe(2);
  expect(dunlin('notices', 'resolve', id, 'sent', '--because', 'found in the journal')).toMatchObject({
    code: 0,
    out: `${id} counts as delivered.\n`,
  });
  expect(dunlin('notices', 'show', id).out).toContain('found in the journal');
  expect(dunlin('notices', 'show', 'ntc_none')).toMatchObject({ code: 2, err: expect.stringContaining('found none of that id') });
}, 120_000);
