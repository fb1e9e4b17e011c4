// located.ts: YAML whose mistakes can be pointed at. Every error names its line and column, what was found there and
// what was expected, because the person who reads it has the file open and not this code.
import { isMap, isNode, isPair, LineCounter, type Node, parseDocument, type YAMLParseError } from 'yaml';
import { z } from 'zod';

/** `path` as in stages[1].channel; line and column count from 1. */
export type PolicyError = {
  readonly line: number;
  readonly column: number;
  readonly path: string;
  readonly found: string;
  readonly expected: string;
};

export type Path = readonly (string | number)[];
export type Located = { readonly value: unknown; readonly errorAt: (path: Path, expected: string, ofKey?: boolean) => PolicyError };

/** Reads YAML 1.2 to plain values. Anchors are not followed without limit, so a small file stays small. */
export function readYaml(text: string): { ok: true; located: Located } | { ok: false; errors: PolicyError[] } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  if (document.errors.length > 0) {
    const errors = document.errors.map(error => {
      const { line, col } = lines.linePos(error.pos[0]);
      const restOfLine = text.slice(error.pos[0]).split('\n')[0]?.trim();
      return { line, column: col, path: '', found: foundText(restOfLine || undefined), expected: yamlText(error) };
    });
    return { ok: false, errors };
  }
  const errorAt: Located['errorAt'] = (path, expected, ofKey = false) => {
    const { node, value } = nodeAt(document.contents, path, ofKey);
    const { line, col } = lines.linePos(node?.range?.[0] ?? 0);
    return { line, column: col, path: pathText(path), found: ofKey ? `the key "${String(path.at(-1))}"` : foundText(value), expected };
  };
  try {
    return { ok: true, located: { value: document.toJS({ maxAliasCount: 50 }), errorAt } };
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    return { ok: false, errors: [{ line: 1, column: 1, path: '', found: error.message, expected: 'at most 50 uses of an anchor' }] };
  }
}

/** The errors of a schema, each at its place. `keysAt` names the keys that may stand at a path. */
export function located(text: Located, issues: readonly z.core.$ZodIssue[], keysAt: (path: Path) => readonly string[]): PolicyError[] {
  return issues.flatMap(issue => {
    const path = issue.path.map(part => (typeof part === 'symbol' ? String(part) : part));
    if (issue.code === 'unrecognized_keys') {
      const expected = `one of the keys ${keysAt(path).join(', ')}`;
      return issue.keys.map(key => text.errorAt([...path, key], expected, true));
    }
    if (issue.code === 'invalid_key') return [text.errorAt(path, expectedText(issue.issues[0] ?? issue), true)];
    return [text.errorAt(path, expectedText(issue))];
  });
}

function yamlText(error: YAMLParseError): string {
  return error.code === 'DUPLICATE_KEY' ? 'each key once' : `valid YAML: ${error.message}`;
}

function expectedText(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_value') return `one of ${issue.values.map(String).join(', ')}`;
  if (issue.code === 'invalid_type' && issue.message.startsWith('Invalid input'))
    return issue.expected === 'object' || issue.expected === 'record' ? 'keys with values' : `a ${issue.expected}`;
  if (issue.code === 'too_small' && issue.message.startsWith('Too small')) return `at least ${issue.minimum}`;
  if (issue.code === 'too_big' && issue.message.startsWith('Too big')) return `at most ${issue.maximum}`;
  return issue.message;
}

/** Reads the keys of a schema of strict objects, lists and defaults. */
export function keysIn(schema: z.ZodType): (path: Path) => readonly string[] {
  return path => {
    let inner = path.reduce<z.ZodType | undefined>((outer, part) => (outer ? step(outer, part) : undefined), schema);
    inner = inner && open(inner);
    if (inner instanceof z.ZodObject) return Object.keys(inner.shape);
    return inner instanceof z.ZodRecord && inner.keyType instanceof z.ZodEnum ? inner.keyType.options.map(String) : [];
  };
}

function step(schema: z.ZodType, part: string | number): z.ZodType | undefined {
  const outer = open(schema);
  if (outer instanceof z.ZodArray) return outer.element as z.ZodType;
  if (outer instanceof z.ZodRecord) return outer.valueType as z.ZodType;
  return outer instanceof z.ZodObject ? (outer.shape as Record<string, z.ZodType>)[part] : undefined;
}

function open(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodDefault || schema instanceof z.ZodOptional ? open(schema.unwrap() as z.ZodType) : schema;
}

/** The node a path leads to, or the last one on the way that exists, so that a missing key is shown at its parent. */
function nodeAt(root: unknown, path: Path, ofKey: boolean): { node: Node | null; value: unknown } {
  let node: Node | null = isNode(root) ? root : null;
  for (const [depth, part] of path.entries()) {
    if (ofKey && depth === path.length - 1 && isMap(node)) {
      const pair = node.items.find(item => isPair(item) && isNode(item.key) && item.key.toJSON() === part);
      return { node: pair && isNode(pair.key) ? pair.key : node, value: part };
    }
    const next: unknown = isNode(node) && 'get' in node ? node.get(part as never, true) : undefined;
    if (!isNode(next)) return { node, value: undefined };
    node = next;
  }
  return { node, value: node?.toJSON() };
}

function foundText(value: unknown): string {
  if (value === undefined) return 'nothing';
  // A text that looks like a number keeps its quotes: they are what is wrong with it.
  const text = typeof value === 'string' && !/^-?\d+(?:\.\d+)?$/.test(value) ? value : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function pathText(path: Path): string {
  return path.map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`)).join('');
}
