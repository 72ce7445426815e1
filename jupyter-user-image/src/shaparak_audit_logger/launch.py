"""Runs a kernel with its sensor (`python -I -m shaparak_audit_logger.launch -f CONNECTION_FILE`)."""

import os
import re
import sys
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import zmq
from ipykernel.kernelapp import IPKernelApp
from traitlets import Instance

from .clock import Clock
from .sensor import Sensor, SensorSettings

# 1000 (the default) loses output and even the `idle` status of a cell that prints 20,000 lines
IOPUB_QUEUE_MESSAGES = 100_000

# set for whatever a kernel starts: a kernel among it runs inside the other's jail
INSIDE = "SHAPARAK_INSIDE_KERNEL"


def write_console(descriptor: int) -> Callable[[str], None]:
    """A writer to the server's log that user code and ipykernel's redirection of stderr cannot divert."""
    write = os.write

    def console(text: str) -> None:
        with suppress(OSError):  # nobody reads the log any more; there is no better place to say so
            write(descriptor, f"{text}\n".encode("utf-8", "replace"))

    return console


def sensor_settings(environment: dict[str, str], connection_file: str) -> SensorSettings:
    """Read what the kernel's surroundings say about its sensor."""
    match = re.search(r"kernel-(.+)\.json$", Path(connection_file).name)
    spool = environment.get("SHAPARAK_SPOOL_DIRECTORY")
    return SensorSettings(
        kernel_id=environment.get("SHAPARAK_KERNEL_ID") or (match[1] if match else str(uuid.uuid4())),
        intake_address=environment.get("AUDIT_DB_CONNECTION", ""),
        spool_directory=Path(spool) if spool else None,
        notebook_path=notebook_path(environment),
        # a jailed kernel's socket takes the records of one sensor, the first one
        deliver_later=INSIDE in environment and "SHAPARAK_KERNEL_ID" in environment,
    )


def notebook_path(environment: dict[str, str]) -> str | None:
    """The notebook's path below the user's notebook folder, if the kernel was started for one."""
    path = environment.get("JPY_SESSION_NAME")
    if not path:
        return None
    root = environment.get("SHAPARAK_NOTEBOOK_ROOT") or environment.get("HOME") or "/"
    relative = os.path.relpath(path, root) if os.path.isabs(path) else path
    return (path if relative.startswith("..") else relative)[:4096]


class AuditKernelApp(IPKernelApp):  # type: ignore[misc]  # ipykernel's base classes are untyped
    """IPython's kernel application, with a sensor and with queues that hold a flood of output."""

    sensor = Instance(Sensor, allow_none=True)
    clock = Instance(Clock)
    console: Callable[[str], None]
    notebook_path: str | None = None

    def init_iopub(self, context: Any) -> None:
        """Bind the output channel with a larger queue (the option becomes the default of the context's sockets)."""
        context.setsockopt(zmq.SNDHWM, IOPUB_QUEUE_MESSAGES)
        super().init_iopub(context)

    def init_path(self) -> None:
        """Let notebooks import modules beside them, which `-I` forbids; last, so that none hides an installed one."""
        if "" not in sys.path:
            sys.path.append("")

    def init_kernel(self) -> None:
        """Start the sensor before there is a kernel that could run anything."""
        settings = sensor_settings(dict(os.environ), self.connection_file)
        os.environ[INSIDE] = "1"
        self.notebook_path = settings.notebook_path
        self.sensor = Sensor(settings, self.clock, self.console)
        self.sensor.start()
        super().init_kernel()


def main() -> None:
    """Run one kernel until it is told to stop."""
    # before ipykernel redirects file descriptor 2 into the notebook
    console = write_console(os.dup(2))
    application = AuditKernelApp.instance(clock=Clock())
    application.console = console
    try:
        application.initialize()
        application.start()
    finally:
        # not at the request to shut down: a cell that is still running then has yet to record its end
        if application.sensor is not None:
            application.sensor.stop()


if __name__ == "__main__":
    main()
