"""A real Jupyter server with the installed configuration: what it allows, and what it does for dead kernels."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from socket import AF_UNIX, SOCK_STREAM, socket
from typing import Any

import pytest
import websocket

from intake_double import IntakeDouble, running
from shaparak_audit_logger.clock import Clock
from shaparak_audit_logger.install import install
from shaparak_audit_logger.spool import Spool

TOKEN = "t" * 32


class UnixHTTPConnection(HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=60)
        self.path = path

    def connect(self) -> None:
        self.sock = connected(self.path)


def connected(path: Path) -> socket:
    connection = socket(AF_UNIX, SOCK_STREAM)
    connection.settimeout(60)
    connection.connect(str(path))
    return connection


@dataclass
class Server:
    path: Path
    directory: Path
    intake: IntakeDouble
    log: Path

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        connection = UnixHTTPConnection(self.path)
        connection.request(method, path, json.dumps(body) if body else None, {"Authorization": f"token {TOKEN}"})
        response = connection.getresponse()
        text = response.read().decode("utf-8", "replace")
        connection.close()
        return response.status, text

    def run(self, kernel_id: str, code: str) -> str:
        """Run a cell as a browser does and return what it printed, up to idle."""
        session = uuid.uuid4().hex
        channels = websocket.create_connection(
            f"ws://localhost/api/kernels/{kernel_id}/channels?session_id={session}&token={TOKEN}",
            socket=connected(self.path),
            timeout=60,
        )
        message = uuid.uuid4().hex
        channels.send(
            json.dumps(
                {
                    "header": {
                        "msg_id": message,
                        "msg_type": "execute_request",
                        "session": session,
                        "version": "5.4",
                        "username": "someone-else",
                        "date": "2020-01-01T00:00:00Z",
                    },
                    "parent_header": {},
                    "metadata": {},
                    "channel": "shell",
                    "buffers": [],
                    "content": {"code": code, "silent": False, "store_history": True, "allow_stdin": False},
                }
            )
        )
        printed = ""
        while True:
            received = json.loads(channels.recv())
            if received["parent_header"].get("msg_id") != message:
                continue
            printed += received["content"].get("text", "")
            if received["msg_type"] == "status" and received["content"]["execution_state"] == "idle":
                channels.close()
                return printed


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    install(Path(sys.prefix))
    directory = Path(tempfile.mkdtemp(prefix="ss", dir="/tmp"))  # short: unix sockets have 107 bytes for their path
    home = directory / "home"
    home.mkdir(parents=True)
    empty = directory / "empty"
    empty.mkdir()
    with running(directory / "capture.sock") as intake:
        environment = {
            "HOME": str(home),
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "JUPYTER_CONFIG_DIR": str(empty),  # as the Hub does it: the user has no configuration of his own
            "JUPYTER_RUNTIME_DIR": str(directory / "run"),
            "JUPYTER_DATA_DIR": str(directory / "data"),
            "AUDIT_DB_CONNECTION": intake.address,
            "SHAPARAK_SPOOL_DIRECTORY": str(directory / "spool"),
            "JUPYTER_TOKEN": TOKEN,
        }
        # a spec of the user's own, and one that pretends to be ours
        for name in ("mine", "python3"):
            spec = directory / "data" / "kernels" / name
            spec.mkdir(parents=True)
            (spec / "kernel.json").write_text(
                json.dumps(
                    {
                        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
                        "display_name": "stolen",
                        "language": "python",
                    }
                )
            )
        (home / "secret.txt").write_text("data")
        arguments = [
            sys.executable,
            "-I",
            "-m",
            "jupyter_server",
            "--allow-root",
            f"--ServerApp.sock={directory}/s.sock",
            f"--ServerApp.root_dir={home}",
        ]
        log = directory / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(arguments, env=environment, stdout=output, stderr=output, cwd=home)
        made = Server(directory / "s.sock", directory, intake, log)
        try:
            wait_until(lambda: made.path.exists() and made.ask("GET", "/api/status")[0] == 200, process)
            yield made
        finally:
            process.terminate()
            process.wait(30)
            shutil.rmtree(directory)


def wait_until(condition: Any, process: subprocess.Popen[bytes], timeout: float = 60) -> None:
    end = time.monotonic() + timeout
    while not condition():
        assert process.poll() is None, "the server ended"
        assert time.monotonic() < end, "timeout"
        time.sleep(0.05)  # polls another process: there is nothing to wait on


def test_configuration_is_understood(server: Server) -> None:
    log = server.log.read_text()
    assert "not recognized" not in log and "Error loading" not in log and "Traceback" not in log


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/files/secret.txt", 403),
        ("GET", "/files/secret.txt?download=1", 403),
        ("GET", "/nbconvert/html/a.ipynb", 403),
        ("GET", "/api/nbconvert", 403),
        ("GET", "/api/terminals", 404),
        ("POST", "/api/terminals", 404),
        ("GET", "/lsp/status", 404),
        ("GET", "/api/contents/secret.txt", 200),
        ("GET", "/lab", 200),
    ],
)
def test_routes(server: Server, method: str, path: str, status: int) -> None:
    assert server.ask(method, path)[0] == status


def test_lab_knows_what_is_switched_off(server: Server) -> None:
    page = server.ask("GET", "/lab")[1]
    configuration = json.loads(page.split('<script id="jupyter-config-data" type="application/json">')[1].split("<")[0])
    assert "@jupyterlab/terminal-extension" in configuration["disabledExtensions"]
    assert "@jupyterlab/docmanager-extension:download" in configuration["disabledExtensions"]
    assert configuration["quitButton"] in (False, "false")
    assert not configuration["buildCheck"] and not configuration["buildAvailable"]


def test_only_the_audited_kernel_exists(server: Server) -> None:
    specs = json.loads(server.ask("GET", "/api/kernelspecs")[1])["kernelspecs"]
    assert list(specs) == ["python3"]
    assert specs["python3"]["spec"]["display_name"] == "Python 3 (Shaparak)"
    before = json.loads(server.ask("GET", "/api/kernels")[1])
    assert server.ask("POST", "/api/kernels", {"name": "mine"})[0] >= 400
    assert json.loads(server.ask("GET", "/api/kernels")[1]) == before


def test_a_cell_over_the_server_is_recorded(server: Server) -> None:
    status, text = server.ask(
        "POST",
        "/api/sessions",
        {"path": "a.ipynb", "name": "a.ipynb", "type": "notebook", "kernel": {"name": "python3"}},
    )
    assert status == 201
    kernel_id = json.loads(text)["kernel"]["id"]
    printed = server.run(kernel_id, "for i in range(20000): print(i, flush=True)")
    assert printed.splitlines() == [str(number) for number in range(20000)], "output was lost on the way"
    server.intake.finish_of("for i in range(20000): print(i, flush=True)")
    (sensor,) = (s for s in server.intake.sensors.values() if s["kernel_id"] == kernel_id)
    assert sensor["kind"] == "kernel"
    assert server.intake.of_type("execution_started")[-1]["notebook_path"] == "a.ipynb"
    assert "over TCP" not in server.log.read_text(), "kernels listen on no port"
    assert "✅" in server.log.read_text()
    server.ask("DELETE", f"/api/kernels/{kernel_id}")


def test_the_server_delivers_what_a_dead_kernel_left(server: Server) -> None:
    instance = str(uuid.uuid4())
    identity = json.dumps({"instance": instance, "kernel_id": "dead"}).encode()
    spool = Spool(server.directory / "spool", instance, identity, Clock())
    spool.append(
        b'{"observed_at":"2026-11-23T00:00:00.000000Z","type":"execution_started","code":"last words","silent":false}'
    )
    spool.close(delivered=False)
    server.intake.wait_for(lambda: "last words" in server.intake.starts(), "the dead kernel's record", 20)
    assert server.intake.sensors[instance]["kernel_id"] == "dead"
