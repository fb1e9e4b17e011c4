// pages.test.ts: what the pages name must be there: files, links, commands with their options, settings. A page that drifts
// away from the code fails here and not on somebody's second day.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { commandFiles, createProgram, load } from '../../client/cli/program.ts';
import { checkout } from '../../local/home.ts';
import { readSettingsWithSources } from '../../store/settings.ts';
import { searchAttributes } from '../../workflows/contract/search-attributes.ts';
import { anchorsOf, begins, exists, filesOf, isFolder, linksOf, type Page, pageAt, pages } from './pages.ts';

const named = pages.map(page => [page.path, page] as const);
const read = (path: string): string => readFileSync(join(checkout, path), 'utf8');
const operations = pageAt('docs/operations.md');

describe('files and links', () => {
  test.each(named)('%s links to nothing that is not there', (_path, page) => {
    const links = linksOf(page).filter(link => !link.target.startsWith('docs/images/'));
    expect(links.filter(link => !exists(link.target))).toEqual([]);
    const anchored = links.filter(link => link.anchor !== undefined);
    expect(anchored.filter(link => !anchorsOf(pageAt(link.target)).includes(link.anchor ?? ''))).toEqual([]);
  });

  test.each(named)('%s names no file that is not there', (_path, page) => {
    // Made on the machine of whoever installs it, and never part of the project.
    const files = filesOf(page).filter(file => !file.startsWith('deploy/secrets'));
    expect(files.filter(file => !exists(file) && !(file.startsWith('test/') && begins(file)))).toEqual([]);
  });

  test('the pictures of the Temporal UI are there', () => {
    const images = pages.flatMap(linksOf).filter(link => link.target.startsWith('docs/images/'));
    expect(images.length).toBeGreaterThan(0);
    expect(images.filter(link => !exists(link.target))).toEqual([]);
  });

  test('the walks name files, a dozen and more of them', () => {
    expect(filesOf(pageAt('docs/walks.md')).filter(file => file.endsWith('.ts')).length).toBeGreaterThan(40);
  });

  test('the rooms in the picture of the house are the rooms there are', () => {
    const drawn = [...read('docs/house.svg').matchAll(/class="name"[^>]*>([a-z]+)\//g)].map(match => match[1] ?? '');
    expect(drawn.length).toBeGreaterThanOrEqual(8);
    expect(drawn.filter(room => !isFolder(room))).toEqual([]);
  });
});

describe('the first two commands', () => {
  test.each(['demo', 'test'])('./dunlin %s stands alone on a line of the README', command => {
    expect(read('README.md')).toMatch(new RegExp(`^\\./dunlin ${command}$`, 'm'));
  });
});

describe('commands', () => {
  const program = createProgram();
  beforeAll(async () => {
    for (const file of commandFiles().values()) await load(file, program);
  }, 60_000);

  type Line = { readonly page: string; readonly words: readonly string[] };

  /** Lines a person could type: "dunlin WORDS" and, in a container, "client/cli/main.ts WORDS". */
  function linesOf(page: Page): Line[] {
    return page.code.flatMap(code =>
      [...code.matchAll(/(?:(?<![\w/.-])(?:\.\/)?dunlin|client\/cli\/main\.ts) ([a-z][^\n|&]*)/g)].map(match => ({
        page: page.path,
        words: (match[1] ?? '').split(/\s+/),
      })),
    );
  }

  function commandOf(words: readonly string[]): Command | undefined {
    let found: Command | undefined = program.commands.find(command => command.name() === words[0]);
    for (const word of words.slice(1)) found = found?.commands.find(command => command.name() === word) ?? found;
    return found;
  }

  const lines = pages.flatMap(linesOf);

  test('every command the pages name exists', () => {
    expect(lines.length).toBeGreaterThan(30);
    expect(lines.filter(line => commandOf(line.words) === undefined)).toEqual([]);
  });

  test('every option the pages give a command is one it has', () => {
    const wrong = lines.flatMap(({ page, words }) => {
      const known = new Set(['--help']);
      for (let command = commandOf(words) ?? null; command; command = command.parent)
        for (const option of command.options) known.add(option.long ?? '');
      return words
        .filter(word => /^--[a-z]/.test(word) && !known.has(word.split('=')[0] ?? ''))
        .map(word => `${page}: ${words[0]} ${word}`);
    });
    expect(wrong).toEqual([]);
  });
});

describe('settings', () => {
  const known = new Set<string>(readSettingsWithSources({}).sources.map(source => source.name));
  const asked = new Set([...read('docker-compose.yml').matchAll(/\$\{([A-Z_]+)/g)].map(match => match[1] ?? ''));
  const ours = /\b(?:DUNLIN|DATABASE|SMTP|KIXIE|PLATFORM|PREMIUM|API|METRICS|LOG)_[A-Z_]*[A-Z]\b/g;

  test.each(named)('%s names no variable that nobody reads', (_path, page) => {
    const variables = new Set(page.text.match(ours) ?? []);
    expect([...variables].filter(name => ![name, name.replace(/_FILE$/, '')].some(one => known.has(one) || asked.has(one)))).toEqual([]);
  });

  test('docs/operations.md explains every setting', () => {
    expect([...known].filter(name => !operations.text.includes(`\`${name}\``))).toEqual([]);
  });
});

describe('what operators read', () => {
  const sources = ['worker', 'client/api', 'activities/email', 'workflows']
    .flatMap(folder => readdirSync(join(checkout, folder), { recursive: true, encoding: 'utf8' }).map(file => join(folder, file)))
    .filter(file => file.endsWith('.ts'))
    .map(read)
    .join('\n');
  const rows = (from: string) => [...operations.text.matchAll(new RegExp(`^\\| ${from} \\| \`([^\`]+)\``, 'gm'))].map(row => row[1] ?? '');

  test.each(['worker', 'API'])('every line of the log that docs/operations.md explains for the %s can be written', from => {
    expect(rows(from).length).toBeGreaterThan(4);
    expect(rows(from).filter(words => !sources.includes(words))).toEqual([]);
  });

  test("the counts of the sweeper's line are those docs/operations.md explains", () => {
    const [, body = ''] = /export type SweepReport = \{([^}]*)\}/.exec(read('worker/sweeper.ts')) ?? [];
    const counts = [...body.matchAll(/(\w+): number/g)].map(match => match[1] ?? '');
    const explained = [...operations.text.matchAll(/^\| `([a-z][A-Za-z]+)` \| [^|]+ \| [^|]+ \|$/gm)].map(match => match[1] ?? '');
    expect(explained).toEqual(counts);
  });

  test('docs/operations.md says what to do about everything a case may want a person for', () => {
    const [, union = ''] = /export type Attention =([^;]*);/.exec(read('domain/step.ts')) ?? [];
    const attentions = [...union.matchAll(/'([a-z_]+)'/g)].map(match => match[1] ?? '');
    expect(attentions.length).toBeGreaterThan(5);
    expect(attentions.filter(attention => !operations.text.includes(`\`${attention}\``))).toEqual([]);
  });

  test('the search attributes in filters exist', () => {
    const used = new Set(pages.flatMap(page => page.text.match(/\bDunlin[A-Z]\w+/g) ?? []));
    expect([...used].filter(name => !(name in searchAttributes))).toEqual([]);
  });

  test('the types of failures that are explained are the types there are', () => {
    const thrown = new Set(read('activities/failures.ts').match(/\bVendor[A-Z]\w+/g) ?? []);
    expect([...new Set(operations.text.match(/\bVendor[A-Z]\w+/g) ?? [])].sort()).toEqual([...thrown].sort());
  });
});

describe('decisions', () => {
  const files = readdirSync(join(checkout, 'docs/decisions')).sort();

  test('they are numbered without gaps, in their names and their titles', () => {
    expect(files.map(file => file.slice(0, 4))).toEqual(files.map((_file, index) => String(index + 1).padStart(4, '0')));
    for (const [index, file] of files.entries())
      expect([file, read(`docs/decisions/${file}`)]).toEqual([file, expect.stringMatching(`^# ${index + 1}\\. `)]);
  });
});
