/**
 * The catalogue of every failure that the API reports (RFC 9457). `type` of an answer is `/problems/<code>`,
 * a page in docs/problems/. The portal maps the code to Persian; `title` is the English sentence for everybody else.
 */
export const problems = {
  'request-invalid': { status: 422, title: 'A parameter is missing, out of range or not of its type.' },
  'request-unreadable': { status: 400, title: 'The request could not be read.' },
  'request-too-large': { status: 413, title: 'The request is larger than this endpoint accepts.' },
  'media-type-unsupported': { status: 415, title: 'This content type is not accepted here.' },
  'not-found': { status: 404, title: 'There is nothing at this address.' },
  'method-not-allowed': { status: 405, title: 'This address does not answer this method.' },
  'credentials-wrong': { status: 401, title: 'User name or password is wrong.' },
  'token-missing': { status: 401, title: 'A valid Bearer token is needed.' },
  'session-ended': { status: 401, title: 'The session has ended; log in again.' },
  'origin-refused': { status: 403, title: 'This endpoint answers only the portal itself.' },
  'role-missing': { status: 403, title: 'This needs the administrator role.' },
  'route-refused': { status: 403, title: 'This route of JupyterLab is closed by policy.' },
  'lab-not-yours': { status: 403, title: 'This JupyterLab belongs to another user.' },
  'login-throttled': { status: 429, title: 'Too many failed logins; wait and try again.' },
  'lab-unavailable': { status: 503, title: 'JupyterHub cannot be reached; try again in a moment.' },
  'lab-not-running': { status: 409, title: 'JupyterLab is not running; start it first.' },
  'intake-pushback': { status: 503, title: 'The intake is busy; keep the records and send them again.' },
  'database-unavailable': { status: 503, title: 'The database cannot be reached; try again in a moment.' },
  unexpected: { status: 500, title: 'Something unexpected went wrong; tell the operator the trace id.' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemCode = keyof typeof problems;
