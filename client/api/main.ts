// main.ts: the API process of a real installation.
import { wallClock } from '../../domain/clock.ts';
import { runApi } from './run-api.ts';

await runApi(wallClock);
