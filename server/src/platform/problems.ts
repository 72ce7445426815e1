/** Failures that are told to the caller, from the contract's catalogue (RFC 9457). */
import { type ProblemCode, problems } from '@shaparak/contract';

export interface ProblemOptions {
  detail?: string;
  errors?: { field: string; message: string }[];
  /** seconds, answered as Retry-After */
  retryAfter?: number;
  cause?: unknown;
}

export class ProblemError extends Error {
  override name = 'ProblemError';
  readonly status: number;
  constructor(
    readonly code: ProblemCode,
    readonly options: ProblemOptions = {},
  ) {
    super(options.detail ?? problems[code].title, { cause: options.cause });
    this.status = problems[code].status;
  }
}

export function problem(code: ProblemCode, options: ProblemOptions = {}): ProblemError {
  return new ProblemError(code, options);
}

/** The body of an answer of type application/problem+json. */
export function problemBody(error: ProblemError, traceId: string): Record<string, unknown> {
  const { detail, errors } = error.options;
  return {
    type: `/problems/${error.code}`,
    title: problems[error.code].title,
    status: error.status,
    code: error.code,
    ...(detail === undefined ? {} : { detail }),
    ...(errors === undefined ? {} : { errors }),
    trace_id: traceId,
  };
}
