/** A child's output as a file that never grows without end: over the limit it becomes <name>.1, and so on. */
import { createWriteStream, existsSync, renameSync, statSync, type WriteStream } from 'node:fs';

export interface LogFile {
  write(chunk: string | Buffer): void;
  close(): Promise<void>;
}

const keptFiles = 3;

export function openLogFile(path: string, limitBytes = 10 * 1024 * 1024): LogFile {
  let size = existsSync(path) ? statSync(path).size : 0;
  let stream = open(path);

  function rotate(): void {
    stream.end();
    for (let number = keptFiles - 1; number >= 1; number -= 1)
      if (existsSync(`${path}.${number}`)) renameSync(`${path}.${number}`, `${path}.${number + 1}`);
    renameSync(path, `${path}.1`);
    stream = open(path);
    size = 0;
  }

  return {
    write(chunk) {
      size += Buffer.byteLength(chunk);
      stream.write(chunk);
      if (size > limitBytes) rotate();
    },
    close: () => new Promise((resolve) => stream.end(() => resolve())),
  };
}

/** A full disk must not end the supervisor: lines are lost then, and the database says more clearly what is wrong. */
function open(path: string): WriteStream {
  const stream = createWriteStream(path, { flags: 'a', mode: 0o600 });
  stream.on('error', () => {});
  return stream;
}
