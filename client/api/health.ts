// health.ts: is this process alive, and can it take a webhook? The second asks the database, and nothing else: a vendor
// that is down must not take the door away from the others.
import type { FastifyInstance } from 'fastify';
import { sayNo } from './problem.ts';
import type { ServerDeps } from './doors.ts';

export function healthRoutes(server: FastifyInstance, deps: ServerDeps): void {
  server.get('/health/live', async () => ({ status: 'live' }));
  server.get('/health/ready', async (_request, reply) => {
    try {
      await deps.database.pool.query('select 1');
      return { status: 'ready' };
    } catch (error) {
      return sayNo(reply, 503, `PostgreSQL does not answer: ${(error as Error).message}`);
    }
  });
}
