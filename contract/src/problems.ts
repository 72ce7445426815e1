/**
 * The catalogue of every failure that the API reports (RFC 9457). `type` of an answer is `/problems/<code>`,
 * a page in docs/problems/. The portal maps the code to Persian; `title` is the English
 * sentence for everybody else, `next` the next step.
 */
export const problems = {
  'request-invalid': {
    status: 422,
    title: 'A parameter is missing, out of range or not of its type.',
    next: 'Read `errors`: each names a field and the rule that it breaks. Correct it and send the request again.',
  },
  'request-unreadable': {
    status: 400,
    title: 'The request could not be read.',
    next: 'Check that the body is well-formed and that its content type says what it is.',
  },
  'request-too-large': {
    status: 413,
    title: 'The request is larger than this endpoint accepts.',
    next: 'Send less at once.',
  },
  'media-type-unsupported': {
    status: 415,
    title: 'This content type is not accepted here.',
    next: 'Use the content type that the API description names for this endpoint; the login takes application/x-www-form-urlencoded or application/json.',
  },
  'not-found': {
    status: 404,
    title: 'There is nothing at this address.',
    next: 'Check the address; /api/openapi.json lists all of them. Somebody else’s execution is answered like one that does not exist.',
  },
  'method-not-allowed': {
    status: 405,
    title: 'This address does not answer this method.',
    next: 'Use a method that the API description names for this address.',
  },
  'credentials-wrong': {
    status: 401,
    title: 'User name or password is wrong.',
    next: 'Check both and try again. An administrator sets a new password with `npx shaparak user passwd NAME`.',
  },
  'token-missing': {
    status: 401,
    title: 'A valid Bearer token is needed.',
    next: 'Log in with POST /api/login and send its access_token as `Authorization: Bearer …`. Tokens last an hour.',
  },
  'session-ended': {
    status: 401,
    title: 'The session has ended; log in again.',
    next: 'Log in again. A session lasts twelve hours and ends with logout, a new password, or when the user is disabled.',
  },
  'origin-refused': {
    status: 403,
    title: 'This endpoint answers only the portal itself.',
    next: 'Only pages of the portal may use its cookie. Other programs log in and keep their own token.',
  },
  'role-missing': {
    status: 403,
    title: 'This needs the administrator role.',
    next: 'Ask an administrator; every refused attempt is recorded.',
  },
  'route-refused': {
    status: 403,
    title: 'This route of JupyterLab is closed by policy.',
    next: 'Terminals, downloads, exports and extensions are closed here; the attempt is recorded. See docs/explanation/limits.md.',
  },
  'lab-not-yours': {
    status: 403,
    title: 'This JupyterLab belongs to another user.',
    next: 'Open your own JupyterLab from the portal; the attempt is recorded.',
  },
  'login-throttled': {
    status: 429,
    title: 'Too many failed logins; wait and try again.',
    next: 'Wait for the seconds that Retry-After names. Nobody is locked out for ever.',
  },
  'lab-unavailable': {
    status: 503,
    title: 'JupyterHub cannot be reached; try again in a moment.',
    next: 'Try again in a moment; `npx shaparak doctor` tells the operator what is wrong.',
  },
  'lab-not-running': {
    status: 409,
    title: 'JupyterLab is not running; start it first.',
    next: 'Start JupyterLab on the portal’s home page, then open it.',
  },
  'intake-pushback': {
    status: 503,
    title: 'The intake is busy; keep the records and send them again.',
    next: 'Nothing is lost: the sensor keeps its records and sends them again after the seconds of Retry-After.',
  },
  'database-unavailable': {
    status: 503,
    title: 'The database cannot be reached; try again in a moment.',
    next: 'Try again in a moment; running notebooks go on and their records wait in the sensors’ spools. `npx shaparak doctor` tells the operator what is wrong.',
  },
  unexpected: {
    status: 500,
    title: 'Something unexpected went wrong; tell the operator the trace id.',
    next: 'Nothing about it is your fault. The operator finds the cause in the portal’s log under the trace_id.',
  },
} as const satisfies Record<string, { status: number; title: string; next: string }>;

export type ProblemCode = keyof typeof problems;
