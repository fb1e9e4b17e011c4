// protocol-doc.test.ts: the page people read about the protocol is the table the code runs on.
import { expect, test } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { protocolDocument } from './protocol-doc.ts';

const page = fileURLToPath(new URL('../../docs/notice-protocol.md', import.meta.url));

test('docs/notice-protocol.md says what the protocol table says', () => {
  if (process.env['UPDATE_DOCS']) writeFileSync(page, protocolDocument());
  expect(readFileSync(page, 'utf8')).toBe(protocolDocument());
});
