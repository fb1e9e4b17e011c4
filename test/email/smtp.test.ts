// smtp.test.ts: every point at which a mail conversation can break, and what may be claimed about the message then. The
// verdict "not begun" or "refused" allows another try; "unknown" never does.
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { sendMessage, smtpSettings } from '../../activities/email/smtp.ts';
import { type Behaviour, type MailServer, startMailServer } from './mail-server.ts';

let server: MailServer;
beforeAll(async () => {
  server = await startMailServer();
});
afterEach(() => {
  server.behave({ kind: 'works' });
  server.taken.length = 0;
});
afterAll(() => server.stop());

const bytes = Buffer.from(`Subject: hello\r\n\r\n${'A line of the body.\r\n'.repeat(40)}.a line that begins with a dot\r\n`);
const envelope = { from: 'ar@northwind.example', to: 'ap@customer.example', bytes };

function settings(deadlineMs = 4_000) {
  return smtpSettings(`smtp://user:secret@127.0.0.1:${server.port}`, deadlineMs);
}

async function send(behaviour: Behaviour, options: { enter?: () => Promise<boolean>; deadlineMs?: number } = {}) {
  server.behave(behaviour);
  let asked = 0;
  const answer = await sendMessage(settings(options.deadlineMs), envelope, async () => {
    asked += 1;
    return options.enter ? options.enter() : true;
  });
  return { answer, asked, taken: server.taken.length };
}

test('a message that is taken arrives byte for byte, and its body was asked for once', async () => {
  const { answer, asked, taken } = await send({ kind: 'works' });
  expect(answer).toEqual({ kind: 'accepted', reply: '250 2.0.0 taken' });
  expect({ asked, taken }).toEqual({ asked: 1, taken: 1 });
  expect(server.taken[0]).toBe(bytes.toString('latin1'));
});

describe('where the connection is lost', () => {
  test.each([
    { at: 'banner', verdict: 'not_begun', taken: 0 },
    { at: 'ehlo', verdict: 'not_begun', taken: 0 },
    { at: 'auth', verdict: 'not_begun', taken: 0 },
    { at: 'mail', verdict: 'not_begun', taken: 0 },
    { at: 'rcpt', verdict: 'not_begun', taken: 0 },
    { at: 'data', verdict: 'not_begun', taken: 0 },
    { at: 'body', verdict: 'unknown', taken: 0 },
    { at: 'dot', verdict: 'unknown', taken: 0 },
    { at: 'after', verdict: 'unknown', taken: 1 },
  ] as const)('at $at: $verdict', async ({ at, verdict, taken }) => {
    const sent = await send({ kind: 'drops', at });
    expect({ verdict: sent.answer.kind, taken: sent.taken }).toEqual({ verdict, taken });
  });

  test('a server that takes the message and never answers: unknown when the deadline has passed', async () => {
    const sent = await send({ kind: 'hangs', at: 'dot' }, { deadlineMs: 400 });
    expect({ verdict: sent.answer.kind, taken: sent.taken }).toEqual({ verdict: 'unknown', taken: 1 });
  });

  test('a server that never greets: not begun when the deadline has passed', async () => {
    const sent = await send({ kind: 'hangs', at: 'banner' }, { deadlineMs: 400 });
    expect(sent.answer.kind).toBe('not_begun');
  });

  test('nobody listens: not begun', async () => {
    const answer = await sendMessage(smtpSettings('smtp://127.0.0.1:1', 2_000), envelope, async () => true);
    expect(answer.kind).toBe('not_begun');
  });
});

describe('what the server says', () => {
  test.each([
    { at: 'banner', line: '421 4.3.2 too busy', verdict: 'refused_temporarily' },
    { at: 'banner', line: '554 no service for you', verdict: 'refused_temporarily' },
    { at: 'auth', line: '535 5.7.8 wrong password', verdict: 'refused_temporarily' },
    { at: 'mail', line: '451 4.7.1 try later', verdict: 'refused_temporarily' },
    { at: 'mail', line: '550 5.7.1 you may not send', verdict: 'refused_for_good' },
    { at: 'rcpt', line: '450 4.2.0 greylisted', verdict: 'refused_temporarily' },
    { at: 'rcpt', line: '451 local error', verdict: 'refused_temporarily' },
    { at: 'rcpt', line: '550 5.1.1 no such user', verdict: 'address_refused' },
    { at: 'rcpt', line: '551 user not local', verdict: 'address_refused' },
    { at: 'rcpt', line: '550 5.7.1 blocked by policy', verdict: 'refused_for_good' },
    { at: 'data', line: '451 4.3.0 no room', verdict: 'refused_temporarily' },
    { at: 'data', line: '554 5.5.1 no', verdict: 'refused_for_good' },
    { at: 'dot', line: '421 4.3.2 closing', verdict: 'refused_temporarily' },
    { at: 'dot', line: '450 4.2.0 greylisted', verdict: 'refused_temporarily' },
    { at: 'dot', line: '451 4.6.0 later', verdict: 'refused_temporarily' },
    { at: 'dot', line: '550 5.7.1 looks like spam', verdict: 'refused_for_good' },
    { at: 'dot', line: '554 5.6.0 refused', verdict: 'refused_for_good' },
  ] as const)('"$line" at $at: $verdict', async ({ at, line, verdict }) => {
    const { answer, asked, taken } = await send({ kind: 'says', at, line });
    expect({ verdict: answer.kind, taken }).toEqual({ verdict, taken: 0 });
    expect('reply' in answer && answer.reply).toContain(line.slice(0, 3));
    expect(asked).toBe(at === 'dot' ? 1 : 0);
    if (answer.kind === 'refused_temporarily') expect(answer.began).toBe(at === 'dot');
  });
});

describe('the last look', () => {
  test('when it says no, not one byte of the body leaves', async () => {
    const { answer, taken } = await send({ kind: 'works' }, { enter: async () => false });
    expect({ answer, taken }).toEqual({ answer: { kind: 'stopped' }, taken: 0 });
  });

  test('when the database fails, not one byte of the body leaves', async () => {
    const { answer, taken } = await send(
      { kind: 'works' },
      {
        enter: async () => {
          throw new Error('the database is away');
        },
      },
    );
    expect({ kind: answer.kind, taken }).toEqual({ kind: 'not_begun', taken: 0 });
  });

  test('when the server gives up while it is still being taken, no byte leaves afterwards', async () => {
    const { answer, taken } = await send(
      { kind: 'works' },
      { deadlineMs: 300, enter: () => new Promise(resolve => setTimeout(() => resolve(true), 700)) },
    );
    expect({ kind: answer.kind, taken }).toEqual({ kind: 'not_begun', taken: 0 });
  });
});

describe('SMTP_URL', () => {
  test('a password or a real network needs TLS', () => {
    expect(smtpSettings('smtp://user:p%40ss@mail.example.com:587')).toMatchObject({
      host: 'mail.example.com',
      port: 587,
      secure: false,
      requireTls: true,
      auth: { user: 'user', pass: 'p@ss' },
    });
    expect(smtpSettings('smtps://mail.example.com')).toMatchObject({ port: 465, secure: true });
    expect(smtpSettings('smtp://127.0.0.1:2525')).toMatchObject({ requireTls: false, auth: null });
  });

  test.each(['mail.example.com', 'http://mail.example.com'])('%s is refused with a sentence', url => {
    expect(() => smtpSettings(url)).toThrow(/SMTP_URL/);
  });
});
