// wake-dispatch.ts: the dispatcher's side of wake rows, across tenants, with a role that sees ids only.
import type pg from 'pg';
import type { Database } from './database.ts';
import { type Sql, sql } from './sql.ts';

export type WakeRow = {
  id: bigint;
  tenant_id: string;
  invoice_id: string;
  workflow_id: string;
  kind: string;
  event_id: string;
  seen: boolean;
};

/** Marks rows as carried. Returned by the work given to claimWakes, run in its transaction. */
export function markDispatched(rows: readonly WakeRow[]): Sql {
  return sql`update wakes set dispatched_at = now(), attempts = attempts + 1
    from unnest(${rows.map(row => row.tenant_id)}::text[], ${rows.map(row => row.id.toString())}::bigint[]) as d (tenant_id, id)
    where wakes.tenant_id = d.tenant_id and wakes.id = d.id`;
}

/** Locks up to `limit` undispatched rows, oldest first, lets `work` carry them and runs the statement it returns. Gives their number. */
export async function claimWakes(database: Database, limit: number, work: (rows: WakeRow[]) => Promise<Sql>): Promise<number> {
  const client = await database.pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('begin');
    const { rows } = await client.query<WakeRow>(
      'select tenant_id, id, invoice_id, workflow_id, kind, event_id, seen_at is not null as seen from wakes where dispatched_at is null order by id limit $1 for update skip locked',
      [limit],
    );
    if (rows.length > 0) {
      const { text, values } = (await work(rows)).statement();
      await client.query(text, values as unknown[]);
    }
    await client.query('commit');
    return rows.length;
  } catch (error) {
    await client.query('rollback').catch((failure: Error) => {
      broken = failure;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}

/** Calls `onWake` for every announced wake; reconnects after a break. Returns how to stop. */
export function listenForWakes(database: Database, onWake: () => void, onError: (error: Error) => void): () => Promise<void> {
  let stopped = false;
  let client: pg.PoolClient | undefined;
  const connect = async (): Promise<void> => {
    if (stopped) return;
    try {
      const connection = await database.pool.connect();
      client = connection;
      connection.on('notification', onWake);
      connection.on('error', error => {
        client = undefined;
        connection.release(error);
        onError(error);
        setTimeout(() => void connect(), 1000).unref();
      });
      await connection.query('listen dunlin_wake');
      onWake();
    } catch (error) {
      onError(error instanceof Error ? error : new Error(String(error)));
      setTimeout(() => void connect(), 1000).unref();
    }
  };
  const connecting = connect();
  return async () => {
    stopped = true;
    await connecting;
    client?.release(true);
  };
}

/** Every tenant there is. */
export async function tenantIds(database: Database): Promise<string[]> {
  const { rows } = await database.pool.query<{ tenant_id: string }>('select tenant_id from tenants order by tenant_id');
  return rows.map(row => row.tenant_id);
}
