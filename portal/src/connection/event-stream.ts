/** One event of a text/event-stream (HTML standard, §9.2). */
export interface StreamEvent {
  type: string;
  data: string;
  id: string | undefined;
}

/**
 * Takes the stream in pieces of any size and hands on each complete event. EventSource itself can't be used: it sends
 * no Authorization header. A piece may end inside a line or between the two characters of CRLF.
 */
export function createEventParser(onEvent: (event: StreamEvent) => void) {
  let rest = '';
  let data: string[] = [];
  let type = '';
  let id: string | undefined;

  const dispatch = () => {
    if (data.length > 0) onEvent({ type: type || 'message', data: data.join('\n'), id });
    data = [];
    type = '';
  };

  const takeLine = (line: string) => {
    if (line === '') return dispatch();
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') data.push(value);
    else if (field === 'event') type = value;
    else if (field === 'id' && !value.includes('\0')) id = value;
  };

  return (piece: string) => {
    rest += piece;
    // a CR at the very end may be the first half of CRLF: it waits for the next piece
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    for (const line of lines) takeLine(line);
  };
}
