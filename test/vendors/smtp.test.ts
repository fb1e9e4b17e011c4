// smtp.test.ts: the mail stand-in fails at each step of a delivery, and its witness has exactly the messages that are delivered:
// with the final dot taken, whether or not the sender ever heard of it.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';
import PostalMime from 'postal-mime';
import { startSmtp } from '../../local/vendors/smtp.ts';
import type { StandIn } from '../../local/vendors/frame.ts';
import { folder, handClock, receiver, stage } from './staging.ts';

const clock = handClock(Date.UTC(2026, 0, 5, 15, 0));
const { dir, remove } = folder();
let smtp: StandIn;
let inbound: Awaited<ReturnType<typeof receiver>>;
let admin: ReturnType<typeof stage>;

beforeAll(async () => {
  smtp = await startSmtp({ dir, clock, deliveries: 'word', user: 'dunlin', password: 'secret' });
  inbound = await receiver();
  admin = stage(smtp);
});
beforeEach(async () => {
  inbound.heard.length = 0;
  inbound.status.code = 200;
  await admin.reset();
});
afterAll(async () => {
  await smtp.close();
  await inbound.close();
  remove();
});

const to = 'billing@customer.example';
let sent = 0;
/** One mail on a connection of its own; resolves to the server's answer, rejects when there is none for `patienceMs`. */
async function mail(fields: { to?: string | string[]; notice?: string; subject?: string } = {}, patienceMs = 4000): Promise<string> {
  const transport = createTransport(smtp.url);
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => (timer = setTimeout(() => reject(new Error('no answer')), patienceMs)));
  try {
    const sending = transport.sendMail({
      from: 'collections@creditor.example',
      to: fields.to ?? to,
      subject: fields.subject ?? 'Zahlungserinnerung für INV-1',
      messageId: `<${++sent}@creditor.example>`,
      headers: { 'X-Dunlin-Notice': fields.notice ?? `ntc_${sent}`, 'X-Dunlin-Lines': 'inv_1/1/gentle, inv_2/1/firm' },
      text: 'Please pay.',
      attachments: [{ filename: 'statement.pdf', content: Buffer.alloc(200_000, 'x') }],
    });
    return (await Promise.race([sending, silence])).response;
  } finally {
    clearTimeout(timer);
    transport.close();
  }
}
const delivered = async () => (await admin.witness()).map(entry => entry['businessKey']);
const behave = (...behaviour: object[]) => admin.behave({ inbound: { url: `${inbound.url}/inbound`, token: 'T' }, mail: behaviour });

describe('a mail that is accepted', () => {
  test('is on disk and witnessed with its business key before the 250', async () => {
    expect(await mail({ to: [to, 'ap@customer.example'] })).toMatch(/^250/);
    const [entry] = await admin.witness();
    expect(entry).toMatchObject({
      kind: 'mail',
      businessKey: `ntc_${sent}`,
      messageId: `<${sent}@creditor.example>`,
      to: [to, 'ap@customer.example'],
      subject: 'Zahlungserinnerung für INV-1',
      lines: 'inv_1/1/gentle, inv_2/1/firm',
      simAt: '2026-01-05T15:00:00.000Z',
    });
    const kept = await PostalMime.parse(readFileSync(join(dir, String(entry?.['file']))));
    expect([kept.text?.trim(), kept.attachments[0]?.filename]).toEqual(['Please pay.', 'statement.pdf']);
  });

  test('needs the right password', async () => {
    const wrong = createTransport(smtp.url.replace('secret', 'guess'));
    await expect(wrong.verify()).rejects.toThrow(/535/);
    expect(await delivered()).toEqual([]);
  });

  test('is quick: no pause before the greeting', async () => {
    const took: number[] = [];
    for (let turn = 0; turn < 5; turn++) {
      const began = performance.now();
      await mail();
      took.push(performance.now() - began);
    }
    expect(Math.min(...took)).toBeLessThan(90);
  });
});

describe('the connection drops', () => {
  test.each(['banner', 'ehlo', 'mail', 'rcpt', 'data', 'body', 'dot'])('at %s: nothing was delivered', async at => {
    await admin.faults({ fault: 'drop', at });
    await expect(mail()).rejects.toThrow(/closed|reset|hang up|EPIPE/i);
    expect(await delivered()).toEqual([]);
  });

  test('after the final dot, before the 250: the message IS delivered, and a careless retry is a duplicate', async () => {
    await admin.faults({ fault: 'drop', at: 'accepted', times: 1 });
    await expect(mail({ notice: 'ntc_dup' })).rejects.toThrow(/closed|reset|hang up|EPIPE/i);
    expect(await delivered()).toEqual(['ntc_dup']);
    await mail({ notice: 'ntc_dup' });
    expect(await delivered()).toEqual(['ntc_dup', 'ntc_dup']);
  });

  test('after the 250: delivered, and the sender knows', async () => {
    await admin.faults({ fault: 'drop', at: 'answered' });
    expect(await mail()).toMatch(/^250/);
    expect(await delivered()).toHaveLength(1);
  });

  test('when the sender goes in the middle of the body: nothing was delivered', async () => {
    const { createConnection } = await import('node:net');
    const socket = createConnection(smtp.port, '127.0.0.1');
    const login = Buffer.from('\0dunlin\0secret').toString('base64');
    const lines = ['EHLO me', `AUTH PLAIN ${login}`, 'MAIL FROM:<a@x.example>', 'RCPT TO:<b@x.example>', 'DATA', 'Subject: half'];
    await new Promise<void>(resolve => {
      socket.on('data', () => {
        const next = lines.shift();
        if (next !== undefined) socket.write(`${next}\r\n`);
        if (lines.length === 0) socket.destroy();
      });
      socket.on('close', () => resolve());
    });
    await mail();
    expect(await delivered()).toEqual([`ntc_${sent}`]);
  });
});

describe('the server answers', () => {
  test.each([
    { at: 'banner', value: '421 4.7.0 too many connections' },
    { at: 'mail', value: '452 4.3.1 insufficient storage' },
    { at: 'rcpt', value: '450 4.2.1 mailbox busy' },
    { at: 'rcpt', value: '550 5.1.1 no such user' },
    { at: 'dot', value: '451 4.3.0 local error' },
    { at: 'dot', value: '550 5.7.1 looks like spam' },
  ])('$value at $at, and nothing is delivered', async ({ at, value }) => {
    await admin.faults({ fault: 'reply', at, value });
    await expect(mail()).rejects.toMatchObject({ responseCode: Number(value.slice(0, 3)) });
    expect(await delivered()).toEqual([]);
  });

  test('one recipient is refused, the other is not', async () => {
    await admin.faults({ fault: 'reply', match: { to: 'ap@*' }, value: '550 5.1.1 no such user' });
    await mail({ to: [to, 'ap@customer.example'] });
    expect((await admin.witness())[0]?.['to']).toEqual([to]);
  });

  test('greylisted: not the first time, but once some business minutes have passed', async () => {
    await admin.faults({ fault: 'greylist', match: { to }, value: 5 });
    await expect(mail()).rejects.toMatchObject({ responseCode: 450 });
    await expect(mail()).rejects.toMatchObject({ responseCode: 450 });
    clock.forward(5 * 60_000);
    await mail();
    expect(await delivered()).toEqual([`ntc_${sent}`]);
  });

  test('late, or never', async () => {
    await admin.faults({ fault: 'delay', at: 'dot', value: 80 });
    const began = performance.now();
    await mail();
    expect(performance.now() - began).toBeGreaterThanOrEqual(78);
    await admin.faults({ fault: 'hang', at: 'dot' });
    await expect(mail({}, 300)).rejects.toThrow('no answer');
    await admin.faults({ fault: 'hang', at: 'accepted' });
    await expect(mail({ notice: 'ntc_hung' }, 300)).rejects.toThrow('no answer');
    expect(await delivered()).toEqual([`ntc_${sent - 2}`, 'ntc_hung']);
  });

  test('a rule about one notice strikes that notice alone', async () => {
    await admin.faults({ fault: 'drop', at: 'accepted', match: { notice: 'ntc_b' } });
    await mail({ notice: 'ntc_a' });
    await expect(mail({ notice: 'ntc_b' })).rejects.toThrow(/closed|reset|hang up|EPIPE/i);
    expect(await delivered()).toEqual(['ntc_a', 'ntc_b']);
  });
});

describe('people and machines write back', () => {
  const parsed = () => Promise.all(inbound.heard.map(({ body }) => PostalMime.parse(body)));

  test('a hard bounce after acceptance is a report that names the recipient, the status and the message', async () => {
    await behave({ address: to, nth: 1, does: 'bounce' });
    await mail();
    expect((await admin.deliver()).delivered).toBe(1);
    expect(inbound.heard[0]?.headers).toMatchObject({ 'content-type': 'message/rfc822', 'x-inbound-token': 'T' });
    const raw = inbound.heard[0]?.body ?? '';
    expect(raw).toContain('Content-Type: multipart/report; report-type=delivery-status');
    expect(raw).toContain(`Final-Recipient: rfc822; ${to}\r\nOriginal-Recipient: rfc822; ${to}\r\nAction: failed\r\nStatus: 5.1.1`);
    expect(raw).toContain(`<${sent}@creditor.example>`);
    expect(raw).toContain('To: <collections@creditor.example>');
    await mail();
    expect((await admin.deliver()).log).toEqual([]);
  });

  test('a full mailbox is a delay, and a report may come without the headers of the message', async () => {
    await admin.turn({ bounce_returns_headers: false });
    await behave({ address: to, nth: 'every', does: 'bounce_soft' });
    await mail();
    await admin.deliver();
    expect(inbound.heard[0]?.body).toContain('Action: delayed\r\nStatus: 4.2.2');
    expect(inbound.heard[0]?.body).not.toContain('text/rfc822-headers');
  });

  test('a machine says so, a person does not, and both thread; a person takes his time', async () => {
    await behave(
      { address: to, nth: 1, does: 'auto_reply', text: 'Out of office.' },
      { address: to, nth: 2, does: 'reply', text: 'Schon bezahlt, grüße.', afterMinutes: 30 },
    );
    await mail();
    const first = sent;
    await mail();
    const round = await admin.deliver();
    expect([round.delivered, round.nextAt]).toEqual([1, new Date(clock.now() + 30 * 60_000).toISOString().replace('.000Z', 'Z')]);
    clock.forward(30 * 60_000);
    await admin.deliver();
    const [machine, person] = await parsed();
    expect(machine?.headers.find(({ key }) => key === 'auto-submitted')?.value).toBe('auto-replied');
    expect(person?.headers.find(({ key }) => key === 'auto-submitted')).toBeUndefined();
    expect([machine?.inReplyTo, person?.inReplyTo]).toEqual([`<${first}@creditor.example>`, `<${first + 1}@creditor.example>`]);
    expect([machine?.from?.address, person?.text?.trim()]).toEqual([to, 'Schon bezahlt, grüße.']);
    expect(person?.subject).toBe('Re: Zahlungserinnerung für INV-1');
  });

  test('an address that does not exist is refused at RCPT', async () => {
    await behave({ address: to, nth: 'every', does: 'reject' });
    await expect(mail()).rejects.toMatchObject({ responseCode: 550 });
    expect(await delivered()).toEqual([]);
  });

  test('a fault can bounce any mail; an inbound address that is down gets it a minute later', async () => {
    await behave();
    await admin.faults({ fault: 'bounce', value: '5.2.1' });
    inbound.status.code = 503;
    await mail();
    expect((await admin.deliver()).failed).toBe(1);
    inbound.status.code = 200;
    clock.forward(60_000);
    expect((await admin.deliver()).delivered).toBe(1);
    expect(inbound.heard[1]?.body).toContain('Status: 5.2.1');
  });

  test('a stand-in that was started again goes on counting', async () => {
    await mail();
    const again = await startSmtp({ dir, clock, deliveries: 'word', user: 'dunlin', password: 'secret' });
    const other = stage(again);
    await other.behave({ inbound: { url: inbound.url, token: 'T' }, mail: [{ address: to, nth: 2, does: 'reply', text: 'second' }] });
    const transport = createTransport(again.url);
    await transport.sendMail({ from: 'a@creditor.example', to, subject: 's', text: 't' });
    transport.close();
    expect((await other.deliver()).delivered).toBe(1);
    await again.close();
  });

  test('a server may swallow a message whose Message-ID it has seen', async () => {
    await admin.turn({ repeats_are_delivered: false });
    await mail({ notice: 'ntc_1' });
    sent--;
    await mail({ notice: 'ntc_1' });
    expect(await delivered()).toEqual(['ntc_1']);
  });
});
