// worker.ts: Dunlin's worker as in production; only what time it is differs.
import { runWorker } from '../../worker/run-worker.ts';
import { caseClock } from './case-clock.ts';

const [start, waitMs] = process.argv.slice(2).map(Number);
if (!start || !waitMs)
  throw new Error(`found arguments ${process.argv.slice(2).join(' ')}, expected the first instant and the wait, both in ms`);
await runWorker(caseClock(start, waitMs));
