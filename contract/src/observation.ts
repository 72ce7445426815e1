/**
 * What a sensor says (an observation) and how it delivers it. The same schema serves both sensors; golden fixtures in
 * contract/fixtures/observations are checked by TypeScript and by Python.
 *
 * Identity is never in here: the user is the owner of the socket (kernel sensor) or of the session (wire sensor).
 * A delivery is idempotent by (sensor.instance, sequence); an execution is named by (user, kernel_id, msg_id, occurrence).
 */
import { type Static, Type } from 'typebox';

/** 1 MiB of code is kept exactly; a sensor shortens longer text and says so, so 1.5 Mi characters is a wide bound. */
const LongText = Type.String({ maxLength: 1_600_000 });
const Name = Type.String({ maxLength: 1_000 });
const nullableName = Type.Unsafe<string | null>({ type: ['string', 'null'], maxLength: 4_096 });
const nullableText = Type.Unsafe<string | null>({ type: ['string', 'null'], maxLength: 1_600_000 });
const nullableCount = Type.Unsafe<number | null>({
  type: ['integer', 'null'],
  minimum: 0,
  maximum: Number.MAX_SAFE_INTEGER,
});
const CellNumber = Type.Unsafe<number | null>({ type: ['integer', 'null'], minimum: 0, maximum: 2_147_483_647 });
const Instant = Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,9})?Z$' });

/** The full length and digest of a text that was too long to be sent whole. */
export const Truncation = Type.Object({
  bytes: Type.Integer({ minimum: 0 }),
  sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
});

const head = {
  sequence: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  observed_at: Instant,
};
const request = { msg_id: Name, client_session: Name };

export const SensorStarted = Type.Object({
  ...head,
  type: Type.Literal('sensor_started'),
  notebook_path: nullableName,
  /** what only the wire sensor knows: whether it saw the kernel start, under which spec, and if that brings a sensor */
  saw_start: Type.Optional(Type.Boolean()),
  spec: Type.Optional(nullableName),
  expects_kernel_sensor: Type.Optional(Type.Boolean()),
});
export const ExecutionStarted = Type.Object({
  ...head,
  ...request,
  type: Type.Literal('execution_started'),
  cell_id: nullableName,
  notebook_path: nullableName,
  cell_number: CellNumber,
  code: LongText,
  code_truncated: Type.Optional(Truncation),
  silent: Type.Boolean(),
  store_history: Type.Boolean(),
});
export const ExecutionFinished = Type.Object({
  ...head,
  ...request,
  type: Type.Literal('execution_finished'),
  /** `lost` is the wire sensor's word for a kernel that ended before it answered */
  outcome: Type.Union([
    Type.Literal('success'),
    Type.Literal('error'),
    Type.Literal('interrupted'),
    Type.Literal('lost'),
  ]),
  cell_number: CellNumber,
  duration_us: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  error_name: nullableText,
  error_message: nullableText,
  error_truncated: Type.Optional(Truncation),
});
export const ExecutionNotRun = Type.Object({
  ...head,
  ...request,
  type: Type.Literal('execution_not_run'),
  cell_id: nullableName,
  notebook_path: nullableName,
  code: LongText,
  code_truncated: Type.Optional(Truncation),
  reason: Name,
});
/** Text that a person gave to input() or to a debugger's prompt: code, often enough. Of a password only the length. */
export const InputGiven = Type.Object({
  ...head,
  ...request,
  type: Type.Literal('input_given'),
  prompt: LongText,
  password: Type.Boolean(),
  text: nullableText,
  length: Type.Integer({ minimum: 0, description: 'code points' }),
});
/** A file whose code ran inside an execution (%run): which one, and a digest of what it held then. */
export const FileRun = Type.Object({
  ...head,
  ...request,
  type: Type.Literal('file_run'),
  path: Name,
  bytes: nullableCount,
  sha256: Type.Unsafe<string | null>({ type: ['string', 'null'], pattern: '^[0-9a-f]{64}$' }),
});
/** The kernel announced code that nobody had asked for over the gateway; its text is the kernel's word. */
export const OutputWithoutRequest = Type.Object({
  ...head,
  ...request,
  type: Type.Literal('output_without_request'),
  code: nullableText,
});
/** Records that the sensor could not keep: silence is never an outcome. */
export const Gap = Type.Object({
  ...head,
  type: Type.Literal('gap'),
  count: Type.Integer({ minimum: 1 }),
  reason: Name,
});
export const SensorStopped = Type.Object({ ...head, type: Type.Literal('sensor_stopped') });

export const observationTypes = {
  sensor_started: SensorStarted,
  execution_started: ExecutionStarted,
  execution_finished: ExecutionFinished,
  execution_not_run: ExecutionNotRun,
  input_given: InputGiven,
  file_run: FileRun,
  output_without_request: OutputWithoutRequest,
  gap: Gap,
  sensor_stopped: SensorStopped,
} as const;

export const Sensor = Type.Object({
  kind: Type.Union([Type.Literal('kernel'), Type.Literal('wire')]),
  instance: Type.String({ pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' }),
  version: Name,
  kernel_id: Type.String({ minLength: 1, maxLength: 200 }),
  language: Name,
  started_at: Instant,
});
/** Observations are checked one by one at the intake, so that one bad record never costs its neighbours. */
export const Delivery = Type.Object({ sensor: Sensor, observations: Type.Array(Type.Unknown(), { maxItems: 10_000 }) });
/** A delivery that a user's server did not let pass: of another kernel, or of a second sensor in one kernel process. */
export const RefusedDelivery = Type.Object({
  kernel_id: Type.String({ minLength: 1, maxLength: 200 }),
  claimed_kernel_id: Type.String({ maxLength: 200 }),
  instance: Type.String({ maxLength: 200 }),
  reason: Type.Union([Type.Literal('kernel-id'), Type.Literal('second-instance')]),
  observed_at: Type.String({ maxLength: 40 }),
});
export const Receipt = Type.Object({
  received: Type.Integer(),
  accepted: Type.Integer(),
  duplicate: Type.Integer(),
  quarantined: Type.Integer(),
  through: Type.Integer({ description: 'everything up to this sequence is durably handled, without a hole' }),
});
/** Answer of GET /capture/<kernel_id> on the lab host: what the banner's last line shows. */
export const CaptureStatus = Type.Object({
  kernel_id: Type.String(),
  username: Type.String(),
  reporting: Type.Boolean(),
  instance: Type.Unsafe<string | null>({ type: ['string', 'null'] }),
  reason: Type.Unsafe<'no-sensor' | 'silent' | 'intake-unavailable' | null>({
    type: ['string', 'null'],
    enum: ['no-sensor', 'silent', 'intake-unavailable', null],
  }),
});

/** What each sensor does not see; docs/explanation/capture.md says it in prose. */
export const limitations = {
  kernel: [
    'runs inside a process that the user controls: user code can silence or imitate it',
    'does not see code of child processes and imported modules, only the cell that started them; of files run with %run it has path and digest',
    'does not see the outcome of an execution that killed the kernel (os._exit, kill -9, segfault, out of memory)',
    'its clock is the kernel host’s',
  ],
  wire: [
    'does not see code that a kernel runs without a request over the gateway',
    'what comes back from a kernel is said by a process that the user controls',
  ],
} as const;

export type Observation =
  | Static<typeof SensorStarted>
  | Static<typeof ExecutionStarted>
  | Static<typeof ExecutionFinished>
  | Static<typeof ExecutionNotRun>
  | Static<typeof InputGiven>
  | Static<typeof FileRun>
  | Static<typeof OutputWithoutRequest>
  | Static<typeof Gap>
  | Static<typeof SensorStopped>;
export type ExecutionStarted = Static<typeof ExecutionStarted>;
export type ExecutionFinished = Static<typeof ExecutionFinished>;
export type ExecutionNotRun = Static<typeof ExecutionNotRun>;
export type InputGiven = Static<typeof InputGiven>;
export type FileRun = Static<typeof FileRun>;
export type OutputWithoutRequest = Static<typeof OutputWithoutRequest>;
export type SensorStarted = Static<typeof SensorStarted>;
export type Sensor = Static<typeof Sensor>;
export type Delivery = Static<typeof Delivery>;
export type RefusedDelivery = Static<typeof RefusedDelivery>;
export type Receipt = Static<typeof Receipt>;
export type CaptureStatus = Static<typeof CaptureStatus>;
export type Truncation = Static<typeof Truncation>;
