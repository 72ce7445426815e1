-- The specified table. PostgreSQL has no inline INDEX, so the four are made beside it.
create table code_execution_logs (
  id serial primary key,
  username varchar(255) not null,
  session_id varchar(255),
  cell_number integer,
  code text not null,
  execution_time_ms integer,
  status varchar(50),
  error_message text,
  timestamp timestamp default current_timestamp
);
create index idx_username on code_execution_logs (username);
create index idx_timestamp on code_execution_logs (timestamp);
create index idx_status on code_execution_logs (status);
create index idx_username_timestamp on code_execution_logs (username, timestamp desc);
