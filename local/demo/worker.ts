// worker.ts: the worker under the compressed clock. The same worker as in production; only what time it is differs.
import { runWorker } from '../../worker/run-worker.ts';
import { clockOf } from '../clock.ts';

await runWorker(clockOf(process.env));
