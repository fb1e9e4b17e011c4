// letters.test.ts: what customers read. The letters about several invoices were read by eye once per language and are kept
// beside this file; the rest are rules that no letter may break.
import { describe, expect, test } from '@jest/globals';
import { mkdtempSync, cpSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { safeLink } from '../../activities/email/letter.ts';
import { fallback, loadTemplates, readTemplates, shippedTemplates, tell } from '../../activities/email/templates.ts';
import { item, letterFor, shippedPolicy } from './letters.ts';

const book = loadTemplates();
const languages = ['en', 'fr', 'de', 'es'] as const;

describe('a final notice about three invoices', () => {
  test.each([
    { locale: 'en-GB', currency: 'GBP' },
    { locale: 'fr-FR', currency: 'EUR' },
    { locale: 'de-DE', currency: 'EUR' },
    { locale: 'es-MX', currency: 'USD' },
  ])('in $locale', ({ locale, currency }) => {
    const letter = book.render('reminder-5', letterFor(book, locale, currency));
    expect(`Subject: ${letter.subject}\n\n${letter.text}`).toMatchSnapshot('text');
    expect(letter.html).toMatchSnapshot('html');
  });
});

test('every shipped letter exists in all four languages', () => {
  for (const name of book.names)
    for (const language of languages) expect(`${name} ${book.languageFor(name, language)}`).toBe(`${name} ${language}`);
});

test('every template that a shipped policy names exists', () => {
  for (const name of ['standard', 'strategic', 'government', 'international', 'seasonal', 'small-balance']) {
    for (const stage of shippedPolicy(name).stages) expect(book.names).toContain(stage.template);
  }
});

test('a locale falls back to its language and then to English', () => {
  expect(fallback('fr-CA')).toEqual(['fr-CA', 'fr', 'en']);
  expect(book.languageFor('reminder-1', 'fr-CA')).toBe('fr');
  expect(book.languageFor('reminder-1', 'pl-PL')).toBe('en');
});

test('a customer whose language we do not have reads English throughout, money and dates included', () => {
  const letter = book.render('reminder-3', letterFor(book, 'pl-PL', 'EUR', { template: 'reminder-3', stage: 'firm' }));
  expect(letter.subject).toBe('Past due: €1,498.50 on your account');
});

test('French Canadian money is written as French Canada writes it', () => {
  const letter = book.render('reminder-3', letterFor(book, 'fr-CA', 'CAD', { template: 'reminder-3', stage: 'firm' }));
  expect(letter.subject.replace(/\s/g, ' ')).toBe('Montant échu sur votre compte : 1 498,50 $');
});

describe('one day and several', () => {
  test.each([
    { locale: 'en', days: '2026-04-01', says: 'is now 1 day past due' },
    { locale: 'en', days: '2026-03-26', says: 'is now 7 days past due' },
    { locale: 'fr', days: '2026-04-01', says: 'a maintenant 1 jour de retard' },
    { locale: 'fr', days: '2026-03-26', says: 'a maintenant 7 jours de retard' },
    { locale: 'de', days: '2026-04-01', says: 'seit 1 Tag überfällig' },
    { locale: 'de', days: '2026-03-26', says: 'seit 7 Tagen überfällig' },
    { locale: 'es', days: '2026-04-01', says: 'lleva ya 1 día de retraso' },
    { locale: 'es', days: '2026-03-26', says: 'lleva ya 7 días de retraso' },
  ])('$locale: "$says"', ({ locale, days, says }) => {
    const letter = book.render(
      'reminder-3',
      letterFor(book, locale, 'EUR', { template: 'reminder-3', stage: 'firm', items: [item('INV-1', days, 5_000n)] }),
    );
    expect(letter.text).toContain(says);
  });
});

describe('threats', () => {
  test('name what the policy will propose, on the day it will', () => {
    const { text } = book.render('reminder-5', letterFor(book, 'en-GB', 'USD'));
    expect(text).toContain('- suspension of our services to you, from 17 April 2026');
    expect(text).toContain('- handing the account to a collection agency, from 1 June 2026');
    expect(text).not.toMatch(/write.?off/i);
  });

  test('are absent when the policy does nothing afterwards', () => {
    const harmless = { ...shippedPolicy('standard'), then: [] };
    for (const language of languages) {
      const letter = letterFor(book, language, 'USD', { policy: harmless });
      expect(letter.consequences).toEqual([]);
      expect(book.render('reminder-5', letter).text).not.toMatch(/collection agency|Inkasso|recouvrement|agencia de cobro/);
    }
  });

  test('that lie in the past are not repeated', () => {
    const letter = letterFor(book, 'en', 'USD', { today: '2026-05-01' });
    expect(letter.consequences.map(one => one.text)).toEqual(['handing the account to a collection agency']);
  });

  test('never reach a public body, which is asked for its reference instead', () => {
    const policy = shippedPolicy('government');
    for (const language of languages) {
      for (const name of ['reminder-1-government', 'reminder-2-government', 'reminder-3-government']) {
        const { text, subject } = book.render(name, letterFor(book, language, 'EUR', { template: name, stage: 'firm', policy }));
        expect(`${subject} ${text}`).not.toMatch(
          /final notice|mahnung|dernier rappel|último aviso|suspen|collection agency|inkasso|recouvrement|agencia de cobro/i,
        );
        expect(text).toMatch(/purchase order reference|Bestellnummer|bon de commande|orden de compra/);
      }
    }
  });
});

test('a letter announces a call only where the policy has one', () => {
  const withCall = letterFor(book, 'en', 'USD', { template: 'reminder-4', stage: 'escalation' });
  const without = letterFor(book, 'en', 'USD', { template: 'reminder-4', stage: 'escalation', policy: shippedPolicy('small-balance') });
  expect(book.render('reminder-4', withCall).text).toContain('will call you');
  expect(book.render('reminder-4', without).text).not.toContain('will call you');
});

test('an apology chases nobody', () => {
  for (const language of languages) {
    const { text } = book.render('crossed-payment', letterFor(book, language, 'USD', { template: 'crossed-payment', stage: 'apology' }));
    expect(text).not.toMatch(/overdue|past due:? \$|überfällig|retard de|vencid/i);
    expect(text).toContain('Past due: INV-0041');
  }
});

test('a total known only by customer is called the balance of the account', () => {
  const balance = item('USD', '2026-03-26', 5_000n, { kind: 'balance_forward' });
  const { text, subject } = book.render(
    'reminder-3',
    letterFor(book, 'en', 'USD', { template: 'reminder-3', stage: 'firm', items: [balance] }),
  );
  expect(subject).toBe('Past due: Account balance, $50.00');
  expect(text).toContain('that the balance of your account for $50.00 was due');
});

describe('hostile values', () => {
  const hostile = '<script>alert(1)</script>{{ company.email }}\r\nBcc: evil@x.example';

  test.each(languages)('stay text in every letter (%s)', language => {
    for (const name of book.names) {
      const letter = letterFor(book, language, 'USD', {
        template: name,
        customerName: hostile,
        addressee: hostile,
        companyName: hostile,
        crossedSubject: hostile,
        items: [item(`INV${hostile}`, '2026-03-03', 1_000n, { purchaseOrder: hostile, payLink: 'javascript:alert(1)' })],
        payPage: 'https://user:secret@evil.example/',
      });
      const { subject, text, html } = book.render(name, letter);
      expect(html).not.toContain('<script>');
      expect(`${html}${text}`).not.toContain('javascript:');
      expect(`${html}${text}`).not.toContain('secret@');
      expect(text).not.toMatch(/^Bcc:/m);
      expect(subject).not.toMatch(/[\r\n]/);
      expect(text).toContain('{{ company.email }}');
    }
  });

  test.each([
    ['https://pay.example/INV-1?t=a%20b', true],
    ['http://127.0.0.1:8080/pay', true],
    ['javascript:alert(1)', false],
    ['data:text/html,hi', false],
    ['https://user:pass@evil.example/', false],
    ['https://pay.example/" onmouseover="alert(1)', false],
    ['https://pay.example/\nX', false],
    ['//evil.example', false],
    ['', false],
  ])('the link %j is shown: %s', (link, shown) => {
    expect(safeLink(link)).toBe(shown ? link : null);
  });
});

describe('a mistake in a letter is found when it is loaded', () => {
  function withLetter(text: string): string[] {
    const folder = mkdtempSync(join(tmpdir(), 'dunlin-letters-'));
    for (const shared of ['_parts', '_words']) cpSync(join(shippedTemplates, shared), join(folder, shared), { recursive: true });
    mkdirSync(join(folder, 'draft'));
    writeFileSync(join(folder, 'draft', 'en.liquid'), text);
    return readTemplates(folder).errors.map(tell);
  }

  test.each([
    ['an unknown name', 'Subject: Hi\n\nHello {{ customer.nam }}', /^draft\/en\.liquid line 3:\d+: found the unknown name "customer\.nam"/],
    [
      'an unknown name in the subject',
      'Subject: Hi {{ nobody }}\n\nHello',
      /^draft\/en\.liquid line 1:\d+: found the unknown name "nobody"/,
    ],
    [
      'an unknown name in a loop',
      'Subject: Hi\n\n{% for line in lines %}{{ line.colour }}{% endfor %}',
      /line 3:\d+: found undefined variable: line\.colour/,
    ],
    ['an unknown filter', 'Subject: Hi\n\n{{ total | shout }}', /line 3:\d+: found undefined filter: shout/],
    ['the filter that would not escape', 'Subject: Hi\n\n{{ customer.name | raw }}', /undefined filter: raw/],
    ['a tag that never ends', 'Subject: Hi\n\n{% if count %}', /line 3:\d+: found tag .* not closed/],
    ['a file from the disk', "Subject: Hi\n\n{% include '/etc/passwd' %}", /draft\/en\.liquid line \d+:\d+: found ENOENT/],
    ['the insides of an object', 'Subject: Hi\n\n{{ customer.constructor.name }}', /unknown name "customer\.constructor\.name"/],
    ['no subject', 'Hello\n\nthere', /found "Hello", expected "Subject: \.\.\."/],
    ['a loop without end', 'Subject: Hi\n\n{% for a in (1..100000000) %}x{% endfor %}', /memory alloc limit exceeded/],
  ])('%s', (_what, text, error) => {
    expect(withLetter(text)).toEqual([expect.stringMatching(error)]);
  });

  test('a good one has none', () => {
    expect(withLetter("Subject: Hi {{ addressee }}\n\nYour total is {{ total | money }} & <more>.\n\n{% include 'invoices' %}")).toEqual(
      [],
    );
  });
});
