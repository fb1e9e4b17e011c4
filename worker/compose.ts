// compose.ts: hands the activities what they need. One place, so that production and tests are put together alike.
import { Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import { type EmailDeps, sendNotice } from '../activities/email/send-notice.ts';
import { smtpSettings } from '../activities/email/smtp.ts';
import { loadTemplates } from '../activities/email/templates.ts';
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
  /** Real milliseconds a claimed notice is its sender's alone; one minute when left out. */
  readonly leaseMs?: number;
  /** Takes the sender's place: the proofs put one there that must fail. */
  readonly sender?: (email: EmailDeps) => LedgerDeps['sendNotice'];
};

export function composeActivities(deps: Composition): DunningActivities & IntakeActivities {
  const policyOf = policyReader();
  const platformIsThere = platformAccount(deps.settings) !== null;
  const send = sender(deps, policyOf);
  const ledger: LedgerDeps = {
    database: deps.database,
    clock: deps.clock,
    policyOf,
    holidaysOf: holidayCalendar,
    sendNotice: send,
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

/** Real milliseconds: a mail conversation is given up before the claim that covers it ends. */
const smtpDeadlineMs = 45_000;
const defaultLeaseMs = 60_000;
const hourMs = 3_600_000;

function sender(
  { database, clock, settings, log, leaseMs = defaultLeaseMs, sender: other }: Composition,
  policyOf: EmailDeps['policyOf'],
): LedgerDeps['sendNotice'] {
  if (!settings.SMTP_URL) {
    return async () => ({ kind: 'busy', because: 'no mail server is configured; set SMTP_URL', retryAfterMs: hourMs });
  }
  const email: EmailDeps = {
    database,
    clock,
    smtp: smtpSettings(settings.SMTP_URL, Math.min(smtpDeadlineMs, leaseMs * 0.75)),
    templates: loadTemplates(),
    holidaysOf: holidayCalendar,
    policyOf,
    leaseMs,
    patienceMs: 2_000,
    log,
  };
  return other ? other(email) : (tenant, noticeId) => sendNotice(email, tenant, noticeId);
}
