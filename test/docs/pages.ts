// pages.ts: the pages people read, as tests look at them: their text, their headings, and what in them is code.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { checkout } from '../../local/home.ts';

export type Page = {
  /** From the root of the checkout: "docs/walks.md". */
  readonly path: string;
  readonly text: string;
  /** Fenced blocks and spans between backticks. */
  readonly code: readonly string[];
};

function markdownBelow(folder: string): string[] {
  return readdirSync(join(checkout, folder), { withFileTypes: true }).flatMap(entry => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? markdownBelow(path) : entry.name.endsWith('.md') ? [path] : [];
  });
}

export function pageAt(path: string): Page {
  const text = readFileSync(join(checkout, path), 'utf8');
  const blocks = [...text.matchAll(fence)].map(block => block[2] ?? '');
  const spans = [...text.replaceAll(fence, '').matchAll(/`([^`\n]+)`/g)].map(span => span[1] ?? '');
  return { path, text, code: [...blocks, ...spans] };
}

const fence = /^( *)```[a-z]*\n([\s\S]*?)^\1```/gm;

/** Every page of the project. */
export const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...markdownBelow('docs')].map(pageAt);

/** Statements of a page, by their first line: the comment that says what they are for, or the statement itself. */
export function statementsOf(page: Page): Map<string, string> {
  const blocks = [...page.text.matchAll(/^( *)```sql\n([\s\S]*?)^\1```/gm)].map(block => (block[2] ?? '').replaceAll(/^ +/gm, '').trim());
  return new Map(blocks.map(block => [(block.split('\n')[0] ?? '').replace(/^-- /, ''), block]));
}

/** The name by which a heading is linked to. */
export function anchorsOf(page: Page): string[] {
  return [...page.text.matchAll(/^#+ (.+)$/gm)].map(heading =>
    (heading[1] ?? '')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

export type Link = { readonly from: string; readonly target: string; readonly anchor: string | undefined };

/** Links to files of the project, from its root. */
export function linksOf(page: Page): Link[] {
  return [...page.text.matchAll(/\]\(([^)\s]*)\)/g)].flatMap(([, written = '']) => {
    if (/^[a-z]+:/.test(written)) return [];
    const [file = '', anchor] = written.split('#');
    return [{ from: page.path, target: file === '' ? page.path : relative(checkout, join(checkout, dirname(page.path), file)), anchor }];
  });
}

const rooms = readdirSync(checkout, { withFileTypes: true })
  .filter(entry => entry.isDirectory() && !entry.name.startsWith('.'))
  .map(entry => entry.name);

/** Files and folders of the project a page names in its code. Patterns and placeholders in capitals are none. */
export function filesOf(page: Page): string[] {
  const words = page.code.flatMap(code => code.split(/[\s"'(),;=:]+/)).map(word => word.replace(/^\.\//, '').replace(/\.$/, ''));
  return [...new Set(words)].filter(word => {
    if (/[*{}<>$]|\b[A-Z]{3,}\b/.test(word.replace(/README|CHANGELOG|CONTRIBUTING/, ''))) return false;
    const [room = '', ...rest] = word.split('/');
    return rest.length > 0 && rooms.includes(room) && room !== 'node_modules';
  });
}

export function exists(path: string): boolean {
  return existsSync(join(checkout, path));
}

/** Whether files begin with this path, as a pattern of tests may. */
export function begins(path: string): boolean {
  const folder = join(checkout, dirname(path));
  return existsSync(folder) && readdirSync(folder).some(file => file.startsWith(basename(path)));
}

export function isFolder(path: string): boolean {
  return exists(path) && statSync(join(checkout, path)).isDirectory();
}
