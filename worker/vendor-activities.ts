// vendor-activities.ts: connects the vendors this installation has credentials for. A vendor that is not configured is
// no error: its calls become tasks for people, its notes are not written.
import { readFileSync } from 'node:fs';
import { createCallActivities } from '../activities/kixie/activities.ts';
import { removeWanted } from '../activities/kixie/removals.ts';
import type { KixieAccount } from '../activities/kixie/client.ts';
import { createPlatformActivities } from '../activities/platform/activities.ts';
import type { PlatformAccount } from '../activities/platform/client.ts';
import { createTokenSource, ServiceAccountKey } from '../activities/platform/token.ts';
import { createWorklistActivities } from '../activities/worklist/activities.ts';
import type { Clock } from '../domain/clock.ts';
import type { Database } from '../store/database.ts';
import type { Settings } from '../store/settings.ts';
import type { CallActivities, PlatformActivities, WorklistActivities } from '../workflows/contract/activities.ts';

export function vendorActivities(deps: {
  database: Database;
  clock: Clock;
  settings: Settings;
}): CallActivities & PlatformActivities & WorklistActivities {
  const { database, clock, settings } = deps;
  const kixie = kixieAccount(settings);
  const platform = platformAccount(settings);
  return {
    ...createCallActivities({ database, clock, kixieOf: () => kixie }),
    ...createPlatformActivities({ database, clock, platformOf: () => platform }),
    ...createWorklistActivities({ database, clock }),
  };
}

/** What the sweeper does about numbers that were marked for removal while no case asked for it. */
export function listRemoval({
  database,
  clock,
  settings,
}: {
  database: Database;
  clock: Clock;
  settings: Settings;
}): (tenant: string) => Promise<number> {
  const kixie = kixieAccount(settings);
  return tenant => removeWanted({ database, clock, kixieOf: () => kixie }, tenant);
}

/** null when no key is set. */
export function kixieAccount(settings: Settings): KixieAccount | null {
  if (!settings.KIXIE_API_KEY || !settings.KIXIE_BUSINESS_ID) return null;
  return {
    baseUrl: settings.KIXIE_BASE_URL ?? 'https://apig.kixie.com',
    apiKey: settings.KIXIE_API_KEY,
    businessId: settings.KIXIE_BUSINESS_ID,
  };
}

/** null when no service account is set. Throws when its key file cannot be read. */
export function platformAccount(settings: Settings): PlatformAccount | null {
  if (!settings.PLATFORM_KEY_FILE || !settings.PLATFORM_NAMESPACE) return null;
  const key = ServiceAccountKey.parse(JSON.parse(readFileSync(settings.PLATFORM_KEY_FILE, 'utf8')));
  return {
    baseUrl: settings.PLATFORM_BASE_URL ?? 'https://prod.apigateway.co',
    namespace: settings.PLATFORM_NAMESPACE,
    tokens: createTokenSource({ key, scopes: ['crm', 'crm.company', 'crm.contact', 'sales.account', 'business'] }),
  };
}
