/** The one client of all cases: a WebSocket of a kernel's channels that speaks v1.kernel.websocket.jupyter.org. */
import { randomUUID } from 'node:crypto';
import { WebSocket } from 'ws';
import { until } from './processes.mjs';

const answerWithinMs = 30_000;

/**
 * @param {{readMessage: Function, writeMessage: Function, v1Protocol: string}} format the server's wire/message.js
 * @param {{url: string, headers: Record<string, string>}} place
 */
export async function openKernel({ readMessage, writeMessage, v1Protocol }, { url, headers }) {
  const session = randomUUID();
  const socket = await connect(`${url}?session_id=${session}`, [v1Protocol], headers);
  /** @type {(message: object, at: number) => void} */
  let listener = () => {};
  socket.on('message', (data, isBinary) => {
    const at = performance.now();
    listener(readMessage(data, isBinary, true), at);
  });

  const write = (channel, type, content) => {
    const header = {
      msg_id: randomUUID(),
      msg_type: type,
      session,
      username: '',
      date: new Date().toISOString(),
      version: '5.3',
    };
    const message = { channel, header, parent: {}, metadata: { cellId: randomUUID() }, content };
    return { msgId: header.msg_id, frame: writeMessage(message, true) };
  };

  /** Sends one request; resolves when `isEnd` says so. @returns {Promise<number>} milliseconds */
  const ask = ({ msgId, frame }, isEnd) =>
    new Promise((resolve, reject) => {
      const fail = (reason) => {
        settle();
        reject(new Error(`no answer to ${msgId} over ${url}: ${reason}; heard ${heard.join(', ') || 'nothing'}`));
      };
      const cut = (code) => fail(`the connection was closed with ${code}`);
      const timer = setTimeout(() => fail('too late'), answerWithinMs);
      const settle = () => {
        clearTimeout(timer);
        socket.off('close', cut);
        listener = () => {};
      };
      socket.once('close', cut);
      const heard = [];
      const begun = performance.now();
      listener = (message, at) => {
        heard.push(message.header.msg_type);
        if (message.parent().msg_id !== msgId || !isEnd(message, at - begun)) return;
        settle();
        resolve(at - begun);
      };
      socket.send(frame);
    });

  const kernel = {
    socket,
    write,
    /** cells that it ran */
    runs: 0,
    /** Runs code. @returns {Promise<{reply: number, idle: number}>} milliseconds from the request to its reply, and to `idle` */
    async run(code) {
      kernel.runs += 1;
      const times = { reply: 0, idle: 0 };
      const request = write('shell', 'execute_request', {
        code,
        silent: false,
        store_history: true,
        user_expressions: {},
        allow_stdin: true,
        stop_on_error: true,
      });
      await ask(request, (message, ms) => {
        const type = message.header.msg_type;
        if (type === 'execute_reply') {
          if (message.content().status !== 'ok')
            throw new Error(`the cell failed: ${JSON.stringify(message.content())}`);
          times.reply = ms;
        }
        if (type === 'status' && message.content().execution_state === 'idle') times.idle = ms;
        return times.reply > 0 && times.idle > 0;
      });
      return times;
    },
    /** The kernel answers. */
    greet: () =>
      ask(write('shell', 'kernel_info_request', {}), ({ header }) => header.msg_type === 'kernel_info_reply'),
    close: () => socket.terminate(),
  };
  return kernel;
}

/** A kernel that was only just started may not be ready to take a connection. */
function connect(url, protocols, headers) {
  return until(
    () =>
      new Promise((resolve, reject) => {
        const socket = new WebSocket(url, protocols, { headers, perMessageDeflate: false, maxPayload: 0 });
        socket.once('error', reject);
        socket.once('open', () => {
          socket.off('error', reject);
          socket.on('error', () => socket.terminate());
          resolve(socket);
        });
      }),
    'the WebSocket of a kernel',
    20_000,
  );
}
