"""What one user's server and kernels may use: rlimits always, control groups where this machine lets us write them."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MEBIBYTE = 1024 * 1024
# Joins the groups from inside the child, before anything else of it runs: joined from outside, a fast child could
# already have forked. `echo 0` moves the writing process itself (cgroups(7)).
JOIN_SCRIPT = 'while [ "$1" != -- ]; do echo 0 > "$1" || exit 126; shift; done; shift; exec "$@"'


@dataclass(frozen=True)
class Limits:
    """Limits of one user's server together with its kernels."""

    memory_bytes: int = 4096 * MEBIBYTE
    processes: int = 512
    open_files: int = 4096
    tmp_bytes: int = 256 * MEBIBYTE
    # /dev/shm is bounded by nothing in a plain bubblewrap (900 MiB written in a trial).
    shared_memory_bytes: int = 256 * MEBIBYTE
    run_bytes: int = 64 * MEBIBYTE
    # The rest is for one kernel, in its own jail (where it has the two sizes above once more).
    # Address space and not memory: what libraries reserve and never touch counts too.
    kernel_address_space_bytes: int = 8192 * MEBIBYTE
    kernel_file_bytes: int = 2048 * MEBIBYTE
    # Less than half of `processes`: a fork bomb in one kernel leaves room for the server and another kernel.
    kernel_processes: int = 200


class ControlGroups:
    """The writable control groups below our own; empty where the machine offers none, and then `missing` says why."""

    def __init__(self, version: int, parents: tuple[Path, ...], missing: str | None = None) -> None:
        self.version = version
        self.parents = parents
        self.missing = missing

    def prepare(self, username: str, limits: Limits) -> list[Path]:
        """Make this user's groups, set their limits, and return the files that a child writes to in order to join."""
        joins: list[Path] = []
        for parent in self.parents:
            group = parent / username
            group.mkdir(parents=True, exist_ok=True)
            for name, value in _limit_files(self.version, limits).items():
                if (group / name).exists():
                    (group / name).write_text(str(value), encoding='ascii')
            joins.append(group / 'cgroup.procs')
        return joins

    def release(self, username: str) -> None:
        """Remove this user's groups, and ours when no user is left; one with a dying process is reused later."""
        for parent in self.parents:
            with suppress(OSError):
                (parent / username).rmdir()
                # Version 2 would lose the controllers that were handed down to it at the Hub's start.
                if self.version == 1:
                    parent.rmdir()


def join_command(joins: list[Path]) -> list[str]:
    """The argv prefix that puts a command into the groups."""
    if not joins:
        return []
    return ['/bin/sh', '-c', JOIN_SCRIPT, 'sh', *map(str, joins), '--']


def find_control_groups(
    name: str, *, mount: Path = Path('/sys/fs/cgroup'), process: Path = Path('/proc/self')
) -> ControlGroups:
    """Find where we may make groups: version 1 controllers first, else a delegated version 2 tree, else nowhere."""
    try:
        own = _own_groups((process / 'cgroup').read_text(encoding='utf-8'))
    except OSError:
        return ControlGroups(0, (), 'this machine has no control groups')
    below = {
        controller: _writable_below(mount / controller, own.get(controller), name) for controller in ('memory', 'pids')
    }
    parents = tuple(parent for parent in below.values() if parent is not None)
    if parents:
        return ControlGroups(1, parents, None if below['memory'] else 'the memory controller cannot be used')
    if not (mount / 'cgroup.controllers').exists() or '' not in own:
        return ControlGroups(0, (), f'no control group of ours below {mount} can be written')
    parent = _writable_below(mount, own[''], name)
    if parent is None:
        return ControlGroups(0, (), f'the control group {own[""]} cannot be written')
    refused = _enable_controllers(parent)
    if refused is not None:
        with suppress(OSError):
            parent.rmdir()
        return ControlGroups(0, (), refused)
    return ControlGroups(2, (parent,))


def _limit_files(version: int, limits: Limits) -> dict[str, int]:
    if version == 1:
        return {'memory.limit_in_bytes': limits.memory_bytes, 'pids.max': limits.processes}
    return {'memory.max': limits.memory_bytes, 'pids.max': limits.processes}


def _own_groups(text: str) -> dict[str, str]:
    """Controller -> our own group's path; the key '' is version 2's single tree."""
    groups: dict[str, str] = {}
    for line in text.splitlines():
        _, controllers, path = line.split(':', 2)
        for controller in controllers.split(','):
            groups[controller] = path
    return groups


def _writable_below(mount: Path, own: str | None, name: str) -> Path | None:
    """Make `name` below our own group, so that a limit set on us from outside still holds for our users."""
    if own is None or not mount.is_dir():
        return None
    base = mount / own.lstrip('/')
    if not base.is_dir():
        # In a container the path in /proc may be the outer one while the mount shows only the inner tree.
        base = mount
    group = base / name
    try:
        group.mkdir(exist_ok=True)
    except OSError:
        return None
    return group if os.access(group / 'cgroup.procs', os.W_OK) else None


def _enable_controllers(group: Path) -> str | None:
    """Hand the controllers down to the users' groups; why that cannot be done, or None.

    Version 2 hands them down level by level and refuses while the upper group holds processes: then somebody above us
    has to give us a group of our own.
    """
    for level in (group.parent, group):
        try:
            (level / 'cgroup.subtree_control').write_text('+memory +pids', encoding='ascii')
        except OSError as error:
            if error.errno == errno.EBUSY:
                return f'the control group {level} holds processes itself and so hands no controller down'
            return f'the control group {level} hands no controller down: {error.strerror}'
    return None
