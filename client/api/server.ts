// server.ts: the HTTP door. Vendors, banks and mailboxes knock here; what they bring is stored, booked, and wakes the
// cases it is about. Bodies are bytes until their sender has been checked.
import fastify, { type FastifyInstance, LogController } from 'fastify';
import type { ServerDeps } from './doors.ts';
import { healthRoutes } from './health.ts';
import { kixieRoutes } from './kixie.ts';
import { mailRoutes } from './mail.ts';
import { paymentRoutes } from './payments.ts';
import { sayNo } from './problem.ts';

export function buildServer(deps: ServerDeps): FastifyInstance {
  const server: FastifyInstance = fastify({
    ...(deps.log ? { loggerInstance: deps.log } : {}),
    bodyLimit: 1024 * 1024,
    // The log gets the route, not the address: a caller may put anything there.
    logController: new LogController({ disableRequestLogging: true }),
    requestTimeout: 30_000,
  });
  server.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    if (error.statusCode === 413) return sayNo(reply, 413, 'the body is larger than this route takes');
    if (error.statusCode !== undefined && error.statusCode < 500) return sayNo(reply, 400, error.message);
    request.log.error({ err: error, route: request.routeOptions.url }, 'a request failed');
    return sayNo(reply, 500, 'the request was not carried out; send it again later');
  });
  server.setNotFoundHandler((_request, reply) => sayNo(reply, 404, 'no such route'));
  healthRoutes(server, deps);
  // Signatures are checked over bytes: in this scope nothing is parsed before the handler asks.
  void server.register(async webhooks => {
    webhooks.removeAllContentTypeParsers();
    webhooks.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    kixieRoutes(webhooks, deps);
    paymentRoutes(webhooks, deps);
    mailRoutes(webhooks, deps);
  });
  for (const plugin of deps.plugins ?? []) void server.register(plugin);
  return server;
}
