// worker.ts: the worker under the compressed clock. The same worker as in production; what differs is what time it is and,
// in a proof, how soon it looks after what a killed one left behind, and whose sender it has.
import { parseArgs } from 'node:util';
import { naiveSender } from '../../prove/naive-sender.ts';
import { runWorker } from '../../worker/run-worker.ts';
import { clockOf } from '../clock.ts';

const { values } = parseArgs({ options: { 'sweep-ms': { type: 'string' }, 'lease-ms': { type: 'string' }, sender: { type: 'string' } } });
await runWorker(clockOf(process.env), {
  ...(values['sweep-ms'] ? { sweepEveryMs: Number(values['sweep-ms']) } : {}),
  ...(values['lease-ms'] ? { leaseMs: Number(values['lease-ms']) } : {}),
  ...(values.sender === 'naive' ? { sender: naiveSender } : {}),
});
