"""The jail's command line, as data."""

from dataclasses import replace
from pathlib import Path

from shaparak_hub.bubblewrap import HostSystem, Jail, jail_command
from shaparak_hub.limits import Limits

HOST = HostSystem(
    binds=(Path('/usr'),),
    symlinks=(('usr/lib', Path('/lib')),),
    python=(Path('/srv/environment'),),
    processes_counted_per_namespace=True,
)
JAIL = Jail(
    username='ali.rezaei',
    uid=1_000_100_012,
    has_own_uid=True,
    home=Path('/data/users/ali.rezaei/home'),
    state=Path('/data/users/ali.rezaei/state'),
    spool=Path('/data/users/ali.rezaei/spool'),
    run=Path('/r/users/ali.rezaei'),
    capture=Path('/r/capture/0123'),
    hub_socket=Path('/r/hub.sock'),
    identity=Path('/r/users/ali.rezaei.identity'),
)
ORDINARY = replace(JAIL, has_own_uid=False, uid=1000)


def has_sequence(argv: list[str], *sequence: str) -> bool:
    return any(tuple(argv[at : at + len(sequence)]) == sequence for at in range(len(argv)))


def test_the_uid_is_dropped_before_bubblewrap_starts() -> None:
    argv = jail_command(JAIL, HOST, Limits(), ['server'])
    assert argv.index('prlimit') < argv.index('setpriv') < argv.index('bwrap')
    for flag in ('--reuid=1000100012', '--regid=1000100012', '--clear-groups', '--no-new-privs', '--bounding-set=-all'):
        assert argv.index('setpriv') < argv.index(flag) < argv.index('bwrap')


def test_an_ordinary_user_changes_no_uid_and_counts_processes_inside() -> None:
    argv = jail_command(ORDINARY, HOST, Limits(processes=77), ['server'])
    assert not [each for each in argv if each.startswith(('--reuid', '--bounding-set'))]
    assert argv[-4:] == ['prlimit', '--nproc=77', '--', 'server']
    assert '--nproc=77' not in argv[: argv.index('bwrap')]
    old = jail_command(ORDINARY, replace(HOST, processes_counted_per_namespace=False), Limits(processes=77), ['server'])
    assert '--nproc=77' not in old


def test_every_namespace_is_its_own_and_dies_with_the_hub() -> None:
    argv = jail_command(JAIL, HOST, Limits(), ['server'])
    for flag in ('--unshare-user', '--unshare-all', '--die-with-parent', '--new-session'):
        assert flag in argv
    assert '--share-net' not in argv
    # the server makes a jail for each kernel, and that one has --disable-userns
    assert '--disable-userns' not in argv


def test_only_the_users_own_folders_are_writable() -> None:
    argv = jail_command(JAIL, HOST, Limits(), ['server'])
    writable = {argv[at + 1]: argv[at + 2] for at, each in enumerate(argv) if each == '--bind'}
    assert writable == {
        '/data/users/ali.rezaei/home': '/home/ali.rezaei',
        '/data/users/ali.rezaei/state': '/var/state',
        '/data/users/ali.rezaei/spool': '/var/spool/shaparak',
        '/r/users/ali.rezaei': '/run/jupyter',
    }
    assert has_sequence(argv, '--remount-ro', '/')


def test_the_capture_folder_is_bound_and_not_its_socket() -> None:
    argv = jail_command(JAIL, HOST, Limits(), ['server'])
    assert has_sequence(argv, '--ro-bind', '/r/capture/0123', '/run/audit')


def test_what_lies_below_tmp_run_or_home_is_bound_after_them() -> None:
    host = replace(HOST, python=(Path('/tmp/environment'), Path('/home/ali.rezaei/environment')))
    argv = jail_command(JAIL, host, Limits(), ['server'])
    assert argv.index('/tmp') < argv.index('/tmp/environment')
    assert argv.index('/home/ali.rezaei') < argv.index('/home/ali.rezaei/environment')
    assert argv.index('/tmp/environment') < argv.index('--remount-ro')


def test_sizes_belong_to_the_file_system_after_them() -> None:
    argv = jail_command(JAIL, HOST, Limits(tmp_bytes=11, shared_memory_bytes=22, run_bytes=33), ['server'])
    assert has_sequence(argv, '--perms', '1777', '--size', '11', '--tmpfs', '/tmp')
    assert has_sequence(argv, '--perms', '1777', '--size', '22', '--tmpfs', '/dev/shm')
    assert has_sequence(argv, '--size', '33', '--tmpfs', '/run')
