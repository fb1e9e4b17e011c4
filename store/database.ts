// database.ts: connections and transactions. Every transaction belongs to one tenant: row-level security shows it that
// tenant's rows and no others. Audit events are gathered while it runs and appended as its last statement, so a fact
// and its event are one commit, and the per-tenant sequence row is locked for an instant only.
import { createHash } from 'node:crypto';
import pg from 'pg';
import { appendEvents, type NewEvent } from './events.ts';
import type { Sql } from './sql.ts';

export type Database = { readonly pool: pg.Pool; close: () => Promise<void> };

/** One transaction of one tenant. `event()` records what happened; it is appended when the work commits. */
export type Tx = {
  readonly tenant: string;
  rows<Row>(query: Sql): Promise<Row[]>;
  /** The only row, or undefined. Throws when there are more. */
  one<Row>(query: Sql): Promise<Row | undefined>;
  /** How many rows the statement changed. */
  run(query: Sql): Promise<number>;
  event(event: NewEvent): void;
  /** The raw connection, for COPY only. */
  readonly client: pg.PoolClient;
};

/**
 * Opens a pool whose sessions act as `role`: dunlin_app for facts, dunlin_dispatch for the dispatcher.
 * Timeouts are finite, so a partition is an error and not a hang.
 */
export function openDatabase(url: string, role: 'dunlin_app' | 'dunlin_dispatch' = 'dunlin_app', max = 10): Database {
  const pool = new pg.Pool({
    connectionString: url,
    max,
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    options: `-c role=${role} -c statement_timeout=60000 -c lock_timeout=20000 -c idle_in_transaction_session_timeout=60000 -c timezone=UTC`,
    application_name: role,
  });
  // A Pool without this handler ends the process when the server closes an idle connection; the next query reconnects.
  pool.on('error', () => undefined);
  // The same for one that is in use: its query is rejected anyway, and the transaction tells its caller.
  pool.on('connect', client => client.on('error', () => undefined));
  let closing: Promise<void> | undefined;
  return { pool, close: () => (closing ??= pool.end()) };
}

/**
 * Runs `work` in one transaction of `tenant`; commits with its events, or rolls everything back and throws. `prepared`: its
 * statements come again and again with other values, so each connection keeps their plans.
 */
export async function withTenant<T>(
  database: Database,
  tenant: string,
  work: (tx: Tx) => Promise<T>,
  statements: 'planned_each_time' | 'prepared' = 'planned_each_time',
): Promise<T> {
  const client = await database.pool.connect();
  const events: NewEvent[] = [];
  let broken: Error | undefined;
  const query = async (statement: Sql) => {
    const { text, values } = statement.statement();
    return client.query(statements === 'prepared' ? { name: nameOf(text), text, values } : { text, values });
  };
  const tx: Tx = {
    tenant,
    client,
    rows: async <Row>(statement: Sql) => (await query(statement)).rows as Row[],
    one: async <Row>(statement: Sql) => {
      const { rows } = await query(statement);
      if (rows.length > 1) throw new Error(`expected one row, found ${rows.length}: ${statement.statement().text.slice(0, 120)}`);
      return rows[0] as Row | undefined;
    },
    run: async statement => (await query(statement)).rowCount ?? 0,
    event: event => void events.push(event),
  };
  try {
    // One message instead of two: most transactions are short.
    await client.query(`begin; select set_config('dunlin.tenant', ${client.escapeLiteral(tenant)}, true)`);
    const result = await work(tx);
    await appendEvents(tx, events);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch((failure: Error) => {
      broken = failure;
    });
    if (hasStalePlan(error)) broken = error;
    throw error;
  } finally {
    // A connection whose rollback failed is poisoned: the pool must not hand it out again.
    client.release(broken);
  }
}

const names = new Map<string, string>();

/** The same text has the same name on every connection. The texts are those of the source, so there are some dozens. */
function nameOf(text: string): string {
  const known = names.get(text) ?? createHash('sha1').update(text).digest('base64url');
  names.set(text, known);
  return known;
}

/** A migration changed the columns of a prepared statement: this connection cannot run it any more, a new one can. */
function hasStalePlan(error: unknown): error is pg.DatabaseError {
  return error instanceof pg.DatabaseError && error.code === '0A000' && error.message.includes('cached plan');
}
