// run-api.ts: one API process from start to end: the HTTP door, and once a minute what was left unbooked behind it.
import { setInterval } from 'node:timers';
import type { FastifyPluginAsync } from 'fastify';
import { type Logger, pino } from 'pino';
import type { Clock } from '../../domain/clock.ts';
import { openDatabase } from '../../store/database.ts';
import { readSettings, type Settings } from '../../store/settings.ts';
import { tenantIds } from '../../store/wake-dispatch.ts';
import type { ServerDeps, TenantDoors } from './doors.ts';
import { bookLeftovers } from './leftovers.ts';
import { buildServer } from './server.ts';

const leftoversEveryMs = 60_000;

/** Runs until SIGTERM or SIGINT. `clock` is business time; `plugins` add routes, for instance the payload codec. */
export async function runApi(clock: Clock, plugins: readonly FastifyPluginAsync[] = []): Promise<void> {
  process.env['TZ'] = 'UTC';
  const settings = readSettings(['DATABASE_URL']);
  const log: Logger = pino(
    { name: 'dunlin-api', level: settings.LOG_LEVEL, redact: { paths: ['req.headers', 'headers'], censor: '[secret]' } },
    pino.destination(2),
  );
  const database = openDatabase(settings.DATABASE_URL, 'dunlin_app', 10);
  const dispatch = openDatabase(settings.DATABASE_URL, 'dunlin_dispatch', 1);
  const served = settings.DUNLIN_TENANTS ?? (await tenantIds(dispatch));
  await dispatch.close();
  const deps: ServerDeps = {
    database,
    clock,
    tenants: new Map(served.map(tenant => [tenant, doorsOf(settings, tenant)])),
    defaultTenant: served.length === 1 ? served[0] : undefined,
    plugins,
    log,
  };
  const server = buildServer(deps);
  const sweep = async (): Promise<void> => {
    for (const tenant of served) {
      const { booked, failed } = await bookLeftovers(deps, tenant);
      if (booked > 0 || failed.length > 0) log.warn({ tenant, booked, failed }, 'events that were stored but not booked');
    }
  };
  const timer = setInterval(() => {
    sweep().catch((error: unknown) => log.error({ err: error }, 'leftover events could not be read; they are tried again in a minute'));
  }, leftoversEveryMs);
  const stopped = new Promise<void>(resolve => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
  const address = await server.listen({ host: settings.API_HOST, port: settings.API_PORT });
  log.info({ address, tenants: served }, 'the API listens');
  process.stdout.write(`${JSON.stringify({ ready: true, pid: process.pid, address })}\n`);
  await stopped;
  clearInterval(timer);
  await server.close();
  await database.close();
  log.info('the API has stopped');
}

/** The tenant's own secrets, and those that are good for every tenant. */
function doorsOf(settings: Settings, tenant: string): TenantDoors {
  const secrets = settings.DUNLIN_WEBHOOK_SECRETS ?? [];
  return {
    kixieToken: settings.KIXIE_WEBHOOK_TOKEN,
    mailToken: settings.DUNLIN_MAIL_TOKEN,
    webhookSecrets: secrets.filter(secret => secret.tenant === undefined || secret.tenant === tenant).map(({ secret }) => secret),
  };
}
