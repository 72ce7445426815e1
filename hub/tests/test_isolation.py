"""What a cell can reach: each probe runs in a real kernel of a real server that the real Hub started."""

import json
import os
from collections.abc import Callable
from typing import Any

import pytest
from running_hub import RunningHub
from user_server import UserServer

PROBE = r"""
import errno, glob, json, os, pathlib, socket

def outcome(work):
    try:
        return repr(work())
    except OSError as error:
        return errno.errorcode.get(error.errno, type(error).__name__)

def connect(address, family=socket.AF_INET):
    with socket.socket(family, socket.SOCK_STREAM) as client:
        client.settimeout(5)
        client.connect(address)
        client.sendall(b'x')
        return client.recv(5)

status = dict(line.split(':', 1) for line in pathlib.Path('/proc/self/status').read_text().splitlines())
home = pathlib.Path.home()
(home / 'mine.txt').write_text('kept')
sizes = {place: os.statvfs(place).f_blocks * os.statvfs(place).f_frsize for place in ('/tmp', '/dev/shm')}
print(json.dumps({
    'uid': os.getuid(),
    'groups': os.getgroups(),
    'capabilities': {name: int(status[name], 16) for name in ('CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb')},
    'no_new_privs': status['NoNewPrivs'].strip(),
    'interfaces': [name for _, name in socket.if_nameindex()],
    'homes': os.listdir('/home'),
    'home': str(home),
    'run': sorted(os.listdir('/run')),
    'host_folders': [path for path in PATHS if os.path.exists(path)],
    'host_port': outcome(lambda: connect(('127.0.0.1', PORT))),
    'outside': outcome(lambda: connect(('192.0.2.1', 80))),
    'programs': sorted({pathlib.Path(each).read_text().strip() for each in glob.glob('/proc/[0-9]*/comm')}),
    'write_usr': outcome(lambda: open('/usr/x', 'w')),
    'write_prefix': outcome(lambda: open(PREFIX + '/x', 'w')),
    'write_root': outcome(lambda: open('/x', 'w')),
    'write_audit': outcome(lambda: open('/run/audit/x', 'w')),
    'signal_hub': outcome(lambda: os.kill(HUB_PID, 0)),
    'sizes': sizes,
    'leaked': 'OPERATORS_SECRET' in os.environ,
    'account': __import__('pwd').getpwuid(os.getuid()).pw_name,
}))
"""


def probe(hub: RunningHub, username: str) -> dict[str, Any]:
    values = {
        'PATHS': [str(hub.place), str(hub.place / 'data/users/second'), '/root/.bashrc', '/etc/shadow'],
        'PORT': hub.routes.port,
        'PREFIX': hub.document['environment_prefix'],
        'HUB_PID': hub.process.pid,
    }
    setting = '\n'.join(f'{name} = {value!r}' for name, value in values.items())
    server = UserServer(hub.socket(username), username, hub.user_token(username))
    found: dict[str, Any] = json.loads(server.run_cell(setting + PROBE).splitlines()[-1])
    return found


@pytest.mark.parametrize('isolation', ['uid+bubblewrap', 'bubblewrap'])
def test_a_cell_reaches_only_its_own(start_hub: Callable[..., RunningHub], isolation: str) -> None:
    hub = start_hub(isolation)
    for username, user_id in (('first', 1), ('second', 2)):
        status, answer = hub.start_server(username, user_id)
        assert status == 201, answer
    found = probe(hub, 'first')

    own_uid = 1_000_100_001 if isolation == 'uid+bubblewrap' else hub.uid or os.getuid()
    assert found['uid'] == own_uid
    assert set(found['groups']) <= {own_uid, 65534}
    assert found['account'] == 'first'
    assert set(found['capabilities'].values()) == {0}
    assert found['no_new_privs'] == '1'
    # network: nothing but an own loopback
    assert found['interfaces'] == ['lo']
    assert found['host_port'] == 'ECONNREFUSED'
    assert found['outside'] in ('ENETUNREACH', 'EHOSTUNREACH')
    # files: the own home, and nothing of another user or of the installation
    assert (found['home'], found['homes']) == ('/home/first', ['first'])
    assert found['host_folders'] == []
    assert found['run'] == ['audit', 'rt']
    # processes
    assert 'jupyterhub' not in found['programs']
    assert found['signal_hub'] == 'ESRCH'
    # read-only
    for name in ('write_usr', 'write_prefix', 'write_root', 'write_audit'):
        assert found[name] == 'EROFS', name
    assert found['sizes'] == {'/tmp': 256 << 20, '/dev/shm': 256 << 20}
    assert not found['leaked']


@pytest.mark.parametrize('isolation', ['uid+bubblewrap', 'bubblewrap', 'none'])
def test_a_kernel_finds_its_capture_socket_and_home(start_hub: Callable[..., RunningHub], isolation: str) -> None:
    hub = start_hub(isolation)
    status, answer = hub.start_server('first', 1)
    assert status == 201, answer
    server = UserServer(hub.socket('first'), 'first', hub.user_token('first'))
    kernel_id = server.start_kernel()
    printed = server.run(
        kernel_id,
        'import os, pathlib\n'
        'pathlib.Path("mine.txt").write_text("kept")\n'
        'spool = os.environ["SHAPARAK_SPOOL_DIRECTORY"]\n'
        'print(os.environ["AUDIT_DB_CONNECTION"])\n'
        'print(os.environ["SHAPARAK_USER"], os.environ["TZ"], os.access(spool, os.W_OK))',
    )
    address, surroundings = printed.splitlines()[-2:]
    assert surroundings == 'first Asia/Tehran True'
    assert isolation == 'none' or address == 'http+unix:///run/audit/capture.sock'
    hub.wait_for(lambda: kernel_id in hub.captures['first'].sensors, 'the sensor was heard')
    kept = hub.place / 'data/users/first/home/mine.txt'
    assert kept.read_text() == 'kept'
    own_uid = 1_000_100_001 if isolation == 'uid+bubblewrap' else hub.uid or os.getuid()
    assert (kept.stat().st_uid, kept.parent.stat().st_mode & 0o777) == (own_uid, 0o700)


def test_a_token_of_one_user_does_not_open_another_users_server(start_hub: Callable[..., RunningHub]) -> None:
    hub = start_hub('bubblewrap')
    for username, user_id in (('first', 1), ('second', 2)):
        assert hub.start_server(username, user_id)[0] == 201
    intruder = UserServer(hub.socket('second'), 'second', hub.user_token('first'))
    assert intruder.ask('GET', '/api/contents')[0] in (401, 403)
    assert UserServer(hub.socket('second'), 'second', hub.user_token('second')).ask('GET', '/api/contents')[0] == 200
