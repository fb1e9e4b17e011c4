// isolation.test.ts: one tenant's rows are nobody else's. Probes a clever or careless statement would try, as the role the
// application has, and the properties of the schema that make them fail: a table added tomorrow must have them too.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { withTenant } from '../../store/database.ts';
import { placeHold } from '../../store/holds.ts';
import { receive } from '../../store/inbox.ts';
import { bookPayment } from '../../store/payments.ts';
import { openReconciliation } from '../../store/reconciliation.ts';
import { sql } from '../../store/sql.ts';
import { suppress } from '../../store/suppressions.ts';
import { openTask } from '../../store/tasks.ts';
import { takeStep } from '../../activities/ledger/take-step.ts';
import { type Book, monday, openBook, openTenant, writeCustomer, writeInvoice } from '../walks/book.ts';

const secret = 'Hidden Harbour Ltd';
let book: Book;

beforeAll(async () => {
  book = await openBook('acme');
  await book.customer('cus_1');
  await book.invoice('INV-1', { customer: 'cus_1' });
  await fillNeighbour(book);
}, 120_000);
afterAll(() => book?.stop());

/** Another tenant, with a row in every table there is. */
async function fillNeighbour({ db, ledger, byHand }: Book): Promise<void> {
  await openTenant(db, 'globex');
  await withTenant(db.app, 'globex', async tx => {
    await writeCustomer(tx, 'cus_1', { name: secret }, monday);
    await writeCustomer(tx, 'cus_hidden', { name: secret, email: 'hidden@harbour.example' }, monday);
    await writeInvoice(tx, 'HH-1', { customer: 'cus_hidden', dueDate: '2026-02-27' }, monday);
    await tx.run(sql`insert into cases (tenant_id, invoice_id, cycle, customer_id, workflow_id, state, policy, policy_version, opened_at)
      values ('globex', 'inv_HH-1', 1, 'cus_hidden', 'dunning/globex/inv_HH-1', 'open', 'standard', 1, now())`);
  });
  book.clock.set(Date.parse('2026-03-02T16:00:00Z'));
  await takeStep(ledger, { case: { tenant: 'globex', invoiceId: 'inv_HH-1', cycle: 1 }, heard: [] });
  book.clock.set(monday);
  await withTenant(db.app, 'globex', async tx => {
    await openTask(tx, { id: 'tsk_1', kind: 'reply', title: secret, customerId: 'cus_hidden', dueAt: monday }, 'test', monday);
    await receive(tx, { source: 'test', eventId: 'e1', kind: 'payment', payload: { secret }, receivedAt: monday });
    await suppress(tx, { channel: 'email', address: 'hidden@harbour.example', reason: secret, at: monday }, 'test');
    const hold = {
      id: 'hld_1',
      kind: 'manual',
      scope: 'customer',
      customerId: 'cus_hidden',
      reason: secret,
      startsAt: monday,
      endsAt: null,
    } as const;
    await placeHold(tx, hold, 'test');
    const about = { customerId: 'cus_hidden', invoiceId: null, expected: secret, found: secret, steps: secret, at: monday };
    await openReconciliation(tx, { kind: 'test', subject: 'test', ...about });
    const payment = {
      source: 'test',
      externalId: 'p1',
      invoiceNumber: 'HH-1',
      currency: 'USD',
      amountMinor: 500n,
      valueDate: '2026-03-01',
      bookedAt: monday,
      reference: secret,
    };
    await bookPayment(tx, payment, 'test');
  });
  await byHand(`
    insert into customer_references values ('globex', 'premium', 'partner', 'HH', 'cus_hidden');
    insert into import_runs values ('globex', 'run_1', 'invoices', 'invoices', 'file', 'f.csv', 'x', null, true, 1, 0, 1, 0, '{}', now());
    insert into import_rejects values ('globex', 'run_1', 1, 'number', 'x', 'y', '${secret}');
    insert into control_totals values ('globex', 'run_1', 'cus_hidden', 'USD', 1, 1);
    insert into calls (tenant_id, id, invoice_id, customer_id, agent_email, phone, state, requested_at) values ('globex', 'c1', 'inv_HH-1', 'cus_hidden', 'a@b.example', '+15550100', 'offered', now());
    insert into powerlist_entries values ('globex', '1', '+15550100', 'cus_hidden', 'listed', now());
    insert into platform_writes values ('globex', 'x', 'note', 'inv_HH-1', 'done', '${secret}', now());
    insert into vendor_quota values ('globex', 'kixie', '2026-03-02', 1);
    insert into vendor_breakers (tenant_id, vendor, state) values ('globex', 'kixie', 'closed')`);
  await byHand('analyze customers');
}

/** A session of the application, in a transaction of `tenant` that is rolled back; null: no tenant is named. */
async function asApp<T>(tenant: string | null, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await book.db.app.pool.connect();
  try {
    await client.query('begin');
    if (tenant !== null) await client.query("select set_config('dunlin.tenant', $1, true)", [tenant]);
    return await work(client);
  } finally {
    await client.query('rollback').catch(() => undefined);
    client.release();
  }
}

/** The same as the owner, for whom no row is hidden. */
async function asOwner<T>(work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: book.db.url });
  await client.connect();
  try {
    await client.query('begin');
    await client.query("select set_config('dunlin.tenant', 'acme', true)");
    return await work(client);
  } finally {
    await client.end();
  }
}

/** A function that costs nothing is asked before the row security is, and could tell what it saw. */
const leak = 'a function that is cheap and tells';
const leakFunctions = `
  create function pg_temp.tells(told text) returns boolean language plpgsql cost 0.0000001 as $$ begin raise notice '%', told; return true; end $$;
  create function pg_temp.told_of() returns setof customers language sql as $$ select * from customers where pg_temp.tells(name) and tenant_id = 'globex' $$`;

async function probe(client: pg.ClientBase, what: string, statement: string, told: string[]): Promise<unknown[]> {
  const hear = (notice: { message?: string | undefined }) => told.push(notice.message ?? '');
  client.on('notice', hear);
  try {
    if (what === leak) await client.query(leakFunctions);
    return (await client.query(statement)).rows as unknown[];
  } finally {
    client.off('notice', hear);
  }
}

async function tenantTables(): Promise<string[]> {
  const { rows } = await book.byHand(`
    select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and a.attname = 'tenant_id' and not a.attisdropped order by 1`);
  return rows.map(row => (row as { name: string }).name);
}

describe('reading', () => {
  test('every table holds rows of the neighbour, and the application sees none of them, nor any at all without a tenant', async () => {
    const seen: Record<string, unknown> = {};
    for (const table of await tenantTables()) {
      const { rows } = await book.byHand(`select count(*)::int as n from ${table} where tenant_id = 'globex'`);
      const [mine] = await asApp(
        'acme',
        async client => (await client.query(`select count(*)::int as n from ${table} where tenant_id <> 'acme'`)).rows,
      );
      const [none] = await asApp(null, async client => (await client.query(`select count(*)::int as n from ${table}`)).rows);
      seen[table] = { there: (rows[0] as { n: number }).n > 0, mine: (mine as { n: number }).n, none: (none as { n: number }).n };
    }
    expect(seen).toEqual(Object.fromEntries(Object.keys(seen).map(table => [table, { there: true, mine: 0, none: 0 }])));
    expect(Object.keys(seen).length).toBeGreaterThan(25);
  });

  // Each would find something if the rows were not kept apart: the owner, who sees all tenants, finds it.
  test.each([
    ['by name', `select * from customers where tenant_id = 'globex'`],
    ['by everything that is not mine', `select * from invoices where tenant_id <> current_setting('dunlin.tenant')`],
    ['by a condition that is always true', `select * from customers where tenant_id = 'acme' and false or name like 'Hidden%'`],
    [
      'a join that forgets the tenant',
      `select c.* from invoices i join customers c on c.id = i.customer_id where c.tenant_id <> i.tenant_id`,
    ],
    [
      'an outer join',
      `select o.* from customers c left join customers o on o.id = c.id and o.tenant_id <> c.tenant_id where o.id is not null`,
    ],
    [
      'a scalar subquery',
      `select name from (select (select name from customers where tenant_id = 'globex' limit 1) as name) s where name is not null`,
    ],
    ['a common table expression', `with x as materialized (select * from customers) select * from x where tenant_id = 'globex'`],
    [
      'a recursive one',
      `with recursive x as (select tenant_id, id from customers union select o.tenant_id, o.id from customers o join x on o.id = x.id) select * from x where tenant_id <> 'acme'`,
    ],
    ['a lateral join', `select l.* from tenants t, lateral (select * from invoices i where i.number = 'HH-1') l`],
    ['a union', `select id from customers where tenant_id = 'globex' union all select id from invoices where tenant_id = 'globex'`],
    [
      'a window',
      `select * from (select tenant_id, row_number() over (order by tenant_id desc) from customers) w where tenant_id = 'globex'`,
    ],
    ['an aggregate', `select 1 from customers having count(*) filter (where tenant_id = 'globex') > 0`],
    ['the whole row as text', `select c::text from customers c where c::text like '%Hidden%'`],
    ['the whole table as JSON', `select j from (select jsonb_agg(e)::text as j from events e) s where j like '%HH-1%'`],
    [
      'the whole table as XML',
      `select x from (select query_to_xml('select * from customers', true, true, '')::text as x) s where x like '%Hidden%'`,
    ],
    ['the audit trail', `select * from events where body like '%cus_hidden%' or subject like '%HH-1%'`],
    ['the bytes of a message', `select * from notices where encode(rendered, 'escape') like '%harbour%'`],
    ['the tenants there are', `select * from tenants where tenant_id <> 'acme'`],
    ['the statistics of the planner', `select * from pg_stats where schemaname = 'public' and most_common_vals::text like '%globex%'`],
    ['a change that returns rows', `update customers set name = name where tenant_id = 'globex' returning *`],
    [
      'a change through a join',
      `update customers c set name = c.name from customers o where o.id = c.id and o.tenant_id = 'globex' returning *`,
    ],
    ['a removal that returns rows', `delete from contacts where tenant_id = 'globex' returning *`],
    [
      'a merge',
      `merge into contacts c using customers o on o.id = c.customer_id and o.tenant_id = 'globex' when matched then delete returning c.*`,
    ],
    [
      'a copy into my own books',
      `insert into suppressions select 'acme', channel, address, reason, at from suppressions where tenant_id = 'globex' returning *`,
    ],
    ['a lock', `select * from customers where tenant_id = 'globex' for update`],
    [leak, `select * from pg_temp.told_of()`],
  ])('%s finds nothing', async (what, statement) => {
    const told: string[] = [];
    const rows = await asApp('acme', client => probe(client, what, statement, told));
    expect({ rows, told: told.filter(line => line.includes(secret)) }).toEqual({ rows: [], told: [] });
    expect(await asOwner(client => probe(client, what, statement, told))).not.toEqual([]);
  });

  test('a cursor and a prepared statement find nothing either', async () => {
    await asApp('acme', async client => {
      await client.query(`declare all_of_them cursor for select * from customers where tenant_id = 'globex'`);
      expect((await client.query('fetch all from all_of_them')).rows).toEqual([]);
      await client.query(`prepare them as select * from customers where tenant_id = $1`);
      expect((await client.query(`execute them ('globex')`)).rows).toEqual([]);
      await client.query('deallocate them');
    });
  });

  test('a tenant is named for one transaction: the next one on the same connection starts without', async () => {
    const client = await book.db.app.pool.connect();
    try {
      await client.query('begin');
      await client.query("select set_config('dunlin.tenant', 'globex', true)");
      expect((await client.query('select from customers')).rowCount).toBe(2);
      await client.query('commit');
      expect((await client.query('select from customers')).rowCount).toBe(0);
    } finally {
      client.release();
    }
  });

  test('the name of a tenant is a value: nothing can be smuggled in with it', async () => {
    for (const name of [`acme' or '1'='1`, `globex'; reset role; --`, '%', '']) {
      expect(await withTenant(book.db.app, name, tx => tx.rows(sql`select tenant_id from customers`))).toEqual([]);
    }
  });
});

describe('writing', () => {
  test.each([
    [
      'a row in the name of the neighbour',
      `insert into customers (tenant_id, id, name, created_at) values ('globex', 'new', 'x', now())`,
      '42501',
    ],
    // The same answer whether the key is taken or not: nobody learns which customers the neighbour has.
    [
      'a row under a key the neighbour uses',
      `insert into customers (tenant_id, id, name, created_at) values ('globex', 'cus_hidden', 'x', now())`,
      '42501',
    ],
    [
      'an upsert onto the neighbour',
      `insert into customers (tenant_id, id, name, created_at) values ('globex', 'cus_hidden', 'x', now()) on conflict (tenant_id, id) do update set name = 'y' returning *`,
      '42501',
    ],
    ['a row given away', `update customers set tenant_id = 'globex' where id = 'cus_1'`, '42501'],
    [
      'a contact of a customer only the neighbour has',
      `insert into contacts (tenant_id, customer_id, id, role) values ('acme', 'cus_hidden', 'x', 'ap')`,
      '23503',
    ],
    [
      'an invoice of a customer only the neighbour has',
      `insert into invoices (tenant_id, id, customer_id, source, external_id, number, kind, currency, amount_minor, due_date, created_at) values ('acme', 'x', 'cus_hidden', 's', 'e', 'n', 'invoice', 'USD', 1, '2026-01-01', now())`,
      '23503',
    ],
    [
      'an allocation to an invoice only the neighbour has',
      `insert into allocations (tenant_id, payment_id, invoice_id, amount_minor, at) values ('acme', 'x', 'inv_HH-1', 1, now())`,
      '23503',
    ],
    ['row security turned off', `set local row_security = off; select * from customers`, '42501'],
    ['row security taken off the table', `alter table customers disable row level security`, '42501'],
    ['a policy of its own', `create policy mine on customers to dunlin_app using (true)`, '42501'],
    ['a table emptied', `truncate suppressions`, '42501'],
    ['an event changed', `update events set body = '{}' where tenant_id = 'acme'`, '42501'],
    ['an event removed', `delete from events where tenant_id = 'acme'`, '42501'],
    ['all events removed', `truncate events`, '42501'],
    ['a payment removed', `delete from payments`, '42501'],
    [
      'a tenant founded',
      `insert into tenants (tenant_id, name, zone, country, currency) values ('acme2', 'x', 'UTC', 'GB', 'USD')`,
      '42501',
    ],
    [
      'a function that runs as somebody else',
      `create function public.leak() returns text language sql security definer as 'select 1::text'`,
      '42501',
    ],
    ['the migrations', `select * from schema_migrations`, '42501'],
  ])('%s is refused', async (_what, statement, code) => {
    await expect(asApp('acme', client => client.query(statement))).rejects.toMatchObject({ code });
  });

  test('two tenants may use the same ids, numbers and workflow ids; neither learns of the other by a collision', async () => {
    await asApp('acme', async client => {
      await client.query(`insert into customers (tenant_id, id, name, created_at) values ('acme', 'cus_hidden', 'mine', now())`);
      await client.query(`insert into invoices (tenant_id, id, customer_id, source, external_id, number, kind, currency, amount_minor, due_date, created_at)
        values ('acme', 'inv_HH-1', 'cus_hidden', 'test', 'inv_HH-1', 'HH-1', 'invoice', 'USD', 1, '2026-01-01', now())`);
      await client.query(`insert into cases (tenant_id, invoice_id, cycle, customer_id, workflow_id, state, policy, policy_version, opened_at)
        values ('acme', 'inv_HH-1', 1, 'cus_hidden', 'dunning/globex/inv_HH-1', 'open', 'standard', 1, now())`);
    });
  });

  test('even the owner of the tables cannot change what has happened', async () => {
    for (const statement of [`update events set body = '{}'`, 'delete from events', 'truncate events']) {
      await expect(book.byHand(statement)).rejects.toThrow('events are append-only');
    }
  });

  test('events are numbered without a gap, however many transactions write at once and fail', async () => {
    const write = (n: number) =>
      book.tx(async tx => {
        tx.event({ kind: 'test.written', subject: `test:${n}`, actor: 'test', at: monday, body: { n } });
        if (n % 5 === 0) throw new Error('this one is rolled back');
      });
    await Promise.allSettled(Array.from({ length: 30 }, (_, n) => write(n)));
    const rows = await book.rows<{ seq: bigint }>(sql`select seq from events order by seq`);
    expect(rows.map(row => Number(row.seq))).toEqual(rows.map((_, index) => index + 1));
    expect(await book.rows(sql`select seq from events where kind = 'test.written'`)).toHaveLength(24);
  });
});

describe('the schema', () => {
  const catalog = async <Row>(query: string): Promise<Row[]> => (await book.byHand(query)).rows as Row[];

  test('every table with a tenant has row security, forced, and one policy for the application', async () => {
    const tables = await catalog<{ name: string; forced: boolean; using: string; check: string; policies: number }>(`
      select c.relname as name, c.relrowsecurity and c.relforcerowsecurity as forced, min(p.qual) as using, min(p.with_check) as check, count(p.*)::int as policies
      from pg_class c left join pg_policies p on p.schemaname = 'public' and p.tablename = c.relname and p.roles = '{dunlin_app}'
      where c.relnamespace = 'public'::regnamespace and c.relname = any($$${`{${(await tenantTables()).join(',')}}`}$$) group by 1, 2 order by 1`);
    const rule = `(tenant_id = current_setting('dunlin.tenant'::text, true))`;
    expect(tables).toEqual(tables.map(({ name }) => ({ name, forced: true, using: rule, check: rule, policies: 1 })));
    expect(
      await catalog(`select tablename, policyname from pg_policies where schemaname = 'public' and 'public' = any(roles::text[])`),
    ).toEqual([]);
  });

  test('a table without a tenant is not for the application', async () => {
    expect(
      await catalog(`
        select c.relname from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'm', 'f')
          and not exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped)
          and (has_table_privilege('dunlin_app', c.oid, 'select') or has_table_privilege('dunlin_dispatch', c.oid, 'select'))`),
    ).toEqual([]);
  });

  test('the tenant is in every key: primary, unique and foreign', async () => {
    expect(
      await catalog(`
        select i.indexrelid::regclass::text as index from pg_index i join pg_class c on c.oid = i.indrelid
        where c.relnamespace = 'public'::regnamespace and i.indisunique and c.relname <> 'schema_migrations'
          and not exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and a.attnum = any(i.indkey::int2[]))`),
    ).toEqual([]);
    expect(
      await catalog(`
        select k.conname from pg_constraint k where k.contype = 'f' and k.connamespace = 'public'::regnamespace
          and not exists (select from pg_attribute a where a.attrelid = k.conrelid and a.attname = 'tenant_id' and a.attnum = any(k.conkey))`),
    ).toEqual([]);
    expect(
      await catalog(`
        select c.relname from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relname <> 'schema_migrations'
          and not exists (select from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0] where i.indrelid = c.oid and i.indisprimary and a.attname = 'tenant_id')`),
    ).toEqual([]);
  });

  test('views ask as their caller, and no function runs as somebody else', async () => {
    expect(
      await catalog(`select relname from pg_class where relnamespace = 'public'::regnamespace
        and (relkind = 'm' or (relkind = 'v' and not coalesce(reloptions::text like '%security_invoker=true%', false)))`),
    ).toEqual([]);
    expect(await catalog(`select proname from pg_proc where pronamespace = 'public'::regnamespace and prosecdef`)).toEqual([]);
  });

  test('the roles of the application own nothing and have no power of their own', async () => {
    expect(
      await catalog(`
        select 'class' as kind, relname::text as name from pg_class where relowner in (select oid from pg_roles where rolname in ('dunlin_app', 'dunlin_dispatch'))
        union all select 'function', proname::text from pg_proc where proowner in (select oid from pg_roles where rolname in ('dunlin_app', 'dunlin_dispatch'))
        union all select 'schema', nspname::text from pg_namespace where nspowner in (select oid from pg_roles where rolname in ('dunlin_app', 'dunlin_dispatch'))
        union all select 'member of', g.rolname::text from pg_auth_members m join pg_roles r on r.oid = m.member join pg_roles g on g.oid = m.roleid where r.rolname in ('dunlin_app', 'dunlin_dispatch')
        union all select 'may create in', nspname::text from pg_namespace where nspname = 'public' and has_schema_privilege('dunlin_app', oid, 'create')`),
    ).toEqual([]);
    expect(
      await catalog(`select rolname, rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolcanlogin or rolreplication as power
        from pg_roles where rolname in ('dunlin_app', 'dunlin_dispatch') order by 1`),
    ).toEqual([
      { rolname: 'dunlin_app', power: false },
      { rolname: 'dunlin_dispatch', power: false },
    ]);
  });

  test('money is whole minor units, instants know their zone', async () => {
    expect(
      await catalog(`
        select table_name, column_name, data_type from information_schema.columns where table_schema = 'public' and table_name <> 'schema_migrations'
          and ((column_name like '%\\_minor' and data_type <> 'bigint') or data_type in ('money', 'numeric', 'real', 'double precision', 'timestamp without time zone', 'time without time zone'))`),
    ).toEqual([]);
  });
});

describe('the dispatcher', () => {
  test('sees which case of which tenant to wake, and nothing about anybody', async () => {
    const { rows } = await book.byHand(`
      select c.relname as table, a.attname as column, has_column_privilege('dunlin_dispatch', c.oid, a.attnum, 'select') as reads,
        has_column_privilege('dunlin_dispatch', c.oid, a.attnum, 'update') or has_column_privilege('dunlin_dispatch', c.oid, a.attnum, 'insert') as writes
      from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'v', 'm') order by 1, 2`);
    const may = rows as { table: string; column: string; reads: boolean; writes: boolean }[];
    expect(may.filter(row => row.reads).map(row => `${row.table}.${row.column}`)).toEqual([
      'tenants.tenant_id',
      ...['at', 'attempts', 'dispatched_at', 'event_id', 'id', 'invoice_id', 'kind', 'seen_at', 'tenant_id', 'workflow_id'].map(
        name => `wakes.${name}`,
      ),
    ]);
    expect(may.filter(row => row.writes).map(row => `${row.table}.${row.column}`)).toEqual(['wakes.attempts', 'wakes.dispatched_at']);
    await expect(book.db.dispatch.pool.query('select name from tenants')).rejects.toMatchObject({ code: '42501' });
    await expect(book.db.dispatch.pool.query('delete from wakes')).rejects.toMatchObject({ code: '42501' });
    const { rows: tenants } = await book.db.dispatch.pool.query('select tenant_id from tenants order by 1');
    expect(tenants).toEqual([{ tenant_id: 'acme' }, { tenant_id: 'globex' }]);
  });
});
