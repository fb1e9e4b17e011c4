// house-record.ts: what a running house wrote down for the commands that come later: where its servers answer, and what they
// were lent. Reads files only, so that a command is not slowed by it.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stateFolder } from './home.ts';
import { isRunning } from './leftovers.ts';

export type HouseMode = 'up' | 'demo' | 'bench' | 'prove';

export function houseFolder(mode: HouseMode): string {
  return join(stateFolder(), mode);
}

/** What a command that runs later needs to know of a running house. */
export type HouseRecord = {
  readonly mode: HouseMode;
  /** The owner's URL: migrations, and login of both roles. */
  readonly databaseUrl: string;
  readonly postgresVersion: string;
  readonly temporalAddress: string;
  readonly temporalNamespace: string;
  readonly temporalVersion: string;
  readonly temporalUiUrl?: string;
  readonly lent: Readonly<Record<string, string>>;
  /** Our own programs by name, and where each answers. */
  readonly programs: Readonly<Record<string, string>>;
  /** Version of Dunlin that wrote this. */
  readonly version: string;
};

export function writeHouse(record: HouseRecord): void {
  // It holds the password of the database: for its owner only.
  writeFileSync(join(houseFolder(record.mode), 'house.json'), `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
}

export function readHouse(mode: HouseMode): HouseRecord | undefined {
  try {
    return JSON.parse(readFileSync(join(houseFolder(mode), 'house.json'), 'utf8')) as HouseRecord;
  } catch {
    return undefined;
  }
}

/** What a command needs to speak of the house that runs in this checkout; empty when none does. `up` comes before a demo. */
export async function runningEnvironment(): Promise<Record<string, string>> {
  for (const mode of ['up', 'demo'] as const) {
    const house = readHouse(mode);
    if (!house || !isRunning(houseFolder(mode))) continue;
    return {
      DATABASE_URL: house.databaseUrl,
      TEMPORAL_ADDRESS: house.temporalAddress,
      TEMPORAL_NAMESPACE: house.temporalNamespace,
      ...(house.temporalUiUrl !== undefined && { TEMPORAL_UI_URL: house.temporalUiUrl }),
      ...house.lent,
    };
  }
  return {};
}
