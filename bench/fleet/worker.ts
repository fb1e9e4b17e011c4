// worker.ts: Dunlin's worker as in production, which also tells over HTTP how much memory it uses.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { wallClock } from '../../store/wall-clock.ts';
import { runWorker } from '../../worker/run-worker.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const server = createServer((_request, response) => {
  // Garbage that nobody has collected yet is no memory of a sleeping case.
  collectGarbage();
  const { rss, heapUsed } = process.memoryUsage();
  response.end(JSON.stringify({ rss, heapUsed }));
});
await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
process.stdout.write(`${JSON.stringify({ memory: true, port: (server.address() as AddressInfo).port })}\n`);
await runWorker(wallClock);
server.close();
