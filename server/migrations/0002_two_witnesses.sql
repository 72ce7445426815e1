-- The second witness: what the gateway knows of a kernel, text that was given and files that ran beside a cell's code,
-- coverage, findings that are told once, and words that come after their execution was settled.

alter table sensor
  -- the wire sensor's knowledge of the kernel; null for a kernel's own sensor
  add column spec text,
  add column expects_kernel_sensor boolean,
  add column saw_start boolean not null default false,
  -- since when `received` has a hole; null while it has none
  add column hole_since timestamptz;
create index sensor_with_hole on sensor (hole_since) where hole_since is not null;
create index sensor_of_wire on sensor (instance) where kind = 'wire';
create index sensor_newest on sensor (first_heard_at) where kind = 'kernel';

-- Both sensors tell of a request that never ran; each keeps its word.
alter table request_not_run add column kind sensor_kind not null default 'kernel';
create index on request_not_run (requested_at);

-- A finding with a `once` is told one time however often its cause is looked at.
alter table finding add column once text;
create unique index finding_once on finding (user_id, kind, once);
create index finding_of_kind on finding (kind, found_at desc, id desc);
create index finding_of_execution on finding (user_id, kernel_id, msg_id, occurrence);

-- Executions that were captured (not imported), and those among them that every expected witness saw.
alter table user_day
  add column live bigint not null default 0,
  add column covered bigint not null default 0;

-- Text given to input() or to a debugger's prompt. Of a password only the length.
create table execution_input (
  user_id bigint not null,
  id bigint generated always as identity,
  kernel_id text not null,
  msg_id text not null,
  given_at timestamptz not null,
  prompt text not null,
  password boolean not null,
  text text,
  length int not null,
  primary key (user_id, id),
  check (not password or text is null)
);
create index on execution_input (user_id, kernel_id, msg_id);

-- Files whose code ran inside an execution (%run).
create table file_run (
  user_id bigint not null,
  id bigint generated always as identity,
  kernel_id text not null,
  msg_id text not null,
  run_at timestamptz not null,
  path text not null,
  bytes bigint,
  sha256 bytea,
  primary key (user_id, id)
);
create index on file_run (user_id, kernel_id, msg_id);

-- A `lost` execution whose outcome a witness told later. Both stay visible; counts follow the amendment.
create table amendment (
  user_id bigint not null,
  execution_id bigint not null,
  made_at timestamptz not null default now(),
  instance uuid not null,
  outcome execution_outcome not null,
  execution_time_ms int,
  error_name text,
  error_message text,
  primary key (user_id, execution_id)
);

-- How far each gateway has delivered what it saw: what it has not told yet is late, not missing.
create table wire_progress (
  gateway uuid primary key,
  caught_up_to timestamptz not null,
  told_at timestamptz not null default now()
);

create or replace view code_execution_logs as
select e.id,
       u.username::varchar(255) as username,
       e.kernel_id::varchar(255) as session_id,
       e.cell_number,
       s.code,
       coalesce(a.execution_time_ms, e.execution_time_ms) as execution_time_ms,
       (case when coalesce(a.outcome, e.outcome) = 'success' then 'success' else 'error' end)::varchar(50) as status,
       case when a.outcome is null then e.error_message else a.error_message end as error_message,
       e."timestamp"
from execution e
join users u on u.id = e.user_id
join snippet s on s.user_id = e.user_id and s.id = e.snippet_id
left join amendment a on a.user_id = e.user_id and a.execution_id = e.id;

grant select, insert on execution_input, file_run, amendment to shaparak_app;
grant select, insert, update, delete on wire_progress to shaparak_app;
