"""A real HTTP intake on a unix socket, as the portal's looks from a kernel: numbers, receipts, refusals, absence."""

import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any


class IntakeDouble:
    """Keeps what was delivered. `refuse` names records to answer with 400; `unavailable` answers 503 for a while;
    `receipt` changes what is said of a delivery.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.changed = threading.Condition()
        self.deliveries: list[dict[str, Any]] = []
        self.records: dict[tuple[str, int], dict[str, Any]] = {}
        self.sensors: dict[str, dict[str, Any]] = {}
        # what a user's server said about them: the kernels it vouched for (None: nobody did), and what it refused
        self.vouched: set[str | None] = set()
        self.reports: list[dict[str, Any]] = []
        self.bodies: list[bytes] = []
        self.duplicates = 0
        self.rejected = 0
        self.unavailable = 0
        self.retry_after = "0"
        self.receipt: Callable[[dict[str, Any]], dict[str, Any]] = lambda receipt: receipt
        self.refuse: Callable[[dict[str, Any]], bool] = lambda record: False
        self._server: socketserver.ThreadingUnixStreamServer | None = None

    @property
    def address(self) -> str:
        return f"http+unix://{self.path}"

    def start(self) -> None:
        double = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                double.vouched.add(self.headers["X-Shaparak-Kernel"])
                status, headers, answer = double.answer(self.path, body)
                payload = json.dumps(answer).encode()
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(payload))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(payload)

            def address_string(self) -> str:
                return "kernel"

            def log_message(self, *_: object) -> None:
                pass

        self.path.unlink(missing_ok=True)

        class Server(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                pass  # a killed kernel hangs up in the middle

        self._server = Server(str(self.path), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        self.path.unlink(missing_ok=True)

    def answer(self, path: str, body: bytes) -> tuple[int, dict[str, str], dict[str, Any]]:
        with self.changed:
            try:
                if path == "/v1/refused-deliveries":
                    self.reports.append(json.loads(body))
                    return 404, {}, {}  # as an intake that does not know them answers
                assert path == "/v1/observations"
                self.bodies.append(body)
                assert body.isascii()
                if self.unavailable:
                    self.unavailable -= 1
                    self.rejected += 1
                    return 503, {"Retry-After": self.retry_after}, {}
                delivery = json.loads(body)
                if any(self.refuse(record) for record in delivery["observations"]):
                    self.rejected += 1
                    return 400, {}, {}
                self.deliveries.append(delivery)
                return 200, {}, self.receipt(self._commit(delivery))
            finally:
                self.changed.notify_all()

    def _commit(self, delivery: dict[str, Any]) -> dict[str, Any]:
        instance = delivery["sensor"]["instance"]
        self.sensors[instance] = delivery["sensor"]
        accepted = 0
        for record in delivery["observations"]:
            key = (instance, record["sequence"])
            if key in self.records:
                assert self.records[key] == record, "a sequence number was used twice"
                self.duplicates += 1
            else:
                self.records[key] = record
                accepted += 1
        through = 0
        while (instance, through + 1) in self.records:
            through += 1
        received = len(delivery["observations"])
        return {
            "received": received,
            "accepted": accepted,
            "duplicate": received - accepted,
            "quarantined": 0,
            "through": through,
        }

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        return [record for _, record in sorted(self.records.items()) if record["type"] == kind]

    def starts(self, *, silent: bool = False) -> list[str]:
        return [record["code"] for record in self.of_type("execution_started") if record["silent"] is silent]

    def wait_for(self, condition: Callable[[], bool], what: str, timeout: float = 15) -> None:
        with self.changed:
            seen = [(r["sequence"], r["type"], str(r.get("code"))[:60]) for r in self.records.values()]
            assert self.changed.wait_for(condition, timeout), f"{what}; seen: {seen[-12:]}"

    def finish_of(self, code: str, timeout: float = 15) -> dict[str, Any]:
        """The end of the last execution of this code."""

        def ends() -> list[dict[str, Any]]:
            asked = [r["msg_id"] for r in self.of_type("execution_started") if r["code"] == code]
            return [r for r in self.of_type("execution_finished") if asked and r["msg_id"] == asked[-1]]

        self.wait_for(lambda: bool(ends()), f"{code[:60]!r} did not finish", timeout)
        return ends()[-1]


@contextmanager
def running(path: Path) -> Iterator[IntakeDouble]:
    double = IntakeDouble(path)
    double.start()
    try:
        yield double
    finally:
        double.stop()
