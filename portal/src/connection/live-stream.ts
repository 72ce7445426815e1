import type { ApiClient } from './api-client';
import { createEventParser } from './event-stream';
import type { OpenStream } from './live-feed';

/** GET /api/live, read with fetch because the token travels in a header. */
export function createLiveStream(client: ApiClient): OpenStream {
  return async ({ lastEventId, signal, opened, onEvent }) => {
    const headers = new Headers({ Accept: 'text/event-stream' });
    if (lastEventId) headers.set('Last-Event-ID', lastEventId);
    const response = await client.send('/api/live', { headers, signal, cache: 'no-store' });
    if (!response.body) return;
    opened();
    const take = createEventParser(onEvent);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let read = await reader.read(); !read.done; read = await reader.read()) take(read.value);
  };
}
