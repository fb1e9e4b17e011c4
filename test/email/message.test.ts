// message.test.ts: the bytes that leave: the same every time, with headers nobody can add to, and a statement that opens.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import PostalMime from 'postal-mime';
import { oneAddress, oneLine } from '../../activities/email/address.ts';
import { buildMessage, type MessageInput } from '../../activities/email/message.ts';
import { statementPdf } from '../../activities/email/statement.ts';
import { loadTemplates } from '../../activities/email/templates.ts';
import { item, letterFor, threeItems } from './letters.ts';

const book = loadTemplates();
const at = Date.UTC(2026, 3, 2, 9);
const english = letterFor(book, 'en-GB', 'GBP');

const input: MessageInput = {
  noticeId: 'ntc_1',
  lineKeys: ['inv_1/1/gentle', 'inv_2/1/firm'],
  messageId: '<ntc_1.1@northwind.example>',
  references: ['<ntc_0.1@northwind.example>', '<ntc_00.1@northwind.example>'],
  from: { name: 'Northwind Traders', address: 'ar@northwind.example' },
  replyTo: 'ar@northwind.example',
  to: { name: 'Ada Payable', address: 'ap@customer.example' },
  letter: { subject: 'Überfällig: 1 078,00 €', text: 'Hello\n.a dot\nFrom here\n', html: '<p>Hello</p>' },
  language: 'de',
  statement: null,
  at,
};

describe('a message', () => {
  test('is the same bytes every time, statement included', async () => {
    const build = async () =>
      buildMessage({
        ...input,
        statement: {
          fileName: 's.pdf',
          pdf: await statementPdf({ items: threeItems, creditMinor: 15_000n, currency: 'GBP', letter: english, at }),
        },
      });
    const [first, second, third] = [await build(), await build(), await build()];
    expect(second.sha256).toBe(first.sha256);
    expect(Buffer.compare(third.bytes, first.bytes)).toBe(0);
  });

  test('carries its identity, its thread and its lines', async () => {
    const mail = await PostalMime.parse((await buildMessage(input)).bytes);
    const header = (key: string) => mail.headers.find(one => one.key === key)?.value;
    expect({ ...mail, headers: undefined }).toMatchObject({
      subject: 'Überfällig: 1 078,00 €',
      messageId: '<ntc_1.1@northwind.example>',
      inReplyTo: '<ntc_00.1@northwind.example>',
      references: '<ntc_0.1@northwind.example> <ntc_00.1@northwind.example>',
      date: '2026-04-02T09:00:00.000Z',
      text: expect.stringContaining('Hello\n.a dot\nFrom here\n'),
    });
    expect(header('auto-submitted')).toBe('auto-generated');
    expect(header('x-dunlin-lines')).toBe('inv_1/1/gentle, inv_2/1/firm');
  });

  test('ends every line with CRLF and keeps lines short enough for every server', async () => {
    const { bytes } = await buildMessage({
      ...input,
      letter: { ...input.letter, text: `${'word '.repeat(900)}\n`, html: `<p>${'é'.repeat(2_000)}</p>` },
    });
    const text = Buffer.from(bytes).toString('latin1');
    expect(text.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
    expect(Math.max(...text.split('\r\n').map(line => line.length))).toBeLessThanOrEqual(998);
  });

  test('has no header more than it should, whatever names and subjects say', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'binary' }),
        fc.constantFrom('\r\nBcc: evil@x.example', '\nX-Evil: 1', '\r', '\u2028To: e@x.example', ''),
        async (text, attack) => {
          const name = `x${text}${attack}`;
          const { bytes } = await buildMessage({
            ...input,
            from: { ...input.from, name },
            to: { ...input.to, name },
            letter: { ...input.letter, subject: name },
          });
          const mail = await PostalMime.parse(bytes);
          expect(mail.headers.map(one => one.key).sort()).toEqual(expectedHeaders);
          expect(mail.to?.map(one => one.address)).toEqual(['ap@customer.example']);
          expect(mail.from?.address).toBe('ar@northwind.example');
        },
      ),
      { numRuns: 200 },
    );
  });

  test.each(['a@x.example,b@x.example', 'a@x.example\r\nBcc: b@x.example', 'A <a@x.example>'])(
    'is not built for the address %j',
    async address => {
      await expect(buildMessage({ ...input, to: { name: '', address } })).rejects.toThrow(/expected one plain mailbox/);
    },
  );
});

const expectedHeaders = [
  'auto-submitted',
  'content-language',
  'content-type',
  'date',
  'from',
  'in-reply-to',
  'message-id',
  'mime-version',
  'references',
  'reply-to',
  'subject',
  'to',
  'x-dunlin-lines',
  'x-dunlin-notice',
];

describe('an address', () => {
  test.each(['ap@customer.example', "o'brien+ap@customer.co.uk", 'a.b-c_d@x-y.example', ' ap@customer.example '])(
    '%j is one mailbox',
    text => {
      expect(oneAddress(text)).toBe(text.trim());
    },
  );

  test.each([
    'a@x.example,b@x.example',
    'a@x.example;b@x.example',
    'b@y.example\r\nBcc: evil@x.example',
    'b@y.example\nevil@x.example',
    'b@y.example\0',
    'Name <a@x.example>',
    '<a@x.example>',
    '"a b"@x.example',
    'a@b@x.example',
    'a@x',
    'a@-x.example',
    '.a@x.example',
    'a..b@x.example',
    'a@x.example evil@y.example',
    'a@[127.0.0.1]',
    'ä@x.example',
    '',
    `${'a'.repeat(65)}@x.example`,
  ])('%j is not', text => {
    expect(oneAddress(text)).toBeUndefined();
  });

  test('that is accepted never holds what an SMTP command could be broken with', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.emailAddress(), fc.stringMatching(/^[a-z@.,;<>\r\n" ]{3,20}$/)), text => {
        const address = oneAddress(text);
        if (address !== undefined) expect(address).not.toMatch(/[\s,;<>"\0]|@.*@/);
      }),
      { numRuns: 2_000 },
    );
  });

  test('a line is one line', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), text => expect(oneLine(text)).not.toMatch(/[\r\n\0\u2028\u2029]/)));
  });
});

describe('a statement', () => {
  const pdfOf = (count: number, locale = 'en-GB') =>
    statementPdf({
      items: Array.from({ length: count }, (_, index) => item(`INV-${index}`, '2026-03-03', 1_000n + BigInt(index))),
      creditMinor: 0n,
      currency: 'EUR',
      letter: letterFor(book, locale, 'EUR', { customerName: 'Łódź Ελλάς Кириллица & Söhne' }),
      at,
    });
  const pages = (pdf: Buffer) => pdf.toString('latin1').match(/\/Type \/Page\b/g)?.length;

  test('fits a page for fifteen items and goes on for more', async () => {
    expect(pages(await pdfOf(1))).toBe(1);
    expect(pages(await pdfOf(15))).toBe(1);
    expect(pages(await pdfOf(60))).toBe(3);
  });

  test('embeds its font, names its language and the moment it speaks of', async () => {
    const pdf = (await pdfOf(2, 'fr-FR')).toString('latin1');
    expect(pdf).toContain('/FontFile2');
    expect(pdf).not.toContain('/Helvetica');
    expect(pdf).toContain('/Lang (fr)');
    expect(pdf).toContain('(D:20260402090000');
  });
});
