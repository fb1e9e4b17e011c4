// doctor.ts: `dunlin doctor`: what is installed, reachable and configured, what each missing thing means, and the command
// that brings it. Looks only; starts and installs nothing.
import { accessSync, constants, existsSync, mkdirSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { AnswerIsNo, answer, paint, table } from '../../client/cli/output.ts';
import { readSettingsWithSources, type SettingSource, SettingsError } from '../../store/settings.ts';
import { cacheFolder, checkout, stateFolder } from '../home.ts';
import { houseFolder, readHouse } from '../house-record.ts';
import { answersOn } from '../ports.ts';
import { clusterFolder } from '../postgres.ts';
import { findPostgres } from '../postgres-binaries.ts';
import { findTemporal, howToGetTemporal, onPath, temporalVersion } from '../temporal-binary.ts';
import { findTimeSkipping } from '../time-skipping.ts';
import { servicesOfHouse } from './status.ts';

type Check = {
  readonly name: string;
  readonly ok: boolean;
  readonly found: string;
  /** For what it is needed. */
  readonly needed: string;
  /** What to do about it; empty when all is well. */
  readonly fix: string;
  /** Dunlin does not run without it. */
  readonly required: boolean;
};

type Finding = { readonly ok: boolean; readonly found: string; readonly fix?: string };

async function check(name: string, needed: string, required: boolean, look: () => Promise<Finding> | Finding): Promise<Check> {
  let finding: Finding;
  try {
    finding = await look();
  } catch (error) {
    finding = { ok: false, found: error instanceof Error ? error.message : String(error) };
  }
  return { name, ok: finding.ok, found: finding.found, needed, fix: finding.ok ? '' : (finding.fix ?? ''), required };
}

function folderFinding(folder: string, leastGb: number): Finding {
  mkdirSync(folder, { recursive: true });
  accessSync(folder, constants.W_OK);
  const { bavail, bsize } = statfsSync(folder);
  const freeGb = (bavail * bsize) / 1e9;
  return {
    ok: freeGb >= leastGb,
    found: `${folder}, ${freeGb.toFixed(1)} GB free`,
    fix: `free ${leastGb} GB there, or set DUNLIN_HOME (state) and XDG_CACHE_HOME (downloads) to other folders`,
  };
}

async function reachable(text: string, defaultPort: number): Promise<Finding> {
  const url = new URL(text);
  const port = url.port === '' ? defaultPort : Number(url.port);
  const answers = await answersOn(port, url.hostname, 3_000);
  return {
    ok: answers,
    found: `${url.hostname}:${port} ${answers ? 'answers' : 'does not answer'}`,
    fix: 'start that server, or correct the setting',
  };
}

function program(name: string, install: string): Finding {
  const path = onPath(name);
  return path ? { ok: true, found: path } : { ok: false, found: 'not installed', fix: install };
}

function machineChecks(): Promise<Check>[] {
  const modules = join(checkout, 'node_modules');
  return [
    check('node', 'runs everything', true, () => ({ ok: true, found: process.version })),
    check('packages', 'run everything', true, () => ({ ok: existsSync(modules), found: modules, fix: 'npm ci --omit=dev' })),
    check('test packages', 'dunlin test', false, () => ({
      ok: existsSync(join(modules, 'jest')),
      found: existsSync(join(modules, 'jest')) ? 'installed' : 'not installed',
      fix: './dunlin test installs them by itself',
    })),
    check('state folder', 'the books, logs and ports of this checkout', true, () => folderFinding(stateFolder(), 1)),
    check('cache folder', 'servers that were downloaded or built', true, () => folderFinding(cacheFolder(), 1)),
    check('time-skipping server', 'dunlin test', false, async () => {
      const found = await findTimeSkipping();
      return {
        ok: found !== undefined,
        found: found ?? 'not here yet',
        fix: './dunlin test brings it (download, or Maven with Java: half a minute)',
      };
    }),
    check('go', 'building the Temporal server where it cannot be downloaded', false, () => program('go', 'https://go.dev/dl')),
    check('mvn', 'fetching the time-skipping server where it cannot be downloaded', false, () => program('mvn', 'apt install maven')),
    check('docker-compose', 'a real installation with docker-compose.yml', false, () =>
      program('docker-compose', 'apt install docker-compose'),
    ),
  ];
}

function serverChecks(settings: Readonly<Record<string, unknown>>): Promise<Check>[] {
  const database = settings['DATABASE_URL'];
  const address = process.env['TEMPORAL_ADDRESS'];
  return [
    check('postgresql', 'keeps the facts', true, async () => {
      if (typeof database === 'string') return reachable(database, 5432);
      const binaries = findPostgres(clusterFolder(join(houseFolder('up'), 'postgres')));
      if (!binaries)
        return {
          ok: false,
          found: 'none for this platform',
          fix: 'install PostgreSQL 15 or later (apt install postgresql), or set DATABASE_URL',
        };
      return { ok: true, found: `${binaries.version} (${binaries.from}) in ${binaries.bin}` };
    }),
    check('temporal', 'keeps the workflows', address !== undefined, async () => {
      if (address) return reachable(`tcp://${address}`, 7233);
      const found = await findTemporal();
      if (found) return { ok: true, found: `${found.version} (${found.from}) ${found.path}` };
      return {
        ok: false,
        found: `not here yet`,
        fix: `./dunlin up brings version ${temporalVersion} (download, or a build with Go: three minutes), or ${howToGetTemporal}`,
      };
    }),
  ];
}

/** What a vendor's settings switch on, and what stays undone without them. */
const vendors = [
  { name: 'smtp', variable: 'SMTP_URL', without: 'notices by e-mail; without it they wait', port: 25 },
  { name: 'kixie', variable: 'KIXIE_BASE_URL', without: 'offering calls; without it call tasks stay on the worklist', port: 443 },
  { name: 'platform', variable: 'PLATFORM_BASE_URL', without: 'contacts, tasks and statuses on the platform', port: 443 },
] as const;

function vendorChecks(settings: Readonly<Record<string, unknown>>): Promise<Check>[] {
  return [
    ...vendors.map(({ name, variable, without, port }) =>
      check(name, without, false, () => {
        const url = settings[variable];
        if (typeof url !== 'string') return { ok: false, found: 'not configured', fix: `set ${variable}` };
        return reachable(url, new URL(url).protocol === 'smtps:' ? 465 : new URL(url).protocol === 'http:' ? 80 : port);
      }),
    ),
    check('premium', 'reading report files by themselves; without it: dunlin import', false, () => {
      const folder = settings['PREMIUM_DROP_DIR'];
      if (typeof folder !== 'string') return { ok: false, found: 'not configured', fix: 'set PREMIUM_DROP_DIR' };
      return { ok: existsSync(folder), found: existsSync(folder) ? folder : `${folder} does not exist`, fix: `mkdir -p ${folder}` };
    }),
  ];
}

async function runningChecks(): Promise<Check[]> {
  const house = readHouse('up');
  const services = house ? await servicesOfHouse(house) : [];
  return services.map(service => ({
    name: `running: ${service.name}`,
    ok: service.state === 'running',
    found: `${service.state} at ${service.url}`,
    needed: 'dunlin up started it',
    fix: service.state === 'running' ? '' : './dunlin up',
    required: true,
  }));
}

type Diagnosis = { readonly checks: readonly Check[]; readonly settings: readonly SettingSource[] };

async function diagnose(): Promise<Diagnosis> {
  let settings: Readonly<Record<string, unknown>> = {};
  let sources: SettingSource[] = [];
  const settingsCheck = await check('settings', 'tell Dunlin where everything is', true, () => {
    try {
      const read = readSettingsWithSources();
      settings = read.settings;
      sources = read.sources;
      return { ok: true, found: `${sources.filter(source => source.from === 'environment' || source.from === 'file').length} set` };
    } catch (error) {
      if (error instanceof SettingsError) return { ok: false, found: error.problems.join(' '), fix: 'correct them in the environment' };
      throw error;
    }
  });
  const [machine, servers, outside, running] = await Promise.all([
    Promise.all(machineChecks()),
    Promise.all(serverChecks(settings)),
    Promise.all(vendorChecks(settings)),
    runningChecks(),
  ]);
  return { checks: [...machine, settingsCheck, ...servers, ...outside, ...running], settings: sources };
}

function forPeople({ checks, settings }: Diagnosis): string {
  const mark = (one: Check) => (one.ok ? paint.green('ok') : one.required ? paint.red('missing') : paint.yellow('no'));
  const set = settings.filter(source => source.from !== 'unset');
  return [
    table(
      [{ title: 'Check' }, { title: '' }, { title: 'Found' }, { title: 'Needed for' }],
      checks.map(one => [one.name, mark(one), one.found, one.needed]),
    ),
    ...checks.filter(one => one.fix !== '').map(one => `${paint.bold(one.name)}: ${one.fix}`),
    '',
    table(
      [{ title: 'Setting' }, { title: 'Value' }, { title: 'From' }],
      set.map(source => [source.name, source.shown, source.from]),
    ),
    paint.dim(
      `Not set: ${settings
        .filter(source => source.from === 'unset')
        .map(source => source.name)
        .join(', ')}`,
    ),
  ].join('\n');
}

export function register(program: Command): void {
  program
    .command('doctor')
    .description('what is installed, reachable and configured, and how to get what is missing')
    .addHelpText('after', '\nExample:\n  dunlin doctor\n')
    .action(async (_options: unknown, command: Command) => {
      const diagnosis = await diagnose();
      answer(command, diagnosis, forPeople);
      if (diagnosis.checks.some(one => one.required && !one.ok)) throw new AnswerIsNo('');
    });
}
