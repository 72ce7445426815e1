"""One user's server as a process: start it, read what it writes, wait until it answers, stop it.

States: running (the process was started and has not exited) -> exited. There is no way back: a new start is a new
ServerProcess. Always true: as long as the process runs its output is read, so that it can never block on a full pipe.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

REMEMBERED_LINES = 20
LONGEST_LINE = 4000
# A kernel's stderr is the user's to write: more than this per window is counted instead of copied to the Hub's log.
LINES_PER_WINDOW = 1000
WINDOW_SECONDS = 10.0
READ_BYTES = 65536
# From spawn to first answer is 1.4-2.0 s, and the socket appears at its end: polling costs nothing noticeable.
POLL_SECONDS = 0.04
# A wrapper that starts another program: the server itself is the first descendant that is none of these.
WRAPPERS = frozenset({'sh', 'prlimit', 'setpriv', 'bwrap'})


class ServerExited(Exception):
    """The process ended before it answered; carries its exit status and the last lines that it wrote."""

    def __init__(self, status: int, lines: Sequence[str]) -> None:
        super().__init__(f'exit status {status}')
        self.status = status
        self.lines = tuple(lines)


class ServerProcess:
    """Owns one child process and the task that reads its output; `stop` ends both."""

    def __init__(self, process: asyncio.subprocess.Process, write_line: Callable[[str], None]) -> None:
        self._process = process
        self._write_line = write_line
        self._lines: deque[str] = deque(maxlen=REMEMBERED_LINES)
        self._window_end = 0.0
        self._window_lines = 0
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(
        cls, argv: Sequence[str], environment: Mapping[str, str], folder: Path, write_line: Callable[[str], None]
    ) -> ServerProcess:
        """Start `argv` in its own session with exactly this environment."""
        process = await asyncio.create_subprocess_exec(
            *argv,
            env=dict(environment),
            cwd=folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        return cls(process, write_line)

    @property
    def pid(self) -> int:
        """The process that we started: the outermost wrapper."""
        return self._process.pid

    @property
    def status(self) -> int | None:
        """None while it runs, then its exit status."""
        return self._process.returncode

    async def wait_until_answering(self, socket: Path, path: str) -> None:
        """Return when the server answers HTTP on its unix socket; raise ServerExited as soon as the process ends."""
        while not await _answers(socket, path):
            if self.status is not None:
                await self._finish_reading()
                raise ServerExited(self.status, self.last_lines())
            await asyncio.sleep(POLL_SECONDS)

    def last_lines(self) -> list[str]:
        """What it wrote last, oldest first."""
        return list(self._lines)

    async def stop(self, patience_seconds: float) -> None:
        """Ask the server itself to end (it saves and ends its kernels), and kill everything when it doesn't in time."""
        if self.status is None and patience_seconds > 0:
            # bwrap handles no signal: sent to it, SIGTERM would kill the whole jail without any chance to finish.
            _signal(_server_pid(self.pid), signal.SIGTERM)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), patience_seconds)
        if self.status is None:
            _signal(self.pid, signal.SIGKILL)
        await self._process.wait()
        await self._finish_reading()

    async def _finish_reading(self) -> None:
        # A grandchild that left the session may keep the pipe open: what is there by now is all that we wait for.
        await asyncio.wait([self._reading], timeout=1)
        self._reading.cancel()

    async def _read(self) -> None:
        stream = self._process.stdout
        if stream is None:
            return
        rest = b''
        while chunk := await stream.read(READ_BYTES):
            *lines, rest = (rest + chunk).split(b'\n')
            for line in lines:
                self._take(line)
            if len(rest) > LONGEST_LINE:
                self._take(rest)
                rest = b''
        if rest:
            self._take(rest)

    def _take(self, raw: bytes) -> None:
        line = printable(raw[:LONGEST_LINE].decode('utf-8', 'replace').rstrip('\r'))
        if not line.strip():
            return
        self._lines.append(line)
        now = asyncio.get_running_loop().time()
        if now >= self._window_end:
            left_out = self._window_lines - LINES_PER_WINDOW
            self._window_end, self._window_lines = now + WINDOW_SECONDS, 0
            if left_out > 0:
                self._write_line(f'({left_out} lines left out)')
        self._window_lines += 1
        if self._window_lines <= LINES_PER_WINDOW:
            self._write_line(line)


def printable(text: str) -> str:
    """Make control characters visible: what a user's process prints must not move a terminal's cursor or fake lines."""
    return ''.join(_visible(character) for character in text)


def _visible(character: str) -> str:
    control = character < ' ' or '\x7f' <= character <= '\x9f' or character in '\u2028\u2029'
    return ascii(character)[1:-1] if control and character != '\t' else character


async def _answers(socket: Path, path: str) -> bool:
    try:
        reader, writer = await asyncio.open_unix_connection(str(socket))
    except OSError:
        return False
    try:
        writer.write(f'GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n'.encode('ascii'))
        return (await asyncio.wait_for(reader.readline(), 5)).startswith(b'HTTP/1.')
    except (OSError, TimeoutError):
        return False
    finally:
        writer.close()


def _server_pid(pid: int) -> int:
    """The server inside the wrappers, seen from outside; the wrapper itself where /proc cannot tell."""
    while _name(pid) in WRAPPERS:
        children = _children(pid)
        if not children:
            return pid
        pid = children[0]
    return pid


def _name(pid: int) -> str:
    try:
        return Path(f'/proc/{pid}/comm').read_text(encoding='utf-8').strip()
    except OSError:
        return ''


def _children(pid: int) -> list[int]:
    try:
        return [int(each) for each in Path(f'/proc/{pid}/task/{pid}/children').read_text(encoding='ascii').split()]
    except OSError:
        return []


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
