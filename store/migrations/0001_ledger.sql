-- 0001_ledger.sql
-- Why: the facts Dunlin works from: who owes what, what was said, what was paid, and the append-only record of it all.
-- Running workers: none yet. Lock: new tables only.
-- Up Migration

create extension if not exists pg_trgm;

do $$ begin
  if not exists (select from pg_roles where rolname = 'dunlin_app') then create role dunlin_app nologin; end if;
  if not exists (select from pg_roles where rolname = 'dunlin_dispatch') then create role dunlin_dispatch nologin; end if;
  execute format('grant dunlin_app, dunlin_dispatch to %I', current_user);
end $$;

create table tenants (
  tenant_id    text primary key check (tenant_id ~ '^[a-z0-9][a-z0-9-]{0,38}$'),
  name         text not null,
  zone         text not null,
  country      text not null,
  locale       text not null default 'en',
  currency     char(3) not null,
  -- company address, reply-to, phone, payment page, disposition table, Kixie agents: what messages and adapters need
  settings     jsonb not null default '{}',
  event_seq    bigint not null default 0,
  send_epoch   int not null default 1,
  sends_stopped_because text
);

create table policies (
  tenant_id  text not null references tenants,
  name       text not null,
  version    int not null,
  source     text not null,
  sha256     text not null,
  created_at timestamptz not null,
  primary key (tenant_id, name, version),
  unique (tenant_id, name, sha256)
);

create table segments (
  tenant_id text not null references tenants,
  position  int not null,
  name      text not null,
  rule      jsonb not null,
  policy    text not null,
  mode      text not null check (mode in ('shadow', 'suggest', 'auto')),
  primary key (tenant_id, position),
  unique (tenant_id, name)
);

create table customers (
  tenant_id      text not null references tenants,
  id             text not null,
  name           text not null,
  country        text not null default '',
  region         text,
  zone           text,
  locale         text not null default 'en',
  natural_person boolean not null default false,
  owner          text,
  segment        text not null default 'standard',
  attributes     jsonb not null default '{}',
  -- changes with every fact about the customer; the guard of the send protocol compares it
  version        bigint not null default 1,
  created_at     timestamptz not null,
  primary key (tenant_id, id)
);

create table customer_references (
  tenant_id   text not null,
  system      text not null,
  kind        text not null,
  external_id text not null,
  customer_id text not null,
  primary key (tenant_id, system, kind, external_id),
  foreign key (tenant_id, customer_id) references customers (tenant_id, id)
);
create index on customer_references (tenant_id, customer_id);

create table contacts (
  tenant_id   text not null,
  customer_id text not null,
  id          text not null,
  role        text not null check (role in ('billing', 'ap', 'owner', 'escalation')),
  name        text not null default '',
  email       text,
  phone       text,
  primary key (tenant_id, customer_id, id),
  foreign key (tenant_id, customer_id) references customers (tenant_id, id)
);

create table suppressions (
  tenant_id text not null references tenants,
  channel   text not null check (channel in ('email', 'phone')),
  address   text not null,
  reason    text not null,
  at        timestamptz not null,
  primary key (tenant_id, channel, address)
);

create table import_runs (
  tenant_id   text not null references tenants,
  id          text not null,
  kind        text not null,
  profile     text not null,
  source      text not null,
  file_name   text not null,
  sha256      text not null,
  as_of       date,
  full_book   boolean not null,
  rows        bigint not null,
  accepted    bigint not null,
  quarantined bigint not null,
  skipped     bigint not null,
  summary     jsonb not null,
  at          timestamptz not null,
  primary key (tenant_id, id),
  check (rows = accepted + quarantined + skipped)
);
create index on import_runs (tenant_id, kind, sha256);

create table import_rejects (
  tenant_id text not null,
  run_id    text not null,
  line      bigint not null,
  field     text not null,
  found     text not null,
  expected  text not null,
  raw       text not null,
  primary key (tenant_id, run_id, line, field),
  foreign key (tenant_id, run_id) references import_runs (tenant_id, id)
);

create table invoices (
  tenant_id      text not null,
  id             text not null,
  customer_id    text not null,
  source         text not null,
  external_id    text not null,
  number         text not null,
  kind           text not null check (kind in ('invoice', 'balance_forward')),
  currency       char(3) not null,
  amount_minor   bigint not null,
  -- what the source says was paid or credited before Dunlin saw it
  settled_before_minor bigint not null default 0,
  allocated_minor bigint not null default 0,
  open_minor     bigint generated always as (amount_minor - settled_before_minor - allocated_minor) stored,
  issue_date     date,
  due_date       date not null,
  state          text not null default 'open' check (state in ('open', 'closed')),
  outcome        text,
  pay_link       text,
  purchase_order text,
  cycle          int not null default 1,
  version        bigint not null default 1,
  -- the creditor's day on which intake opens the case: two days before its first stage; null: no case is wanted
  intake_on      date,
  last_run_id    text,
  attributes     jsonb not null default '{}',
  created_at     timestamptz not null,
  primary key (tenant_id, id),
  unique (tenant_id, source, external_id),
  foreign key (tenant_id, customer_id) references customers (tenant_id, id),
  foreign key (tenant_id, last_run_id) references import_runs (tenant_id, id),
  check (outcome is null or state = 'closed')
);
create index on invoices (tenant_id, customer_id, currency) where state = 'open';
create index on invoices (tenant_id, intake_on) where state = 'open' and intake_on is not null;
create index on invoices (tenant_id, number);

create table control_totals (
  tenant_id   text not null,
  run_id      text not null,
  customer_id text not null,
  currency    char(3) not null,
  total_minor bigint not null,
  overdue_minor bigint not null,
  primary key (tenant_id, run_id, customer_id, currency),
  foreign key (tenant_id, run_id) references import_runs (tenant_id, id),
  foreign key (tenant_id, customer_id) references customers (tenant_id, id)
);

create table reconciliation_items (
  tenant_id   text not null references tenants,
  id          text not null,
  kind        text not null,
  subject     text not null,
  customer_id text,
  invoice_id  text,
  expected    text not null,
  found       text not null,
  steps       text not null,
  owner       text,
  state       text not null default 'open' check (state in ('open', 'resolved')),
  opened_at   timestamptz not null,
  resolved_at timestamptz,
  resolution  text,
  primary key (tenant_id, id),
  foreign key (tenant_id, customer_id) references customers (tenant_id, id),
  foreign key (tenant_id, invoice_id) references invoices (tenant_id, id)
);

create table payments (
  tenant_id    text not null references tenants,
  id           text not null,
  source       text not null,
  external_id  text not null,
  customer_id  text,
  currency     char(3) not null,
  -- negative: a returned payment
  amount_minor bigint not null check (amount_minor <> 0),
  allocated_minor bigint not null default 0,
  value_date   date not null,
  booked_at    timestamptz not null,
  reference    text not null default '',
  returns_payment_id text,
  primary key (tenant_id, id),
  unique (tenant_id, source, external_id),
  foreign key (tenant_id, customer_id) references customers (tenant_id, id),
  foreign key (tenant_id, returns_payment_id) references payments (tenant_id, id)
);
create index on payments (tenant_id, customer_id, currency);

create table allocations (
  tenant_id    text not null,
  id           bigint generated always as identity,
  payment_id   text not null,
  invoice_id   text not null,
  amount_minor bigint not null,
  at           timestamptz not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, payment_id) references payments (tenant_id, id),
  foreign key (tenant_id, invoice_id) references invoices (tenant_id, id)
);
create index on allocations (tenant_id, invoice_id);
create index on allocations (tenant_id, payment_id);

create table holds (
  tenant_id   text not null references tenants,
  id          text not null,
  kind        text not null check (kind in ('manual', 'reply_received', 'legal_stay', 'data_health', 'vendor_outage')),
  scope       text not null check (scope in ('tenant', 'source', 'customer', 'invoice')),
  source      text,
  customer_id text,
  invoice_id  text,
  reason      text not null,
  starts_at   timestamptz not null,
  ends_at     timestamptz,
  lifted_at   timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, customer_id) references customers (tenant_id, id),
  foreign key (tenant_id, invoice_id) references invoices (tenant_id, id)
);
create index on holds (tenant_id, customer_id) where lifted_at is null;

create table cases (
  tenant_id      text not null,
  invoice_id     text not null,
  cycle          int not null,
  customer_id    text not null,
  workflow_id    text not null,
  -- starting: the row exists, the workflow may not yet; open; with_people: a person has to look; closed
  state          text not null check (state in ('starting', 'open', 'with_people', 'closed')),
  policy         text not null,
  policy_version int not null,
  stage          text,
  -- the stage whose side effects (call, platform note, word to the owner) the workflow has carried out
  carried_out    text,
  outcome        text,
  attention      text,
  story          text not null default '',
  -- null: nothing to do until a fact changes
  next_action_at timestamptz,
  next_stage     text,
  opened_at      timestamptz not null,
  planned_at     timestamptz,
  closed_at      timestamptz,
  primary key (tenant_id, invoice_id, cycle),
  unique (tenant_id, workflow_id),
  foreign key (tenant_id, invoice_id) references invoices (tenant_id, id),
  foreign key (tenant_id, customer_id) references customers (tenant_id, id),
  foreign key (tenant_id, policy, policy_version) references policies (tenant_id, name, version)
);
create index on cases (tenant_id, customer_id) where state <> 'closed';
create index on cases (tenant_id, next_action_at) where state <> 'closed';

create table decisions (
  tenant_id      text not null,
  id             bigint generated always as identity,
  invoice_id     text not null,
  cycle          int not null,
  at             timestamptz not null,
  kind           text not null,
  stage          text,
  until          timestamptz,
  reasons        jsonb not null,
  policy         text not null,
  policy_version int not null,
  customer_version bigint not null,
  code_version   text not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, invoice_id, cycle) references cases (tenant_id, invoice_id, cycle)
);
create index on decisions (tenant_id, invoice_id, at);

create table notices (
  tenant_id       text not null,
  id              text not null,
  customer_id     text not null,
  currency        char(3) not null,
  channel         text not null check (channel in ('email', 'call', 'task')),
  kind            text not null check (kind in ('reminder', 'apology')),
  stage           text not null,
  template        text not null,
  state           text not null check (state in ('pending', 'claimed', 'in_data', 'sent', 'unknown', 'not_sent', 'cancelled', 'suppressed')),
  review          text not null default 'none' check (review in ('none', 'waiting', 'approved', 'declined')),
  review_asks     text,
  reviewed_by     text,
  review_note     text,
  mode            text not null check (mode in ('shadow', 'suggest', 'auto')),
  policy          text not null,
  policy_version  int not null,
  recipient       text,
  recipient_name  text,
  locale          text,
  subject         text,
  message_id      text not null,
  in_reply_to     text,
  -- frozen at the first render, byte for byte what goes on the wire
  rendered        bytea,
  rendered_sha256 text,
  customer_version bigint not null,
  send_epoch      int not null,
  gate            jsonb,
  fence_token     bigint,
  lease_until     timestamptz,
  attempts        int not null default 0,
  apologises_for  text,
  crossed_payment boolean not null default false,
  decided_at      timestamptz not null,
  -- business instants; leases above use the database clock
  due_at          timestamptz not null,
  in_data_at      timestamptz,
  finished_at     timestamptz,
  provider_reply  text,
  resolved_by     text,
  created_at      timestamptz not null,
  primary key (tenant_id, id),
  unique (tenant_id, message_id),
  foreign key (tenant_id, customer_id) references customers (tenant_id, id),
  foreign key (tenant_id, apologises_for) references notices (tenant_id, id),
  foreign key (tenant_id, policy, policy_version) references policies (tenant_id, name, version)
);
create index on notices (tenant_id, customer_id, finished_at);
create index on notices (tenant_id, state) where state in ('pending', 'claimed', 'in_data', 'unknown', 'not_sent');
create unique index on notices (tenant_id, apologises_for) where apologises_for is not null and state <> 'cancelled';
create sequence notice_fence;

create table notice_lines (
  tenant_id       text not null,
  notice_id       text not null,
  invoice_id      text not null,
  cycle           int not null,
  stage           text not null,
  channel         text not null,
  amount_minor    bigint not null,
  invoice_version bigint not null,
  -- false once its notice was cancelled: the stage may then be in a new notice
  live            boolean not null default true,
  primary key (tenant_id, notice_id, invoice_id, stage),
  foreign key (tenant_id, notice_id) references notices (tenant_id, id),
  foreign key (tenant_id, invoice_id) references invoices (tenant_id, id)
);
create unique index a_stage_is_in_one_notice on notice_lines (tenant_id, invoice_id, cycle, stage, channel) where live;
create index on notice_lines (tenant_id, invoice_id);

create table tasks (
  tenant_id   text not null references tenants,
  id          text not null,
  kind        text not null,
  invoice_id  text,
  customer_id text,
  notice_id   text,
  owner       text,
  title       text not null,
  body        text not null default '',
  state       text not null default 'open' check (state in ('open', 'done', 'dropped')),
  due_at      timestamptz not null,
  opened_at   timestamptz not null,
  closed_at   timestamptz,
  closed_because text,
  primary key (tenant_id, id),
  foreign key (tenant_id, invoice_id) references invoices (tenant_id, id),
  foreign key (tenant_id, customer_id) references customers (tenant_id, id),
  foreign key (tenant_id, notice_id) references notices (tenant_id, id)
);
create index on tasks (tenant_id, state, due_at);
create index on tasks (tenant_id, invoice_id);

create table calls (
  tenant_id   text not null,
  -- business key: invoice/cycle/stage, or a person's "call now"
  id          text not null,
  invoice_id  text not null,
  customer_id text not null,
  task_id     text,
  agent_email text not null,
  phone       text not null,
  -- intent: written before the request; ringing, rejected, unknown: what came back; finished: a webhook told how it ended
  state       text not null check (state in ('offered', 'intent', 'ringing', 'rejected', 'unknown', 'finished')),
  -- Kixie names a call twice: a UUID and a number, swapped between event types
  kixie_uuid  text,
  kixie_number text,
  disposition text,
  outcome     text,
  duration_seconds int,
  note        text,
  requested_at timestamptz not null,
  finished_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, invoice_id) references invoices (tenant_id, id),
  foreign key (tenant_id, customer_id) references customers (tenant_id, id),
  foreign key (tenant_id, task_id) references tasks (tenant_id, id)
);
create index on calls (tenant_id, kixie_uuid);
create index on calls (tenant_id, kixie_number);
create index on calls (tenant_id, phone, agent_email);

create table powerlist_entries (
  tenant_id    text not null,
  powerlist_id text not null,
  phone        text not null,
  customer_id  text not null,
  state        text not null check (state in ('adding', 'listed', 'removing', 'removed')),
  changed_at   timestamptz not null,
  primary key (tenant_id, powerlist_id, phone),
  foreign key (tenant_id, customer_id) references customers (tenant_id, id)
);

create table platform_writes (
  tenant_id   text not null references tenants,
  -- the external id the platform knows it by: a repeat overwrites, never doubles
  external_id text not null,
  kind        text not null,
  invoice_id  text,
  state       text not null check (state in ('intent', 'done', 'unknown', 'rejected')),
  detail      text,
  at          timestamptz not null,
  primary key (tenant_id, external_id),
  foreign key (tenant_id, invoice_id) references invoices (tenant_id, id)
);

create table vendor_quota (
  tenant_id text not null references tenants,
  vendor    text not null,
  day       date not null,
  used      int not null,
  primary key (tenant_id, vendor, day)
);

create table vendor_breakers (
  tenant_id  text not null references tenants,
  vendor     text not null,
  state      text not null check (state in ('closed', 'open', 'half_open')),
  failures   int not null default 0,
  opened_at  timestamptz,
  probe_at   timestamptz,
  because    text,
  primary key (tenant_id, vendor)
);

create table inbox (
  tenant_id   text not null references tenants,
  source      text not null,
  event_id    text not null,
  kind        text not null,
  payload     jsonb not null,
  received_at timestamptz not null,
  handled_at  timestamptz,
  result      text,
  primary key (tenant_id, source, event_id)
);
create index on inbox (tenant_id, received_at) where handled_at is null;

create table wakes (
  tenant_id     text not null references tenants,
  id            bigint generated always as identity,
  invoice_id    text not null,
  workflow_id   text not null,
  -- payment | facts | notice | review | call ...
  kind          text not null,
  event_id      text not null,
  at            timestamptz not null default now(),
  dispatched_at timestamptz,
  attempts      int not null default 0,
  -- set by the step that has read the fact
  seen_at       timestamptz,
  primary key (tenant_id, id)
);
create index on wakes (dispatched_at, id) where dispatched_at is null;
create index on wakes (tenant_id, invoice_id) where seen_at is null;

create table events (
  tenant_id text not null references tenants,
  seq       bigint not null,
  at        timestamptz not null,
  kind      text not null,
  subject   text not null,
  actor     text not null,
  -- canonical JSON (RFC 8785 order), text so that what is shown is what will be signed
  body      text not null,
  primary key (tenant_id, seq)
);
create index on events (tenant_id, subject, seq);

create function events_are_final() returns trigger language plpgsql as $$
begin raise exception 'events are append-only'; end $$;
create trigger events_are_final before update or delete or truncate on events
  for each statement execute function events_are_final();

-- Every table belongs to one tenant at a time; the app role owns nothing and sees only the tenant of its transaction.
do $$ declare t text; begin
  foreach t in array array['tenants','policies','segments','customers','customer_references','contacts','suppressions','import_runs',
    'import_rejects','invoices','control_totals','reconciliation_items','payments','allocations','holds','cases','decisions','notices',
    'notice_lines','tasks','calls','powerlist_entries','platform_writes','vendor_quota','vendor_breakers','inbox','wakes','events'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format($p$create policy one_tenant on %I to dunlin_app using (tenant_id = current_setting('dunlin.tenant', true)) with check (tenant_id = current_setting('dunlin.tenant', true))$p$, t);
    execute format('grant select, insert, update, delete on %I to dunlin_app', t);
  end loop;
end $$;
revoke update, delete on events from dunlin_app;
revoke delete on tenants, notices, notice_lines, decisions, payments, allocations, cases, import_runs, import_rejects from dunlin_app;
revoke insert on tenants from dunlin_app;
grant usage on sequence notice_fence to dunlin_app;

-- The dispatcher carries wakes of all tenants; ids are all it may see.
create policy all_tenants on wakes to dunlin_dispatch using (true) with check (true);
create policy all_tenants on tenants for select to dunlin_dispatch using (true);
grant select on wakes to dunlin_dispatch;
grant update (dispatched_at, attempts) on wakes to dunlin_dispatch;
grant select (tenant_id) on tenants to dunlin_dispatch;

-- The owner runs migrations and creates tenants; force row level security would hide the rows from it.
do $$ declare t text; begin
  for t in select tablename from pg_tables where schemaname = current_schema() and rowsecurity loop
    execute format('create policy owner_sees_all on %I to %I using (true) with check (true)', t, current_user);
  end loop;
end $$;

create function announce_wake() returns trigger language plpgsql as $$
begin perform pg_notify('dunlin_wake', ''); return null; end $$;
create trigger announce_wake after insert on wakes for each statement execute function announce_wake();
