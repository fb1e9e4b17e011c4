// Inbound mail told apart: RFC 3464 reports, RFC 5965 complaints, RFC 3834 automatic answers, and people.
import { describe, expect, test } from '@jest/globals';
import { readInbound } from '../../formats/mail.ts';

const crlf = (text: string) => new TextEncoder().encode(text.replaceAll('\n', '\r\n'));
const read = async (text: string) => (await readInbound(crlf(text))).mail;

const report = (fields: string, original = '<ntc_1.1@acme.example>') => `From: MAILER-DAEMON@mx.example
To: ar@acme.example
Subject: Undelivered Mail Returned to Sender
Message-ID: <dsn-1@mx.example>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

I'm sorry to have to inform you.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example
Arrival-Date: Mon, 23 Nov 2026 09:00:00 -0600

${fields}

--b
Content-Type: text/rfc822-headers

From: ar@acme.example
To: pat@example.com
Message-ID:
 ${original}
Subject: Invoice INV-1

--b--
`;

describe('delivery reports', () => {
  test.each([
    {
      fields:
        'Final-Recipient: rfc822; Pat@Example.com\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1\n <pat@example.com>: unknown user',
      kind: 'bounce',
      severity: 'hard',
      status: '5.1.1',
    },
    { fields: 'Final-Recipient: rfc822;pat@example.com\nAction: failed\nStatus: 4.4.7', kind: 'bounce', severity: 'soft', status: '4.4.7' },
    {
      fields: 'Final-Recipient: rfc822;pat@example.com\nAction: delayed\nStatus: 4.0.0',
      kind: 'bounce',
      severity: 'soft',
      status: '4.0.0',
    },
    {
      fields: 'Final-Recipient: rfc822;pat@example.com\nAction: delayed\nStatus: 5.0.0',
      kind: 'bounce',
      severity: 'soft',
      status: '5.0.0',
    },
    { fields: 'final-recipient: rfc822;pat@example.com\naction: Failed', kind: 'bounce', severity: 'hard', status: null },
  ])('$fields', async ({ fields, ...expected }) => {
    expect(await read(report(fields))).toMatchObject({
      ...expected,
      recipient: 'pat@example.com',
      originalMessageId: 'ntc_1.1@acme.example',
    });
  });

  test('the diagnostic is unfolded, for the person who mends the address', async () => {
    const mail = await read(
      report(
        'Final-Recipient: rfc822; pat@example.com\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1\n <pat@example.com>: unknown user',
      ),
    );
    expect(mail).toMatchObject({ diagnostic: 'smtp; 550 5.1.1 <pat@example.com>: unknown user' });
  });

  test('a report that it arrived is evidence, not a bounce', async () => {
    expect(await read(report('Final-Recipient: rfc822;pat@example.com\nAction: delivered\nStatus: 2.0.0'))).toMatchObject({
      kind: 'delivered',
    });
  });

  test('the original may come back whole', async () => {
    const whole = report('Final-Recipient: rfc822;pat@example.com\nAction: failed\nStatus: 5.0.0').replace(
      'text/rfc822-headers',
      'message/rfc822',
    );
    expect(await read(whole)).toMatchObject({ kind: 'bounce', originalMessageId: 'ntc_1.1@acme.example' });
  });

  test('a complaint is told from a bounce', async () => {
    const complaint = report('x')
      .replace('report-type=delivery-status', 'report-type=feedback-report')
      .replace('message/delivery-status', 'message/feedback-report')
      .replace('Reporting-MTA: dns; mx.example', 'Feedback-Type: abuse\nOriginal-Rcpt-To: pat@example.com');
    expect(await read(complaint)).toEqual({ kind: 'complaint', recipient: 'pat@example.com', originalMessageId: 'ntc_1.1@acme.example' });
  });
});

const letter = (headers: string, text = 'Will pay on Friday.') => `From: Pat Doe <Pat@Example.com>
To: ar@acme.example
Subject: Re: Invoice INV-1
Message-ID: <r1@example.com>
${headers}
Content-Type: text/plain; charset=utf-8

${text}
`;

describe('machines and people', () => {
  test.each([
    'Auto-Submitted: auto-replied',
    'Auto-Submitted: auto-generated; owner-email="x@y"',
    'X-Autoreply: yes',
    'X-Autorespond: out',
    'Precedence: auto_reply',
    'Precedence: bulk',
    'List-Id: <news.example.com>',
    'Return-Path: <>',
  ])('%s was written by a machine', async header => {
    expect(await read(letter(`${header}\nIn-Reply-To: <ntc_1.1@acme.example>`))).toMatchObject({
      kind: 'automatic',
      answers: ['ntc_1.1@acme.example'],
    });
  });

  test.each(['Auto-Submitted: no', 'X-Autoreply: no', 'Precedence: normal', 'X-Mailer: anything'])(
    '%s was written by a person',
    async header => {
      expect((await read(letter(header))).kind).toBe('reply');
    },
  );

  test('a person answers one of our messages: its words without the quotation', async () => {
    const text = 'Will pay on Friday.\n\nPat\n\nOn Mon, 23 Nov 2026 at 09:00, Acme <ar@acme.example> wrote:\n> Dear Pat,\n> please pay.';
    expect(
      await read(letter('In-Reply-To: <ntc_2.1@acme.example>\nReferences: <ntc_1.1@acme.example>\n <ntc_2.1@acme.example>', text)),
    ).toEqual({
      kind: 'reply',
      from: 'pat@example.com',
      subject: 'Re: Invoice INV-1',
      text: 'Will pay on Friday.\n\nPat',
      answers: ['ntc_2.1@acme.example', 'ntc_1.1@acme.example'],
    });
  });

  test('words in HTML only are read too', async () => {
    const html = letter('In-Reply-To: <a@b>', '<style>p{}</style><p>Paid <b>yesterday</b></p>').replace('text/plain', 'text/html');
    expect(await read(html)).toMatchObject({ kind: 'reply', text: expect.stringMatching(/Paid\s+yesterday/) });
  });

  test('a message that is none is unreadable, not an error', async () => {
    expect((await readInbound(new Uint8Array())).mail.kind).toBe('unreadable');
    expect((await readInbound(crlf('\n\nno headers at all'))).mail.kind).toBe('unreadable');
  });

  test('a bounce that a person forwards is the word of that person', async () => {
    const forwarded = letter('MIME-Version: 1.0')
      .replace('Content-Type: text/plain; charset=utf-8', 'Content-Type: multipart/mixed; boundary="f"')
      .replace(
        'Will pay on Friday.',
        `--f\nContent-Type: text/plain\n\nWhat is this?\n\n--f\nContent-Type: message/rfc822\n\n${report('Action: failed\nStatus: 5.1.1')}\n--f--`,
      );
    expect(await read(forwarded)).toMatchObject({ kind: 'reply', text: 'What is this?' });
  });
});
