/**
 * A person's own code tries to run unseen, or to make the log say something else. For each attempt: the code is in the log
 * by the other witness, or the attempt is impossible, or a finding names it. In a jail, as the machine allows it.
 */
import type { api } from '@shaparak/contract';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Kernel, type Person, startWithPeople } from './lab-client.js';
import { closePlace, type Place } from './started-system.js';

const sensor = 'import gc\n[s] = [o for o in gc.get_objects() if type(o).__name__ == "Sensor"]';
/** Code that silences or deceives the kernel's own sensor; what runs afterwards must be in the log all the same. */
const silencing: [name: string, attack: string][] = [
  ['removing IPython’s callbacks', 'ip = get_ipython()\nfor c in ip.events.callbacks.values(): c.clear()'],
  [
    'restoring the stock methods',
    'import types\nfrom ipykernel.ipkernel import IPythonKernel as S\nk = get_ipython().kernel\nfor n in ("execute_request", "do_execute", "finish_metadata"): setattr(k, n, types.MethodType(getattr(S, n), k))\nk.shell_handlers["execute_request"] = k.execute_request',
  ],
  ['stopping the delivery thread', `${sensor}\ns._stop.set()`],
  ['replacing the recorder', `${sensor}\ns.record = lambda *a, **k: None`],
  [
    'closing every file of the sensor',
    'import os\nfor fd in range(3, 256):\n    try:\n        if "spool" in os.readlink(f"/proc/self/fd/{fd}"): os.close(fd)\n    except OSError: pass',
  ],
  [
    'deleting the spool',
    'import glob, os\nfor f in glob.glob("/var/spool/shaparak/**/*", recursive=True):\n    if os.path.isfile(f): os.remove(f)',
  ],
  [
    'editing the spool',
    'import glob\nfor f in glob.glob("/var/spool/shaparak/**/*.jsonl", recursive=True): open(f, "w").write("{}\\n")',
  ],
  [
    'changing names in the environment',
    'import os\nos.environ.update(JUPYTERHUB_USER="admin", SHAPARAK_USER="admin", USER="admin", SHAPARAK_KERNEL_ID="x")',
  ],
  ['a frozen clock', 'import time\ntime.time = time.monotonic = time.perf_counter = lambda: 0'],
];
const post = (path: string, body: string) =>
  [
    'import http.client, json, socket, uuid, datetime',
    'class U(http.client.HTTPConnection):',
    '    def connect(self):',
    '        self.sock = socket.socket(socket.AF_UNIX); self.sock.connect("/run/audit/capture.sock")',
    'now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")',
    'import os; kernel_id = os.environ["SHAPARAK_KERNEL_ID"]',
    `body = ${body}`,
    'c = U("localhost")',
    `c.request("POST", "${path}", json.dumps(body), {"Content-Type": "application/json"})`,
    'print(c.getresponse().status)',
  ].join('\n');
const forged = (kind: string, kernelId: string) =>
  post(
    '/v1/observations',
    `{"sensor": {"kind": "${kind}", "instance": str(uuid.uuid4()), "version": "0", "kernel_id": ${kernelId}, "language": "python", "started_at": now}, "observations": [{"sequence": 1, "observed_at": now, "type": "execution_started", "msg_id": "forged", "client_session": "s", "cell_id": None, "notebook_path": None, "cell_number": 1, "code": "innocent()", "silent": False, "store_history": True}]}`,
  );

describe('code against its own record', () => {
  let place: Place;
  let person: Person;
  let chief: Person;
  beforeAll(async () => {
    ({ place, person, chief } = await startWithPeople());
  });
  afterAll(() => closePlace(place));

  const find = async (code: string) =>
    (await person.get<api.SearchResults>(`/api/activity/search?query=${encodeURIComponent(code)}`)).results;
  const findings = async (kernel: Kernel) =>
    (await chief.get<api.Findings>('/api/admin/findings?limit=1000')).findings
      .filter((finding) => finding.kernel_id === kernel.id)
      .map((finding) => finding.kind);
  const output = async (kernel: Kernel, code: string) => (await kernel.run(code)).output.trim();

  it.each(silencing)('%s hides nothing', async (_name, attack) => {
    const kernel = await person.startKernel();
    await kernel.run(attack);
    const code = `hidden_${kernel.id.slice(0, 8)} = 1`;
    await kernel.run(code);
    await vi.waitFor(
      async () => {
        const [row] = await find(code);
        expect(row).toMatchObject({ code, outcome: 'success' });
        // Seen by both, or by the gateway alone and told.
        if (row?.evidence !== 'both') expect(await findings(kernel)).toContain('wire-only');
      },
      { timeout: 15_000, interval: 200 },
    );
  });

  it.each([
    ['the gateway', 'wire', 'kernel_id'],
    ['another kernel', 'kernel', '"11111111-2222-4333-8444-555555555555"'],
    ['a second sensor of its own kernel', 'kernel', 'kernel_id'],
  ])('cannot speak for %s', async (_name, kind, kernelId) => {
    const kernel = await person.startKernel();
    await kernel.run('"its sensor has spoken"');
    expect(['400', '403']).toContain(await output(kernel, forged(kind, kernelId)));
    await vi.waitFor(async () => expect(await findings(kernel)).toContain('forged-delivery'), { timeout: 10_000 });
    expect((await find('innocent()')).filter((row) => row.code === 'innocent()')).toEqual([]);
  });

  it('finds no credential and no socket but its own', async () => {
    const kernel = await person.startKernel();
    const other = await person.startKernel();
    const looks = [
      'import os; print(sum("TOKEN" in n or "PASSWORD" in n or "DATABASE" in n for n in os.environ))',
      'import glob; print(sum(b"JUPYTERHUB_API_TOKEN" in open(f, "rb").read() for f in glob.glob("/proc/[0-9]*/environ") if os.access(f, os.R_OK)))',
      `print(sum("${other.id}" in p for p, _, _ in os.walk("/run")) + os.path.exists("/run/hub.sock") + os.path.exists("/run/jupyter/s.sock"))`,
      'import socket\ntry:\n    socket.create_connection(("127.0.0.1", 8001), 1); print("connected")\nexcept OSError: print(0)',
    ];
    for (const look of looks) expect(await output(kernel, look)).toBe('0');
  });

  it('starts no kernel that is not recorded', async () => {
    const kernel = await person.startKernel();
    await kernel.run(
      [
        'from jupyter_client.manager import start_new_kernel',
        'try:',
        '    manager, client = start_new_kernel(kernel_name="python3")',
        '    client.execute_interactive("smuggled_by_nbclient = 1", timeout=20)',
        '    manager.shutdown_kernel()',
        'except Exception as e: print(type(e).__name__)',
      ].join('\n'),
    );
    const evil = { argv: ['python3', '-c', 'print(1)'], display_name: 'evil', language: 'python' };
    await person.lab('api/contents/kernel.json', {
      method: 'PUT',
      body: { type: 'file', format: 'text', content: JSON.stringify(evil) },
    });
    await kernel.run(
      'import os, shutil\nd = os.path.expanduser("~/.local/share/jupyter/kernels/evil")\nos.makedirs(d, exist_ok=True)\nshutil.copy(os.path.expanduser("~/kernel.json"), d)',
    );
    const asked = { name: 'evil' };
    expect((await person.lab('api/kernels', { method: 'POST', body: asked })).status).toBe(422);
    // The kernel that the cell started ran audited code or none: what ran is in the log, as nobody's request.
    await vi.waitFor(
      async () => {
        const rows = (await find('smuggled_by_nbclient = 1')).filter((row) => row.code === 'smuggled_by_nbclient = 1');
        const ran = await output(kernel, 'print("smuggled_by_nbclient" in str(globals().get("client", "")))');
        expect(rows.length === 1 || ran === 'False').toBe(true);
      },
      { timeout: 20_000, interval: 500 },
    );
  });

  it('has startup files and configuration of its own ignored', async () => {
    const kernel = await person.startKernel();
    const plant = [
      'import os, pathlib',
      'home = pathlib.Path(os.path.expanduser("~"))',
      "marker = \"open(__import__('os').path.expanduser('~/planted'), 'w').close()\"",
      'for name in [".ipython/profile_default/startup/00.py", ".ipython/profile_default/ipython_config.py", ".jupyter/jupyter_server_config.py", "shaparak_audit_logger/__init__.py", "ipykernel/__init__.py", "sitecustomize.py", "usercustomize.py"]:',
      '    (home / name).parent.mkdir(parents=True, exist_ok=True); (home / name).write_text(marker)',
    ].join('\n');
    await kernel.run(plant);
    const next = await person.startKernel();
    expect(await output(next, 'import os; print(os.path.exists(os.path.expanduser("~/planted")))')).toBe('False');
    const code = `still_recorded_${next.id.slice(0, 8)} = 1`;
    await next.run(code);
    await vi.waitFor(async () => expect(await find(code)).toMatchObject([{ evidence: 'both' }]), { timeout: 10_000 });
  });
});
