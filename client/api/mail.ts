// mail.ts: mail that customers, mail servers and machines send back, posted here as raw messages by the mailbox's
// provider. Read at once, stored as read, booked right after.
import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { type ReadMail, readInbound } from '../../formats/mail.ts';
import { withTenant } from '../../store/database.ts';
import { receive, settleInbox } from '../../store/inbox.ts';
import { claimReceived } from '../../store/received.ts';
import { bookMail, type InboundMail } from '../../store/replies.ts';
import { openDoor, rawBody, type ServerDeps, tokenFits } from './doors.ts';
import { sayNo } from './problem.ts';

const source = 'mail';

export function mailRoutes(server: FastifyInstance, deps: ServerDeps): void {
  for (const path of ['/webhooks/mail', '/t/:tenant/webhooks/mail']) {
    server.post(path, { bodyLimit: 30 * 1024 * 1024 }, async (request, reply) => {
      const opened = openDoor(deps, request, reply);
      if (!opened || !tokenFits(request, reply, 'x-mail-token', opened.doors.mailToken)) return reply;
      const raw = rawBody(request);
      if (raw.length === 0) return sayNo(reply, 400, 'the body is empty, expected a raw message (message/rfc822)');
      const read = await readInbound(raw);
      const eventId = eventIdOf(read, raw);
      const now = deps.clock.now();
      const taken = await withTenant(deps.database, opened.tenant, tx =>
        receive(tx, { source, eventId, kind: read.mail.kind, payload: read.mail, receivedAt: now }),
      );
      if (taken === 'new') {
        await handleMail(deps, opened.tenant, eventId).catch((error: unknown) => {
          request.log.error({ err: error, eventId }, 'a message is stored but not booked yet; it is tried again');
        });
      }
      return reply.send({ status: taken === 'new' ? 'accepted' : 'duplicate', kind: read.mail.kind });
    });
  }
}

/** A message delivered twice has the same Message-ID, with other trace headers. */
function eventIdOf(read: ReadMail, raw: Uint8Array): string {
  return read.messageId?.slice(0, 300) ?? createHash('sha256').update(raw).digest('hex');
}

/** Books one stored message; safe to call again, and from two processes at once. */
export async function handleMail(deps: Pick<ServerDeps, 'database' | 'clock'>, tenant: string, eventId: string): Promise<void> {
  await withTenant(deps.database, tenant, async tx => {
    const received = await claimReceived(tx, source, eventId);
    if (!received) return;
    const now = deps.clock.now();
    await settleInbox(tx, source, eventId, await bookMail(tx, received.payload as InboundMail, eventId, now), now);
  });
}
