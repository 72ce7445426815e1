"""Kernel sensor of Shaparak: every execution of a kernel, recorded durably and delivered to the intake.

Nothing happens at import. `launch` runs a kernel with the sensor, `server_extension` drains what dead kernels left,
`load_ipython_extension` gives the user the name `db`, and `python -m shaparak_audit_logger install` configures an
environment.
"""

from typing import Any

from ._version import __version__
from .database import Database

__all__ = ["__version__", "load_ipython_extension"]


def load_ipython_extension(shell: Any) -> None:
    """Give the user the name `db` (called by IPython through the kernel spec's argv)."""
    # interactive=False: `%who` and the variable list of the user stay empty
    shell.push({"db": Database()}, interactive=False)


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "shaparak_audit_logger.server_extension"}]
