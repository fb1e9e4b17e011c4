// problem.ts: how the HTTP door says no: RFC 9457, one sentence that names what was found, what was expected, what to do.
import type { FastifyReply } from 'fastify';

const titles = {
  400: 'The request cannot be read',
  401: 'The sender is not known',
  404: 'There is nothing here',
  413: 'The request is too large',
  500: 'Something went wrong here',
  503: 'Not ready',
} as const;

/** Sends a problem document; `detail` is for whoever sends the request and never repeats a secret. */
export function sayNo(reply: FastifyReply, status: keyof typeof titles, detail: string): FastifyReply {
  return reply.code(status).type('application/problem+json').send({ type: 'about:blank', title: titles[status], status, detail });
}
