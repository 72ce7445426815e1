/** COPY into a table: text lines gathered into blocks, and a producer that waits while the server is busy. */
const blockSize = 256 * 1024;

/** NULL and what would end a field or a line. @param {string | number | null} value */
export function field(value) {
  if (value === null) return '\\N';
  if (typeof value === 'number') return String(value);
  return /[\\\n\r\t]/.test(value) ? value.replace(/[\\\n\r\t]/g, (character) => escapes[character]) : value;
}
const escapes = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Microseconds since the epoch as PostgreSQL reads them; neighbours mostly share the second. */
export function createInstantText() {
  let second = -1;
  let text = '';
  return (microseconds) => {
    const whole = Math.floor(microseconds / 1_000_000);
    if (whole !== second) {
      second = whole;
      text = new Date(whole * 1_000).toISOString().slice(0, 19);
    }
    return `${text}.${String(microseconds - whole * 1_000_000).padStart(6, '0')}`;
  };
}

/**
 * @param {import('../../server/src/platform/postgres.ts').Database} connection of its own: it is busy until the end
 * @param {string} target table and columns
 */
export async function openCopy(connection, target) {
  const stream = await connection.unsafe(`copy ${target} from stdin`).writable();
  let failure = null;
  let goOn = () => {};
  stream.on('error', (error) => {
    failure ??= error;
  });
  for (const event of ['drain', 'finish', 'close']) stream.on(event, () => goOn());
  const waiting = () =>
    new Promise((resolve) => {
      goOn = resolve;
    });
  let block = '';
  const send = async () => {
    if (failure) throw failure;
    const isReady = stream.write(block);
    block = '';
    if (!isReady) await waiting();
  };
  return {
    /** @param {string} line fields, already joined by tabs */
    add(line) {
      block += `${line}\n`;
    },
    /** Call it often: lines are kept until then. */
    flush: () => (block.length > blockSize ? send() : undefined),
    async end() {
      await send();
      const over = waiting();
      stream.end();
      await over;
      if (failure) throw failure;
    },
  };
}
