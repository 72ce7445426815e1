/**
 * What the gateway answers in a kernel's place when a message may not go to it. A client waits for a reply and for idle:
 * without them its cell would stay busy for ever (Jupyter messaging protocol 5.4, "execution status").
 */
import { randomUUID } from 'node:crypto';
import { type KernelMessage, writeMessage } from '../message.js';

/** Short lines: JupyterLab breaks the left-to-right block of an error in the middle of words. */
const notRecorded = [
  'اجرا نشد: سامانهٔ ثبت لاگ در دسترس نیست.',
  'طبق سیاست این سامانه، کدی که ثبت نشود اجرا نمی‌شود.',
  'چند لحظهٔ دیگر دوباره تلاش کنید؛ اگر تکرار شد، به مدیر سامانه خبر دهید.',
].join('\n');
const errorName = 'خطای ثبت لاگ';

/** Replies to an execute_request that was not handed on: busy, an error in Persian, the reply, idle. */
export function refuseExecution(request: KernelMessage, isV1: boolean): (Buffer | string)[] {
  const error = {
    ename: errorName,
    evalue: notRecorded,
    traceback: [`\u001b[0;31m${errorName}\u001b[0m`, notRecorded],
  };
  const reply = { status: 'error', execution_count: null, user_expressions: {}, payload: [], ...error };
  const channel = request.channel === 'control' ? 'control' : 'shell';
  return [
    answer(request, 'iopub', 'status', { execution_state: 'busy' }, isV1),
    answer(request, 'iopub', 'error', error, isV1),
    answer(request, channel, 'execute_reply', reply, isV1, { status: 'error' }),
    answer(request, 'iopub', 'status', { execution_state: 'idle' }, isV1),
  ];
}

/** Debugging is switched off: what a debugger evaluates is no execution and would leave no record. */
export function refuseDebugging(request: KernelMessage, isV1: boolean): (Buffer | string)[] {
  const { seq = 0, command = '' } = request.content();
  const content = {
    type: 'response',
    request_seq: seq,
    command,
    success: false,
    message: 'debugging is switched off',
    body: {},
  };
  return [
    answer(request, 'iopub', 'status', { execution_state: 'busy' }, isV1),
    answer(request, 'control', 'debug_reply', content, isV1),
    answer(request, 'iopub', 'status', { execution_state: 'idle' }, isV1),
  ];
}

function answer(
  request: KernelMessage,
  channel: string,
  type: string,
  content: Record<string, unknown>,
  isV1: boolean,
  metadata: Record<string, unknown> = {},
): Buffer | string {
  const header = {
    msg_id: randomUUID(),
    msg_type: type,
    session: request.header.session,
    username: 'shaparak',
    date: new Date().toISOString(),
    version: '5.4',
  };
  return writeMessage({ channel, header, parent: request.header, metadata, content }, isV1);
}
