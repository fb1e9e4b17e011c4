// walk-without-memory.test.ts: the same life where a run is forgotten as soon as it sleeps: each step replays all before it.
import { describe } from '@jest/globals';
import { walk } from './walk.ts';

describe('a case on a worker with room for three runs', () => {
  walk(3);
});
