// doors.ts: what the HTTP door is given, and which tenant a request is for: the one named in its path, or the only one
// that is served. A tenant's doors that have no secret are closed.
import type { FastifyBaseLogger, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../domain/clock.ts';
import type { Database } from '../../store/database.ts';
import { sayNo } from './problem.ts';
import { sameText } from './signature.ts';

export type TenantDoors = {
  /** Header X-Kixie-Token; undefined: no Kixie webhooks. */
  readonly kixieToken?: string | undefined;
  /** Header X-Mail-Token; undefined: no inbound mail. */
  readonly mailToken?: string | undefined;
  /** Standard Webhooks secrets, two while one is being replaced. */
  readonly webhookSecrets: readonly string[];
};

export type ServerDeps = {
  readonly database: Database;
  readonly clock: Clock;
  readonly tenants: ReadonlyMap<string, TenantDoors>;
  /** Served at /webhooks/... without a tenant in the path. */
  readonly defaultTenant?: string | undefined;
  /** Real time for the replay window of signed webhooks. */
  readonly wallNow?: () => number;
  /** More routes of this process, for instance the payload codec. */
  readonly plugins?: readonly FastifyPluginAsync[];
  readonly log?: FastifyBaseLogger;
};

export type Opened = { readonly tenant: string; readonly doors: TenantDoors };

/** The tenant of a request; answers 404 itself when it is not served here. */
export function openDoor(deps: ServerDeps, request: FastifyRequest, reply: FastifyReply): Opened | undefined {
  const { tenant: named } = request.params as { tenant?: string };
  const tenant = named ?? deps.defaultTenant;
  const doors = tenant === undefined ? undefined : deps.tenants.get(tenant);
  if (tenant !== undefined && doors) return { tenant, doors };
  sayNo(reply, 404, named ? `no tenant of this name is served here` : 'expected the tenant in the path: /t/TENANT/webhooks/...');
  return undefined;
}

/** Compares a static header token; answers 401 itself when it is not the one expected. */
export function tokenFits(request: FastifyRequest, reply: FastifyReply, header: string, expected: string | undefined): boolean {
  const given = request.headers[header];
  if (expected && typeof given === 'string' && sameText(given, expected)) return true;
  sayNo(reply, 401, `expected the header ${header} with the token of this tenant`);
  return false;
}

/** The body as it came; every content type of these routes is read as bytes. */
export function rawBody(request: FastifyRequest): Buffer {
  return Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
}
