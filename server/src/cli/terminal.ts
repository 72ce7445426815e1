/** What a command sees of the outside: texts in, texts out, environment. Tests give their own. */
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';

export interface Terminal {
  env: NodeJS.ProcessEnv;
  out(text: string): void;
  error(text: string): void;
  /** a person sits there and can answer */
  interactive: boolean;
  readAll(): Promise<string>;
  /** asks without showing what is typed */
  askHidden(question: string): Promise<string>;
}

export type AddCommand = (
  program: import('commander').Command,
  terminal: Terminal,
  finish: (exitCode: number) => void,
) => void;

export function systemTerminal(): Terminal {
  // `shaparak sql | head` closes our output early; that is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  return {
    env: process.env,
    out: (text) => void process.stdout.write(text),
    error: (text) => void process.stderr.write(text),
    interactive: process.stdin.isTTY === true && process.stderr.isTTY === true,
    readAll,
    askHidden,
  };
}

async function readAll(): Promise<string> {
  let text = '';
  process.stdin.setEncoding('utf8');
  for await (const chunk of process.stdin) text += chunk;
  return text;
}

function askHidden(question: string): Promise<string> {
  process.stderr.write(question);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true });
  return new Promise((resolve, reject) => {
    lines.once('SIGINT', () => {
      lines.close();
      process.stderr.write('\n');
      reject(new Error('Stopped; nothing was changed.'));
    });
    lines.question('', (answer) => {
      lines.close();
      process.stderr.write('\n');
      resolve(answer);
    });
  });
}
