import type { api } from '@shaparak/contract';

/** A failure that the API reported, or `network` where no answer came. The message is English, for the console. */
export class ApiProblem extends Error {
  readonly code: string;
  readonly status: number;
  readonly detail: string | undefined;
  readonly traceId: string | undefined;

  constructor(problem: Pick<api.Problem, 'code' | 'status' | 'title' | 'detail' | 'trace_id'>) {
    super(problem.title);
    this.name = 'ApiProblem';
    this.code = problem.code;
    this.status = problem.status;
    this.detail = problem.detail;
    this.traceId = problem.trace_id;
  }
}

/** Reads the problem document of a failed answer; a proxy between us may answer with something else. */
export async function problemOf(response: Response): Promise<ApiProblem> {
  const body: unknown = await response.json().catch(() => null);
  const field = (name: string) => {
    const value = body && typeof body === 'object' ? (body as Record<string, unknown>)[name] : undefined;
    return typeof value === 'string' ? value : undefined;
  };
  return new ApiProblem({
    code: field('code') ?? 'unexpected',
    status: response.status,
    title: field('title') ?? `HTTP ${response.status}`,
    detail: field('detail'),
    trace_id: field('trace_id'),
  });
}

export function networkProblem(cause: unknown): ApiProblem {
  const problem = new ApiProblem({ code: 'network', status: 0, title: 'The server did not answer.' });
  problem.cause = cause;
  return problem;
}
