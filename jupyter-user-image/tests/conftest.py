"""Real kernels from the installed kernel spec, with an intake double at the other end of their socket."""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from intake_double import IntakeDouble, running
from shaparak_audit_logger.install import install
from shaparak_audit_logger.kernelspecs import InstalledKernelSpecManager

TIMEOUT = 60


@pytest.fixture
def short_directory() -> Iterator[Path]:
    """Unix sockets have 107 bytes for their path; pytest's own directories are longer."""
    directory = Path(tempfile.mkdtemp(prefix="sk", dir="/tmp"))
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def intake(short_directory: Path) -> Iterator[IntakeDouble]:
    with running(short_directory / "capture.sock") as double:
        yield double


@pytest.fixture(scope="session")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The kernel spec as `install` writes it, for the Python that runs the tests."""
    prefix = tmp_path_factory.mktemp("prefix")
    (prefix / "bin").mkdir()
    (prefix / "bin" / "python3").symlink_to(sys.executable)
    install(prefix)
    spec = prefix / "share" / "jupyter" / "kernels" / "python3" / "kernel.json"
    # a linked interpreter does not find the packages of the environment it was linked from
    spec.write_text(spec.read_text().replace(str(prefix / "bin" / "python3"), sys.executable))
    return spec.parent.parent


@dataclass
class Kernel:
    """A running kernel and one client of it."""

    manager: KernelManager
    client: BlockingKernelClient
    console: Path
    log: BinaryIO
    replies: dict[str, Any] = field(default_factory=dict)

    def run(self, code: str, **options: Any) -> dict[str, Any]:
        """Run a cell and wait for its reply. An error stops nothing: ipykernel may still abort what comes right after
        the reply to a failed cell."""
        message = self.client.execute(code, allow_stdin=False, **{"stop_on_error": False, **options})
        return self.reply(message)

    def reply(self, msg_id: str) -> dict[str, Any]:
        while msg_id not in self.replies:
            reply = self.client.get_shell_msg(timeout=TIMEOUT)
            self.replies[reply["parent_header"].get("msg_id", "")] = reply["content"]
        return self.replies[msg_id]

    def output(self, code: str) -> str:
        """Run a cell and return what a person would see of it."""
        message = self.client.execute(code)
        text = ""
        while True:
            published = self.client.get_iopub_msg(timeout=TIMEOUT)
            if published["parent_header"].get("msg_id") != message:
                continue
            content = published["content"]
            if published["msg_type"] == "status" and content["execution_state"] == "idle":
                self.reply(message)
                return text
            text += content.get("text", "") + content.get("data", {}).get("text/plain", "")
            text += "\n".join(content.get("traceback", []))

    def kill(self) -> None:
        """kill -9, as the kernel of the operating system does it when memory is gone."""
        os.kill(self.manager.provisioner.pid, 9)
        self.manager.provisioner.process.wait()


StartKernel = Callable[..., Kernel]


@pytest.fixture
def start_kernel(short_directory: Path, intake: IntakeDouble, kernels: Path) -> Iterator[StartKernel]:
    """Starts kernels; they are shut down (or were killed) at the end of the test."""
    started: list[Kernel] = []

    def start(**environment: str | None) -> Kernel:
        spool = short_directory / "spool"
        variables: dict[str, str | None] = {
            **os.environ,
            "AUDIT_DB_CONNECTION": intake.address,
            "SHAPARAK_SPOOL_DIRECTORY": str(spool),
            "JPY_SESSION_NAME": str(short_directory / "home" / "reports" / "a.ipynb"),
            "SHAPARAK_NOTEBOOK_ROOT": str(short_directory / "home"),
            **environment,
            "PYTEST_CURRENT_TEST": None,  # ipykernel would not redirect file descriptors
        }
        number = len(started)
        specs = InstalledKernelSpecManager()
        specs.kernel_dirs = [str(kernels)]
        manager = KernelManager(
            kernel_name="python3",
            kernel_spec_manager=specs,
            connection_file=str(short_directory / f"kernel-test-{number}.json"),
        )
        console = short_directory / f"console-{number}"
        log = console.open("ab")  # stays open: a restart starts the kernel with the same arguments
        manager.start_kernel(
            env={name: value for name, value in variables.items() if value is not None}, stdout=log, stderr=log
        )
        client = manager.client()
        client.start_channels()
        client.wait_for_ready(timeout=TIMEOUT)
        kernel = Kernel(manager, client, console, log)
        started.append(kernel)
        return kernel

    yield start
    for kernel in started:
        kernel.client.stop_channels()
        if kernel.manager.is_alive():
            kernel.manager.shutdown_kernel()
        kernel.manager.cleanup_resources()
        kernel.log.close()


@pytest.fixture
def kernel(start_kernel: StartKernel) -> Kernel:
    return start_kernel()
