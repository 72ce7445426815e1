/** What a person sees of the set-up: on a terminal one line that is rewritten, elsewhere a line when a step begins and ends. */

/**
 * @param {NodeJS.WriteStream} stream
 * @returns {{step: (title: string, work: (say: (detail: string) => void) => Promise<unknown>) => Promise<void>, steps: () => number}}
 */
export function createProgress(stream, clock = () => performance.now()) {
  const live = stream.isTTY === true;
  let count = 0;

  async function step(title, work) {
    const begun = clock();
    let detail = '';
    const seconds = () => `${((clock() - begun) / 1000).toFixed(1)} s`;
    const draw = () => stream.write(`\r\x1b[2K… ${shorten(`${title} ${seconds()} ${detail}`, stream.columns)}`);
    const timer = live ? setInterval(draw, 200) : null;
    if (live) draw();
    else stream.write(`… ${title}\n`);
    count += 1;
    try {
      await work((text) => {
        detail = text;
      });
      stream.write(`${live ? '\r\x1b[2K' : ''}✔ ${title} (${seconds()})\n`);
    } catch (error) {
      stream.write(`${live ? '\r\x1b[2K' : ''}✘ ${title} (${seconds()})\n`);
      throw error;
    } finally {
      if (timer !== null) clearInterval(timer);
    }
  }

  return { step, steps: () => count };
}

/** A line that wraps could not be rewritten. */
function shorten(text, width) {
  // A terminal may say that it has no columns at all.
  const columns = width || 80;
  return text.length < columns - 2 ? text : `${text.slice(0, columns - 4)}…`;
}
