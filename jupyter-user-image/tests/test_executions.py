"""Which executions are recorded, and as what. This matrix must still pass after every upgrade of ipykernel."""

import sys
from hashlib import sha256
from pathlib import Path

import pytest

from conftest import Kernel
from intake_double import IntakeDouble

# Python 3.12 made it a SyntaxError
NUL_ERROR = "SyntaxError" if sys.version_info >= (3, 12) else "ValueError"
CASES = {
    "expression": ("1 + 1", "success", None),
    "magic": ("%time 1 + 1", "success", None),
    "shell": ("!echo hello", "success", None),
    "cell magic": ("%%bash\necho hello", "success", None),
    "comment": ("# nothing happens", "success", None),
    "empty": ("", "success", None),
    "await": ("import asyncio\nawait asyncio.sleep(0.01)", "success", None),
    "syntax error": ("1 +", "error", "SyntaxError: invalid syntax"),
    "exception": ("1 / 0", "error", "ZeroDivisionError: division by zero"),
    "exit": ("raise SystemExit(3)", "error", "SystemExit: 3"),
    "exception without text": ("raise ValueError", "error", "ValueError"),
    "persian": ("x = 'سلام دنیا'; raise KeyError(x)", "error", "KeyError: 'سلام دنیا'"),
    "NUL": ("x = 'a\0b'", "error", NUL_ERROR + ": source code string cannot contain null bytes"),
    "nested run_cell": ("get_ipython().run_cell('y = 5')", "success", None),
}


def test_matrix_of_cases(kernel: Kernel, intake: IntakeDouble) -> None:
    for code, _, _ in CASES.values():
        kernel.run(code)
    for name, (code, outcome, message) in CASES.items():
        finish = intake.finish_of(code)
        said = (finish["error_message"] or "").split(" (")[0]
        assert (finish["outcome"], said) == (outcome, message or ""), name
        assert finish["error_name"] == (message.split(":")[0] if message else None)
        assert finish["duration_us"] >= 0
    assert intake.starts() == [code for code, _, _ in CASES.values()], "each cell once, in order"
    numbers = [record["cell_number"] for record in intake.of_type("execution_started")]
    assert numbers[0] == 1
    assert numbers == [r["cell_number"] for r in intake.of_type("execution_finished")]
    first = intake.of_type("execution_started")[0]
    assert first["notebook_path"] == "reports/a.ipynb"
    assert intake.of_type("sensor_started")[0]["sequence"] == 1
    assert {sensor["kernel_id"] for sensor in intake.sensors.values()} == {"test-0"}


def test_silent_and_unstored_requests_are_recorded(kernel: Kernel, intake: IntakeDouble) -> None:
    kernel.run("secret = 1", silent=True, store_history=False)
    kernel.run("b = 2", store_history=False)
    kernel.run("c = 3")
    intake.finish_of("c = 3")
    assert intake.starts(silent=True) == ["secret = 1"]
    stored = {r["code"]: (r["store_history"], r["cell_number"]) for r in intake.of_type("execution_started")}
    assert stored == {"secret = 1": (False, None), "b = 2": (False, 1), "c = 3": (True, 1)}


def test_cell_identity_comes_from_the_message(kernel: Kernel, intake: IntakeDouble) -> None:
    message = kernel.client.session.msg("execute_request", {"code": "1", "silent": False, "store_history": True})
    message["metadata"] = {"cellId": "c8e421b6", "trusted": True}
    kernel.client.shell_channel.send(message)
    kernel.reply(message["header"]["msg_id"])
    intake.finish_of("1")
    record = intake.of_type("execution_started")[-1]
    assert record["msg_id"] == message["header"]["msg_id"]
    assert record["client_session"] == message["header"]["session"]
    assert record["cell_id"] == "c8e421b6"


def test_queued_cells_after_an_error_never_ran(kernel: Kernel, intake: IntakeDouble) -> None:
    failing = "import time; time.sleep(0.5); raise RuntimeError('first')"
    asked = [kernel.client.execute(code, stop_on_error=True) for code in (failing, "a = 1", "b = 2")]
    assert [kernel.reply(msg_id)["status"] for msg_id in asked] == ["error", "aborted", "aborted"]
    intake.wait_for(lambda: len(intake.of_type("execution_not_run")) == 2, "aborted cells")
    assert [(r["code"], r["reason"]) for r in intake.of_type("execution_not_run")] == [
        ("a = 1", "aborted"),
        ("b = 2", "aborted"),
    ]
    assert intake.starts() == [failing]


def test_interrupt(kernel: Kernel, intake: IntakeDouble) -> None:
    code = "print('go', flush=True)\nimport time\ntime.sleep(60)"
    message = kernel.client.execute(code)
    while kernel.client.get_iopub_msg(timeout=30)["msg_type"] != "stream":
        pass
    kernel.manager.interrupt_kernel()
    assert kernel.reply(message)["ename"] == "KeyboardInterrupt"
    finish = intake.finish_of(code)
    assert (finish["outcome"], finish["error_name"]) == ("interrupted", "KeyboardInterrupt")


def test_interrupt_of_an_await(kernel: Kernel, intake: IntakeDouble) -> None:
    code = "import asyncio\nprint('go', flush=True)\nawait asyncio.sleep(60)"
    message = kernel.client.execute(code)
    while kernel.client.get_iopub_msg(timeout=30)["msg_type"] != "stream":
        pass
    kernel.manager.interrupt_kernel()
    kernel.client.kernel_info()  # ipykernel's loop does not wake up for the signal alone
    assert kernel.reply(message)["ename"] == "CancelledError"
    finish = intake.finish_of(code)
    assert (finish["outcome"], finish["error_message"]) == ("interrupted", "CancelledError")


def test_exception_that_cannot_be_shown(kernel: Kernel, intake: IntakeDouble) -> None:
    code = "class Broken(Exception):\n    def __str__(self): raise ValueError('no text')\nraise Broken"
    kernel.client.execute(code)
    finish = intake.finish_of(code)
    assert (finish["outcome"], finish["error_name"]) == ("error", "ValueError")


def test_message_that_cannot_be_read_is_not_run(kernel: Kernel, intake: IntakeDouble) -> None:
    message = kernel.client.session.msg("execute_request", {"silent": False})
    kernel.client.shell_channel.send(message)
    kernel.run("1")
    intake.finish_of("1")
    assert [(r["msg_id"], r["reason"]) for r in intake.of_type("execution_not_run")] == [
        (message["header"]["msg_id"], "malformed")
    ]


def test_user_expressions_are_code_too(kernel: Kernel, intake: IntakeDouble) -> None:
    reply = kernel.run("a = 1", user_expressions={"stolen": "a + 41"})
    assert reply["user_expressions"]["stolen"]["data"]["text/plain"] == "42"
    intake.wait_for(lambda: bool(intake.starts()), "the cell")
    assert intake.starts() == ["a = 1\n# user_expressions, evaluated by the kernel after the cell:\n# stolen = a + 41"]


def test_there_is_no_debugger(kernel: Kernel) -> None:
    kernel.client.kernel_info()
    info = kernel.client.get_shell_msg(timeout=30)["content"]
    assert "debugger" not in info["supported_features"]
    message = kernel.client.session.msg("debug_request", {"type": "request", "seq": 1, "command": "initialize"})
    kernel.client.control_channel.send(message)
    assert kernel.client.control_channel.get_msg(timeout=30)["content"]["success"] is False


def test_a_cell_that_ends_after_the_request_to_shut_down(kernel: Kernel, intake: IntakeDouble) -> None:
    code = "import time; print('go', flush=True); time.sleep(1)"
    kernel.client.execute(code)
    while kernel.client.get_iopub_msg(timeout=30)["msg_type"] != "stream":
        pass
    kernel.client.shutdown()  # the bare request: the manager's own shutdown interrupts the cell first
    assert intake.finish_of(code)["outcome"] == "success"
    intake.wait_for(lambda: bool(intake.of_type("sensor_stopped")), "goodbye")


def test_subshell_runs_beside_the_main_shell(kernel: Kernel, intake: IntakeDouble) -> None:
    control = kernel.client.control_channel
    request = kernel.client.session.msg("create_subshell_request", {})
    control.send(request)
    subshell = control.get_msg(timeout=30)["content"]["subshell_id"]
    main = kernel.client.execute("import threading; gate = threading.Event(); gate.wait(30)")
    message = kernel.client.session.msg("execute_request", {"code": "gate.set()", "silent": False})
    message["header"]["subshell_id"] = subshell
    intake.wait_for(lambda: len(intake.starts()) == 1, "the main shell's cell")
    kernel.client.shell_channel.send(message)
    assert kernel.reply(main)["status"] == "ok"
    intake.finish_of("gate.set()")
    finished = {r["msg_id"]: r["outcome"] for r in intake.of_type("execution_finished")}
    assert finished == {main: "success", message["header"]["msg_id"]: "success"}


def test_two_hundred_fast_cells(kernel: Kernel, intake: IntakeDouble) -> None:
    asked = [kernel.client.execute(f"x = {number}") for number in range(200)]
    for msg_id in asked:
        assert kernel.reply(msg_id)["status"] == "ok"
    intake.wait_for(lambda: len(intake.of_type("execution_finished")) == 200, "200 ends")
    assert intake.starts() == [f"x = {number}" for number in range(200)]
    sequences = sorted(sequence for _, sequence in intake.records)
    assert sequences == list(range(1, len(sequences) + 1)), "no hole"


@pytest.mark.parametrize("size", [1 << 20, (1 << 20) + 1])
def test_long_code_is_kept_exactly_up_to_one_mebibyte(kernel: Kernel, intake: IntakeDouble, size: int) -> None:
    code = "# " + "x" * (size - 2)
    kernel.run(code)
    intake.wait_for(lambda: len(intake.of_type("execution_finished")) == 1, "the long cell")
    record = intake.of_type("execution_started")[0]
    if size == 1 << 20:
        assert record["code"] == code and "code_truncated" not in record
    else:
        assert record["code_truncated"]["bytes"] == size
        assert len(record["code"].encode()) == (512 << 10) + (256 << 10) + len("\n…[truncated]…\n".encode())


def test_lone_surrogates_survive(kernel: Kernel, intake: IntakeDouble) -> None:
    code = "raise ValueError('\\ud800' + chr(0))"
    kernel.run(code)
    finish = intake.finish_of(code)
    assert finish["outcome"] == "error"


def test_shutdown_says_goodbye_and_leaves_nothing_behind(kernel: Kernel, intake: IntakeDouble) -> None:
    kernel.run("last = 1")
    spool = intake.path.parent / "spool"
    assert list(spool.iterdir())
    kernel.manager.shutdown_kernel()
    intake.wait_for(lambda: bool(intake.of_type("sensor_stopped")), "goodbye")
    assert intake.finish_of("last = 1")["outcome"] == "success"
    assert list(spool.iterdir()) == []


def test_a_cell_that_holds_the_loop_up_is_told_of_while_it_runs(kernel: Kernel, intake: IntakeDouble) -> None:
    kernel.run("before = 1")
    code = "import time\ntime.sleep(60)"
    message = kernel.client.execute(code)
    intake.wait_for(lambda: code in intake.starts(), "the start of a cell that runs", 5)
    kernel.manager.interrupt_kernel()
    kernel.reply(message)
    assert intake.finish_of(code)["outcome"] == "interrupted"


def test_interrupts_that_come_with_the_reply_lose_no_record(kernel: Kernel, intake: IntakeDouble) -> None:
    codes = [f"cell = {number}" for number in range(300)]
    for code in codes:
        kernel.run(code)
        kernel.manager.interrupt_kernel()
    kernel.run("last = 1")
    intake.finish_of("last = 1")
    started = [record["msg_id"] for record in intake.of_type("execution_started")]
    finished = [record["msg_id"] for record in intake.of_type("execution_finished")]
    assert [msg_id for msg_id in started if msg_id not in finished] == []
    assert len(set(finished)) == len(finished)


def test_restart_is_a_new_instance_of_the_same_kernel(kernel: Kernel, intake: IntakeDouble) -> None:
    kernel.run("a = 1")
    kernel.manager.restart_kernel(now=False)
    kernel.client.wait_for_ready(timeout=60)
    kernel.run("b = 2")
    intake.finish_of("b = 2")
    assert len(intake.sensors) == 2
    assert {sensor["kernel_id"] for sensor in intake.sensors.values()} == {"test-0"}


def test_files_that_a_cell_runs_are_named_with_what_they_held(
    kernel: Kernel, intake: IntakeDouble, tmp_path: Path
) -> None:
    script, notebook = tmp_path / "گزارش.py", tmp_path / "cells.ipy"
    script.write_text("answer = 42\n", "utf-8")
    notebook.write_text("%time 1 + 1\n", "utf-8")
    kernel.run(f"%run {script}")
    kernel.run(f"%run {notebook}")
    kernel.run("%run -m this")
    kernel.run(f"%run {tmp_path}/nowhere.py")
    intake.wait_for(lambda: len(intake.of_type("execution_finished")) == 4, "four cells")
    runs = [(run["path"], run["bytes"], run["sha256"]) for run in intake.of_type("file_run")]
    assert runs == [
        (str(script), 12, sha256(script.read_bytes()).hexdigest()),
        (str(notebook), 12, sha256(notebook.read_bytes()).hexdigest()),
        ("-m this", None, None),
    ]
    first = intake.of_type("execution_started")[0]
    assert intake.of_type("file_run")[0]["msg_id"] == first["msg_id"]
