"""Reading, waiting for and stopping a process, with small real programs."""

import asyncio
import sys
import time
from pathlib import Path

import pytest

from shaparak_hub.server_process import LINES_PER_WINDOW, ServerExited, ServerProcess, printable
from shaparak_hub.socket_url import socket_url


def run(program: str, place: Path, lines: list[str]) -> ServerExited:
    async def wait() -> ServerExited:
        process = await ServerProcess.start([sys.executable, '-c', program], {}, place, lines.append)
        with pytest.raises(ServerExited) as exited:
            await process.wait_until_answering(place / 's.sock', '/')
        return exited.value

    return asyncio.run(wait())


def test_the_last_words_of_a_program_that_ends_are_kept(place: Path) -> None:
    lines: list[str] = []
    exited = run('import sys; print("one"); print("two", file=sys.stderr); sys.exit(7)', place, lines)
    assert exited.status == 7
    assert sorted(exited.lines) == ['one', 'two']


def test_a_flood_is_counted_and_never_blocks_the_program(place: Path) -> None:
    lines: list[str] = []
    exited = run('for n in range(20000): print(n)\nprint("x" * 100000)', place, lines)
    assert exited.status == 0
    assert len(lines) == LINES_PER_WINDOW
    assert len(exited.lines[-1]) <= 4000


def test_stop_asks_first_and_kills_what_does_not_listen(place: Path) -> None:
    polite = 'import signal, sys; signal.signal(15, lambda *_: sys.exit(0)); print("up", flush=True); signal.pause()'
    deaf = 'import signal; signal.signal(15, signal.SIG_IGN); print("up", flush=True); signal.pause()'

    async def stop(program: str) -> tuple[int | None, float]:
        up = asyncio.Event()
        process = await ServerProcess.start([sys.executable, '-c', program], {}, place, lambda _: up.set())
        await up.wait()
        begun = time.monotonic()
        await process.stop(0.5)
        return process.status, time.monotonic() - begun

    assert asyncio.run(stop(polite))[0] == 0
    status, seconds = asyncio.run(stop(deaf))
    assert status == -9
    assert seconds >= 0.5


def test_control_characters_become_visible() -> None:
    assert printable('\x1b[2J\tخط\x00\u2028') == '\\x1b[2J\tخط\\x00\\u2028'


def test_a_socket_url_survives_what_lower_cases_host_names() -> None:
    from urllib.parse import unquote, urlsplit

    url = socket_url(Path('/var/folders/zZ/T/s.sock'))
    assert url.startswith('http+unix://%2fvar')
    assert unquote(urlsplit(url).hostname or '') == '/var/folders/zZ/T/s.sock'
