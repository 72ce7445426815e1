"""The audited kernel: IPython's kernel, with a record before and after everything that it is asked to run.

IPython's events miss silent requests and requests that an earlier error aborted, so the messages themselves are
watched. `execute_request`, `_publish_execute_input` and `_send_abort_reply` are semi-private: ipykernel is pinned, and
tests/test_executions.py holds the matrix of cases that an upgrade must still pass.

An execution goes: asked → started (recorded) → code runs → finished (recorded); or asked → not run (recorded).
A message that ipykernel itself cannot read counts as not run. `user_expressions` of a request are code too: they are
recorded below the cell's own. The debugger evaluates code that is no execution, so this kernel has none.
"""

from asyncio import CancelledError
from contextvars import ContextVar
from typing import Any

from ipykernel.ipkernel import IPythonKernel
from traitlets import Type

from . import observation
from .clock import Clock
from .observation import Fields
from .sensor import HeldInterrupt, Sensor
from .shell import AuditShell


class Execution:
    """One request to run code, from the moment it is read to its end."""

    def __init__(self, parent: Any, notebook_path: str | None) -> None:
        header, content, metadata = parent["header"], parent["content"], parent["metadata"]
        self.request: Fields = {
            "msg_id": observation.name(header.get("msg_id")),
            "client_session": observation.name(header.get("session")),
        }
        self.silent = bool(content.get("silent", False))
        self.store_history = bool(content.get("store_history", not self.silent))
        self.code: Fields = {
            "cell_id": observation.optional_name(metadata.get("cellId")),
            "notebook_path": notebook_path,
            **observation.long_text("code", _code_text(content)),
        }
        self.cell_number: int | None = None
        self.began_ns = 0
        self.ended_ns: int | None = None
        self.reply: dict[str, Any] | None = None
        self.raised: BaseException | None = None
        self.started = self.finished = False  # recorded so

    def outcome(self) -> Fields:
        """How it ended: by its reply, or by what was raised before there was one."""
        if self.reply is not None and self.reply.get("status") == "ok":
            return {"outcome": "success", "error_name": None, "error_message": None}
        if self.reply is not None:
            name, value = str(self.reply.get("ename", "")), str(self.reply.get("evalue", ""))
        elif self.raised is not None:
            name, value = type(self.raised).__name__, _text_of(self.raised)
        else:
            return {"outcome": "error", "error_name": None, "error_message": None}
        # an interrupt during a top-level await arrives as CancelledError
        interrupted = name in (KeyboardInterrupt.__name__, CancelledError.__name__)
        return {"outcome": "interrupted" if interrupted else "error", **observation.error(name, value)}


def _code_text(content: Any) -> str:
    """The code of a request, with the expressions that the kernel evaluates after it."""
    code = content.get("code", "")
    text = code if isinstance(code, str) else repr(code)
    expressions = content.get("user_expressions")
    if not expressions:
        return text
    listed = sorted(expressions.items()) if isinstance(expressions, dict) else [("", expressions)]
    lines = [f"# {name} = {expression}" for name, expression in listed]
    return "\n".join([text, "# user_expressions, evaluated by the kernel after the cell:", *lines])


def _text_of(raised: BaseException) -> str:
    try:
        return str(raised)
    except Exception:  # noqa: BLE001 - the user's __str__ may raise anything
        return ""


_current: ContextVar[Execution | None] = ContextVar("shaparak_execution", default=None)


class AuditKernel(IPythonKernel):  # type: ignore[misc]  # ipykernel's base classes are untyped
    """IPython's kernel with the sensor of the application that runs it (`launch.AuditKernelApp`)."""

    shell_class = Type(AuditShell)

    def __init__(self, **kwargs: Any) -> None:
        application = kwargs["parent"]
        self._sensor: Sensor = application.sensor
        self._clock: Clock = application.clock
        self._notebook_path: str | None = application.notebook_path
        self._interrupts = HeldInterrupt()
        super().__init__(**kwargs)

    async def execute_request(self, stream: Any, ident: Any, parent: Any) -> None:
        """Run the code of one request, with a record before and after it."""
        execution = self._read(parent)
        if execution is None:
            await super().execute_request(stream, ident, parent)
            return
        token = _current.set(execution)
        try:
            self._begin(execution)
            await super().execute_request(stream, ident, parent)
        except BaseException as raised:
            execution.raised = raised
            raise
        finally:
            _current.reset(token)
            try:
                self._finish(execution)
            except KeyboardInterrupt:
                self._finish(execution)  # the interrupt came first: the record still has to be made
                raise

    async def do_execute(self, *args: Any, **kwargs: Any) -> Any:
        """Take the end of the code itself, before replies are flushed."""
        try:
            return await super().do_execute(*args, **kwargs)
        finally:
            execution = _current.get()
            if execution is not None:
                execution.ended_ns = self._clock.monotonic_ns()

    def finish_metadata(self, parent: Any, metadata: Any, reply_content: Any) -> Any:
        """Take the reply as the client gets it, also when a cell has replaced `do_execute`."""
        execution = _current.get()
        if execution is not None:
            execution.reply = reply_content
        return super().finish_metadata(parent, metadata, reply_content)

    def _publish_execute_input(self, code: Any, parent: Any, execution_count: Any) -> None:
        execution = _current.get()
        if execution is not None and isinstance(execution_count, int):
            execution.cell_number = execution_count  # the number in the reply is wrong with subshells
        super()._publish_execute_input(code, parent, execution_count)

    def _send_abort_reply(self, stream: Any, msg: Any, idents: Any) -> None:
        self._not_run(msg, "aborted")
        super()._send_abort_reply(stream, msg, idents)

    async def do_debug_request(self, msg: Any) -> dict[str, Any]:
        """Refuse: what a debugger evaluates is no execution and would leave no record."""
        request = msg if isinstance(msg, dict) else {}
        return {
            "type": "response",
            "request_seq": request.get("seq", 0),
            "command": request.get("command", ""),
            "success": False,
            "message": "debugging is switched off",
            "body": {},
        }

    @property
    def kernel_info(self) -> dict[str, Any]:
        """What clients learn about this kernel: it has no debugger."""
        info: dict[str, Any] = super().kernel_info
        features = [feature for feature in info["supported_features"] if feature != "debugger"]
        return {**info, "supported_features": features}

    def file_run(self, path: str, size: int | None, sha256: str | None) -> None:
        """Record a file that the current execution is about to run."""
        execution = _current.get()
        if execution is not None:
            fields: Fields = {"path": observation.name(path), "bytes": size, "sha256": sha256}
            self._sensor.record("file_run", {**execution.request, **fields})

    def _read(self, parent: Any) -> Execution | None:
        if not isinstance(parent.get("metadata"), dict) or "code" not in _part(parent, "content"):
            self._not_run(parent, "malformed")  # ipykernel cannot read it either, and will not run it
            return None
        try:
            execution = Execution(parent, self._notebook_path)
        except Exception:  # noqa: BLE001 - the cell runs, whatever is wrong with us; but not in silence
            self._sensor.record("gap", {"count": 1, "reason": "sensor-error"})
            return None
        if not execution.silent:
            execution.cell_number = self.execution_count
        return execution

    def _begin(self, execution: Execution) -> None:
        fields = {
            **execution.request,
            **execution.code,
            "cell_number": execution.cell_number,
            "silent": execution.silent,
            "store_history": execution.store_history,
        }
        # an interrupt must find it either not recorded and not begun, or both
        with self._interrupts:
            self._sensor.record("execution_started", fields)
            execution.began_ns = self._clock.monotonic_ns()
            execution.started = True

    def _finish(self, execution: Execution) -> None:
        if not execution.started or execution.finished:
            return
        ended_ns = execution.ended_ns or self._clock.monotonic_ns()
        fields = {
            **execution.request,
            **execution.outcome(),
            "cell_number": execution.cell_number,
            "duration_us": max(ended_ns - execution.began_ns, 0) // 1000,
        }
        with self._interrupts:
            self._sensor.record("execution_finished", fields)
            execution.finished = True

    def _not_run(self, message: Any, reason: str) -> None:
        message = message if isinstance(message, dict) else {}
        header, content, metadata = (_part(message, name) for name in ("header", "content", "metadata"))
        fields: Fields = {
            "msg_id": observation.name(header.get("msg_id")),
            "client_session": observation.name(header.get("session")),
            "cell_id": observation.optional_name(metadata.get("cellId")),
            "notebook_path": self._notebook_path,
            **observation.long_text("code", _code_text(content)),
            "reason": reason,
        }
        self._sensor.record("execution_not_run", fields)


def _part(message: dict[str, Any], name: str) -> dict[str, Any]:
    part = message.get(name)
    return part if isinstance(part, dict) else {}
