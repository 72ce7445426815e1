"""What a server is told about the jails that it has to make."""

import json
from dataclasses import replace
from pathlib import Path

from shaparak_hub.bubblewrap import HostSystem, Tools
from shaparak_hub.environment import jail_view, plain_view, server_environment
from shaparak_hub.folders import user_folders
from shaparak_hub.limits import Limits

HOST = HostSystem(
    binds=(Path('/usr'),),
    symlinks=(),
    python=(Path('/srv/environment'),),
    processes_counted_per_namespace=True,
    tools=Tools('/usr/bin/prlimit', '/usr/bin/setpriv', '/usr/bin/bwrap'),
)
LIMITS = Limits(tmp_bytes=1, shared_memory_bytes=2, kernel_address_space_bytes=3, kernel_file_bytes=4)


def promised(host: HostSystem) -> object:
    view = jail_view('ali', Path('/srv/environment'), host, LIMITS)
    return json.loads(server_environment('ali', view, 'Asia/Tehran', '/user/ali/')['SHAPARAK_KERNEL_JAIL'])


def test_a_jailed_server_is_told_how_to_make_kernels_jails() -> None:
    assert promised(HOST) == {
        'bwrap': '/usr/bin/bwrap',
        'prlimit': '/usr/bin/prlimit',
        'python': ['/srv/environment'],
        'tmp_bytes': 1,
        'shared_memory_bytes': 2,
        'address_space_bytes': 3,
        'file_bytes': 4,
        'processes': 200,
    }


def test_processes_are_not_limited_where_the_whole_machine_would_be_counted() -> None:
    document = promised(replace(HOST, processes_counted_per_namespace=False))
    assert isinstance(document, dict) and document['processes'] is None


def test_an_unjailed_server_is_promised_nothing(place: Path) -> None:
    folders = user_folders('ali', place / 'users', place / 'run')
    view = plain_view(folders, place, place / 'hub.sock', place)
    assert server_environment('ali', view, 'Asia/Tehran', '/user/ali/')['SHAPARAK_KERNEL_JAIL'] == 'none'
