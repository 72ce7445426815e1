"""The way of one kernel's records: from a socket that only its jail shows to the user's capture socket.

The relay lives in the user's server and vouches for what it hands on: the header names the kernel whose socket it came
through. It changes no byte of a delivery, keeps nothing, and answers with the intake's own answer; while the intake is
away it says so (503), and the sensor's spool does the waiting. Each launch of a kernel gets a new relay, so that
nothing of an earlier process can still be on its way.
"""

import asyncio
import socket
from http.client import responses
from pathlib import Path
from typing import Any

from tornado.httpclient import HTTPError, HTTPRequest, HTTPResponse
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPHeaders, HTTPServerRequest, ResponseStartLine
from tornado.iostream import IOStream, StreamClosedError
from tornado.netutil import Resolver, bind_unix_socket
from tornado.simple_httpclient import SimpleAsyncHTTPClient

from shaparak_audit_logger.clock import Clock
from shaparak_audit_logger.delivery import Log
from shaparak_audit_logger.intake import KERNEL_HEADER, PATH, REFUSED_PATH, socket_path

from .vouching import Claim, Refusal, Voucher, read_claim, read_claim_patiently, refused_delivery

# above the intake's own limit of 8 MiB, so that a delivery that is too long gets the intake's answer
LONGEST_BODY = 9 << 20
# a longer body is read in a thread, one at a time: it could hold up the server for more than a millisecond or two
INLINE_BODY = 16 << 10
# The sensor uses one. What a cell opens beyond that is closed: it is the server's descriptors that it would use up.
MOST_CONNECTIONS = 8
MOST_REPORTS = 16
UPSTREAM_SECONDS = 10.0
IDLE_SECONDS = 30.0


class _OneSocket(Resolver):
    """Resolves every name to one unix socket."""

    def initialize(self, path: str) -> None:
        self._path = path

    async def resolve(self, host: str, port: int, family: Any = None) -> list[tuple[int, Any]]:
        return [(socket.AF_UNIX, self._path)]


class _BoundedServer(HTTPServer):
    """An HTTP server with few connections at a time."""

    def handle_stream(self, stream: IOStream, address: Any) -> None:
        if len(self._connections) >= MOST_CONNECTIONS:
            stream.close()
            return
        super().handle_stream(stream, address)


class CaptureRelay:
    """The relay of one kernel process: open from before its launch until after its death."""

    def __init__(self, kernel_id: str, folder: Path, intake_address: str, log: Log) -> None:
        self._kernel_id, self._path, self._log = kernel_id, folder / "capture.sock", log
        self._upstream = socket_path(intake_address)
        self._client = SimpleAsyncHTTPClient(
            force_instance=True, resolver=_OneSocket(path=self._upstream), max_clients=MOST_CONNECTIONS + 1
        )
        self._server = _BoundedServer(
            self._take, max_body_size=LONGEST_BODY, idle_connection_timeout=IDLE_SECONDS, body_timeout=IDLE_SECONDS
        )
        self._voucher = Voucher(kernel_id)
        self._clock = Clock()
        self._reported: set[Refusal] = set()
        self._reading = asyncio.Lock()
        self._reporting = asyncio.Lock()
        self._work: set[asyncio.Task[None]] = set()

    def open(self) -> None:
        """Listen."""
        self._server.add_socket(bind_unix_socket(str(self._path), mode=0o600))

    async def close(self) -> None:
        """Stop listening and hang up: the process at the other end is gone."""
        self._server.stop()
        await self._server.close_all_connections()
        for task in self._work:
            task.cancel()
        self._client.close()

    def _take(self, request: HTTPServerRequest) -> None:
        task = asyncio.create_task(self._answer(request))
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    async def _answer(self, request: HTTPServerRequest) -> None:
        try:
            status, headers, body = await self._relay(request)
        except Exception as problem:  # noqa: BLE001 - a surprise is the relay's own trouble: the sensor comes again
            self._log(f"the relay of kernel {self._kernel_id} failed: {type(problem).__name__}: {problem}")
            status, headers, body = 503, {}, b""
        lines = HTTPHeaders({**headers, "Content-Length": str(len(body))})
        try:
            await request.connection.write_headers(  # type: ignore[union-attr]
                ResponseStartLine("HTTP/1.1", status, responses.get(status, "")), lines, body
            )
            request.connection.finish()  # type: ignore[union-attr]
        except StreamClosedError:
            return  # the kernel did not wait for the answer; it will deliver again

    async def _relay(self, request: HTTPServerRequest) -> tuple[int, dict[str, str], bytes]:
        if request.path != PATH:
            return 404, {}, b""
        if request.method != "POST":
            return 405, {"Allow": "POST"}, b""
        claim = await self._claim(request.body)
        if claim is None:
            return 400, {}, b""
        refusal = self._voucher.judge(claim)
        if refusal is not None:
            self._report(refusal)
            return 403, {}, b""
        return await self._forward(request.body)

    async def _claim(self, body: bytes) -> Claim | None:
        if len(body) <= INLINE_BODY:
            return read_claim(body)
        async with self._reading:
            return await asyncio.to_thread(read_claim_patiently, body)

    async def _forward(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        response = await self._post(PATH, body)
        if response is None:
            return 503, {}, b""
        names = ("Content-Type", "Retry-After")
        headers = {name: response.headers[name] for name in names if name in response.headers}
        return response.code, headers, response.body

    async def _post(self, path: str, body: bytes) -> HTTPResponse | None:
        """The intake's answer, or None if nobody answered."""
        headers = {"Content-Type": "application/json", KERNEL_HEADER: self._kernel_id}
        request = HTTPRequest(
            f"http://localhost{path}",
            "POST",
            headers,
            body,
            connect_timeout=UPSTREAM_SECONDS,
            request_timeout=UPSTREAM_SECONDS,
            follow_redirects=False,
            decompress_response=False,
        )
        try:
            response = await self._client.fetch(request, raise_error=False)
        except (OSError, HTTPError, StreamClosedError):
            return None
        # 599 is tornado's own: hung up, or out of time
        return None if response.code == 599 else response

    def _report(self, refusal: Refusal) -> None:
        """Say it in the log and to the intake, once for each claim; a cell that goes on and on is not repeated."""
        if refusal in self._reported or len(self._reported) >= MOST_REPORTS:
            return
        if all(refusal.reason != each.reason for each in self._reported):
            self._log(f"refused a delivery over kernel {self._kernel_id}'s socket ({refusal.reason}): {refusal.claim}")
        self._reported.add(refusal)
        body = refused_delivery(self._kernel_id, refusal, self._clock.now())
        task = asyncio.create_task(self._send_report(body))
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    async def _send_report(self, body: bytes) -> None:
        # one after the other: many connections at once are refused by a listener's full queue
        async with self._reporting:
            await self._post(REFUSED_PATH, body)
