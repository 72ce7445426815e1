"""The command line of one user's jail, as a pure function of what it may see.

Order matters: limits, then the drop to the user's real uid, then an *unprivileged* bwrap. With bwrap started by root
the inner one of a kernel cannot mount /proc (bwrap as root covers /proc/irq and /proc/bus, so proc is "not fully
visible"), and code of root would remain inside. bwrap's operations are applied in the order given: what is bound
later hides what was bound earlier.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .limits import Limits

# The socket and folders as the user's server sees them.
JAIL_RUN = '/run/jupyter'
JAIL_SOCKET = f'{JAIL_RUN}/s.sock'
JAIL_HUB_SOCKET = '/run/hub.sock'
JAIL_CAPTURE = '/run/audit'
JAIL_STATE = '/var/state'
JAIL_SPOOL = '/var/spool/shaparak'
JAIL_RUNTIME = '/run/rt'
JAIL_SERVER_HOME = '/run/h'
JAIL_CONFIGURATION = '/run/configuration'

ETC_FILES = ('fonts', 'ld.so.cache', 'localtime', 'alternatives', 'mime.types', 'nsswitch.conf')


@dataclass(frozen=True)
class Tools:
    """Full paths of the programs outside the jail: the child looks them up in the server's PATH, not in ours."""

    prlimit: str = 'prlimit'
    setpriv: str = 'setpriv'
    bwrap: str = 'bwrap'


@dataclass(frozen=True)
class HostSystem:
    """What of the machine a jail shows, read-only: see host.describe_host."""

    binds: tuple[Path, ...]
    symlinks: tuple[tuple[str, Path], ...]
    python: tuple[Path, ...]
    # Since Linux 5.14 RLIMIT_NPROC counts per user namespace; before, it counts all that this uid runs anywhere.
    processes_counted_per_namespace: bool
    tools: Tools = Tools()


@dataclass(frozen=True)
class Jail:
    """One user's jail: the folders it shows and as whom it runs."""

    username: str
    uid: int
    has_own_uid: bool
    home: Path
    state: Path
    spool: Path
    run: Path
    capture: Path
    hub_socket: Path
    identity: Path

    @property
    def jail_home(self) -> str:
        """The home folder's path inside the jail."""
        return f'/home/{self.username}'


def jail_command(jail: Jail, host: HostSystem, limits: Limits, command: Sequence[str]) -> list[str]:
    """The argv that runs `command` in the jail."""
    return [
        *_outer_limits(jail, host, limits),
        *_drop_privileges(jail, host),
        host.tools.bwrap,
        *_namespaces(),
        *_system(host),
        *_identity(jail),
        *_own_filesystems(limits),
        *_user_folders(jail),
        # After the home, so that an environment inside a folder of the same name stays visible.
        *_read_only(host.python),
        '--remount-ro', '/',
        '--chdir', jail.jail_home,
        '--',
        *_inner_limits(jail, host, limits),
        *command,
    ]  # fmt: skip


def _outer_limits(jail: Jail, host: HostSystem, limits: Limits) -> list[str]:
    own = [f'--nproc={limits.processes}'] if jail.has_own_uid else []
    return [host.tools.prlimit, *own, f'--nofile={limits.open_files}', '--core=0', '--']


def _inner_limits(jail: Jail, host: HostSystem, limits: Limits) -> list[str]:
    if jail.has_own_uid or not host.processes_counted_per_namespace:
        return []
    return ['prlimit', f'--nproc={limits.processes}', '--']


def _drop_privileges(jail: Jail, host: HostSystem) -> list[str]:
    if not jail.has_own_uid:
        return [host.tools.setpriv, '--no-new-privs']
    return [
        host.tools.setpriv, f'--reuid={jail.uid}', f'--regid={jail.uid}', '--clear-groups', '--no-new-privs',
        '--bounding-set=-all', '--inh-caps=-all',
    ]  # fmt: skip


def _namespaces() -> list[str]:
    # --unshare-all alone makes the user namespace only where it is needed; ours must always exist.
    return ['--unshare-user', '--unshare-all', '--die-with-parent', '--new-session', '--hostname', 'shaparak']


def _system(host: HostSystem) -> list[str]:
    argv = _read_only(host.binds)
    for target, link in host.symlinks:
        argv += ['--symlink', target, str(link)]
    for name in ETC_FILES:
        argv += ['--ro-bind-try', f'/etc/{name}', f'/etc/{name}']
    return argv


def _identity(jail: Jail) -> list[str]:
    argv: list[str] = []
    for name in ('passwd', 'group', 'hosts'):
        argv += ['--ro-bind', str(jail.identity / name), f'/etc/{name}']
    return argv


def _own_filesystems(limits: Limits) -> list[str]:
    return [
        '--proc', '/proc',
        '--dev', '/dev',
        '--perms', '1777', '--size', str(limits.shared_memory_bytes), '--tmpfs', '/dev/shm',
        '--perms', '1777', '--size', str(limits.tmp_bytes), '--tmpfs', '/tmp',
        '--size', str(limits.run_bytes), '--tmpfs', '/run',
        '--dir', JAIL_SERVER_HOME,
        '--dir', JAIL_RUNTIME,
    ]  # fmt: skip


def _user_folders(jail: Jail) -> list[str]:
    return [
        '--bind', str(jail.home), jail.jail_home,
        '--bind', str(jail.state), JAIL_STATE,
        '--bind', str(jail.spool), JAIL_SPOOL,
        '--bind', str(jail.run), JAIL_RUN,
        '--ro-bind', str(jail.hub_socket), JAIL_HUB_SOCKET,
        # The folder, not the socket: a restarted portal makes a new socket in it.
        '--ro-bind', str(jail.capture), JAIL_CAPTURE,
        '--ro-bind', str(jail.identity / 'configuration'), JAIL_CONFIGURATION,
    ]  # fmt: skip


def _read_only(paths: Sequence[Path]) -> list[str]:
    argv: list[str] = []
    for path in paths:
        argv += ['--ro-bind', str(path), str(path)]
    return argv
