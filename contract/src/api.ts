/** Shapes of the HTTP API. The seed's names come first in each object; ours follow them. */
import { type Static, type TSchema, Type } from 'typebox';

const nullable = <T extends string>(type: T, options: object = {}) =>
  Type.Unsafe<(T extends 'string' ? string : number) | null>({ type: [type, 'null'], ...options });

/** RFC 3339 with the offset of the deployment's zone, e.g. 2025-10-30T15:30:45.123+03:30 */
export const Timestamp = Type.String({ format: 'date-time' });
const NullableTimestamp = nullable('string', { format: 'date-time' });
const Day = Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$' });
const Count = Type.Integer({ minimum: 0 });
const NullableMilliseconds = nullable('number');
const Id = Type.Integer();

export const Status = Type.Union([Type.Literal('success'), Type.Literal('error')]);
/** finer than status: `interrupted` and `lost` are of status `error` */
export const Outcome = Type.Union([
  Type.Literal('success'),
  Type.Literal('error'),
  Type.Literal('interrupted'),
  Type.Literal('lost'),
]);
/** which sensors saw the execution */
export const Evidence = Type.Union([
  Type.Literal('both'),
  Type.Literal('wire'),
  Type.Literal('kernel'),
  Type.Literal('imported'),
]);
export const Role = Type.Union([Type.Literal('analyst'), Type.Literal('administrator'), Type.Literal('auditor')]);

export const Problem = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  code: Type.String(),
  detail: Type.Optional(Type.String()),
  trace_id: Type.Optional(Type.String()),
  errors: Type.Optional(Type.Array(Type.Object({ field: Type.String(), message: Type.String() }))),
});

export const Login = Type.Object({ username: Type.String(), password: Type.String() });
export const AccessToken = Type.Object({
  access_token: Type.String(),
  token_type: Type.Literal('bearer'),
  expires_in: Type.Integer({ description: 'seconds' }),
});
export const Me = Type.Object({ username: Type.String(), role: Role, time_zone: Type.String() });

export const Dashboard = Type.Object({
  stats: Type.Object({
    total_executions: Count,
    today_executions: Count,
    total_errors: Count,
    success_rate: Type.Number({ description: 'percent, 1 decimal' }),
    avg_execution_time_ms: NullableMilliseconds,
    last_execution: NullableTimestamp,
    yesterday_executions: Count,
    user_seq: Type.Integer({ description: 'watermark of the live stream: everything up to it is counted here' }),
  }),
});

const ExecutionContext = {
  started_at: NullableTimestamp,
  outcome: Outcome,
  evidence: Evidence,
  kernel_id: nullable('string'),
  notebook_path: nullable('string'),
  cell_id: nullable('string'),
};
export const Activity = Type.Object({
  id: Id,
  timestamp: Timestamp,
  cell_number: nullable('integer'),
  code: Type.String(),
  execution_time_ms: nullable('integer'),
  status: Status,
  error_message: nullable('string'),
  ...ExecutionContext,
});
export const RecentActivity = Type.Object({ activities: Type.Array(Activity), count: Count });
export const SearchResults = Type.Object({ results: Type.Array(Activity), query: Type.String(), count: Count });

export const LogEntry = Type.Object({
  id: Id,
  timestamp: Timestamp,
  cell_number: nullable('integer'),
  code_preview: Type.String({ description: 'first 100 characters' }),
  execution_time_ms: nullable('integer'),
  status: Status,
  error_preview: nullable('string'),
  ...ExecutionContext,
});
export const Logs = Type.Object({
  logs: Type.Array(LogEntry),
  count: Type.Integer({ minimum: 0, description: 'entries in this answer' }),
  total: Type.Integer({ minimum: 0, description: 'executions of the caller in all' }),
  next_cursor: nullable('string'),
});

export const DailyStat = Type.Object({
  date: Day,
  executions: Count,
  success_count: Count,
  error_count: Count,
  avg_time_ms: NullableMilliseconds,
});
export const DailyStats = Type.Object({ daily_stats: Type.Array(DailyStat), period_days: Type.Integer() });

/** Text that was given to input() or to a debugger's prompt while the execution ran; of a password only the length. */
export const ExecutionInput = Type.Object({
  given_at: Timestamp,
  prompt: Type.String(),
  password: Type.Boolean(),
  text: nullable('string'),
  length: Count,
});
export const FileRun = Type.Object({
  run_at: Timestamp,
  path: Type.String(),
  bytes: nullable('integer'),
  sha256: nullable('string'),
});
/** One execution with what belongs to it. */
export const ActivityDetails = Type.Object({
  ...Activity.properties,
  inputs: Type.Array(ExecutionInput),
  files: Type.Array(FileRun),
});

export const RunningExecution = Type.Object({
  state: Type.Union([Type.Literal('queued'), Type.Literal('running')]),
  started_at: Timestamp,
  elapsed_ms: Count,
  code: Type.String(),
  cell_number: nullable('integer'),
  kernel_id: Type.String(),
  notebook_path: nullable('string'),
  cell_id: nullable('string'),
});
export const RunningActivity = Type.Object({ running: Type.Array(RunningExecution), count: Count });

/** What a witness said that does not fit: docs/explanation/capture.md has the meaning of each. */
export const FindingKind = Type.Union([
  Type.Literal('wire-only'),
  Type.Literal('kernel-only'),
  Type.Literal('code-differs'),
  Type.Literal('outcome-differs'),
  Type.Literal('end-unwitnessed'),
  Type.Literal('sequence-gap'),
  Type.Literal('sensor-gap'),
  Type.Literal('sensor-silent'),
  Type.Literal('unregistered-kernel'),
  Type.Literal('msg-id-reused'),
  Type.Literal('forged-output'),
  Type.Literal('forged-delivery'),
  Type.Literal('clock-difference'),
]);
export const Finding = Type.Object({
  id: Id,
  kind: FindingKind,
  username: Type.String(),
  found_at: Timestamp,
  kernel_id: nullable('string'),
  execution_id: nullable('integer'),
  notebook_path: nullable('string'),
  explained: Type.Boolean({ description: 'the missing witness has spoken since' }),
  evidence: Type.Record(Type.String(), Type.Unknown()),
});
export const Findings = Type.Object({
  findings: Type.Array(Finding),
  count: Type.Integer({ minimum: 0, description: 'findings in this answer' }),
  total: Type.Integer({ minimum: 0, description: 'findings that the filters admit' }),
  by_kind: Type.Array(Type.Object({ kind: FindingKind, count: Count })),
  next_cursor: nullable('string'),
});
const Share = nullable('number', { description: 'percent, 2 decimals; null where nothing was captured' });
export const Coverage = Type.Object({
  period_days: Type.Integer(),
  executions: Count,
  covered: Count,
  coverage: Share,
  findings: Count,
  days: Type.Array(Type.Object({ date: Day, executions: Count, covered: Count, coverage: Share, findings: Count })),
  users: Type.Array(
    Type.Object({ username: Type.String(), executions: Count, covered: Count, coverage: Share, findings: Count }),
  ),
});

export const UserActivity = Type.Object({
  username: Type.String(),
  total_executions: Count,
  today_executions: Count,
  error_count: Count,
  avg_time_ms: NullableMilliseconds,
  last_active: NullableTimestamp,
  role: Role,
  disabled: Type.Boolean(),
});
export const AllUsersActivity = Type.Object({ users_activity: Type.Array(UserActivity), total_users: Count });

export const SystemStats = Type.Object({
  total_executions: Count,
  active_users: Count,
  today_executions: Count,
  total_errors: Count,
  avg_execution_time_ms: NullableMilliseconds,
  top_users: Type.Array(Type.Object({ username: Type.String(), executions: Count })),
  recent_errors: Type.Array(
    Type.Object({
      username: Type.String(),
      timestamp: Timestamp,
      code_preview: Type.String(),
      error: nullable('string'),
    }),
  ),
});

/** State machine of a user's JupyterLab as the portal shows it. */
export const LabState = Type.Object({
  state: Type.Union([
    Type.Literal('off'),
    Type.Literal('starting'),
    Type.Literal('running'),
    Type.Literal('stopping'),
    Type.Literal('failed'),
  ]),
  step: Type.Unsafe<'queued' | 'preparing' | 'launching' | 'connecting' | null>({
    type: ['string', 'null'],
    enum: ['queued', 'preparing', 'launching', 'connecting', null],
  }),
  elapsed_ms: nullable('integer', { description: 'since the start was asked for, while starting' }),
  typical_ms: nullable('integer', { description: 'median of the last starts' }),
  reason: nullable('string', { description: 'why it failed, in English, for the operator' }),
  protections: Type.Array(Type.String(), { description: 'isolation that is on: uid, bubblewrap' }),
});
export const LabTicket = Type.Object({
  action: Type.String({ description: 'address on the lab host that takes the ticket by POST' }),
  ticket: Type.String({ description: 'valid once, for 30 seconds' }),
});

/** Data of one `activity` event on GET /api/live; its SSE id is user_seq. */
export const LiveActivity = Type.Object({
  user_seq: Type.Integer(),
  activity: Activity,
});

const limit = (fallback: number) => Type.Integer({ minimum: 1, maximum: 1000, default: fallback });
export const RecentQuery = Type.Object({ limit: limit(10) });
export const StatsQuery = Type.Object({ days: Type.Integer({ minimum: 1, maximum: 400, default: 7 }) });
export const SearchQuery = Type.Object({
  query: Type.String({ minLength: 2, maxLength: 10_000 }),
  limit: limit(20),
  status: Type.Optional(Status),
});
export const FindingsQuery = Type.Object({
  limit: limit(50),
  kind: Type.Optional(FindingKind),
  username: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
  cursor: Type.Optional(Type.String({ pattern: '^\\d{1,15}$' })),
});
export const CoverageQuery = Type.Object({ days: Type.Integer({ minimum: 1, maximum: 400, default: 30 }) });
export const LogsQuery = Type.Object({
  limit: limit(20),
  offset: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, default: 0 }),
  cursor: Type.Optional(Type.String({ maxLength: 200 })),
  status: Type.Optional(Status),
});

export const Health = Type.Object({ status: Type.Literal('ok') });
export const Readiness = Type.Object({
  status: Type.Union([Type.Literal('ready'), Type.Literal('not-ready')]),
  checks: Type.Record(Type.String(), Type.Union([Type.Literal('ok'), Type.Literal('failed')])),
});

export type Shape<T extends TSchema> = Static<T>;
export type Problem = Static<typeof Problem>;
export type Status = Static<typeof Status>;
export type Outcome = Static<typeof Outcome>;
export type Evidence = Static<typeof Evidence>;
export type Role = Static<typeof Role>;
export type AccessToken = Static<typeof AccessToken>;
export type Me = Static<typeof Me>;
export type Dashboard = Static<typeof Dashboard>;
export type Activity = Static<typeof Activity>;
export type RecentActivity = Static<typeof RecentActivity>;
export type SearchResults = Static<typeof SearchResults>;
export type LogEntry = Static<typeof LogEntry>;
export type Logs = Static<typeof Logs>;
export type DailyStat = Static<typeof DailyStat>;
export type DailyStats = Static<typeof DailyStats>;
export type ActivityDetails = Static<typeof ActivityDetails>;
export type RunningActivity = Static<typeof RunningActivity>;
export type FindingKind = Static<typeof FindingKind>;
export type Findings = Static<typeof Findings>;
export type Coverage = Static<typeof Coverage>;
export type UserActivity = Static<typeof UserActivity>;
export type AllUsersActivity = Static<typeof AllUsersActivity>;
export type SystemStats = Static<typeof SystemStats>;
export type LabState = Static<typeof LabState>;
export type LabTicket = Static<typeof LabTicket>;
export type LiveActivity = Static<typeof LiveActivity>;
