import { describe, expect, test } from '@jest/globals';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ownerUrlOf, readSettings, readSettingsWithSources, SettingsError } from '../../store/settings.ts';

const key = Buffer.alloc(32, 7).toString('base64');

function problemsOf(env: NodeJS.ProcessEnv): readonly string[] {
  try {
    readSettings([], env);
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
    throw error;
  }
  return [];
}

describe('the settings', () => {
  test('an empty environment is a complete one, with defaults', () => {
    expect(readSettings([], {})).toMatchObject({ API_PORT: 8700, LOG_LEVEL: 'info', DUNLIN_TENANT: 'acme' });
  });

  test('lists and keys arrive ready to use', () => {
    const settings = readSettings([], {
      DUNLIN_TENANTS: 'acme, globex',
      DUNLIN_CODEC_KEYS: `new:${key},old:${key}`,
      DUNLIN_WEBHOOK_SECRETS: `whsec_${key},globex=whsec_${key}`,
    });
    expect(settings.DUNLIN_TENANTS).toEqual(['acme', 'globex']);
    expect(settings.DUNLIN_CODEC_KEYS?.map(({ id, key: bytes }) => [id, bytes.length])).toEqual([
      ['new', 32],
      ['old', 32],
    ]);
    expect(settings.DUNLIN_WEBHOOK_SECRETS?.map(({ tenant }) => tenant)).toEqual([undefined, 'globex']);
  });

  test('a secret may come from a file, and an empty file means that it is not configured', () => {
    const folder = mkdtempSync(join(tmpdir(), 'dunlin-settings-'));
    writeFileSync(join(folder, 'url'), 'postgresql://someone:secret@db/dunlin\n');
    writeFileSync(join(folder, 'empty'), '');
    const { settings, sources } = readSettingsWithSources({ DATABASE_URL_FILE: join(folder, 'url'), SMTP_URL_FILE: join(folder, 'empty') });
    expect(settings.DATABASE_URL).toBe('postgresql://someone:secret@db/dunlin');
    expect(settings.SMTP_URL).toBeUndefined();
    expect(sources.find(source => source.name === 'DATABASE_URL')).toMatchObject({
      from: 'file',
      shown: 'postgresql://someone:***@db/dunlin',
    });
  });

  test('every wrong value is named at once, with what was expected, and no secret is repeated', () => {
    const problems = problemsOf({
      DATABASE_URL: 'mysql://me:hush@db/x',
      API_PORT: 'eighty',
      LOG_LEVEL: 'loud',
      DUNLIN_CODEC_KEYS: 'k:c2hvcnQ=',
    });
    expect(problems).toHaveLength(4);
    expect(problems.join('\n')).toContain('API_PORT: found "eighty", expected a port from 1 to 65535.');
    expect(problems.join('\n')).not.toMatch(/hush|c2hvcnQ/);
  });

  test('what is required and missing is said with what it is for', () => {
    expect(() => readSettings(['SMTP_URL'], {})).toThrow('SMTP_URL is not set: mail server for notices. Set it in the environment.');
  });

  test('migrations use the owner’s login where there is one', () => {
    expect(ownerUrlOf(readSettings([], { DATABASE_URL: 'postgresql://app@db/x' }))).toBe('postgresql://app@db/x');
    expect(ownerUrlOf(readSettings([], { DATABASE_URL: 'postgresql://app@db/x', DATABASE_OWNER_URL: 'postgresql://owner@db/x' }))).toBe(
      'postgresql://owner@db/x',
    );
  });
});
