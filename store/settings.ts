// settings.ts: what the environment tells Dunlin, read once at start and checked as a whole, so that a wrong value is one
// sentence before anything runs. A secret may come from a file: NAME_FILE instead of NAME. Temporal's own variables are
// read by @temporalio/envconfig, not here.
import { readFileSync } from 'node:fs';
import { z } from 'zod';

const url = (protocols: readonly string[]) =>
  z
    .string()
    .refine(text => URL.canParse(text) && protocols.includes(new URL(text).protocol), `a URL starting with ${protocols.join('// or ')}//`);
const http = url(['http:', 'https:']);
const postgres = url(['postgresql:', 'postgres:']);
const port = z.coerce
  .number('a port from 1 to 65535')
  .int('a port from 1 to 65535')
  .min(1, 'a port from 1 to 65535')
  .max(65_535, 'a port from 1 to 65535');
const words = z.string().transform(text =>
  text
    .split(',')
    .map(word => word.trim())
    .filter(word => word !== ''),
);
const word = z.string();

/** A key of the payload codec: 32 bytes, named, so that old payloads stay readable after a new key is put first. */
export type CodecKey = { readonly id: string; readonly key: Uint8Array };

const codecKeys = words.transform((entries, context): CodecKey[] =>
  entries.map(entry => {
    const [, id = '', base64 = ''] = /^([A-Za-z0-9_-]+):(.+)$/.exec(entry) ?? [];
    const key = Buffer.from(base64, 'base64');
    if (id === '' || key.length !== 32) context.addIssue('a list of "id:key", each key 32 bytes in base64 (openssl rand -base64 32)');
    return { id, key };
  }),
);

/** A signing secret of the payment webhook. Without a tenant it is good for all of them. */
export type WebhookSecret = { readonly tenant: string | undefined; readonly secret: string };

const webhookSecrets = words.transform((entries, context): WebhookSecret[] =>
  entries.map(entry => {
    const [, tenant, secret = ''] = /^(?:([a-z0-9][a-z0-9-]*)=)?(whsec_[A-Za-z0-9+/=]{24,})$/.exec(entry) ?? [];
    if (secret === '') context.addIssue('a list of "whsec_<base64>" or "tenant=whsec_<base64>"');
    return { tenant, secret };
  }),
);

type Variable = { readonly schema: z.ZodType; readonly secret?: boolean; readonly fallback?: string; readonly what: string };

// Every variable, in the order `dunlin doctor` prints them.
const variables = {
  DUNLIN_HOME: { schema: word, what: 'folder of the local state' },
  DUNLIN_TENANTS: { schema: words, what: 'tenants this process works for; all when unset' },
  DUNLIN_TENANT: { schema: word, fallback: 'acme', what: 'tenant of commands without --tenant' },
  DATABASE_URL: { schema: postgres, secret: true, what: 'PostgreSQL login that may act as dunlin_app and dunlin_dispatch' },
  DATABASE_OWNER_URL: { schema: postgres, secret: true, what: 'login that may change the schema; DATABASE_URL when unset' },
  SMTP_URL: { schema: url(['smtp:', 'smtps:']), secret: true, what: 'mail server for notices' },
  KIXIE_BASE_URL: { schema: http, what: 'Kixie, where calls are offered' },
  KIXIE_API_KEY: { schema: word, secret: true, what: 'Kixie API key' },
  KIXIE_BUSINESS_ID: { schema: word, what: 'Kixie business id' },
  KIXIE_WEBHOOK_TOKEN: { schema: word, secret: true, what: 'header token of Kixie webhooks' },
  PLATFORM_BASE_URL: { schema: http, what: 'platform, where contacts, tasks and statuses are kept up to date' },
  PLATFORM_KEY_FILE: { schema: word, what: 'service account of the platform, a JSON file' },
  PLATFORM_NAMESPACE: { schema: word, what: 'namespace of the platform' },
  PREMIUM_DROP_DIR: { schema: word, what: 'folder where Premium puts its report files' },
  DUNLIN_WEBHOOK_SECRETS: {
    schema: webhookSecrets,
    secret: true,
    what: 'signing secrets of the payment webhook, two while one is replaced',
  },
  DUNLIN_CODEC_KEYS: { schema: codecKeys, secret: true, what: 'keys that encrypt what Temporal stores; the first one writes' },
  DUNLIN_DEPLOYMENT: { schema: word, what: 'worker deployment of Temporal this process is part of; without it workers are unversioned' },
  DUNLIN_BUILD_ID: { schema: word, what: 'version of the code, written with every decision; a hash of the workflow code when unset' },
  DUNLIN_BUNDLE_DIR: { schema: word, what: 'folder of the built workflow bundle; a temporary folder when unset' },
  DUNLIN_STAGE_ATTRIBUTES: {
    schema: z.enum(['each_stage', 'state_changes']),
    fallback: 'state_changes',
    what: 'when search attributes are written: one Cloud action each time',
  },
  DUNLIN_MAIL_TOKEN: { schema: word, secret: true, what: 'header token of the webhook for incoming mail' },
  DUNLIN_CLOCK: { schema: word, what: 'compressed clock of the demo; never set in a real installation' },
  TEMPORAL_UI_URL: { schema: http, what: 'where the Temporal UI is, for links' },
  API_PORT: { schema: port, fallback: '8700', what: 'port of the API and the webhooks' },
  API_PUBLIC_URL: { schema: http, what: 'how browsers and vendors reach the API' },
  API_HOST: { schema: word, fallback: '127.0.0.1', what: 'address the API listens on' },
  METRICS_PORT: { schema: port, what: 'port of Prometheus metrics; none when unset' },
  LOG_LEVEL: { schema: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']), fallback: 'info', what: 'how much is logged' },
  OTEL_EXPORTER_OTLP_ENDPOINT: { schema: http, what: 'where traces go; none when unset' },
} satisfies Record<string, Variable>;

export type VariableName = keyof typeof variables;

type Defaulted = { [N in VariableName]: (typeof variables)[N] extends { fallback: string } ? N : never }[VariableName];
type ValueOf<N extends VariableName> = z.output<(typeof variables)[N]['schema']>;

/** Each variable under its own name; undefined when it is unset and has no default. */
export type Settings = { readonly [N in VariableName]: N extends Defaulted ? ValueOf<N> : ValueOf<N> | undefined };

/** Where a value came from, and what may be shown of it. */
export type SettingSource = {
  readonly name: VariableName;
  readonly from: 'environment' | 'file' | 'default' | 'unset';
  /** The value; for a secret only that there is one; for a URL with a password, without it. */
  readonly shown: string;
  readonly what: string;
};

/** Wrong settings, one sentence each. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

function shownOf(variable: Variable, text: string): string {
  if (!variable.secret) return text;
  if (!URL.canParse(text) || !/^(postgres|postgresql|smtps?):/.test(text)) return '(set)';
  const withoutPassword = new URL(text);
  if (withoutPassword.password !== '') withoutPassword.password = '***';
  return withoutPassword.href;
}

function textOf(name: VariableName, variable: Variable, env: NodeJS.ProcessEnv): { text: string | undefined; from: SettingSource['from'] } {
  const direct = env[name];
  if (direct !== undefined && direct !== '') return { text: direct, from: 'environment' };
  const file = variable.secret ? env[`${name}_FILE`] : undefined;
  if (file) {
    try {
      const text = readFileSync(file, 'utf8').trim();
      // An empty file is how an installation says "not configured" of a secret it has a place for.
      if (text !== '') return { text, from: 'file' };
    } catch (error) {
      throw new SettingsError([
        `${name}_FILE: found "${file}", expected a readable file with the value of ${name} (${(error as Error).message}).`,
      ]);
    }
  }
  return variable.fallback === undefined ? { text: undefined, from: 'unset' } : { text: variable.fallback, from: 'default' };
}

/** Reads and checks everything. Throws SettingsError with every problem at once; a secret is never part of the message. */
export function readSettingsWithSources(env: NodeJS.ProcessEnv = process.env): { settings: Settings; sources: SettingSource[] } {
  const problems: string[] = [];
  const sources: SettingSource[] = [];
  const values: Record<string, unknown> = {};
  for (const [key, variable] of Object.entries(variables) as [VariableName, Variable][]) {
    try {
      const { text, from } = textOf(key, variable, env);
      sources.push({ name: key, from, shown: text === undefined ? '' : shownOf(variable, text), what: variable.what });
      if (text === undefined) continue;
      const parsed = variable.schema.safeParse(text);
      if (parsed.success) values[key] = parsed.data;
      else {
        const expected = [...new Set(parsed.error.issues.map(issue => issue.message))].join('; ');
        problems.push(`${key}: found ${variable.secret ? 'a value that does not fit' : `"${text}"`}, expected ${expected}.`);
      }
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error;
      problems.push(...error.problems);
    }
  }
  if (problems.length > 0) throw new SettingsError(problems);
  return { settings: values as Settings, sources };
}

/** The settings of this process, with those in `required` surely there. Throws SettingsError. */
export function readSettings<N extends VariableName = never>(
  required: readonly N[] = [],
  env: NodeJS.ProcessEnv = process.env,
): Settings & { readonly [K in N]: NonNullable<Settings[K]> } {
  const { settings } = readSettingsWithSources(env);
  const missing = required.filter(name => settings[name] === undefined);
  if (missing.length > 0)
    throw new SettingsError(missing.map(name => `${name} is not set: ${variables[name].what}. Set it in the environment.`));
  return settings as Settings & { readonly [K in N]: NonNullable<Settings[K]> };
}

/** The owner's URL for migrations: DATABASE_OWNER_URL, else DATABASE_URL. */
export function ownerUrlOf(settings: Settings): string | undefined {
  return settings.DATABASE_OWNER_URL ?? settings.DATABASE_URL;
}
