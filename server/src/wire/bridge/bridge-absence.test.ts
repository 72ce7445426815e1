/** Tabs that leave and come back, and tabs that do not read: what the kernel says is recorded, kept and bounded. */
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type End, kernelId, WireLab } from '../../../test/wire-lab.js';
import { executeRequest, fromKernel, readNaively, v1Frame, wholeRun } from '../../../test/wire-messages.js';

let lab: WireLab;
beforeEach(async () => {
  lab = await new WireLab({ replayBytes: 1_000_000 }).open();
});
afterEach(async () => {
  await lab.close();
  expect(lab.uncaught).toEqual([]);
});

const stream = (bytes: Buffer | string) =>
  v1Frame(fromKernel('stream', 'm', { name: 'stdout' }), [Buffer.from(bytes as string)]);
const said = ({ data }: { data: Buffer }) => String(readNaively(data).buffers[0]);
const sensor = () => lab.kernels.get(lab.owner, kernelId);
const withPatience = async (patienceMs: number) => {
  await lab.close();
  lab = await new WireLab({ patienceMs }).open();
};

/** A tab that has asked for something that runs, and leaves. */
async function leaveBusy(session = 'tab'): Promise<End> {
  const tab = await lab.tab(session);
  const kernel = lab.kernelEnd(session);
  tab.send(v1Frame(executeRequest('work()', `of ${session}`)));
  await kernel.next();
  tab.socket.terminate();
  await vi.waitFor(() => expect(lab.tabsJoined).toBe(0));
  return kernel;
}

/** Resolves when the bridge has read all that was sent to it before, or will not. */
async function flushed(from: End, isStopped = () => false): Promise<void> {
  let answered = false;
  from.socket.once('pong', () => {
    answered = true;
  });
  from.socket.ping();
  while (!answered && !isStopped()) await new Promise((resolve) => setImmediate(resolve));
}

/** Sends until the bridge has stopped reading for good: until what lies between the processes is full as well. */
async function sendUntilPaused(from: End, frame: (count: number) => Buffer): Promise<number> {
  let sent = 0;
  for (let turnsPaused = 0; turnsPaused < 200; turnsPaused = lab.isAnyPaused ? turnsPaused + 1 : 0) {
    if (lab.isAnyPaused) await new Promise((resolve) => setImmediate(resolve));
    else {
      from.send(frame(sent));
      sent += 1;
      await flushed(from, () => lab.isAnyPaused);
    }
    if (sent > 200) throw new Error('the bridge takes everything');
  }
  return sent;
}

describe('a tab that leaves while its cell runs', () => {
  it('has its kernel heard to the end, and gets all of it in its order when it comes back', async () => {
    const kernel = await leaveBusy();
    const frames = ['a', 'b', 'c'].map(stream);
    for (const frame of frames.slice(0, 2)) kernel.send(frame);
    for (const parts of wholeRun('of tab')) kernel.send(v1Frame(parts));
    await flushed(kernel);
    expect(lab.spool.observations.at(-1)).toMatchObject({ type: 'execution_finished', outcome: 'success' });
    const back = await lab.tab();
    kernel.send(frames[2] as Buffer);
    const got = (await back.take(7)).map(({ data }) => data);
    expect([got[0], got[1], got[6]]).toEqual(frames);
    expect(got.slice(2, 6).map((data) => readNaively(data).header.msg_type)).toEqual([
      'status',
      'execute_input',
      'execute_reply',
      'status',
    ]);
    expect(lab.handshakes).toHaveLength(1);
    back.send(v1Frame(executeRequest('next()', 'next')));
    expect(readNaively((await kernel.next()).data).header.msg_id).toBe('next');
  });

  it('tells nothing of it to another session', async () => {
    const kernel = await leaveBusy();
    kernel.send(stream('for its own tab'));
    await flushed(kernel);
    const stranger = await lab.tab('stranger');
    lab.kernelEnd('stranger').send(stream('fresh'));
    expect(said(await stranger.next())).toBe('fresh');
    expect(lab.handshakes).toHaveLength(2);
  });

  it('and leaves again gets what it missed each time', async () => {
    const kernel = await leaveBusy();
    for (const round of ['first', 'second']) {
      kernel.send(stream(round));
      await flushed(kernel);
      const back = await lab.tab();
      expect(said(await back.next())).toBe(round);
      back.socket.terminate();
      await vi.waitFor(() => expect(lab.tabsJoined).toBe(0));
    }
  });

  it('loses its replay first when the budget is used up; its record and its next absence are kept', async () => {
    const [oldest, newest] = [await leaveBusy('oldest'), await leaveBusy('newest')];
    const large = stream(Buffer.alloc(600_000, 'x'));
    oldest.send(large);
    await flushed(oldest);
    newest.send(large);
    await flushed(newest);
    oldest.send(v1Frame(fromKernel('execute_reply', 'of oldest', { status: 'ok' })));
    await flushed(oldest);
    const returned = await lab.tab('newest');
    expect((await returned.next()).data.equals(large)).toBe(true);
    let back = await lab.tab('oldest');
    oldest.send(stream('live'));
    expect(said(await back.next())).toBe('live');
    back.socket.terminate();
    await vi.waitFor(() => expect(lab.tabsJoined).toBe(1));
    oldest.send(stream('missed'));
    await flushed(oldest);
    back = await lab.tab('oldest');
    expect(said(await back.next())).toBe('missed');
  });

  it('gives way to a newer tab of its session', async () => {
    const first = await lab.tab();
    const second = await lab.tab();
    expect(await first.closed).toBe(1000);
    lab.kernelEnd().send(stream('to the newer one'));
    expect(said(await second.next())).toBe('to the newer one');
    expect(lab.handshakes).toHaveLength(1);
  });
});

describe('patience', () => {
  it('closes an idle connection without a tab, and no other', async () => {
    await withPatience(20);
    const tab = await lab.tab();
    const stays = await lab.tab('stays');
    tab.socket.close();
    expect(await lab.kernelEnd().closed).toBe(1005);
    await vi.waitFor(() => expect(lab.bridge.size).toBe(1));
    lab.kernelEnd('stays').send(stream('here'));
    expect(said(await stays.next())).toBe('here');
  });

  it('begins when what was asked for has ended', async () => {
    await withPatience(1);
    const kernel = await leaveBusy();
    for (let count = 0; count < 5; count += 1) {
      kernel.send(stream('still running'));
      await flushed(kernel);
    }
    expect(lab.bridge.size).toBe(1);
    for (const parts of wholeRun('of tab')) kernel.send(v1Frame(parts));
    expect(await kernel.closed).toBe(1005);
    expect(lab.spool.types()).toEqual(['execution_started', 'execution_finished']);
  });

  it('is over no more when the tab has come back', async () => {
    await withPatience(60);
    const tab = await lab.tab();
    tab.socket.terminate();
    await vi.waitFor(() => expect(lab.tabsJoined).toBe(0));
    const back = await lab.tab();
    await lab.tab('other').then((other) => other.socket.terminate());
    expect(await lab.kernelEnd('other').closed).toBe(1005);
    lab.kernelEnd().send(stream('here'));
    expect(said(await back.next())).toBe('here');
  });
});

describe('a tab that does not read', () => {
  const megabyte = randomBytes(1024 * 1024);
  const fill = (kernel: End) =>
    sendUntilPaused(kernel, (count) => v1Frame(fromKernel('stream', null, { count }), [megabyte]));

  it('stops its kernel from being read, and gets everything when it reads again', async () => {
    const tab = await lab.tab();
    const kernel = lab.kernelEnd();
    tab.socket.pause();
    const sent = await fill(kernel);
    tab.socket.resume();
    for (let count = 0; count < sent; count += 1) {
      const { content, buffers } = readNaively((await tab.next()).data);
      expect(content.count).toBe(count);
      expect(buffers[0]?.equals(megabyte)).toBe(true);
    }
    expect(kernel.socket.bufferedAmount).toBe(0);
  });

  it.each(['leaves', 'is replaced'])('and %s has its kernel read on', async (what) => {
    const tab = await lab.tab();
    const kernel = lab.kernelEnd();
    tab.socket.pause();
    await fill(kernel);
    if (what === 'leaves') tab.socket.terminate();
    else await lab.tab();
    await vi.waitFor(() => expect(kernel.socket.bufferedAmount).toBe(0), { timeout: 10_000 });
  });

  it('holds no other tab of the kernel back', async () => {
    const [slow, fast] = [await lab.tab('slow'), await lab.tab('fast')];
    slow.socket.pause();
    await fill(lab.kernelEnd('slow'));
    lab.kernelEnd('fast').send(stream('fast'));
    expect(said(await fast.next())).toBe('fast');
    expect(sensor().connections.size).toBe(2);
  });
});

it('a kernel that does not read stops the tab that asks it', async () => {
  const tab = await lab.tab();
  const kernel = lab.kernelEnd();
  kernel.socket.pause();
  const frame = v1Frame({ ...fromKernel('comm_msg', null), channel: 'shell' }, [randomBytes(1024 * 1024)]);
  const sent = await sendUntilPaused(tab, () => frame);
  kernel.socket.resume();
  for (const { data } of await kernel.take(sent)) expect(data.equals(frame)).toBe(true);
});
