/** A person's own program: logs in over HTTP, starts the lab, and runs code over the kernel's WebSocket, as a browser does. */
import { randomUUID } from 'node:crypto';
import type { api } from '@shaparak/contract';
import { vi } from 'vitest';
import { WebSocket } from 'ws';
import { readMessage, v1Protocol, writeMessage } from '../server/src/wire/message.js';
import { makePlace, type Place, start } from './started-system.js';

export interface Person {
  username: string;
  get<T>(path: string): Promise<T>;
  /** a request to the person's own JupyterLab, below /user/<name>/ */
  lab(path: string, options?: { method?: string; body?: unknown }): Promise<Response>;
  startLab(): Promise<void>;
  stopLab(): Promise<void>;
  startKernel(name?: string, path?: string): Promise<Kernel>;
}

export const passwords = { SHAPARAK_TEST_USER_PASSWORD: 'your_password', SHAPARAK_ADMIN_PASSWORD: 'admin_password' };

/** A running system with the analyst's lab started, and the administrator who reads the findings. */
export async function startWithPeople(): Promise<{ place: Place; person: Person; chief: Person }> {
  const place = await makePlace(null);
  await start(place, passwords).printed('Shaparak is ready');
  const person = await logIn(place, 'test_user', passwords.SHAPARAK_TEST_USER_PASSWORD);
  const chief = await logIn(place, 'admin', passwords.SHAPARAK_ADMIN_PASSWORD);
  await person.startLab();
  return { place, person, chief };
}

export async function logIn({ ports }: Place, username: string, password: string): Promise<Person> {
  const portal = `http://127.0.0.1:${ports.portal}`;
  const labUrl = `http://127.0.0.1:${ports.lab}`;
  const login = await fetch(`${portal}/api/login`, {
    method: 'POST',
    body: new URLSearchParams({ username, password }),
  });
  const { access_token: token } = (await login.json()) as api.AccessToken;
  const headers = { authorization: `Bearer ${token}` };
  let cookie = '';
  const get = async <T>(path: string) => (await (await fetch(portal + path, { headers })).json()) as T;
  const lab: Person['lab'] = (path, { method = 'GET', body } = {}) =>
    fetch(`${labUrl}/user/${username}/${path}`, {
      method,
      headers: { cookie, origin: labUrl, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  return {
    username,
    get,
    lab,
    async startLab() {
      await fetch(`${portal}/api/lab/start`, { method: 'POST', headers });
      await vi.waitFor(
        async () => {
          const { state, reason } = await get<api.LabState>('/api/lab');
          if (state !== 'running') throw new Error(`the lab is ${state} ${reason ?? ''}`);
        },
        { timeout: 60_000, interval: 100 },
      );
      const given = await fetch(`${portal}/api/lab/ticket`, { method: 'POST', headers });
      const { ticket } = (await given.json()) as api.LabTicket;
      const entered = await fetch(`${labUrl}/ticket`, {
        method: 'POST',
        redirect: 'manual',
        body: new URLSearchParams({ ticket }),
      });
      cookie = (entered.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    },
    async stopLab() {
      await fetch(`${portal}/api/lab/stop`, { method: 'POST', headers });
    },
    async startKernel(name = 'python3', path = `${randomUUID().slice(0, 8)}.ipynb`) {
      const body = { path, name: path, type: 'notebook', kernel: { name } };
      const answer = await lab('api/sessions', { method: 'POST', body });
      if (answer.status !== 201) throw new Error(`no kernel: ${answer.status} ${await answer.text()}`);
      const { kernel } = (await answer.json()) as { kernel: { id: string } };
      return Kernel.connect({ id: kernel.id, path, cookie, labUrl, username });
    },
  };
}

interface KernelPlace {
  id: string;
  path: string;
  cookie: string;
  labUrl: string;
  username: string;
}

type Part = Record<string, unknown>;
interface Heard {
  channel: string;
  type: string;
  parentId: string;
  content: Part;
}

export interface Ran {
  msgId: string;
  status: string;
  reply: Part;
  output: string;
}

export class Kernel {
  readonly id: string;
  readonly path: string;
  readonly session: string;
  private readonly place: KernelPlace;
  private socket!: WebSocket;
  private readonly isV1: boolean;
  private readonly listeners = new Set<(heard: Heard) => void>();
  /** a replay comes with the handshake, before anybody could listen */
  private readonly early: Heard[] = [];

  private constructor(place: KernelPlace, session: string, isV1: boolean) {
    this.place = place;
    this.id = place.id;
    this.path = place.path;
    this.session = session;
    this.isV1 = isV1;
  }

  static async connect(place: KernelPlace, session: string = randomUUID(), isV1 = true): Promise<Kernel> {
    const kernel = new Kernel(place, session, isV1);
    await kernel.open();
    return kernel;
  }

  get isOpen(): boolean {
    return this.socket.readyState === WebSocket.OPEN;
  }

  /** Another connection to the same kernel. */
  again(session: string = randomUUID(), isV1 = true): Promise<Kernel> {
    return Kernel.connect(this.place, session, isV1);
  }

  private async open(): Promise<void> {
    const { labUrl, username, cookie } = this.place;
    const url = `${labUrl.replace('http', 'ws')}/user/${username}/api/kernels/${this.id}/channels?session_id=${this.session}`;
    const socket = new WebSocket(url, this.isV1 ? [v1Protocol] : [], { headers: { cookie, origin: labUrl } });
    this.socket = socket;
    socket.on('message', (data, isBinary) => {
      const message = readMessage(data as Buffer, isBinary, this.isV1);
      const heard: Heard = {
        channel: message.channel,
        type: String(message.header.msg_type),
        parentId: String(message.parent().msg_id ?? ''),
        content: message.content(),
      };
      if (this.listeners.size === 0) this.early.push(heard);
      for (const listener of [...this.listeners]) listener(heard);
    });
    socket.on('error', () => {});
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
  }

  send(
    channel: string,
    type: string,
    content: Part,
    options: { msgId?: string; metadata?: Part; parent?: Part; header?: Part } = {},
  ): string {
    const { msgId = randomUUID(), metadata = {}, parent = {}, header = {} } = options;
    const full = {
      msg_id: msgId,
      msg_type: type,
      session: this.session,
      username: 'somebody else',
      date: new Date().toISOString(),
      version: '5.3',
      ...header,
    };
    this.socket.send(writeMessage({ channel, header: full, parent, metadata, content }, this.isV1));
    return msgId;
  }

  sendRaw(data: Buffer | string): void {
    this.socket.send(data);
  }

  /** The request alone; nobody waits for its end. */
  ask(code: string, options: Part = {}, msgId: string = randomUUID(), cellId: string | null = randomUUID()): string {
    const content = {
      code,
      silent: false,
      store_history: true,
      user_expressions: {},
      allow_stdin: true,
      stop_on_error: true,
      ...options,
    };
    return this.send('shell', 'execute_request', content, { msgId, metadata: cellId === null ? {} : { cellId } });
  }

  /** Runs code until its reply and idle. */
  run(
    code: string,
    options: Part & { answer?: string; patienceMs?: number } = {},
    msgId: string = randomUUID(),
  ): Promise<Ran> {
    const { answer, patienceMs, ...content } = options;
    const ended = this.until(msgId, answer, patienceMs);
    this.ask(code, content, msgId);
    return ended;
  }

  until(msgId: string, answer?: string, patienceMs = 60_000): Promise<Ran> {
    return new Promise((resolve, reject) => {
      const ran: Ran = { msgId, status: '', reply: {}, output: '' };
      let isIdle = false;
      const { socket } = this;
      const noticed: string[] = [];
      const fail = (reason: string) => {
        settle();
        reject(
          new Error(`no end of ${msgId}: ${reason} ${JSON.stringify(ran)}; heard ${noticed.slice(-20).join(', ')}`),
        );
      };
      const cut = () => fail('the connection was closed');
      const timer = setTimeout(() => fail('too late'), patienceMs);
      const settle = () => {
        clearTimeout(timer);
        socket.off('close', cut);
        this.listeners.delete(listener);
      };
      socket.once('close', cut);
      const listener = ({ type, parentId, content }: Heard) => {
        noticed.push(`${type} ${content.execution_state ?? ''}${parentId === msgId ? ' of it' : ''}`);
        if (type === 'status' && ['restarting', 'dead'].includes(String(content.execution_state))) {
          fail('the kernel died');
          return;
        }
        if (parentId !== msgId) return;
        if (type === 'stream') ran.output += String(content.text);
        if (type === 'input_request' && answer !== undefined) this.send('stdin', 'input_reply', { value: answer });
        if (type === 'execute_reply') Object.assign(ran, { status: String(content.status), reply: content });
        if (type === 'status' && content.execution_state === 'idle') isIdle = true;
        if (ran.status === '' || !(isIdle || ran.status === 'aborted')) return;
        settle();
        resolve(ran);
      };
      this.listeners.add(listener);
      for (const heard of this.early.splice(0)) listener(heard);
    });
  }

  /** The next message of a type, whatever its parent. */
  next(type: string, accept: (heard: Heard) => boolean = () => true): Promise<Heard> {
    return new Promise((resolve) => {
      const listener = (heard: Heard) => {
        if (heard.type !== type || !accept(heard)) return;
        this.listeners.delete(listener);
        resolve(heard);
      };
      this.listeners.add(listener);
    });
  }

  /** As a tab that is closed, or as a cable that is pulled. */
  leave(how: 'closed' | 'cut' = 'closed'): void {
    if (how === 'closed') this.socket.close();
    else this.socket.terminate();
  }
}
