"""A real Jupyter server with the installed configuration: what it allows, and what it does for dead kernels."""

import json
import uuid
from collections.abc import Iterator

import pytest

from jupyter_server_process import Server, running_server
from shaparak_audit_logger.clock import Clock
from shaparak_audit_logger.spool import Spool


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_server() as made:
        yield made


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
