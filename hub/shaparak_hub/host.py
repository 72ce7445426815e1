"""What this machine looks like: the part of the jail's contents that is not a user's."""

from __future__ import annotations

import os
import platform
import shutil
from pathlib import Path

from .bubblewrap import HostSystem, Tools

SYSTEM_DIRECTORIES = ('bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32')


def describe_host(environment_prefix: Path, *, root: Path = Path('/')) -> HostSystem:
    """Read the system's layout (merged /usr or not) and where the Python environment and its base live."""
    binds = [Path('/usr')]
    symlinks: list[tuple[str, Path]] = []
    for name in SYSTEM_DIRECTORIES:
        path = root / name
        if path.is_symlink():
            symlinks.append((os.readlink(path), Path('/') / name))
        elif path.is_dir():
            binds.append(Path('/') / name)
    return HostSystem(
        binds=tuple(binds),
        symlinks=tuple(symlinks),
        python=tuple(_outside_usr(_python_directories(environment_prefix))),
        processes_counted_per_namespace=_kernel_version() >= (5, 14),
        tools=Tools(*(shutil.which(tool) or tool for tool in ('prlimit', 'setpriv', 'bwrap'))),
    )


def _python_directories(prefix: Path) -> list[Path]:
    """The environment, and the base installation that its pyvenv.cfg and its interpreter's links lead to."""
    directories = [prefix, prefix.resolve()]
    for home in _base_homes(prefix):
        directories += [home.parent, home.resolve().parent]
    interpreter = prefix / 'bin' / 'python3'
    while interpreter.is_symlink():
        interpreter = Path(os.path.normpath(interpreter.parent / os.readlink(interpreter)))
        directories.append(interpreter.parent.parent)
    return directories


def _base_homes(prefix: Path) -> list[Path]:
    try:
        text = (prefix / 'pyvenv.cfg').read_text(encoding='utf-8')
    except OSError:
        return []
    pairs = (line.partition('=') for line in text.splitlines())
    return [Path(value.strip()) for key, _, value in pairs if key.strip() == 'home']


def _outside_usr(directories: list[Path]) -> list[Path]:
    """Keep what /usr does not already show, each once, never the root itself."""
    kept: list[Path] = []
    for directory in directories:
        shown = any(directory == each or each in directory.parents for each in [Path('/usr'), *kept])
        if not shown and directory != Path('/'):
            kept.append(directory)
    return kept


def _kernel_version() -> tuple[int, ...]:
    numbers = platform.release().split('-')[0].split('.')[:2]
    return tuple(int(number) for number in numbers if number.isdigit())
