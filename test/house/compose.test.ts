import { describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { parse } from 'yaml';
import { checkout } from '../../local/home.ts';
import { readSettingsWithSources } from '../../store/settings.ts';

type ComposeService = {
  readonly image?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly secrets?: readonly string[];
  readonly healthcheck?: unknown;
  readonly restart?: string;
  readonly ports?: readonly string[];
};
const compose = parse(readFileSync(join(checkout, 'docker-compose.yml'), 'utf8'), { merge: true }) as {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
};
const services = Object.entries(compose.services);

const dockerCompose = (process.env['PATH'] ?? '')
  .split(delimiter)
  .map(folder => join(folder, 'docker-compose'))
  .find(path => existsSync(path));

describe('docker-compose.yml', () => {
  const accepted = dockerCompose ? test : test.skip;
  accepted(`docker-compose accepts it${dockerCompose ? '' : ' (not looked at: docker-compose is not installed)'}`, () => {
    const { status, stderr } = spawnSync(dockerCompose as string, ['--file', join(checkout, 'docker-compose.yml'), 'config', '-q'], {
      cwd: checkout,
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });

  test('every image is pinned to a version', () => {
    for (const [name, service] of services) expect([name, service.image]).toEqual([name, expect.stringMatching(/:\d+\.\d+/)]);
  });

  test('what keeps running has a health check, and what is done once ends', () => {
    const checked = services.filter(([, service]) => service.healthcheck).map(([name]) => name);
    expect(checked).toEqual(expect.arrayContaining(['postgresql', 'temporal', 'dunlin-worker', 'dunlin-api']));
    const once = services.filter(([, service]) => service.restart === 'on-failure').map(([name]) => name);
    expect(once).toEqual(['temporal-schema', 'temporal-namespace', 'dunlin-setup']);
  });

  test('nothing listens to the world: a proxy with TLS stands in front', () => {
    for (const port of services.flatMap(([, service]) => service.ports ?? [])) expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  test('a service reads only secrets it was given, and every secret has its file', () => {
    for (const [name, service] of services) {
      const read = Object.values(service.environment ?? {}).flatMap(value => /^\/run\/secrets\/(\w+)$/.exec(String(value))?.[1] ?? []);
      expect({ name, secrets: read.filter(secret => !(service.secrets ?? []).includes(secret)) }).toEqual({ name, secrets: [] });
      for (const secret of service.secrets ?? []) expect(compose.secrets[secret]?.file).toBe(`./deploy/secrets/${secret}`);
    }
  });

  test('the names it sets are names Dunlin reads', () => {
    const known = new Set(readSettingsWithSources({}).sources.map(source => source.name as string));
    const temporal = ['TEMPORAL_ADDRESS', 'TEMPORAL_NAMESPACE'];
    for (const name of ['dunlin-worker', 'dunlin-api', 'dunlin-setup']) {
      const set = Object.keys(compose.services[name]?.environment ?? {});
      const unread = set.filter(variable => ![variable, variable.replace(/_FILE$/, '')].some(candidate => known.has(candidate)));
      expect(unread.filter(variable => !temporal.includes(variable))).toEqual([]);
    }
  });
});
