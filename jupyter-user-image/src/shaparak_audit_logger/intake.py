"""The intake as the sensor reaches it: HTTP/1.1 over the user's unix socket. The socket is the identity."""

import json
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from socket import AF_UNIX, SOCK_STREAM, socket
from urllib.parse import unquote

SCHEME = "http+unix://"
PATH = "/v1/observations"
REFUSED_PATH = "/v1/refused-deliveries"
# the kernel that a delivery comes from, said by the user's server and not by the kernel
KERNEL_HEADER = "X-Shaparak-Kernel"
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

    def __init__(self, address: str, kernel_id: str | None = None) -> None:
        """`kernel_id` is for who vouches: the kernel that the deliveries come from."""
        self._address = address
        self._headers = {"Content-Type": "application/json", **({KERNEL_HEADER: kernel_id} if kernel_id else {})}
        self._problem: str | None = None
        self._path = ""
        try:
            self._path = socket_path(address)
        except ValueError as problem:
            self._problem = str(problem)

    def vouching_for(self, kernel_id: str) -> "Intake":
        """The same intake, told that what comes is of this kernel."""
        return Intake(self._address, kernel_id)

    def post(self, sensor: bytes, observations: list[bytes], timeout: float = 10.0) -> Answer:
        """Deliver observations (each already JSON) of one sensor; never raises for what the other side does."""
        body = b'{"sensor":' + sensor + b',"observations":[' + b",".join(observations) + b"]}"
        return self.send(PATH, body, timeout, len(observations))

    def send(self, path: str, body: bytes, timeout: float = 10.0, observations: int = 0) -> Answer:
        """Post a body with so many observations."""
        if self._problem:
            return Unavailable(self._problem)
        connection = _UnixConnection(self._path, timeout)
        try:
            connection.request("POST", path, body, self._headers)
            response = connection.getresponse()
            return _answer(response.status, response.getheader("Retry-After"), response.read(65536), observations)
        except (OSError, HTTPException) as problem:
            return Unavailable(f"{type(problem).__name__}: {problem} ({self._path})")
        finally:
            connection.close()


def socket_path(address: str) -> str:
    """The path of the socket that AUDIT_DB_CONNECTION names."""
    if not address:
        raise ValueError("AUDIT_DB_CONNECTION is not set")
    if not address.startswith(SCHEME + "/"):
        raise ValueError("AUDIT_DB_CONNECTION is not of the form http+unix:///path/to/capture.sock")
    return unquote(address[len(SCHEME) :])


def _answer(status: int, retry_after: str | None, body: bytes, sent: int) -> Answer:
    if status in (400, 413):
        return Refused(f"HTTP {status}")
    if status != 200:
        return Unavailable(f"HTTP {status}", _seconds(retry_after))
    try:
        receipt = _decode(body.decode())
        through = receipt["through"]
        handled = receipt["accepted"] + receipt["duplicate"] + receipt["quarantined"]
        adds_up = receipt["received"] == sent == handled
    except (ValueError, KeyError, TypeError):
        return Unavailable("the intake's receipt could not be read")
    if not adds_up:
        # Whatever it did with them, it has not said of each what: they are kept, and offered again.
        return Unavailable(f"the intake's receipt does not add up to the {sent} records that were sent")
    return Committed(through if isinstance(through, int) else 0)


def _seconds(retry_after: str | None) -> float | None:
    try:
        return min(max(float(retry_after), 0.0), 60.0) if retry_after else None
    except ValueError:  # an HTTP date; our intake sends seconds
        return None
