// walk.test.ts: the life of a case as a worker with memory enough lives it.
import { describe } from '@jest/globals';
import { walk } from './walk.ts';

describe('a case on the real worker', () => {
  walk(500);
});
