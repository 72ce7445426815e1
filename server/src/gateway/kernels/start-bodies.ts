/**
 * The bodies that decide which kernel runs and where. jupyter_server takes any kernel name, a path with ".." and an
 * environment; here only what JupyterLab sends passes, and what is forwarded is written anew from what was checked, so
 * that a repeated key can't mean one thing here and another there.
 */

import type { RouteKind } from '../routes.js';
import type { KernelSpecs } from './kernel-specs.js';

export type BodyVerdict =
  | { kind: 'valid'; body: string }
  | { kind: 'unreadable' }
  | { kind: 'invalid'; reason: string };

export const largestBody = 64 * 1024;

type StartRoute = Extract<RouteKind, 'kernel-start' | 'session-start' | 'session-change'>;
type Check = (value: unknown) => string | null;

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
const control = /[\x00-\x1f\x7f\\]/;

/** `kernelSpecs` names the specs that may be started. */
export function checkBody(route: StartRoute, text: string, kernelSpecs: KernelSpecs): BodyVerdict {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { kind: 'unreadable' };
  }
  const reason = createCheck(route, kernelSpecs)(value);
  return reason === null ? { kind: 'valid', body: JSON.stringify(value) } : { kind: 'invalid', reason };
}

function createCheck(route: StartRoute, kernelSpecs: KernelSpecs): Check {
  const spec: Check = (value) =>
    typeof value === 'string' && kernelSpecs.has(value) ? null : 'name is not an installed kernel';
  const kernel = optional(object({ name: optional(spec), id: optional(id) }, 'kernel'));
  const session = { path: filePath, name: optional(label), type: optional(label), kernel };
  if (route === 'kernel-start') return object({ name: spec, path: optional(filePath) }, 'body');
  if (route === 'session-start') return object({ ...session, kernel: startingKernel(spec) }, 'body');
  return object({ ...session, path: optional(filePath), id: optional(id) }, 'body');
}

/** Without a name the server takes its own default, which a user's settings may have changed. */
const startingKernel =
  (spec: Check): Check =>
  (value) =>
    object({ name: optional(spec), id: optional(id) }, 'kernel')(value) ??
    (['name', 'id'].some((name) => typeof (value as Record<string, unknown>)[name] === 'string')
      ? null
      : 'kernel has no name');

const id: Check = (value) => (typeof value === 'string' && uuid.test(value) ? null : 'id is not an id');
const label: Check = (value) =>
  typeof value === 'string' && value.length <= 255 && !control.test(value) ? null : 'name or type';

const filePath: Check = (value) => {
  if (typeof value !== 'string' || value.length > 1024 || control.test(value)) return 'path is not a path';
  return value.split('/').some((part) => part === '..' || part === '.') ? 'path leaves the home folder' : null;
};

/** JupyterLab sends null for what it does not know. */
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || value === null ? null : check(value);

const object =
  (members: Readonly<Record<string, Check>>, name: string): Check =>
  (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return `${name} is not an object`;
    const unknown = Object.keys(value).find((key) => !Object.hasOwn(members, key));
    if (unknown !== undefined) return `${name} has the member ${unknown.slice(0, 40)}`;
    for (const [key, check] of Object.entries(members)) {
      const reason = check((value as Record<string, unknown>)[key]);
      if (reason !== null) return reason;
    }
    return null;
  };
