/** What the REST interface does to kernels, told to the wire sensor: starts, ends, interrupts, changes of notebooks. */
import type { KernelOwner } from '../../wire/index.js';
import type { LabRoute } from '../routes.js';

export interface KernelWatch {
  /** a kernel or session model, as jupyter_server answered it */
  answered(owner: KernelOwner, model: unknown, isStart: boolean): void;
  ended(owner: KernelOwner, kernelId: string): void;
  sessionEnded(owner: KernelOwner, sessionId: string): void;
  restarted(owner: KernelOwner, kernelId: string): void;
  /** what is held back for its record must not run after an interrupt */
  interrupted(owner: KernelOwner, kernelId: string): void;
}

/** @returns what has to look at the answer, if anything */
export function followKernel(
  watch: KernelWatch,
  { kind, captured }: LabRoute,
  owner: KernelOwner,
  body: string | null,
): ((text: string, status: number) => void) | undefined {
  const [id = ''] = captured;
  const done = (act: () => void) => (_text: string, status: number) => {
    if (status < 300) act();
  };
  switch (kind) {
    case 'kernel-start':
    case 'session-start':
    case 'session-change':
      return (text, status) => {
        if (status < 300) watch.answered(owner, parse(text), startsKernel(kind, body));
      };
    case 'kernel-interrupt':
      watch.interrupted(owner, id);
      return undefined;
    case 'kernel-restart':
      watch.interrupted(owner, id);
      return done(() => watch.restarted(owner, id));
    case 'kernel-end':
      return done(() => watch.ended(owner, id));
    case 'session-end':
      return done(() => watch.sessionEnded(owner, id));
    default:
      return undefined;
  }
}

/** A session may also be opened for a kernel that runs already, or only get another path. */
function startsKernel(kind: LabRoute['kind'], body: string | null): boolean {
  if (kind === 'kernel-start') return true;
  const { kernel } = (parse(body ?? '') ?? {}) as { kernel?: { id?: unknown; name?: unknown } | null };
  return typeof kernel?.name === 'string' && typeof kernel.id !== 'string';
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
