// main.ts: the worker process of a real installation.
import { wallClock } from '../domain/clock.ts';
import { runWorker } from './run-worker.ts';

await runWorker(wallClock);
