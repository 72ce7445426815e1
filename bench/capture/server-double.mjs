/**
 * A double of a person's JupyterLab server, in a process of its own: `server-double.mjs SOCKET`. It answers every
 * kernel_info_request and, without running anything, every execute_request, and a comm_msg with {"flood": N} by N messages of output as fast as they are taken, then "done".
 */
import { createServer } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { WebSocketServer } from 'ws';

const [, , socketPath, messageModule] = process.argv;
const { readMessage, v1Protocol, writeMessage } = await import(pathToFileURL(messageModule));
const mostUnsent = 1024 * 1024;
const outputBytes = 1_000;

const server = createServer((request, response) => {
  const kernel = /\/api\/kernels\/([^/?]+)$/.exec(request.url)?.[1];
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(kernel === undefined ? [] : { id: kernel, name: 'python3' }));
});
const sockets = new WebSocketServer({ server, perMessageDeflate: false, handleProtocols: () => v1Protocol });
sockets.on('connection', (socket) => {
  socket.on('error', () => socket.terminate());
  socket.on('message', (data, isBinary) => {
    const request = readMessage(data, isBinary, true);
    const answer = (channel, type, content) =>
      writeMessage(
        { channel, header: { ...request.header, msg_type: type }, parent: request.header, metadata: {}, content },
        true,
      );
    const { flood } = request.content();
    const type = request.header.msg_type;
    if (type === 'kernel_info_request') socket.send(answer('shell', 'kernel_info_reply', { status: 'ok' }));
    else if (type === 'execute_request') {
      socket.send(answer('iopub', 'status', { execution_state: 'busy' }));
      socket.send(answer('iopub', 'execute_input', { code: request.content().code, execution_count: 1 }));
      socket.send(answer('shell', 'execute_reply', { status: 'ok', execution_count: 1 }));
      socket.send(answer('iopub', 'status', { execution_state: 'idle' }));
    } else if (typeof flood === 'number') {
      const empty = answer('iopub', 'stream', { name: 'stdout', text: '' }).length;
      const output = answer('iopub', 'stream', { name: 'stdout', text: 'x'.repeat(outputBytes - empty) });
      void pour(socket, output, flood).then(() => socket.send(answer('iopub', 'comm_msg', { done: true })));
    }
  });
});

async function pour(socket, output, count) {
  for (let sent = 0; sent < count && socket.readyState === socket.OPEN; sent += 1) {
    while (socket.bufferedAmount > mostUnsent) await turn();
    socket.send(output);
  }
}

server.listen(socketPath, () => process.send?.({ type: 'listening' }));
process.once('disconnect', () => process.exit(0));
process.once('SIGTERM', () => process.exit(0));
