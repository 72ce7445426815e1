"""Jailed kernels of a real server: what must still work in them, and whose records they can deliver."""

import errno
import json
import shutil
import socket
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_server_process import Server, running_server
from shaparak_audit_logger.clock import Clock
from shaparak_audit_logger.jail.provisioner import working_folder
from shaparak_audit_logger.spool import Spool

SETTINGS = {
    "bwrap": shutil.which("bwrap"),
    "prlimit": shutil.which("prlimit"),
    "python": [path for path in dict.fromkeys((sys.prefix, sys.base_prefix)) if not path.startswith("/usr")],
    "tmp_bytes": 64 << 20,
    "shared_memory_bytes": 64 << 20,
    "address_space_bytes": 8 << 30,
    "file_bytes": 2 << 30,
    "processes": 200,
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_server(SHAPARAK_KERNEL_JAIL=json.dumps(SETTINGS)) as made:
        yield made


@pytest.fixture
def kernel(server: Server) -> Iterator[str]:
    kernel_id = start(server)
    yield kernel_id
    server.ask("DELETE", f"/api/kernels/{kernel_id}")


def start(server: Server) -> str:
    status, text = server.ask("POST", "/api/kernels", {"name": "python3"})
    assert status == 201, text
    return str(json.loads(text)["id"])


def wait_for(condition: Callable[[], Any], what: str) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.05)  # another process: there is nothing to wait on


def test_the_log_says_that_kernels_are_jailed(server: Server) -> None:
    assert "every kernel runs in a jail of its own, with a filter of system calls" in server.log.read_text()


def test_the_log_of_an_unjailed_server_says_so() -> None:
    with running_server() as server:
        assert "kernels run without a jail of their own (SHAPARAK_KERNEL_JAIL is not set)" in server.log.read_text()


WORKS = {
    "processes": (
        "import multiprocessing\n"
        "with multiprocessing.get_context('fork').Pool(2) as pool: print(pool.map(abs, [-1, -2]))",
        "[1, 2]\n",
    ),
    "semaphores": ("import multiprocessing\nmultiprocessing.Lock().acquire(); print('taken')", "taken\n"),
    "threads": ("import threading\nt = threading.Thread(target=print, args=('ran',)); t.start(); t.join()", "ran\n"),
    "programs": ("!echo $AUDIT_DB_CONNECTION", "http+unix:///run/audit/capture.sock\r\n"),
    "asynchronous programs": (
        "import asyncio\nprocess = await asyncio.create_subprocess_exec('true'); print(await process.wait())",
        "0\n",
    ),
    "numbers": ("import numpy; print(int((numpy.ones((300, 300)) @ numpy.ones((300, 300))).sum()))", "27000000\n"),
    "time zone and user": ("import getpass, time; print(time.tzname[0] != '')", "True\n"),
    "working folder": ("import os; print(os.getcwd() == os.environ['HOME'])", "True\n"),
}


@pytest.mark.parametrize("name", WORKS)
def test_what_analysis_needs_works(server: Server, kernel: str, name: str) -> None:
    code, printed = WORKS[name]
    assert server.run(kernel, code) == printed


def test_a_picture_is_shown(server: Server, kernel: str) -> None:
    pytest.importorskip("matplotlib")
    (shown,) = server.messages(kernel, "import matplotlib.pyplot as p\np.plot([1, 2]);\np.show()", "display_data")
    assert shown["data"]["image/png"].startswith("iVBOR")


def test_an_interrupt_arrives(server: Server, kernel: str) -> None:
    code = "print('go', flush=True)\nimport time\ntime.sleep(60)"

    def interrupt() -> None:
        assert server.ask("POST", f"/api/kernels/{kernel}/interrupt")[0] == 204

    (error,) = server.messages(kernel, code, "error", at_output=interrupt)
    assert error["ename"] == "KeyboardInterrupt"
    assert server.intake.finish_of(code)["outcome"] == "interrupted"


def test_a_question_is_answered(server: Server, kernel: str) -> None:
    printed = server.messages(kernel, "print('hello ' + input('name?'))", "stream", answer="علی")
    assert "".join(each["text"] for each in printed) == "hello علی\n"


def test_a_restarted_kernel_is_heard_again(server: Server, kernel: str) -> None:
    server.run(kernel, "before = 1")
    assert server.ask("POST", f"/api/kernels/{kernel}/restart")[0] == 200
    assert server.run(kernel, "print('before' in globals())") == "False\n"
    server.intake.finish_of("print('before' in globals())")
    mine = [sensor for sensor in server.intake.sensors.values() if sensor["kernel_id"] == kernel]
    assert len(mine) == 2
    assert server.intake.reports == []


def test_a_kernel_that_dies_is_restarted_and_its_last_words_arrive(server: Server, kernel: str) -> None:
    last_words = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    server.run(kernel, "x = 1")
    server.send(kernel, last_words)
    server.intake.wait_for(lambda: last_words in server.intake.starts(), "the last words", 30)
    wait_for(lambda: server.run(kernel, "print('x' in globals())") == "False\n", "the restarted kernel")
    assert kernel in server.intake.vouched


FORGE = """
import http.client, json, os, socket
class Connection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(os.environ['AUDIT_DB_CONNECTION'].removeprefix('http+unix://'))
def forge(kernel_id, instance):
    sensor = {'kind': 'kernel', 'kernel_id': kernel_id, 'instance': instance}
    connection = Connection('localhost')
    connection.request('POST', '/v1/observations', json.dumps({'sensor': sensor, 'observations': []}))
    print(connection.getresponse().status)
"""


def test_a_cell_cannot_speak_for_another_kernel_or_sensor(server: Server, kernel: str) -> None:
    other, instance = start(server), str(uuid.uuid4())
    server.run(kernel, FORGE)
    assert server.run(kernel, f"forge({other!r}, {instance!r})") == "403\n"
    assert server.run(kernel, f"forge({kernel!r}, {instance!r})") == "403\n"
    server.intake.wait_for(lambda: len(server.intake.reports) >= 2, "the reports")
    reported = {(report["claimed_kernel_id"], report["reason"]) for report in server.intake.reports}
    assert reported == {(other, "kernel-id"), (kernel, "second-instance")}
    assert {report["kernel_id"] for report in server.intake.reports} == {kernel}
    assert instance not in server.intake.sensors
    assert server.log.read_text().count("refused a delivery") == 2
    # its own sensor goes on
    server.run(kernel, "after = 1")
    server.intake.finish_of("after = 1")
    server.ask("DELETE", f"/api/kernels/{other}")
    server.intake.reports.clear()


def test_a_kernel_that_a_cell_starts_is_recorded_and_no_forgery(server: Server, kernel: str) -> None:
    """As nbclient and papermill do it."""
    server.run(
        kernel,
        "from jupyter_client.manager import start_new_kernel\n"
        "manager, client = start_new_kernel(kernel_name='python3')\n"
        "client.execute_interactive('inner = 1')\n"
        "manager.shutdown_kernel()",
    )
    server.intake.finish_of("inner = 1")
    assert len([each for each in server.intake.sensors.values() if each["kernel_id"] == kernel]) == 2
    assert server.intake.reports == []


def test_a_spool_that_names_another_kernel_is_put_aside(server: Server, kernel: str) -> None:
    forged, instance = server.directory / "spool" / kernel, str(uuid.uuid4())
    spool = Spool(forged, instance, json.dumps({"instance": instance, "kernel_id": "another"}).encode(), Clock())
    spool.append(b'{"observed_at":"2026-11-23T00:00:00.000000Z","type":"execution_started","code":"forged"}')
    spool.close(delivered=False)
    server.intake.wait_for(lambda: bool(server.intake.reports), "the report", 20)
    (report,) = server.intake.reports
    assert (report["kernel_id"], report["claimed_kernel_id"]) == (kernel, "another")
    assert instance not in server.intake.sensors
    server.intake.reports.clear()


def test_a_notebook_works_in_its_own_folder_and_a_link_out_of_the_home_does_not(tmp_path: Path) -> None:
    home, inside = tmp_path / "home", tmp_path / "home" / "reports"
    inside.mkdir(parents=True)
    (home / "shortcut").symlink_to(inside)
    (home / "out").symlink_to("/")
    assert working_folder(str(inside), home) == inside
    assert working_folder(str(home / "shortcut"), home) == inside
    for elsewhere in (None, str(home / "out"), "/etc", str(home / "gone"), str(tmp_path / "home2")):
        assert working_folder(elsewhere, home) == home


def test_there_is_no_network(server: Server, kernel: str) -> None:
    """The server of this test is in no jail, so it is the kernel's own that keeps it away."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        printed = server.run(
            kernel,
            "import socket\n"
            f"print(socket.socket().connect_ex(('127.0.0.1', {port})), [name for _, name in socket.if_nameindex()])",
        )
    assert printed == f"{errno.ECONNREFUSED} ['lo']\n"


def test_a_link_out_of_the_home_leads_nowhere(server: Server, kernel: str) -> None:
    links = {"environment": "/proc/self/environ", "others": str(server.directory / "spool"), "own": "~/real"}
    server.run(kernel, "import os, pathlib\nos.chdir(pathlib.Path.home())\npathlib.Path('real').write_text('mine')")
    for name, target in links.items():
        server.run(kernel, f"os.symlink(os.path.expanduser({target!r}), {name!r})")
    assert server.ask("GET", "/api/contents/own?type=file")[0] == 200
    assert server.ask("GET", "/api/contents/environment?type=file&format=text")[0] == 404
    assert server.ask("GET", "/api/contents/others")[0] == 404
    assert server.ask("DELETE", "/api/contents/others/anything")[0] == 404
    listed = [each["name"] for each in json.loads(server.ask("GET", "/api/contents")[1])["content"]]
    assert "own" in listed and not {"environment", "others"} & set(listed)


def test_a_stopped_server_has_delivered_everything() -> None:
    with running_server(SHAPARAK_KERNEL_JAIL=json.dumps(SETTINGS)) as server:
        kernel_id = start(server)
        server.run(kernel_id, "x = 1")
        server.process.terminate()
        server.process.wait(30)
        server.intake.finish_of("x = 1")
        assert len(server.intake.of_type("sensor_stopped")) == 1
        assert list((server.directory / "spool").iterdir()) == []


def test_an_ended_kernel_leaves_no_folder(server: Server) -> None:
    kernel_id = start(server)
    server.run(kernel_id, "x = 1")
    spool, own = server.directory / "spool" / kernel_id, server.directory / "run" / kernel_id
    assert spool.is_dir() and own.is_dir()
    server.ask("DELETE", f"/api/kernels/{kernel_id}")
    assert not own.exists()
    wait_for(lambda: not spool.exists(), "the empty spool")


def test_a_kernel_that_is_given_up_leaves_no_folder() -> None:
    options = ("--AsyncIOLoopKernelRestarter.time_to_dead=0.3", "--AsyncIOLoopKernelRestarter.restart_limit=1")
    with running_server(*options, SHAPARAK_KERNEL_JAIL=json.dumps(SETTINGS)) as server:
        kernel_id = start(server)
        server.run(kernel_id, "x = 1")
        home = server.directory / "home"
        home.rename(server.directory / "gone")  # no jail can be made any more
        server.send(kernel_id, "import os; os._exit(1)")
        wait_for(
            lambda: not (server.directory / "run" / kernel_id).exists(), "the folder of the kernel that was given up"
        )
        assert json.loads(server.ask("GET", "/api/kernels")[1]) == []


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (json.dumps({**SETTINGS, "bwrap": "/nowhere/bwrap"}), "/nowhere/bwrap"),
        (json.dumps({**SETTINGS, "python": ["/nowhere"]}), "Can't find source path /nowhere"),
        ("{}", "exactly these keys"),
        ("yes", "neither 'none' nor JSON"),
    ],
)
def test_a_promise_that_cannot_be_kept_starts_no_kernel(settings: str, reason: str) -> None:
    with running_server(SHAPARAK_KERNEL_JAIL=settings) as server:
        status, text = server.ask("POST", "/api/kernels", {"name": "python3"})
        assert status == 500
        message = json.loads(text)["message"]
        assert "its jail could not be made" in message and reason in message
        session = {"path": "a.ipynb", "name": "a", "type": "notebook", "kernel": {"name": "python3"}}
        status, text = server.ask("POST", "/api/sessions", session)
        assert status == 500 and reason in text
        assert json.loads(server.ask("GET", "/api/kernels")[1]) == []
        assert not any(path.is_dir() for path in Path(server.directory / "run").iterdir())
