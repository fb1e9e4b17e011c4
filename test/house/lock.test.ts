import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkout } from '../../local/home.ts';

type Locked = { readonly optionalDependencies?: Readonly<Record<string, string>> };

test('package-lock.json names the programs of every platform, or npm ci refuses it: mend it with npm run lock', () => {
  const { packages } = JSON.parse(readFileSync(join(checkout, 'package-lock.json'), 'utf8')) as {
    packages: Readonly<Record<string, Locked>>;
  };
  const found = (from: string, name: string) => `${from}/node_modules/${name}` in packages || `node_modules/${name}` in packages;
  const missing = Object.entries(packages).flatMap(([folder, one]) =>
    Object.keys(one.optionalDependencies ?? {}).filter(name => !found(folder, name)),
  );
  expect(missing).toEqual([]);
});
