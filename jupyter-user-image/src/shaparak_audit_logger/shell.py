"""IPython's shell, which says which files a cell runs: `%run` executes code that no request holds."""

import hashlib
import os
from collections.abc import Callable
from io import open as open_file
from typing import Any

from ipykernel.zmqshell import ZMQInteractiveShell

_sha256 = hashlib.sha256
LARGEST_FILE_BYTES = 64 << 20
FileRun = Callable[[str, int | None, str | None], None]


def describe_file(path: str) -> tuple[int | None, str | None]:
    """Size and SHA-256 of a file, or nothing of one that is too large or cannot be read."""
    try:
        with open_file(path, "rb") as file:
            content = file.read(LARGEST_FILE_BYTES + 1)
    except (OSError, ValueError):
        return None, None
    if len(content) > LARGEST_FILE_BYTES:
        return None, None
    return len(content), _sha256(content).hexdigest()


class AuditShell(ZMQInteractiveShell):  # type: ignore[misc]  # ipykernel's base classes are untyped
    """Tells its kernel of each file before its code runs."""

    def safe_execfile(self, fname: Any, *where: Any, **options: Any) -> Any:
        """Run a Python file (`%run file.py`)."""
        self._tell(fname)
        return super().safe_execfile(fname, *where, **options)

    def safe_execfile_ipy(self, fname: Any, *args: Any, **options: Any) -> Any:
        """Run a file of cells (`%run file.ipynb`)."""
        self._tell(fname)
        return super().safe_execfile_ipy(fname, *args, **options)

    def safe_run_module(self, mod_name: Any, where: Any) -> Any:
        """Run a module by its name (`%run -m name`); its file is told by the name alone."""
        self.kernel.file_run(f"-m {mod_name}", None, None)
        return super().safe_run_module(mod_name, where)

    def _tell(self, path: Any) -> None:
        full = os.path.abspath(os.path.expanduser(str(path)))
        self.kernel.file_run(full, *describe_file(full))
