/** A child's output as a file that never grows without end: over the limit it becomes <name>.1, and so on. */
import { closeSync, existsSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';

export interface LogFile {
  write(chunk: string | Buffer): void;
  close(): Promise<void>;
}

const keptFiles = 3;

/** Written synchronously: lines are few, and the last ones before a crash are those that count. */
export function openLogFile(path: string, limitBytes = 10 * 1024 * 1024): LogFile {
  let file: number | null = openSync(path, 'a', 0o600);
  let size = fstatSync(file).size;

  function rotate(): void {
    if (file !== null) closeSync(file);
    for (let number = keptFiles - 1; number >= 1; number -= 1)
      if (existsSync(`${path}.${number}`)) renameSync(`${path}.${number}`, `${path}.${number + 1}`);
    renameSync(path, `${path}.1`);
    file = openSync(path, 'a', 0o600);
    size = 0;
  }

  return {
    write(chunk) {
      if (file === null) return;
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      try {
        if (size > 0 && size + bytes.length > limitBytes) rotate();
        size += writeSync(file, bytes);
      } catch {
        // A full disk must not end the supervisor: these lines are lost, and the database says what is wrong.
      }
    },
    close: async () => {
      if (file !== null) closeSync(file);
      file = null;
    },
  };
}
