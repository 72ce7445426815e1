"""The command line of one kernel's jail, as a pure function of what it may see.

It is the second jail: of the system it shows what the server's own jail shows, so nothing here has to know which files
of /etc are harmless. bubblewrap's operations are applied in the order given, and what is bound later hides what was
bound earlier: the Python environment comes after the home, so that an environment below it stays visible.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .folders import KernelFolders
from .settings import JailSettings

AUDIT = "/run/audit"
AUDIT_ADDRESS = f"http+unix://{AUDIT}/capture.sock"
SYSTEM = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")


@dataclass(frozen=True)
class KernelJail:
    """One kernel's jail."""

    settings: JailSettings
    folders: KernelFolders
    home: Path
    environment: Mapping[str, str]


def jail_arguments(jail: KernelJail, working_folder: Path, command: Sequence[str]) -> list[str]:
    """What comes behind `bwrap` to run a command in the jail."""
    return [
        *("--unshare-user", "--unshare-all", "--disable-userns", "--die-with-parent", "--new-session"),
        *("--cap-drop", "ALL", "--hostname", "shaparak", "--clearenv"),
        *_environment(jail.environment),
        *_system(),
        *_own_filesystems(jail.settings),
        *_folders(jail),
        *_read_only(*jail.settings.python),
        *("--remount-ro", "/", "--chdir", str(working_folder), "--"),
        *_limits(jail.settings),
        *command,
    ]


def _environment(variables: Mapping[str, str]) -> list[str]:
    return [part for name, value in variables.items() for part in ("--setenv", name, value)]


def _system(root: Path = Path("/")) -> list[str]:
    arguments = _read_only("/usr", "/etc")
    for name in SYSTEM:
        path = root / name
        if path.is_symlink():
            arguments += ["--symlink", os.readlink(path), f"/{name}"]
        elif path.is_dir():
            arguments += _read_only(f"/{name}")
    return arguments


def _own_filesystems(settings: JailSettings) -> list[str]:
    return [
        *("--proc", "/proc", "--dev", "/dev"),
        *("--perms", "1777", "--size", str(settings.shared_memory_bytes), "--tmpfs", "/dev/shm"),
        *("--perms", "1777", "--size", str(settings.tmp_bytes), "--tmpfs", "/tmp"),
    ]


def _folders(jail: KernelJail) -> list[str]:
    folders = jail.folders
    writable = [jail.home, folders.sockets, *([folders.spool] if folders.spool else [])]
    return [
        *(part for path in writable for part in ("--bind", str(path), str(path))),
        *_read_only(str(folders.connection_file)),
        # the folder and not the socket: each start of the kernel makes a new one
        *("--ro-bind", str(folders.audit), AUDIT),
    ]


def _read_only(*paths: str) -> list[str]:
    return [part for path in paths for part in ("--ro-bind", path, path)]


def _limits(settings: JailSettings) -> list[str]:
    return [
        settings.prlimit,
        f"--as={settings.address_space_bytes}",
        f"--fsize={settings.file_bytes}",
        *([] if settings.processes is None else [f"--nproc={settings.processes}"]),
        "--core=0",
        "--",
    ]
