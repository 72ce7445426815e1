"""A real Jupyter server with the installed configuration, as a child process, with an intake double."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from socket import AF_UNIX, SOCK_STREAM, socket
from typing import Any

import websocket

from intake_double import IntakeDouble, running
from shaparak_audit_logger.install import install

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
    process: subprocess.Popen[bytes]

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        connection = UnixHTTPConnection(self.path)
        connection.request(method, path, json.dumps(body) if body else None, {"Authorization": f"token {TOKEN}"})
        response = connection.getresponse()
        text = response.read().decode("utf-8", "replace")
        connection.close()
        return response.status, text

    def run(self, kernel_id: str, code: str) -> str:
        """Run a cell as a browser does and return what it printed, up to idle."""
        return "".join(content["text"] for content in self.messages(kernel_id, code, "stream"))

    def send(self, kernel_id: str, code: str) -> None:
        """Ask for a cell and do not wait for anything."""
        channels, session = self._open(kernel_id)
        channels.send(json.dumps(request("shell", "execute_request", session, execution(code))))
        channels.close()

    def messages(
        self,
        kernel_id: str,
        code: str,
        kind: str,
        *,
        at_output: Callable[[], None] | None = None,
        answer: str | None = None,
    ) -> list[dict[str, Any]]:
        """Run a cell and return the contents of all messages of this kind, up to idle."""
        channels, session = self._open(kernel_id)
        asked = request("shell", "execute_request", session, execution(code, allow_stdin=answer is not None))
        channels.send(json.dumps(asked))
        found: list[dict[str, Any]] = []
        while True:
            received = json.loads(channels.recv())
            if received["parent_header"].get("msg_id") != asked["header"]["msg_id"]:
                continue
            if received["msg_type"] == kind:
                found.append(received["content"])
            if received["msg_type"] == "input_request":
                channels.send(json.dumps(request("stdin", "input_reply", session, {"value": answer})))
            if received["msg_type"] == "stream" and at_output is not None:
                at_output()
            if received["msg_type"] == "status" and received["content"]["execution_state"] == "idle":
                channels.close()
                return found

    def _open(self, kernel_id: str) -> tuple[websocket.WebSocket, str]:
        session = uuid.uuid4().hex
        channels = websocket.create_connection(
            f"ws://localhost/api/kernels/{kernel_id}/channels?session_id={session}&token={TOKEN}",
            socket=connected(self.path),
            timeout=60,
        )
        return channels, session


def execution(code: str, *, allow_stdin: bool = False) -> dict[str, Any]:
    return {"code": code, "silent": False, "store_history": True, "allow_stdin": allow_stdin}


def request(channel: str, kind: str, session: str, content: dict[str, Any]) -> dict[str, Any]:
    header = {
        "msg_id": uuid.uuid4().hex,
        "msg_type": kind,
        "session": session,
        "version": "5.4",
        "username": "someone-else",
        "date": "2020-01-01T00:00:00Z",
    }
    return {
        "header": header,
        "parent_header": {},
        "metadata": {},
        "channel": channel,
        "buffers": [],
        "content": content,
    }


@contextmanager
def running_server(*options: str, **variables: str) -> Iterator[Server]:
    """A server with these options and variables besides the usual ones."""
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
            **variables,
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
            *options,
        ]
        log = directory / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(arguments, env=environment, stdout=output, stderr=output, cwd=home)
        made = Server(directory / "s.sock", directory, intake, log, process)
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
