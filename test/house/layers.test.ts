import { expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { checkout } from '../../local/home.ts';

/** What dependency-cruiser says of a copy of the rooms with one more file in it. */
function judge(planted: { readonly path: string; readonly text: string }): { code: number | null; said: string } {
  const folder = mkdtempSync(join(tmpdir(), 'dunlin-layers-'));
  try {
    for (const room of ['domain', 'workflows', 'store', 'formats']) cpSync(join(checkout, room), join(folder, room), { recursive: true });
    for (const file of ['.dependency-cruiser.cjs', 'tsconfig.json', 'package.json']) cpSync(join(checkout, file), join(folder, file));
    symlinkSync(join(checkout, 'node_modules'), join(folder, 'node_modules'));
    mkdirSync(dirname(join(folder, planted.path)), { recursive: true });
    writeFileSync(join(folder, planted.path), planted.text);
    const bin = join(checkout, 'node_modules', '.bin', 'depcruise');
    const { status, stdout } = spawnSync(bin, ['--config', '.dependency-cruiser.cjs', planted.path], { cwd: folder, encoding: 'utf8' });
    return { code: status, said: stdout };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test.each([
  {
    path: 'domain/planted.ts',
    text: "import { sql } from '../store/sql.ts';\nexport const planted = sql;\n",
    rule: 'domain-stays-in-its-room',
  },
  {
    path: 'domain/planted.ts',
    text: "import { readFileSync } from 'node:fs';\nexport const planted = readFileSync;\n",
    rule: 'no-node-in-domain',
  },
  {
    path: 'workflows/planted.ts',
    text: "import { sql } from '../store/sql.ts';\nexport const planted = sql;\n",
    rule: 'workflows-stay-pure',
  },
  {
    path: 'store/planted.ts',
    text: "import { dunning } from '../workflows/dunning.ts';\nexport const planted = dunning;\n",
    rule: 'store-stays-in-its-room',
  },
])('an arrow that may not exist is caught: $path, $rule', ({ path, text, rule }) => {
  const { code, said } = judge({ path, text });
  expect(said).toContain(rule);
  expect(code).not.toBe(0);
});

test('a file that keeps to its room passes', () => {
  const text = "import { currencyDigits } from './money.ts';\nexport const planted = currencyDigits;\n";
  expect(judge({ path: 'domain/planted.ts', text })).toMatchObject({ code: 0 });
});
