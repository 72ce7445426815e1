"""What code in a kernel's own jail can do to its server, to other kernels and to the machine.

Each attack runs in a real cell below the real Hub. What it finds is compared as one table, so that a failure shows
every wall that fell.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest
from running_hub import RunningHub
from user_server import UserServer

ATTACKS = r"""
import ctypes, errno, glob, json, mmap, os, pathlib, resource, signal, socket, subprocess

libc = ctypes.CDLL(None, use_errno=True)

def name(number):
    return errno.errorcode.get(number, str(number))

def outcome(work):
    try:
        return work()
    except OSError as error:
        return name(error.errno)

def call(function, *arguments):
    ctypes.set_errno(0)
    return name(ctypes.get_errno()) if function(*arguments) == -1 else 'possible'

def connect(address, family=socket.AF_INET):
    with socket.socket(family, socket.SOCK_STREAM) as client:
        client.settimeout(5)
        client.connect(address)
        return 'connected'

def fill(path):
    written = 0
    try:
        with open(path, 'wb', buffering=0) as file:
            while written < 300 << 20:
                written += file.write(bytes(1 << 20))
    except OSError as error:
        return [name(error.errno), written >> 20]
    finally:
        os.unlink(path)
    return ['no limit', written >> 20]

def bomb():
    children = []
    try:
        while len(children) < 1000:
            child = os.fork()
            if child == 0:
                signal.pause()
            children.append(child)
    except OSError as error:
        return [name(error.errno), len(children) < PROCESSES]
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    return ['no limit', len(children)]

def environments():
    for path in glob.glob('/proc/[0-9]*/environ'):
        yield pathlib.Path(path).read_bytes()

def remove(path):
    os.unlink(path)
    return 'removed'

def write(path):
    try:
        with open(path, 'a'):
            return 'written'
    except OSError as error:  # by the mount, or by the file's mode that is asked first
        return 'refused' if error.errno in (errno.EROFS, errno.EACCES) else name(error.errno)

def raise_limit():
    try:
        resource.setrlimit(resource.RLIMIT_NPROC, (9999, 9999))
    except ValueError:
        return 'refused'
    return 'raised'

connection_file = glob.glob('/run/rt/*/kernel.json')[0]
big = pathlib.Path.home() / 'big'
print(json.dumps({
    'hub variables': sorted(each for each in os.environ if each.startswith(('JUPYTERHUB', 'JUPYTER', 'JPY_PARENT'))),
    'token in a process': any(b'JUPYTERHUB' in each or TOKEN.encode() in each for each in environments()),
    'hub socket': outcome(lambda: connect('/run/hub.sock', socket.AF_UNIX)),
    'server socket': outcome(lambda: connect('/run/jupyter/s.sock', socket.AF_UNIX)),
    'runtime folders': os.listdir('/run/rt'),
    'other kernel': outcome(lambda: connect(f'/run/rt/{OTHER}/s/k-1', socket.AF_UNIX)),
    'spool folders': os.listdir('/var/spool/shaparak'),
    'var': os.listdir('/var'),
    'homes': os.listdir('/home'),
    'network': outcome(lambda: connect(('127.0.0.1', PORT))),
    'ptrace of process 1': call(libc.ptrace, 16, 1, 0, 0),
    'unshare user': call(libc.unshare, 0x10000000),
    'unshare mount': call(libc.unshare, 0x00020000),
    'mount': call(libc.mount, b'none', b'/tmp', b'tmpfs', 0, None),
    'io_uring': call(libc.syscall, 425, 8, None),
    'pidfd_open': call(libc.syscall, 434, os.getpid(), 0),
    'clone3': call(libc.syscall, 435, None, 0),
    'bwrap': subprocess.run(['bwrap', '--ro-bind', '/', '/', 'true'], stderr=subprocess.DEVNULL).returncode != 0,
    'environment': write(f'{PREFIX}/x'),
    'kernel spec': write(f'{PREFIX}/share/jupyter/kernels/python3/kernel.json'),
    'ipython folder': write(os.environ['IPYTHONDIR'] + '/profile_default/startup/x.py'),
    'etc': write('/etc/passwd'),
    'run': write('/run/x'),
    'connection file': write(connection_file),
    'capture socket': outcome(lambda: remove('/run/audit/capture.sock')),
    'tmp': fill('/tmp/x'),
    'shared memory': fill('/dev/shm/x'),
    'fork bomb': bomb(),
    'address space': outcome(lambda: str(mmap.mmap(-1, 9 << 30))),
    'one file': outcome(lambda: os.truncate(os.open(big, os.O_CREAT | os.O_RDWR), 3 << 30)),
    'core dump': resource.getrlimit(resource.RLIMIT_CORE),
    'raised limit': raise_limit(),
}))
"""
REFUSED = {
    'hub variables': [],
    'token in a process': False,
    'hub socket': 'ENOENT',
    'server socket': 'ENOENT',
    'other kernel': 'ENOENT',
    'var': ['spool'],
    'homes': ['first'],
    'network': 'ECONNREFUSED',
    'ptrace of process 1': 'EPERM',
    'unshare user': 'EPERM',
    'unshare mount': 'EPERM',
    'mount': 'EPERM',
    'io_uring': 'EPERM',
    'pidfd_open': 'EPERM',
    'clone3': 'ENOSYS',
    'bwrap': True,
    'environment': 'refused',
    'kernel spec': 'refused',
    'ipython folder': 'refused',
    'etc': 'refused',
    'run': 'refused',
    'connection file': 'refused',
    'capture socket': 'EROFS',
    'tmp': ['ENOSPC', 256],
    'shared memory': ['ENOSPC', 256],
    'fork bomb': ['EAGAIN', True],
    'address space': 'ENOMEM',
    'one file': 'EFBIG',
    'core dump': [0, 0],
    'raised limit': 'refused',
}
EVIL_SPEC = r"""
import json, pathlib
for folder in ('.local/share/jupyter/kernels/evil', '.jupyter/kernels/evil', '.ipython/kernels/evil'):
    spec = pathlib.Path.home() / folder
    spec.mkdir(parents=True)
    (spec / 'kernel.json').write_text(json.dumps({
        'argv': ['/bin/sh', '-c', 'touch ~/ran'], 'display_name': 'evil', 'language': 'sh',
        'metadata': {'kernel_provisioner': {'provisioner_name': 'local-provisioner'}},
    }))
"""


def start(hub: RunningHub) -> UserServer:
    status, answer = hub.start_server('first', 1)
    assert status == 201, answer
    return UserServer(hub.socket('first'), 'first', hub.user_token('first'))


@pytest.mark.parametrize('isolation', ['uid+bubblewrap', 'bubblewrap'])
def test_a_cell_finds_no_way_out_of_its_kernel(start_hub: Callable[..., RunningHub], isolation: str) -> None:
    hub = start_hub(isolation)
    server = start(hub)
    kernel_id, other = server.start_kernel(), server.start_kernel()
    values = {
        'OTHER': other,
        'PORT': hub.routes.port,
        'PREFIX': hub.document['environment_prefix'],
        'TOKEN': server.token,
        'PROCESSES': 200,
    }
    setting = '\n'.join(f'{name} = {value!r}' for name, value in values.items())
    found: dict[str, Any] = json.loads(server.run(kernel_id, setting + ATTACKS).splitlines()[-1])
    assert found.pop('runtime folders') == [kernel_id]
    assert found.pop('spool folders') == [kernel_id]
    assert found == REFUSED
    # everything still works, in both kernels
    for each in (kernel_id, other):
        assert server.run(each, 'print(1 + 1)') == '2\n'


def test_a_kernel_spec_in_the_home_cannot_be_started(start_hub: Callable[..., RunningHub]) -> None:
    hub = start_hub('bubblewrap')
    start(hub).run_cell(EVIL_SPEC)
    hub.api('DELETE', '/users/first/server')
    server = start(hub)
    assert list(server.ask('GET', '/api/kernelspecs')[1]['kernelspecs']) == ['python3']
    assert server.ask('POST', '/api/kernels', {'name': 'evil'})[0] >= 400
    assert not (hub.place / 'data/users/first/home/ran').exists()


def test_a_jail_that_cannot_be_made_is_a_reason_and_no_kernel(start_hub: Callable[..., RunningHub]) -> None:
    hub = start_hub('bubblewrap', limits={'kernel_address_space_bytes': 4096})
    server = start(hub)
    status, answer = server.ask('POST', '/api/kernels', {})
    assert status == 500
    assert 'its jail could not be made' in answer['message']
    assert server.ask('GET', '/api/kernels')[1] == []
