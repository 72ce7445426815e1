import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createEventParser, type StreamEvent } from './event-stream';

function parse(...pieces: string[]) {
  const events: StreamEvent[] = [];
  const take = createEventParser((event) => events.push(event));
  for (const piece of pieces) take(piece);
  return events;
}

const STREAM = ': hello\r\n\r\nevent: activity\r\nid: 7\r\ndata: {"a":\r\ndata: 1}\r\n\r\nevent: ping\ndata: {}\n\n';
const EVENTS = [
  { type: 'activity', data: '{"a":\n1}', id: '7' },
  { type: 'ping', data: '{}', id: '7' },
];

describe('the event parser', () => {
  it('reads types, ids and data of several lines, and skips comments', () => {
    expect(parse(STREAM)).toEqual(EVENTS);
  });

  it('gives the same events however the network cuts the stream', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(STREAM.length)), (cuts) => {
        const at = [0, ...cuts.sort((left, right) => left - right), STREAM.length];
        expect(parse(...at.slice(1).map((end, index) => STREAM.slice(at[index], end)))).toEqual(EVENTS);
      }),
    );
  });

  it('does not hand on an event whose end has not come', () => {
    expect(parse('event: activity\ndata: {}\n')).toEqual([]);
  });
});
