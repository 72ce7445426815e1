-- The execution log and everything that guards it. Roles first: the application may add to the log, never change it.
-- Shape rules that keep Citus a migration and not a rewrite: big tables lead with user_id, unique keys contain it (and
-- the partition key), no triggers, no global sequence as an order.

do $$
declare
  name text;
begin
  foreach name in array array['shaparak_app', 'shaparak_maintenance', 'shaparak_eraser', 'shaparak_reader'] loop
    if not exists (select from pg_roles where rolname = name) then
      begin
        execute format('create role %I nologin', name);
      exception when duplicate_object or unique_violation then null; -- another database of the same cluster was faster
      end;
    end if;
    begin
      execute format('grant %I to current_user', name);
    exception when others then null; -- a superuser needs no membership
    end;
  end loop;
end $$;

-- One row: facts that must not change under a log that was written with them.
create table deployment (
  one boolean primary key default true check (one),
  time_zone text not null,
  created_at timestamptz not null default now()
);

-- People. ------------------------------------------------------------------------------------------------------------

create type user_role as enum ('analyst', 'administrator', 'auditor');

create table users (
  id bigint generated always as identity primary key,
  username text not null unique check (length(username) between 1 and 255),
  role user_role not null default 'analyst',
  -- null: can't log in (came with an import and was not adopted yet)
  password_hash text,
  disabled_at timestamptz,
  imported boolean not null default false,
  -- key of the code digests; destroying it and the snippets erases a person's code without breaking the log
  digest_key bytea not null,
  created_at timestamptz not null default now()
);

create table session (
  id uuid primary key default gen_random_uuid(),
  user_id bigint not null references users,
  renewal_digest bytea not null unique,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  ended_at timestamptz,
  address text,
  user_agent text
);
create index on session (user_id) where ended_at is null;
create index on session (ended_at) where ended_at is not null;

create table access_token (
  digest bytea primary key,
  session_id uuid not null references session on delete cascade,
  expires_at timestamptz not null
);
create index on access_token (expires_at);

-- Failed logins by name and by address; a window that slides, so that nobody is locked out for ever.
create table login_failure (
  id bigint generated always as identity primary key,
  username_digest bytea not null,
  address text not null,
  failed_at timestamptz not null default now()
);
create index on login_failure (username_digest, failed_at);
create index on login_failure (address, failed_at);

create table lab_ticket_use (
  jti text primary key,
  used_at timestamptz not null default now()
);

-- Who did what to the system, and who looked at what. Append-only.
create table audit_event (
  id bigint generated always as identity primary key,
  occurred_at timestamptz not null default now(),
  actor_user_id bigint,
  actor_name text,
  action text not null,
  subject text,
  outcome text not null check (outcome in ('allowed', 'refused', 'failed')),
  address text,
  detail jsonb not null default '{}'
);
create index on audit_event (occurred_at desc);
create index on audit_event (actor_user_id, occurred_at desc);

-- Sensors and what they deliver. -------------------------------------------------------------------------------------

create type sensor_kind as enum ('kernel', 'wire');

-- One row a sensor instance (a kernel process, a gateway link). `received` is the set of sequence numbers handled so far;
-- a multirange stays one range while nothing is missing, and its holes are the gaps that coverage counts.
create table sensor (
  user_id bigint not null,
  instance uuid not null,
  kind sensor_kind not null,
  kernel_id text not null,
  language text not null,
  version text not null,
  started_at timestamptz not null,
  first_heard_at timestamptz not null default now(),
  last_heard_at timestamptz not null default now(),
  stopped_at timestamptz,
  -- gateway's clock minus the sensor's at the last delivery
  clock_difference interval,
  received int8multirange not null default '{}',
  lost_count bigint not null default 0,
  primary key (user_id, instance)
) with (fillfactor = 70);
create index on sensor (user_id, kernel_id, started_at desc);

-- What could not be understood or placed, kept as it came: received = accepted + duplicate + quarantined.
create table quarantine (
  user_id bigint not null,
  id bigint generated always as identity,
  instance uuid not null,
  sequence bigint,
  reason text not null,
  body text not null,
  received_at timestamptz not null default now(),
  primary key (user_id, id)
);

-- The log. -----------------------------------------------------------------------------------------------------------

create type execution_outcome as enum ('success', 'error', 'interrupted', 'lost');
create type execution_evidence as enum ('both', 'wire', 'kernel', 'imported');

-- Distinct code per person, immutable. NUL and lone surrogates are escaped (docs/reference/text.md).
create table snippet (
  user_id bigint not null,
  id bigint generated always as identity,
  -- HMAC-SHA-256 with the user's key: a plain hash of short text could be guessed
  digest bytea not null,
  code text not null,
  -- length and SHA-256 of the whole where a sensor had to shorten it
  truncated_bytes bigint,
  truncated_sha256 bytea,
  created_at timestamptz not null default now(),
  primary key (user_id, id),
  unique (user_id, digest)
);

-- What runs now: durable and small. Each witness fills its half; the row goes when the execution is settled.
create table open_execution (
  user_id bigint not null,
  kernel_id text not null,
  msg_id text not null,
  occurrence int not null,
  snippet_id bigint not null,
  started_at timestamptz not null,
  cell_number int,
  cell_id text,
  notebook_path text,
  client_session text not null,
  silent boolean not null default false,
  store_history boolean not null default true,
  kernel_instance uuid,
  wire_instance uuid,
  -- the finished half of each witness: {outcome, cell_number, duration_us, error_name, error_message, finished_at}
  kernel_finished jsonb,
  wire_finished jsonb,
  -- set when one witness has finished and the other is still awaited
  settle_after timestamptz,
  primary key (user_id, kernel_id, msg_id, occurrence)
) with (fillfactor = 70);
create index on open_execution (settle_after) where settle_after is not null;

-- Guards identity across partitions.
create table execution_key (
  user_id bigint not null,
  kernel_id text not null,
  msg_id text not null,
  occurrence int not null,
  execution_id bigint not null,
  "timestamp" timestamptz not null,
  primary key (user_id, kernel_id, msg_id, occurrence)
);

create table execution (
  user_id bigint not null,
  id bigint generated always as identity,
  -- order of commit per person, taken under the rollup row: ids commit out of order, this does not
  user_seq bigint not null,
  -- when the execution ended
  "timestamp" timestamptz not null,
  started_at timestamptz,
  received_at timestamptz not null default now(),
  snippet_id bigint not null,
  outcome execution_outcome not null,
  evidence execution_evidence not null,
  execution_time_ms int,
  cell_number int,
  occurrence int not null default 1,
  kernel_id text,
  msg_id text,
  cell_id text,
  notebook_path text,
  client_session text,
  error_name text,
  error_message text,
  primary key (user_id, "timestamp", id)
) partition by range ("timestamp");

create index execution_newest on execution (user_id, "timestamp" desc, user_seq desc);
create index execution_by_snippet on execution (user_id, snippet_id, "timestamp" desc);
create index execution_live on execution (user_id, user_seq);
create index execution_all_newest on execution ("timestamp" desc);
create index execution_errors on execution (user_id, "timestamp" desc, user_seq desc) where outcome <> 'success';
create index execution_all_errors on execution ("timestamp" desc) where outcome <> 'success';

-- Nothing is lost where a month was not made ahead; `doctor` reports rows in here.
create table execution_default partition of execution default;

-- Asked for, never ran (aborted after an earlier error): kept and visible in its session, in no count.
create table request_not_run (
  user_id bigint not null,
  id bigint generated always as identity,
  kernel_id text not null,
  msg_id text not null,
  requested_at timestamptz not null,
  snippet_id bigint not null,
  cell_id text,
  notebook_path text,
  client_session text not null,
  reason text not null,
  primary key (user_id, id)
);
create index on request_not_run (user_id, kernel_id, requested_at);

-- What came later than the row or differs from it. The row itself is never changed.
create table witness (
  user_id bigint not null,
  id bigint generated always as identity,
  kernel_id text not null,
  msg_id text not null,
  occurrence int not null,
  kind sensor_kind not null,
  instance uuid not null,
  received_at timestamptz not null default now(),
  body jsonb not null,
  primary key (user_id, id)
);
create index on witness (user_id, kernel_id, msg_id, occurrence);

create table finding (
  user_id bigint not null,
  id bigint generated always as identity,
  kind text not null,
  found_at timestamptz not null default now(),
  kernel_id text,
  msg_id text,
  occurrence int,
  instance uuid,
  evidence jsonb not null default '{}',
  primary key (user_id, id)
);
create index on finding (found_at desc);

-- Lines of imported files, counted per equal line, so that the same file twice adds nothing.
create table import_line (
  user_id bigint not null,
  digest bytea not null,
  copies int not null,
  primary key (user_id, digest)
);

-- Rollups: changed in the same transaction as the log, only for rows really added. No page counts log rows.
-- No changed column is in an index, so that updates stay HOT.
create table user_total (
  user_id bigint primary key,
  last_seq bigint not null default 0,
  executions bigint not null default 0,
  errors bigint not null default 0,
  timed bigint not null default 0,
  sum_ms bigint not null default 0,
  last_at timestamptz
) with (fillfactor = 50);

create table user_day (
  user_id bigint not null,
  day date not null,
  executions bigint not null default 0,
  errors bigint not null default 0,
  timed bigint not null default 0,
  sum_ms bigint not null default 0,
  last_at timestamptz,
  primary key (user_id, day)
) with (fillfactor = 70);
create index on user_day (day);

-- Reading. -----------------------------------------------------------------------------------------------------------

-- Letters, digits and marks that people of this deployment see as equal: case, Arabic and Persian yeh and kaf, the three
-- sets of digits; the zero-width non-joiner (last in the first list, without a partner) goes.
create function shaparak_fold(value text) returns text
  language sql immutable strict parallel safe
  return translate(lower(value),
    U&'\064A\0649\0643\0660\0661\0662\0663\0664\0665\0666\0667\0668\0669\06F0\06F1\06F2\06F3\06F4\06F5\06F6\06F7\06F8\06F9\200C',
    U&'\06CC\06CC\06A901234567890123456789');

-- The seed's table, as a view: its SQL runs unchanged. session_id is the kernel's id.
create view code_execution_logs as
select e.id,
       u.username::varchar(255) as username,
       e.kernel_id::varchar(255) as session_id,
       e.cell_number,
       s.code,
       e.execution_time_ms,
       (case when e.outcome = 'success' then 'success' else 'error' end)::varchar(50) as status,
       e.error_message,
       e."timestamp"
from execution e
join users u on u.id = e.user_id
join snippet s on s.user_id = e.user_id and s.id = e.snippet_id;

-- Months are bounded at midnight of the deployment's zone. Runs with the owner's rights, so that the maintenance role
-- needs none on the log itself.
create function make_execution_month(month_start date, zone text) returns boolean
  language plpgsql security definer set search_path from current
as $$
declare
  partition_name text := 'execution_' || to_char(month_start, 'YYYY_MM');
  lower_bound timestamptz := date_trunc('month', month_start)::timestamp at time zone zone;
  upper_bound timestamptz := (date_trunc('month', month_start) + interval '1 month')::timestamp at time zone zone;
begin
  perform pg_advisory_xact_lock(hashtext('make_execution_month'));
  if to_regclass(quote_ident(partition_name)) is not null then return false; end if;
  if exists (select from execution_default where "timestamp" >= lower_bound and "timestamp" < upper_bound) then return false; end if;
  execute format('create table %I partition of execution for values from (%L) to (%L)', partition_name, lower_bound, upper_bound);
  return true;
end $$;

-- Rights. ------------------------------------------------------------------------------------------------------------

grant usage on schema public to shaparak_app, shaparak_maintenance, shaparak_eraser, shaparak_reader;
grant select on deployment to shaparak_app, shaparak_maintenance, shaparak_reader;
grant select, insert, update on users, session to shaparak_app;
grant select, insert, delete on access_token, login_failure, lab_ticket_use to shaparak_app;
grant select, insert on audit_event, quarantine, snippet, execution_key, execution, request_not_run, witness, finding to shaparak_app;
grant select, insert, update on sensor, user_total, user_day, import_line to shaparak_app;
grant select, insert, update, delete on open_execution to shaparak_app;
grant execute on function make_execution_month(date, text) to shaparak_app, shaparak_maintenance;
revoke execute on function make_execution_month(date, text) from public;
grant select, delete on access_token, login_failure, lab_ticket_use to shaparak_maintenance;
grant select on execution, execution_default to shaparak_maintenance;
grant select, delete on snippet to shaparak_eraser;
grant select (id, username), update (digest_key) on users to shaparak_eraser;
grant select on code_execution_logs to shaparak_reader;
