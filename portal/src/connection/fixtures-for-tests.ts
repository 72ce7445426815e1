/** Stand-ins for the browser's own parts: timers that move by hand and channels between tabs of one process. */
export function createTimer() {
  let now = 0;
  let next = 1;
  const waiting = new Map<number, { at: number; task: () => void }>();
  return {
    set(task: () => void, ms: number) {
      const id = next++;
      waiting.set(id, { at: now + ms, task });
      return id;
    },
    clear: (id: number) => void waiting.delete(id),
    /** how long until each waiting task */
    pending: () => [...waiting.values()].map(({ at }) => at - now),
    async pass(ms: number) {
      now += ms;
      for (const [id, { at, task }] of [...waiting]) {
        if (at > now || !waiting.delete(id)) continue;
        task();
      }
      await settle();
    },
  };
}

type Port = Pick<BroadcastChannel, 'postMessage' | 'onmessage' | 'close'>;

/** Channels of one name: what one posts, all the others get. */
export function createChannels() {
  const ports = new Set<Port>();
  return (): Port => {
    const port: Port = {
      onmessage: null,
      postMessage(data: unknown) {
        for (const other of ports) {
          if (other !== port) other.onmessage?.call(other as BroadcastChannel, new MessageEvent('message', { data }));
        }
      },
      close: () => void ports.delete(port),
    };
    ports.add(port);
    return port;
  };
}

/** Lets everything that is ready run: promises chain through several turns. */
export async function settle() {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  await new Promise((resolve) => setImmediate(resolve));
}
