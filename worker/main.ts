// main.ts: the worker process of a real installation.
import { wallClock } from '../store/wall-clock.ts';
import { runWorker } from './run-worker.ts';

await runWorker(wallClock);
