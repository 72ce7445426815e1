/** One request to run code, from the message that asks to what its kernel has answered. */
import type { capture } from '@shaparak/contract';
import { boundedName, boundedText, optionalName } from '../bounded.js';
import { codeOf } from '../code-text.js';
import type { KernelMessage } from '../message.js';

export interface Asked {
  msgId: string;
  clientSession: string;
  connection: object;
  askedAt: number;
  beganAt: number | null;
  cellNumber: number | null;
  silent: boolean;
  subshell: boolean;
  code: { text: string; truncated?: capture.Truncation };
  cellId: string | null;
  /** iopub's word, which stands where the reply can't come any more */
  error: { name: string; value: string } | null;
  answer: { status: string; content: Record<string, unknown>; at: number; on: string } | null;
  prompt: { msgId: string; text: string; password: boolean } | null;
  /** the kernel said that it is done; the answer may still be on its way */
  isIdle: boolean;
}

export function readAsked(message: KernelMessage, connection: object, askedAt: number): Asked {
  const { header } = message;
  const content = message.content();
  return {
    msgId: boundedName(header.msg_id),
    clientSession: boundedName(header.session),
    connection,
    askedAt,
    beganAt: null,
    cellNumber: null,
    silent: content.silent === true,
    subshell: typeof header.subshell_id === 'string',
    code: boundedText(codeOf(content)),
    cellId: optionalName(message.metadata().cellId),
    error: null,
    answer: null,
    prompt: null,
    isIdle: false,
  };
}

export const nameOf = ({ msgId, clientSession }: Asked) => ({ msg_id: msgId, client_session: clientSession });

export const placeOf = ({ cellId, code }: Asked, notebookPath: string | null) => ({
  cell_id: cellId,
  notebook_path: notebookPath,
  code: code.text,
  ...(code.truncated ? { code_truncated: code.truncated } : {}),
});
