// notice.test.ts: who asks to be named is named.
import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkout } from '../../local/home.ts';

type Locked = { readonly dev?: boolean; readonly license?: string };

const notice = readFileSync(join(checkout, 'NOTICE'), 'utf8');
const { packages } = JSON.parse(readFileSync(join(checkout, 'package-lock.json'), 'utf8')) as { packages: Record<string, Locked> };
const shipped = Object.entries(packages).filter(([path, locked]) => path.startsWith('node_modules/') && !locked.dev);

/** Licences that ask for no more than keeping their text, which installation does. */
const keepsItsText = new Set(['MIT', 'ISC', '0BSD', 'MIT-0', 'Unlicense', '(MIT OR CC0-1.0)', 'CC0-1.0']);

/** As NOTICE may write it: the package, or its scope with a star. */
function isNamed(name: string): boolean {
  return notice.includes(name) || (name.startsWith('@') && notice.includes(`${name.split('/')[0]}/*`));
}

test('every package whose licence wants more than its text kept is named in NOTICE', () => {
  const names = shipped
    .filter(([, locked]) => locked.license !== undefined && !keepsItsText.has(locked.license))
    .map(([path]) => path.replace(/^.*node_modules\//, ''));
  expect(names.length).toBeGreaterThan(10);
  expect([...new Set(names)].filter(name => !isNamed(name))).toEqual([]);
});

test('the fonts in the repository come with their licence', () => {
  for (const file of notice.match(/activities\/email\/fonts\/[\w-]+\.\w+/g) ?? [])
    expect(readFileSync(join(checkout, file)).length).toBeGreaterThan(0);
  expect(readFileSync(join(checkout, 'activities/email/fonts/OFL.txt'), 'utf8')).toContain('SIL OPEN FONT LICENSE');
});
