// templates.ts: letters as files people can edit. A letter is plain text with Liquid: "Subject:" and "Preview:" lines, an
// empty line, then paragraphs. The same words become the text part and the HTML part; tables and buttons are parts. No
// file system, no code and no unescaped value can be reached from a letter, and mistakes are found when it is loaded.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Liquid, type Template } from 'liquidjs';
import { parse as parseYaml } from 'yaml';
import { addFilters } from './filters.ts';
import { exampleLetter, type LetterContext, type Words } from './letter-context.ts';

/** Shipped letters. */
export const shippedTemplates = fileURLToPath(new URL('../../policies/templates', import.meta.url));

export type TemplateError = {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly found: string;
  readonly expected: string;
};

export type Rendered = { readonly subject: string; readonly text: string; readonly html: string };

export type TemplateBook = {
  readonly names: readonly string[];
  /** The language a locale falls back to for this letter: fr-CA -> fr -> en. Throws when the letter does not exist. */
  languageFor(name: string, locale: string): string;
  wordsFor(language: string): Words;
  /** Throws a sentence with file, line and column when a variable or filter is unknown or a limit is passed. */
  render(name: string, context: LetterContext): Rendered;
};

const limits = { parseLimit: 40_000, renderLimit: 1_000, memoryLimit: 2e6 };
// Marks around what a part has rendered, so that paragraphs are not made inside it. Values never contain control characters.
const partStart = '\u0001';
const partEnd = '\u0002';

type Letter = {
  readonly file: string;
  readonly source: LetterSource;
  readonly parsed: Record<'subject' | 'preview' | 'text' | 'html', Template[]>;
};
type LetterSource = { readonly subject: string; readonly preview: string; readonly body: string };

function engineWith(parts: Readonly<Record<string, string>>, escape: boolean): Liquid {
  const engine = new Liquid({
    strictVariables: true,
    strictFilters: true,
    ownPropertyOnly: true,
    templates: { ...parts },
    ...limits,
    ...(escape ? { outputEscape: 'escape' as const } : {}),
  });
  addFilters(engine);
  return engine;
}

/** Reads every letter below the folder and checks it. Throws with every mistake found. */
export function loadTemplates(folder: string = shippedTemplates): TemplateBook {
  const { book, errors } = readTemplates(folder);
  if (errors.length > 0) throw new Error(errors.map(tell).join('\n'));
  return book;
}

export function tell(error: TemplateError): string {
  return `${error.file} line ${error.line}:${error.column}: found ${error.found}, expected ${error.expected}`;
}

/** The same without throwing: what `dunlin policy check` shows. */
export function readTemplates(folder: string): { book: TemplateBook; errors: readonly TemplateError[] } {
  const parts = readParts(join(folder, '_parts'));
  const words = readWords(join(folder, '_words'));
  const engines = { text: engineWith(parts.text, false), html: engineWith(parts.html, true) };
  const letters = new Map<string, Letter>();
  const errors: TemplateError[] = [];
  for (const name of folders(folder)) {
    for (const fileName of readdirSync(join(folder, name)).filter(file => file.endsWith('.liquid'))) {
      const file = `${name}/${fileName}`;
      const read = readLetter(engines, file, readFileSync(join(folder, file), 'utf8'));
      if ('errors' in read) errors.push(...read.errors);
      else letters.set(`${name}/${fileName.slice(0, -'.liquid'.length)}`, read);
    }
  }
  const book: TemplateBook = {
    names: folders(folder),
    languageFor: (name, locale) => fallback(locale).find(candidate => letters.has(`${name}/${candidate}`)) ?? missing(name, folder),
    wordsFor: language => words.get(language) ?? missing(`_words/${language}.yaml`, folder),
    render: (name, context) => {
      const letter = letters.get(`${name}/${context.language}`) ?? missing(`${name}/${context.language}`, folder);
      return renderLetter(engines, letter, context);
    },
  };
  if (errors.length === 0) errors.push(...checkByExample(book, letters));
  return { book, errors };
}

function missing(what: string, folder: string): never {
  throw new Error(`there is no letter "${what}" in ${folder}`);
}

/** fr-CA -> fr-CA, fr, en. */
export function fallback(locale: string): string[] {
  const language = locale.split('-')[0]?.toLowerCase() ?? 'en';
  return [...new Set([locale, language, 'en'])];
}

function folders(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter(entry => entry.isDirectory() && !entry.name.startsWith('_'))
    .map(entry => entry.name)
    .sort();
}

function readParts(folder: string): Record<'text' | 'html', Record<string, string>> {
  const parts: Record<'text' | 'html', Record<string, string>> = { text: {}, html: {} };
  for (const file of readdirSync(folder)) {
    const [, name, kind] = /^([a-z-]+)\.(text|html)\.liquid$/.exec(file) ?? [];
    if (!name || (kind !== 'text' && kind !== 'html')) continue;
    const source = readFileSync(join(folder, file), 'utf8').trim();
    parts[kind][name] = kind === 'html' && name !== 'page' ? `${partStart}${source}${partEnd}` : source;
  }
  return parts;
}

function readWords(folder: string): Map<string, Words> {
  const files = readdirSync(folder).filter(file => file.endsWith('.yaml'));
  return new Map(files.map(file => [file.slice(0, -'.yaml'.length), parseYaml(readFileSync(join(folder, file), 'utf8')) as Words]));
}

/** "Subject:" and "Preview:" lines, an empty line, the body. Each piece keeps its line and column by padding. */
function takeApart(source: string): LetterSource | TemplateError[] {
  const lines = source.replaceAll('\r\n', '\n').split('\n');
  const pieces: { subject?: string; preview?: string } = {};
  let row = 0;
  for (; row < lines.length && lines[row] !== ''; row += 1) {
    const [whole, key, value] = /^(Subject|Preview): (.+)$/.exec(lines[row] ?? '') ?? [];
    if (!whole || !key || !value) {
      return [
        { file: '', line: row + 1, column: 1, found: `"${lines[row]}"`, expected: '"Subject: ..." or "Preview: ...", then an empty line' },
      ];
    }
    pieces[key === 'Subject' ? 'subject' : 'preview'] = '\n'.repeat(row) + ' '.repeat(key.length + 2) + value;
  }
  if (!pieces.subject) return [{ file: '', line: 1, column: 1, found: 'no subject', expected: '"Subject: ..." in the first line' }];
  return { subject: pieces.subject, preview: pieces.preview ?? '', body: '\n'.repeat(row) + lines.slice(row).join('\n') };
}

function readLetter(engines: { text: Liquid; html: Liquid }, file: string, text: string): Letter | { errors: TemplateError[] } {
  const source = takeApart(text);
  if (Array.isArray(source)) return { errors: source.map(error => ({ ...error, file })) };
  try {
    const parsed = {
      subject: engines.text.parse(source.subject),
      preview: engines.text.parse(source.preview),
      text: engines.text.parse(source.body),
      html: engines.html.parse(escapeLiterals(source.body)),
    };
    const errors = [parsed.subject, parsed.preview, parsed.text].flatMap(piece => unknownVariables(engines.text, file, piece));
    return errors.length > 0 ? { errors } : { file, source, parsed };
  } catch (error) {
    return { errors: [errorOf(file, error)] };
  }
}

/** The author's own characters are text, not markup: only what stands between the Liquid braces is left alone. */
function escapeLiterals(body: string): string {
  return body
    .split(/(\{\{[\s\S]*?\}\}|\{%[\s\S]*?%\})/)
    .map((piece, index) => (index % 2 === 1 ? piece : escapeHtml(piece)))
    .join('');
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** Names a letter uses that its context will not have. Names inside loops are checked by rendering examples. */
function unknownVariables(engine: Liquid, file: string, parsed: Template[]): TemplateError[] {
  const { globals } = engine.analyzeSync(parsed);
  return Object.values(globals)
    .flat()
    .flatMap(variable => {
      const path = variable.segments.map(String);
      // Liquid itself knows how many there are, and which is the first and the last.
      if (/^(size|first|last)$/.test(path.at(-1) ?? '') && path.length > 1) path.pop();
      const known = path.reduce<unknown>(
        (value, key) => (isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined),
        exampleLetter(),
      );
      if (known !== undefined || variable.location.file) return [];
      return [
        {
          file,
          line: variable.location.row,
          column: variable.location.col,
          found: `the unknown name "${path.join('.')}"`,
          expected: `one of ${Object.keys(exampleLetter()).join(', ')}`,
        },
      ];
    });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** Renders each letter with invented customers: one invoice and several, with and without what may be missing. */
function checkByExample(book: TemplateBook, letters: ReadonlyMap<string, Letter>): TemplateError[] {
  return [...letters].flatMap(([key, letter]) => {
    const [name = '', language = 'en'] = key.split('/');
    for (const kind of ['one', 'several', 'bare'] as const) {
      try {
        book.render(name, { ...exampleLetter(kind), language, locale: language, words: book.wordsFor(book.languageFor(name, language)) });
      } catch (error) {
        return [errorOf(letter.file, error)];
      }
    }
    return [];
  });
}

function errorOf(file: string, error: unknown): TemplateError {
  const message = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
  const [, what = message, line, column] = /^(.*?), (?:file:[^,]*, )?line:(\d+), col:(\d+)/.exec(message) ?? [];
  return {
    file,
    line: Number(line ?? 1),
    column: Number(column ?? 1),
    found: what,
    expected: 'Liquid with the names and filters of letters',
  };
}

function renderLetter(engines: { text: Liquid; html: Liquid }, letter: Letter, context: LetterContext): Rendered {
  const inPart = (engine: Liquid, template: Template[], more: object = {}) => String(engine.renderSync(template, { ...context, ...more }));
  try {
    const subject = oneSpace(inPart(engines.text, letter.parsed.subject));
    const preview = oneSpace(inPart(engines.text, letter.parsed.preview));
    const text = tidyText(inPart(engines.text, letter.parsed.text));
    const body = paragraphs(inPart(engines.html, letter.parsed.html));
    const page = String(engines.html.renderFileSync('page', { ...context, subject, preview }));
    return { subject, text: `${text}\n`, html: page.replace('<!--body-->', () => body) };
  } catch (error) {
    throw new Error(tell(errorOf(letter.file, error)), { cause: error });
  }
}

function oneSpace(text: string): string {
  return text.replace(/[ \n\t]+/g, ' ').trim();
}

function tidyText(text: string): string {
  return text
    .split('\n')
    .map(line => line.trimEnd())
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}

const paragraphStyle = 'margin:0 0 16px';
const listStyle = 'margin:0 0 16px;padding-left:22px';

/** Paragraphs at empty lines, lists from lines that begin with "- ", parts as they are. */
function paragraphs(rendered: string): string {
  return rendered
    .split(new RegExp(`${partStart}([\\s\\S]*?)${partEnd}`))
    .map((piece, index) =>
      index % 2 === 1
        ? piece
        : piece
            .split(/\n\s*\n/)
            .map(paragraph)
            .join(''),
    )
    .join('');
}

function paragraph(block: string): string {
  const lines = block
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '');
  if (lines.length === 0) return '';
  const items = lines.filter(line => line.startsWith('- '));
  const words = lines.filter(line => !line.startsWith('- '));
  const said = words.length > 0 ? `<p style="${paragraphStyle}">${words.join('<br>\n')}</p>\n` : '';
  return items.length > 0
    ? `${said}<ul style="${listStyle}">${items.map(item => `<li style="margin:0 0 4px">${item.slice(2)}</li>`).join('')}</ul>\n`
    : said;
}
