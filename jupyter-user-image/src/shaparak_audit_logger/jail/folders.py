"""Where one kernel's things are, and what of them its jail may write.

    <runtime>/<kernel id>/kernel.json    how to reach the kernel: written by the server, read-only for the kernel
    <runtime>/<kernel id>/s/             the kernel's own sockets: it makes them, the server connects
    <runtime>/<kernel id>/audit/         the socket of its relay; read-only for the kernel, which sees it in /run/audit
    <spool>/<kernel id>/                 what its sensor has not delivered yet; outlives the kernel

The kernel writes in `s` and in its spool, so what lies there is its word: the server follows no link in them.
"""

import os
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

# the longest name in `s`: "k-" and the number of a channel
LONGEST_SOCKET_PATH = 107
_KERNEL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
# Kernels of this server from before their first start until they are gone: their spool folders must stay.
_living: set[str] = set()


@dataclass(frozen=True)
class KernelFolders:
    """The folders of one kernel."""

    kernel_id: str
    own: Path
    spool: Path | None

    @property
    def connection_file(self) -> Path:
        """What jupyter_client writes for the kernel."""
        return self.own / "kernel.json"

    @property
    def sockets(self) -> Path:
        """Where the kernel makes its sockets."""
        return self.own / "s"

    @property
    def address(self) -> str:
        """Where the kernel's sockets begin: jupyter_client adds "-1" to "-5"."""
        return str(self.sockets / "k")

    @property
    def audit(self) -> Path:
        """The folder of the relay's socket."""
        return self.own / "audit"

    def make(self) -> None:
        """Make the folders for a new process; the connection file stays, so that a restart is found where it was."""
        _living.add(self.kernel_id)
        self.own.mkdir(mode=0o700, exist_ok=True)
        for folder in (self.sockets, self.audit):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(mode=0o700)
        if self.spool is not None:
            self.spool.mkdir(mode=0o700, parents=True, exist_ok=True)

    def remove(self) -> None:
        """Take away what only a running kernel needs; the spool stays while anything is in it."""
        shutil.rmtree(self.own, ignore_errors=True)
        if self.spool is not None:
            with suppress(OSError):
                self.spool.rmdir()
        _living.discard(self.kernel_id)


def kernel_folders(runtime: Path, spool: Path | None, kernel_id: str) -> KernelFolders:
    """The places only; nothing is made."""
    if not _KERNEL_ID.fullmatch(kernel_id):
        raise ValueError(f"the kernel id {kernel_id!r} cannot be the name of a folder")
    folders = KernelFolders(kernel_id, runtime / kernel_id, spool / kernel_id if spool else None)
    if len(os.fsencode(f"{folders.address}-5")) > LONGEST_SOCKET_PATH:
        raise ValueError(f"{folders.address} is too long for a unix socket; choose a shorter runtime directory")
    return folders


def is_living(kernel_id: str) -> bool:
    """Whether this server has, or is just starting, a jailed kernel of that id."""
    return kernel_id in _living
