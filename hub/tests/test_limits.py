"""Control groups, against folders that look like the kernel's."""

import errno
from pathlib import Path

import pytest

from shaparak_hub.limits import Limits, find_control_groups, join_command

LIMITS = Limits(memory_bytes=123, processes=45)


class Kernel:
    """A control group tree in which new groups get their files, as in the real one."""

    def __init__(self, root: Path, groups: str) -> None:
        self.mount, self.process = root / 'cgroup', root / 'self'
        self.process.mkdir()
        self.mount.mkdir()
        (self.process / 'cgroup').write_text(groups)


@pytest.fixture(autouse=True)
def _groups_have_files(monkeypatch: pytest.MonkeyPatch) -> None:
    make = Path.mkdir

    def mkdir(path: Path, *arguments: object, **options: object) -> None:
        make(path, *arguments, **options)  # type: ignore[arg-type]
        if 'cgroup' in path.parts:
            for name in ('cgroup.procs', 'memory.limit_in_bytes', 'memory.max', 'pids.max', 'cgroup.subtree_control'):
                (path / name).touch()

    monkeypatch.setattr(Path, 'mkdir', mkdir)


def test_version_1_groups_are_made_below_our_own(tmp_path: Path) -> None:
    kernel = Kernel(tmp_path, '8:pids:/\n4:memory:/outer\n0::/\n')
    (kernel.mount / 'memory/outer').mkdir(parents=True)
    (kernel.mount / 'pids').mkdir()
    groups = find_control_groups('shaparak-x', mount=kernel.mount, process=kernel.process)
    joins = groups.prepare('first', LIMITS)
    memory, pids = kernel.mount / 'memory/outer/shaparak-x/first', kernel.mount / 'pids/shaparak-x/first'
    assert joins == [memory / 'cgroup.procs', pids / 'cgroup.procs']
    assert (memory / 'memory.limit_in_bytes').read_text() == '123'
    assert (pids / 'pids.max').read_text() == '45'


def test_version_2_needs_the_controllers_to_be_handed_down(tmp_path: Path) -> None:
    kernel = Kernel(tmp_path, '0::/user.slice\n')
    (kernel.mount / 'cgroup.controllers').touch()
    (kernel.mount / 'user.slice').mkdir()
    groups = find_control_groups('shaparak-x', mount=kernel.mount, process=kernel.process)
    assert groups.version == 2
    groups.prepare('first', LIMITS)
    assert (kernel.mount / 'user.slice/cgroup.subtree_control').read_text() == '+memory +pids'
    assert (kernel.mount / 'user.slice/shaparak-x/first/memory.max').read_text() == '123'


def test_a_limit_that_cannot_be_set_has_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = Kernel(tmp_path, '0::/user.slice\n')
    (kernel.mount / 'cgroup.controllers').touch()
    (kernel.mount / 'user.slice').mkdir()
    write = Path.write_text

    def write_text(path: Path, *arguments: object, **options: object) -> int:
        if path == kernel.mount / 'user.slice/cgroup.subtree_control':
            raise OSError(errno.EBUSY, 'Device or resource busy')
        return write(path, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, 'write_text', write_text)
    groups = find_control_groups('shaparak-x', mount=kernel.mount, process=kernel.process)
    assert groups.version == 0
    assert 'user.slice holds processes itself' in str(groups.missing)


def test_version_1_without_memory_says_so(tmp_path: Path) -> None:
    kernel = Kernel(tmp_path, '8:pids:/\n')
    (kernel.mount / 'pids').mkdir()
    groups = find_control_groups('shaparak-x', mount=kernel.mount, process=kernel.process)
    assert (groups.version, groups.missing) == (1, 'the memory controller cannot be used')


def test_without_control_groups_nothing_is_joined(tmp_path: Path) -> None:
    groups = find_control_groups('shaparak-x', mount=tmp_path / 'none', process=tmp_path / 'none')
    assert groups.missing is not None
    assert groups.prepare('first', LIMITS) == []
    assert join_command([]) == []
