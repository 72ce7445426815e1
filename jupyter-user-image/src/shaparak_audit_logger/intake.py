"""The intake as the sensor reaches it: HTTP/1.1 over the user's unix socket. The socket is the identity."""

import json
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from socket import AF_UNIX, SOCK_STREAM, socket
from urllib.parse import unquote

SCHEME = "http+unix://"
PATH = "/v1/observations"
_decode = json.JSONDecoder().decode


@dataclass(frozen=True)
class Committed:
    """200: everything in the batch is durably handled; `through` has no hole below it."""

    through: int


@dataclass(frozen=True)
class Refused:
    """400 or 413: the intake cannot take this batch as it is."""

    reason: str


@dataclass(frozen=True)
class Unavailable:
    """Nobody answered, or asked to come back later."""

    reason: str
    retry_after: float | None = None


Answer = Committed | Refused | Unavailable


class _UnixConnection(HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        connection = socket(AF_UNIX, SOCK_STREAM)
        try:
            connection.settimeout(self.timeout)
            connection.connect(self._path)
        except BaseException:
            connection.close()
            raise
        self.sock = connection


class Intake:
    """Client of one intake address (`AUDIT_DB_CONNECTION`). One connection for each delivery: a restarted portal
    makes a new socket file, and an idle connection would hold a descriptor of every kernel."""

    def __init__(self, address: str) -> None:
        self._problem: str | None = None
        self._path = ""
        if not address:
            self._problem = "AUDIT_DB_CONNECTION is not set"
        elif not address.startswith(SCHEME + "/"):
            self._problem = "AUDIT_DB_CONNECTION is not of the form http+unix:///path/to/capture.sock"
        else:
            self._path = unquote(address[len(SCHEME) :])

    def post(self, sensor: bytes, observations: list[bytes], timeout: float = 10.0) -> Answer:
        """Deliver observations (each already JSON) of one sensor; never raises for what the other side does."""
        if self._problem:
            return Unavailable(self._problem)
        body = b'{"sensor":' + sensor + b',"observations":[' + b",".join(observations) + b"]}"
        connection = _UnixConnection(self._path, timeout)
        try:
            connection.request("POST", PATH, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            return _answer(response.status, response.getheader("Retry-After"), response.read(65536))
        except (OSError, HTTPException) as problem:
            return Unavailable(f"{type(problem).__name__}: {problem} ({self._path})")
        finally:
            connection.close()


def _answer(status: int, retry_after: str | None, body: bytes) -> Answer:
    if status in (400, 413):
        return Refused(f"HTTP {status}")
    if status != 200:
        return Unavailable(f"HTTP {status}", _seconds(retry_after))
    try:
        through = _decode(body.decode())["through"]
    except (ValueError, KeyError, TypeError):
        return Unavailable("the intake's receipt could not be read")
    return Committed(through if isinstance(through, int) else 0)


def _seconds(retry_after: str | None) -> float | None:
    try:
        return min(max(float(retry_after), 0.0), 60.0) if retry_after else None
    except ValueError:  # an HTTP date; our intake sends seconds
        return None
