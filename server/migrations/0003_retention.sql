-- Months that left the log for a file. The count stays: a person's sequence has no hole, so it is their executions and
-- these.
create table archived_month (
  user_id bigint not null,
  month date not null,
  executions bigint not null,
  archived_at timestamptz not null default now(),
  primary key (user_id, month)
);

grant select on archived_month to shaparak_app;
