/**
 * Every kind of execution, run over the real WebSocket through the gateway by a logged-in person, and compared with what the
 * log says of it: once, with its right outcome, seen by both sensors. The second part is what goes wrong on the way.
 */
import { createHash, randomUUID } from 'node:crypto';
import type { api } from '@shaparak/contract';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Kernel, type Person, startWithPeople } from './lab-client.js';
import { limitMemory } from './memory-limit.js';
import { closePlace, type Place, shaparak } from './started-system.js';

describe('executions', () => {
  let place: Place;
  let person: Person;
  let chief: Person;
  let kernel: Kernel;
  beforeAll(async () => {
    ({ place, person, chief } = await startWithPeople());
    kernel = await person.startKernel();
  });
  afterAll(() => closePlace(place));

  const newest = async (count: number) =>
    (await person.get<api.RecentActivity>(`/api/activity/recent?limit=${count}`)).activities.reverse();
  const total = async () => (await person.get<api.Dashboard>('/api/dashboard')).stats.total_executions;

  /** What the log added while `work` ran; waits until it has so many. */
  async function logged(count: number, work: () => Promise<unknown>): Promise<api.Activity[]> {
    const before = await total();
    await work();
    await vi.waitFor(async () => expect(await total()).toBe(before + count), { timeout: 40_000, interval: 50 });
    return newest(count);
  }

  const findings = async () => (await chief.get<api.Findings>('/api/admin/findings?limit=1000')).by_kind;

  const plain: [name: string, code: string, outcome: api.Outcome, error?: string][] = [
    ['an expression', '1 + 1', 'success'],
    ['output', 'print("سلام دنیا")', 'success'],
    ['a failure', '1 / 0', 'error', 'ZeroDivisionError: division by zero'],
    ['a syntax error', 'def f(:', 'error'],
    ['a line magic', '%time sum(range(10))', 'success'],
    ['a shell command', '!echo hello', 'success'],
    ['a shell cell', '%%bash\necho from bash', 'success'],
    ['await', 'import asyncio\nawait asyncio.sleep(0.01)', 'success'],
    ['sys.exit', 'import sys\nsys.exit(3)', 'error'],
    ['an unknown name', 'nowhere', 'error', "NameError: name 'nowhere' is not defined"],
    ['a nested cell', 'get_ipython().run_cell("2 + 2")', 'success'],
    ['an empty cell', '', 'success'],
    ['a comment', '# nothing', 'success'],
    ['NUL', 'x = "a\0b"', 'error'],
    ['emoji', 's = "😀👩‍👩‍👧"', 'success'],
    ['ZWNJ', 'متن = "می‌شود"', 'success'],
    ['CRLF', 'a = 1\r\nb = 2\r\n', 'success'],
    [
      'a failure that cannot be shown',
      'class E(Exception):\n    def __str__(self): raise ValueError\nraise E',
      'error',
    ],
    [
      'a frozen clock',
      'import time\ntime.time = lambda: 0.0\ntime.monotonic = lambda: 0.0\ntime.sleep(0.2)',
      'success',
    ],
  ];

  it.each(plain)('%s is logged once, by both', async (_name, code, outcome, error) => {
    const [row] = await logged(1, () => kernel.run(code));
    expect(row).toMatchObject({ code, outcome, evidence: 'both', kernel_id: kernel.id, notebook_path: kernel.path });
    expect(row?.status).toBe(outcome === 'success' ? 'success' : 'error');
    if (error !== undefined) expect(row?.error_message).toBe(error);
    expect(row?.cell_id).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('takes durations from a clock that code cannot turn', async () => {
    const [row] = await logged(1, () =>
      kernel.run(
        'import time, sys\nsys.modules["time"].perf_counter = lambda: 0\n_ = __import__("threading").Event().wait(0.4)',
      ),
    );
    expect(row?.execution_time_ms).toBeGreaterThanOrEqual(390);
    expect(row?.execution_time_ms).toBeLessThan(1_500);
  });

  it('logs a silent request, user expressions and one without history', async () => {
    const rows = await logged(3, async () => {
      await kernel.run('silent = 1', { silent: true, store_history: false });
      await kernel.run('y = 1', { user_expressions: { double: 'y * 2' } });
      await kernel.run('quiet = 1', { store_history: false });
    });
    expect(rows.map((row) => row.evidence)).toEqual(['both', 'both', 'both']);
    expect(rows[1]?.code).toContain('# double = y * 2');
    expect(rows[0]?.cell_number).toBeNull();
  });

  it('interrupts, and says so', async () => {
    const [row] = await logged(1, async () => {
      const begun = kernel.next('execute_input');
      const ended = kernel.run('import time\ntime.sleep(30)');
      await begun;
      expect((await person.lab(`api/kernels/${kernel.id}/interrupt`, { method: 'POST' })).status).toBe(204);
      await ended;
    });
    expect(row).toMatchObject({ outcome: 'interrupted', status: 'error', evidence: 'both' });
    expect(row?.execution_time_ms).toBeLessThan(20_000);
  });

  it('keeps what was given to input(), and of a password only its length', async () => {
    const rows = await logged(2, async () => {
      await kernel.run('name = input("نام؟ ")', { answer: 'سارا' });
      await kernel.run('import getpass\nsecret = getpass.getpass("رمز: ")', { answer: 'هفت‌حرف!' });
    });
    const details = await Promise.all(rows.map((row) => person.get<api.ActivityDetails>(`/api/activity/${row.id}`)));
    expect(details[0]?.inputs).toMatchObject([{ prompt: 'نام؟ ', text: 'سارا', password: false, length: 4 }]);
    expect(details[1]?.inputs).toMatchObject([{ prompt: 'رمز: ', text: null, password: true, length: 8 }]);
  });

  it('says which file a cell ran, and what it held', async () => {
    const content = 'print("from a file")\n';
    await person.lab('api/contents/report.py', {
      method: 'PUT',
      body: { type: 'file', format: 'text', content },
    });
    const [row] = await logged(1, async () => {
      expect((await kernel.run('%run report.py')).output).toBe('from a file\n');
    });
    const { files } = await person.get<api.ActivityDetails>(`/api/activity/${row?.id}`);
    const sha256 = createHash('sha256').update(content).digest('hex');
    expect(files).toMatchObject([{ path: '/home/test_user/report.py', bytes: content.length, sha256 }]);
  });

  it('shows what runs and what waits while it does', async () => {
    const begun = kernel.next('execute_input');
    const first = kernel.run('import time\ntime.sleep(1.5)');
    const second = kernel.run('"behind"');
    await begun;
    await vi.waitFor(async () => {
      const { running } = await person.get<api.RunningActivity>('/api/activity/running');
      expect(running.map(({ code, state }) => [code, state])).toEqual([
        ['import time\ntime.sleep(1.5)', 'running'],
        ['"behind"', 'queued'],
      ]);
    });
    await logged(2, () => Promise.all([first, second]));
  });

  it('keeps what an error aborted out of every count', async () => {
    const rows = await logged(1, async () => {
      const first = kernel.run('1 / 0');
      const second = kernel.run('"never"');
      await first;
      expect((await second).status).toBe('aborted');
    });
    expect(rows[0]?.code).toBe('1 / 0');
    const [asked] = JSON.parse(
      (
        await shaparak(place, [
          'sql',
          '--json',
          '-c',
          'select count(*) as n from code_execution_logs where code = \'"never"\'',
        ])
      ).output,
    );
    expect(asked.n).toBe(0);
  });

  it('takes 200 fast cells in their order, and several kernels at once', async () => {
    const others = await Promise.all([person.startKernel(), person.startKernel()]);
    const rows = await logged(300, async () => {
      const own = Array.from({ length: 200 }, (_, index) => kernel.run(`fast = ${index}`));
      const parallel = others.flatMap((other, which) =>
        Array.from({ length: 50 }, (_, index) => other.run(`other${which} = ${index}`)),
      );
      await Promise.all([...own, ...parallel]);
    });
    const own = rows.filter((row) => row.kernel_id === kernel.id).map((row) => row.code);
    expect(own).toEqual(Array.from({ length: 200 }, (_, index) => `fast = ${index}`));
    expect(new Set(rows.map((row) => row.evidence))).toEqual(new Set(['both']));
  });

  it('keeps a cell of a megabyte, and a longer one with its digest', async () => {
    const exact = `x = "${'پ'.repeat(500_000)}"`;
    const [row] = await logged(1, () => kernel.run(exact));
    expect(row?.code).toBe(exact);
    const [long] = await logged(1, () => kernel.run(`y = "${'ab'.repeat(1_000_000)}"`));
    expect(long?.code).toContain('…[truncated]…');
    expect(long).toMatchObject({ evidence: 'both', outcome: 'success' });
    const [failed] = await logged(1, () => kernel.run('raise ValueError("e" * 1_000_000)'));
    expect(failed?.error_message?.length).toBe(1_000_000 + 'ValueError: '.length);
  });

  it('runs subshells beside the main one, each with its own time', async () => {
    const created = kernel.next('create_subshell_reply');
    kernel.send('control', 'create_subshell_request', {});
    const { subshell_id: subshell } = (await created).content;
    const rows = await logged(2, async () => {
      const begun = kernel.next('execute_input');
      const main = kernel.run('import time\ntime.sleep(1)');
      await begun;
      const beside = randomUUID();
      const ended = kernel.until(beside);
      const content = { code: '"beside"', silent: false, store_history: true, user_expressions: {} };
      kernel.send('shell', 'execute_request', content, { msgId: beside, header: { subshell_id: subshell } });
      await ended;
      await main;
    });
    expect(rows.map((row) => row.code)).toEqual(['"beside"', 'import time\ntime.sleep(1)']);
    expect(rows.map((row) => row.evidence)).toEqual(['both', 'both']);
    expect(rows[0]?.execution_time_ms).toBeLessThan(500);
    expect(rows[1]?.execution_time_ms).toBeGreaterThanOrEqual(990);
  });

  it('loses nothing of a flood of output, and not its end', async () => {
    const [row] = await logged(1, async () => {
      const { output } = await kernel.run('for line in range(20_000): print(line, flush=True)');
      expect(output.split('\n').length).toBe(20_001);
    });
    expect(row).toMatchObject({ outcome: 'success', evidence: 'both' });
  });

  it('keeps what was typed at a debugger’s prompt', async () => {
    const [row] = await logged(1, () => kernel.run('import pdb; pdb.set_trace()\nafter = 1', { answer: 'c' }));
    const { inputs } = await person.get<api.ActivityDetails>(`/api/activity/${row?.id}`);
    expect(inputs[0]).toMatchObject({ text: 'c' });
  });

  it('lets nobody run code past the WebSocket', async () => {
    const body = { code: 'unseen = 1' };
    expect((await person.lab(`api/kernels/${kernel.id}/execute`, { method: 'POST', body })).status).toBe(403);
    expect((await person.lab('api/terminals', { method: 'POST', body: {} })).status).toBe(403);
  });

  it('speaks the old JSON protocol too', async () => {
    const old = await kernel.again(undefined, false);
    const [row] = await logged(1, () => old.run('"json"'));
    expect(row).toMatchObject({ evidence: 'both', outcome: 'success', code: '"json"' });
    old.leave();
  });

  it('completes what a leaving browser asked for, and gives a returning tab what it missed', async () => {
    const session = 'a1b2c3d4-0000-4000-8000-000000000001';
    const tab = await kernel.again(session);
    const [row] = await logged(1, async () => {
      const begun = tab.next('execute_input');
      const msgId = tab.ask('import time\ntime.sleep(1)\nprint("while away")');
      await begun;
      tab.leave('cut');
      await vi.waitFor(
        async () => expect((await person.get<api.RunningActivity>('/api/activity/running')).count).toBe(0),
        { timeout: 10_000 },
      );
      const returned = await kernel.again(session);
      expect((await returned.until(msgId)).output).toBe('while away\n');
      returned.leave();
    });
    expect(row).toMatchObject({ outcome: 'success', evidence: 'both' });
  });

  it('takes a kernel that dies for lost, and goes on with the next one', async () => {
    const mortal = await person.startKernel();
    await logged(1, () => mortal.run('"alive"'));
    const deaths = [
      'import os\nos._exit(1)',
      'import os, signal\nos.kill(os.getpid(), signal.SIGKILL)',
      'import ctypes\nctypes.string_at(0)',
    ];
    for (const code of deaths) {
      const [row] = await logged(1, async () => {
        const restarting = mortal.next('status', ({ content }) => content.execution_state === 'restarting');
        mortal.ask(code);
        await restarting;
      });
      expect(row).toMatchObject({ code, outcome: 'lost', status: 'error', evidence: 'both', execution_time_ms: null });
    }
    const [after] = await logged(1, () => mortal.run('"risen"'));
    expect(after).toMatchObject({ outcome: 'success', evidence: 'both' });
  });

  it('tells a cell that asks for too much memory from one that the machine ends for it', async ({ skip }) => {
    const greedy = await person.startKernel();
    const [refused] = await logged(1, () => greedy.run('hoard = bytearray(1 << 60)'));
    expect(refused).toMatchObject({ outcome: 'error', error_message: 'MemoryError', evidence: 'both' });
    const release = limitMemory(place.home, greedy.id, 256 << 20);
    if (release === null) return skip('this machine lets nobody make a control group with a memory limit');
    const code = 'hoard = [b"x" * (1 << 20) for _ in range(4_096)]';
    const [killed] = await logged(1, async () => {
      const restarting = greedy.next('status', ({ content }) => content.execution_state === 'restarting');
      greedy.ask(code);
      await restarting;
    });
    release();
    expect(killed).toMatchObject({ code, outcome: 'lost', status: 'error', evidence: 'both' });
  });

  it('refuses the debugger and messages that run code unseen, and records the attempt', async () => {
    const refused = kernel.next('debug_reply');
    kernel.send('control', 'debug_request', { type: 'request', seq: 7, command: 'evaluate', arguments: {} });
    expect((await refused).content).toMatchObject({ success: false, request_seq: 7 });
    kernel.send('shell', 'apply_request', {});
    kernel.sendRaw('no message');
    const [row] = await logged(1, () => kernel.run('"still here"'));
    expect(row).toMatchObject({ outcome: 'success', evidence: 'both' });
  });

  it('found nothing to complain about in all of this', async () => {
    expect(await findings()).toEqual([]);
    const { coverage, executions } = await chief.get<api.Coverage>('/api/admin/coverage?days=1');
    expect(coverage).toBe(100);
    expect(executions).toBe(await total());
  });

  it('names code that only one witness saw, a message id that came twice, and a forged output', async () => {
    const twice = 'the-same-id';
    await logged(2, async () => {
      await kernel.run('first = 1', {}, twice);
      await kernel.run('second = 2', {}, twice);
    });
    await logged(1, () =>
      kernel.run(
        [
          'kernel = get_ipython().kernel',
          'header = kernel.session.msg_header("execute_request")',
          'kernel.session.send(kernel.iopub_socket, "execute_input", {"code": "forged()", "execution_count": 99}, parent={"header": header}, ident=b"kernel.x.execute_input")',
        ].join('\n'),
      ),
    );
    await logged(1, () =>
      kernel.run(
        'import gc\n[s] = [o for o in gc.get_objects() if type(o).__name__ == "Sensor"]\ns.record = lambda *a: None',
      ),
    );
    const [hidden] = await logged(1, () => kernel.run('hidden = "from the kernel’s sensor"'));
    expect(hidden).toMatchObject({ evidence: 'wire', code: 'hidden = "from the kernel’s sensor"' });
    await vi.waitFor(
      async () => {
        const kinds = (await findings()).map((one) => one.kind).sort();
        expect(kinds).toEqual(['end-unwitnessed', 'forged-output', 'msg-id-reused', 'wire-only']);
      },
      { timeout: 10_000 },
    );
  });

  it('keeps a lone surrogate, of whose end the kernel can tell nobody', async () => {
    const code = 's = "\ud800"';
    const odd = await person.startKernel();
    const [row] = await logged(1, async () => void odd.ask(code));
    expect(row).toMatchObject({ code, status: 'error', evidence: 'both' });
  });

  it('takes what runs when the server is stopped for lost', async () => {
    const last = await person.startKernel();
    await logged(1, () => last.run('"before the stop"'));
    const [row] = await logged(1, async () => {
      const begun = last.next('execute_input');
      last.ask('import time  # stopped\ntime.sleep(60)');
      await begun;
      await person.stopLab();
    });
    expect(row).toMatchObject({ code: 'import time  # stopped\ntime.sleep(60)', outcome: 'lost', status: 'error' });
  });
});
