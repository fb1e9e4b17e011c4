// kixie.ts: webhooks of the dialler. Kixie signs nothing and repeats nothing, so: a token in a header, an address per
// kind of event, the payload stored without its credentials before anything else, and 200 at once. What it means is
// booked right after, and again by the sweep when that failed.
import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import {
  asksToStop,
  type KixieEvent,
  type KixieEventType,
  kixieEventTypes,
  readKixieEvent,
  withoutCredentials,
} from '../../formats/kixie.ts';
import { bookCallBack, bookCallEvent, type CallEvent } from '../../store/call-events.ts';
import { type Tx, withTenant } from '../../store/database.ts';
import { receive, settleInbox } from '../../store/inbox.ts';
import { claimReceived, type Received } from '../../store/received.ts';
import { bookSms } from '../../store/replies.ts';
import { readTenant } from '../../store/tenants.ts';
import { DAY_MS } from '../../domain/time.ts';
import { openDoor, rawBody, type ServerDeps, tokenFits } from './doors.ts';
import { sayNo } from './problem.ts';

const source = 'kixie';

export function kixieRoutes(server: FastifyInstance, deps: ServerDeps): void {
  for (const path of ['/webhooks/kixie/:type', '/t/:tenant/webhooks/kixie/:type']) {
    server.post(path, async (request, reply) => {
      const opened = openDoor(deps, request, reply);
      if (!opened || !tokenFits(request, reply, 'x-kixie-token', opened.doors.kixieToken)) return reply;
      const type = kixieEventTypes.find(known => known === (request.params as { type: string }).type.toLowerCase());
      if (!type) return sayNo(reply, 404, `expected one of ${kixieEventTypes.join(', ')} at the end of the path`);
      const body = rawBody(request);
      const payload = jsonOf(body);
      if (payload === undefined) return sayNo(reply, 400, 'the body is not JSON, expected the payload of a Kixie webhook');
      const eventId = eventIdOf(type, readKixieEvent(type, payload), body);
      const now = deps.clock.now();
      const taken = await withTenant(deps.database, opened.tenant, tx =>
        receive(tx, { source, eventId, kind: type, payload: withoutCredentials(payload), receivedAt: now }),
      );
      if (taken === 'new') {
        await handleKixie(deps, opened.tenant, eventId).catch((error: unknown) => {
          request.log.error({ err: error, eventId }, 'a Kixie event is stored but not booked yet; it is tried again');
        });
      }
      return reply.send({ status: taken === 'new' ? 'accepted' : 'duplicate' });
    });
  }
}

/** Kixie gives its events no id: the call's id and the bytes tell two of them apart. */
function eventIdOf(type: KixieEventType, event: KixieEvent, body: Uint8Array): string {
  const hash = createHash('sha256').update(body).digest('hex').slice(0, 16);
  const about = event.kind === 'sms' ? event.messageId : 'call' in event ? (event.call.uuid ?? event.call.number) : null;
  return `${type}:${about ?? 'none'}:${hash}`;
}

/** Books one stored event; safe to call again, and from two processes at once. */
export async function handleKixie(deps: Pick<ServerDeps, 'database' | 'clock'>, tenant: string, eventId: string): Promise<void> {
  await withTenant(deps.database, tenant, async tx => {
    const received = await claimReceived(tx, source, eventId);
    if (!received) return;
    const now = deps.clock.now();
    await settleInbox(tx, source, eventId, await book(tx, received, now), now);
  });
}

async function book(tx: Tx, received: Received, now: number): Promise<string> {
  const event = readKixieEvent(received.kind as KixieEventType, received.payload);
  if (event.kind === 'unreadable') return `unreadable: ${event.because}`;
  if (event.kind === 'noted') return 'kept on record';
  if (event.kind === 'sms') {
    if (!event.incoming) return 'our own message';
    return bookSms(tx, { from: event.from, message: event.message, stop: asksToStop(event.message) }, received.event_id, now);
  }
  const { uuid, number, customerPhone, agentEmail, disposition, note, durationSeconds, answered, date } = event.call;
  const told: CallEvent = {
    type: event.kind === 'call' ? event.type : event.kind === 'scheduled' ? 'scheduledactivity' : 'disposition',
    uuid,
    number,
    customerPhone,
    agentEmail,
    disposition,
    note,
    durationSeconds,
    answered,
    at: instantOf(date, received.received_at),
  };
  if (event.kind === 'scheduled') {
    return event.at === null ? 'a call back without a day we can read' : bookCallBack(tx, told, event.at, received.event_id, now);
  }
  const { settings } = await readTenant(tx);
  return bookCallEvent(tx, told, settings.kixie?.dispositions ?? {}, received.event_id, now);
}

/** The vendor's own time when it is believable: not ahead of us and not older than a week. */
function instantOf(date: string | null, receivedAt: number): number {
  const told = Date.parse(date ?? '');
  return told <= receivedAt && told > receivedAt - 7 * DAY_MS ? told : receivedAt;
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}
