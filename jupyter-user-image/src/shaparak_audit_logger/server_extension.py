"""In the user's Jupyter server: delivers what dead kernels left, and holds the queues of their output open.

A killed kernel cannot deliver its last records, and the user may never start another one; the server lives on.
"""

import os
import platform
from collections.abc import Mapping
from pathlib import Path
from threading import Event, Thread
from typing import Any

import zmq

from .clock import Clock
from .delivery import Log
from .intake import Intake
from .jail.seccomp import kernel_filter
from .jail.settings import VARIABLE, JailSettingsError, read_settings
from .leftovers import drain_spool

EVERY_SECONDS = 3.0
AFTER_FAILURE_SECONDS = 5.0
# the receiving side of launch.IOPUB_QUEUE_MESSAGES
OUTPUT_QUEUE_MESSAGES = 100_000


class LeftoverDrainer:
    """A thread that looks after the spool directory every few seconds until it is closed."""

    def __init__(self, directory: Path, intake: Intake, log: Log, every: float = EVERY_SECONDS) -> None:
        self._directory, self._intake, self._log, self._every = directory, intake, log, every
        self._clock = Clock()
        self._stop = Event()
        self._thread = Thread(target=self._run, name="shaparak-leftovers", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def close(self) -> None:
        """Stop looking; what is left waits for the next server."""
        self._stop.set()
        self._thread.join(1.0)

    def _run(self) -> None:
        pause = self._every
        while not self._stop.wait(pause):
            try:
                waiting = drain_spool(self._directory, self._intake, self._clock, self._log)
            except Exception as problem:  # noqa: BLE001 - the thread must outlive every surprise
                self._log(f"leftovers could not be delivered: {type(problem).__name__}: {problem}")
                pause = AFTER_FAILURE_SECONDS
                continue
            pause = self._every if waiting is None else max(self._every, waiting.retry_after or AFTER_FAILURE_SECONDS)


def describe_jail(environment: Mapping[str, str]) -> str:
    """What the server's log says about the jails of its kernels."""
    try:
        settings = read_settings(environment)
    except JailSettingsError as problem:
        return f"no kernel can start: {problem}"
    if settings is None:
        return f"kernels run without a jail of their own ({VARIABLE} is {environment.get(VARIABLE, 'not set')})"
    calls = "a filter of system calls" if kernel_filter() else f"no filter of system calls ({platform.machine()})"
    return f"every kernel runs in a jail of its own, with {calls}"


def _load_jupyter_server_extension(server: Any) -> None:
    """Called by jupyter_server when the user's server starts."""
    server.kernel_manager.context.setsockopt(zmq.RCVHWM, OUTPUT_QUEUE_MESSAGES)
    # kernels inherit it: a notebook's path is told relative to the folder that the user sees
    os.environ.setdefault("SHAPARAK_NOTEBOOK_ROOT", server.root_dir)
    server.log.warning("[shaparak_audit_logger] %s", describe_jail(os.environ))
    directory = os.environ.get("SHAPARAK_SPOOL_DIRECTORY")
    if not directory:
        server.log.warning("[shaparak_audit_logger] SHAPARAK_SPOOL_DIRECTORY is not set: nothing to look after")
        return

    def log(text: str) -> None:
        server.log.warning("[shaparak_audit_logger] %s", text)

    LeftoverDrainer(Path(directory), Intake(os.environ.get("AUDIT_DB_CONNECTION", "")), log).start()
    server.log.info("[shaparak_audit_logger] audit extension: looking after %s", directory)
