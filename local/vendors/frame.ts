// frame.ts: what every stand-in vendor has beside its own surface: a folder, a clock, a seed, a witness, faults, claims,
// deliveries, and the admin routes over them.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../domain/clock.ts';
import { clockOf } from '../clock.ts';
import { Claims, type ClaimTable } from './claims.ts';
import { Deliveries } from './deliveries.ts';
import { Faults, type FaultTable } from './faults.ts';
import { json, type Answer, type Call, type Routes } from './http.ts';
import { Witness } from './witness.ts';

export type StandInOptions = {
  /** Where it keeps its witness (witness/<name>.jsonl), keys and files. */
  readonly dir: string;
  /** 0 or absent: a free port. */
  readonly port?: number;
  /** 127.0.0.1 unless the stand-in runs in a container of its own. */
  readonly host?: string;
  readonly seed?: number;
  /** Whether webhooks and replies leave as the clock reaches them, or when POST /admin/deliver says so. */
  readonly deliveries?: 'clock' | 'word';
  /** Business time; without it the clock that DUNLIN_CLOCK names, else the real one. */
  readonly clock?: Clock;
};

/** A running stand-in. `url` is the vendor's own address (smtp://..., http://..., or the drop folder as file://...). */
export type StandIn = {
  readonly name: string;
  readonly port: number;
  readonly url: string;
  readonly adminUrl: string;
  readonly close: () => Promise<void>;
};

export type Frame<Table extends ClaimTable> = {
  readonly name: string;
  readonly dir: string;
  readonly host: string;
  readonly seed: number;
  readonly clock: Clock;
  readonly witness: Witness;
  readonly faults: Faults;
  readonly claims: Claims<Table>;
  readonly deliveries: Deliveries;
};

export function openFrame<Table extends ClaimTable>(
  name: string,
  faults: FaultTable,
  claims: Table,
  options: StandInOptions,
): Frame<Table> {
  mkdirSync(options.dir, { recursive: true });
  const clock = options.clock ?? clockOf({ DUNLIN_CLOCK: process.env['DUNLIN_CLOCK'] });
  const compressed = options.clock !== undefined || Boolean(process.env['DUNLIN_CLOCK']);
  const seed = options.seed ?? 1;
  return {
    name,
    dir: options.dir,
    host: options.host ?? '127.0.0.1',
    seed,
    clock,
    witness: new Witness(join(options.dir, 'witness', `${name}.jsonl`), compressed ? clock : null),
    faults: new Faults(faults, seed),
    claims: new Claims(claims),
    deliveries: new Deliveries(clock, options.deliveries ?? 'clock'),
  };
}

/** What a vendor adds to /admin, by "METHOD /admin/path", and how it forgets everything. */
export type Staging = {
  readonly routes: Readonly<Record<string, (call: Call) => Answer | Promise<Answer>>>;
  readonly forget: () => void;
};

/** The admin routes of a stand-in; a wrong body is answered 400 with a sentence. */
export function adminRoutes<Table extends ClaimTable>(frame: Frame<Table>, staging: Staging): Routes {
  const { faults, claims, witness, deliveries } = frame;
  const done = json({ ok: true });
  const routes: Staging['routes'] = {
    'GET /admin/health': () => json({ ok: true, name: frame.name }),
    'GET /admin/faults': () => json(faults.list()),
    'PUT /admin/faults': call => {
      faults.set(bodyOf(call));
      return done;
    },
    'GET /admin/claims': () => json(claims.list()),
    'PUT /admin/claims': call => {
      claims.turn(bodyOf(call));
      return done;
    },
    'GET /admin/witness': () => json({ path: witness.path, entries: witness.entries() }),
    'GET /admin/pending': () => json({ pending: deliveries.pending() }),
    'POST /admin/deliver': async () => json(await deliveries.deliver()),
    'POST /admin/reset': () => {
      faults.clear();
      claims.clear();
      deliveries.clear();
      witness.startOver();
      staging.forget();
      return done;
    },
    ...staging.routes,
  };
  return call => routes[`${call.method} ${call.path}`]?.(call) ?? null;
}

/** The JSON body of an admin request. Throws SyntaxError when it is none. */
export function bodyOf(call: Call): unknown {
  return JSON.parse(call.raw.toString('utf8') || '{}') as unknown;
}
