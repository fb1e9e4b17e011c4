// compose.ts: hands the activities what they need. One place, so that production and tests are put together alike.
import { Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import { type EmailDeps, sendNotice } from '../activities/email/send-notice.ts';
import { createIntakeActivities } from '../activities/intake/activities.ts';
import { createCaseStarter } from '../activities/intake/case-starter.ts';
import { holidayCalendar } from '../activities/ledger/holidays.ts';
import { policyReader } from '../activities/ledger/policies.ts';
import { type LedgerDeps, takeStep } from '../activities/ledger/take-step.ts';
import type { Clock } from '../domain/clock.ts';
import type { Database } from '../store/database.ts';
import type { Settings } from '../store/settings.ts';
import type { DunningActivities, IntakeActivities } from '../workflows/contract/activities.ts';
import { platformAccount, vendorActivities } from './vendor-activities.ts';

export type Composition = {
  readonly database: Database;
  readonly client: Client;
  readonly clock: Clock;
  readonly settings: Settings;
  readonly codeVersion: string;
  readonly log: Logger;
};

export function composeActivities(deps: Composition): DunningActivities & IntakeActivities {
  const policyOf = policyReader();
  const platformIsThere = platformAccount(deps.settings) !== null;
  const email: EmailDeps = {
    database: deps.database,
    clock: deps.clock,
    smtpUrl: deps.settings.SMTP_URL,
    holidaysOf: holidayCalendar,
    policyOf,
    log: deps.log,
  };
  const ledger: LedgerDeps = {
    database: deps.database,
    clock: deps.clock,
    policyOf,
    holidaysOf: holidayCalendar,
    sendNotice: (tenant, noticeId) => sendNotice(email, tenant, noticeId),
    platformConfigured: () => platformIsThere,
    codeVersion: deps.codeVersion,
    stageAttributes: deps.settings.DUNLIN_STAGE_ATTRIBUTES,
  };
  return {
    takeStep: input => alive(() => takeStep(ledger, input)),
    ...createIntakeActivities({ database: deps.database, clock: deps.clock, starter: createCaseStarter(deps.client) }),
    ...vendorActivities(deps),
  };
}

/** Real milliseconds before a step says that it is alive, and between the times it does. */
const heartbeatMs = 4000;

async function alive<T>(work: () => Promise<T>): Promise<T> {
  const context = Context.current();
  const beat = setInterval(() => context.heartbeat(), heartbeatMs);
  try {
    return await work();
  } finally {
    clearInterval(beat);
  }
}
