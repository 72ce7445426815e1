"""The relay between one kernel's socket and the intake: what it hands on, what it refuses, what it survives."""

import asyncio
import json
import socket
import uuid
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from intake_double import IntakeDouble
from shaparak_audit_logger.jail.relay import MOST_CONNECTIONS, MOST_REPORTS, CaptureRelay
from shaparak_audit_logger.jail.vouching import Voucher, read_claim, read_claim_patiently

KERNEL = "11111111-aaaa-bbbb-cccc-222222222222"
INSTANCE = "33333333-aaaa-bbbb-cccc-444444444444"
OTHER = "55555555-aaaa-bbbb-cccc-666666666666"


def delivery(kernel_id: str = KERNEL, instance: str = INSTANCE, sequence: int = 1, code: str = "1") -> bytes:
    observation = {"sequence": sequence, "type": "execution_started", "code": code, "silent": False}
    return json.dumps(
        {"sensor": {"kernel_id": kernel_id, "instance": instance}, "observations": [observation]}
    ).encode()


class Sender:
    """The kernel's side."""

    def __init__(self, path: Path) -> None:
        self.path = path

    async def post(self, body: bytes, path: str = "/v1/observations", headers: str = "") -> tuple[int, str]:
        reader, writer = await asyncio.open_unix_connection(str(self.path))
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        answer = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = int(answer.lower().split("content-length: ")[1].split("\r\n")[0])
        text = (await reader.readexactly(length)).decode()
        writer.close()
        return int(answer.split()[1]), answer + text


Test = Callable[[Sender, CaptureRelay], Coroutine[Any, Any, None]]


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def relayed(short_directory: Path, intake: IntakeDouble, said: list[str]) -> Callable[[Test], None]:
    """Runs a test in the event loop of a relay."""

    async def run(test: Test) -> None:
        folder = short_directory / "audit"
        folder.mkdir()
        relay = CaptureRelay(KERNEL, folder, intake.address, said.append)
        relay.open()
        try:
            await test(Sender(folder / "capture.sock"), relay)
        finally:
            await relay.close()

    return lambda test: asyncio.run(run(test))


async def until(condition: Callable[[], bool]) -> None:
    end = asyncio.get_running_loop().time() + 10
    while not condition():
        assert asyncio.get_running_loop().time() < end, "timeout"
        await asyncio.sleep(0.01)  # the double runs in a thread of its own


def test_a_delivery_is_handed_on_unchanged_and_vouched_for(relayed: Any, intake: IntakeDouble) -> None:
    async def test(sender: Sender, _: CaptureRelay) -> None:
        for body in (delivery(), delivery(sequence=2, code="x" * (5 << 20))):
            status, answer = await sender.post(body, headers="X-Shaparak-Kernel: forged\r\n")
            assert status == 200 and '"accepted": 1' in answer
            assert intake.bodies[-1] == body

    relayed(test)
    assert intake.vouched == {KERNEL}
    assert intake.reports == []


def test_the_intake_answers_through_it(relayed: Any, intake: IntakeDouble) -> None:
    async def test(sender: Sender, _: CaptureRelay) -> None:
        intake.unavailable, intake.retry_after = 1, "7"
        status, answer = await sender.post(delivery())
        assert status == 503 and "Retry-After: 7" in answer
        intake.refuse = lambda record: True
        assert (await sender.post(delivery()))[0] == 400
        intake.refuse = lambda record: False
        intake.stop()
        assert (await sender.post(delivery()))[0] == 503
        intake.start()
        assert (await sender.post(delivery()))[0] == 200

    relayed(test)


def test_another_kernels_name_is_refused_and_reported(relayed: Any, intake: IntakeDouble, said: list[str]) -> None:
    async def test(sender: Sender, _: CaptureRelay) -> None:
        for _ in range(3):
            assert (await sender.post(delivery(kernel_id=OTHER)))[0] == 403
        await until(lambda: bool(intake.reports))
        # the real sensor is not kept out by it
        assert (await sender.post(delivery()))[0] == 200

    relayed(test)
    (report,) = intake.reports
    assert report.pop("observed_at").endswith("Z")
    assert report == {"kernel_id": KERNEL, "claimed_kernel_id": OTHER, "instance": INSTANCE, "reason": "kernel-id"}
    assert len(said) == 1 and "refused a delivery" in said[0]
    assert [delivered["sensor"]["kernel_id"] for delivered in intake.deliveries] == [KERNEL]


def test_a_second_instance_is_refused_and_reported(relayed: Any, intake: IntakeDouble) -> None:
    async def test(sender: Sender, _: CaptureRelay) -> None:
        # heard and not delivered: the intake being away gives nobody a chance
        intake.stop()
        assert (await sender.post(delivery()))[0] == 503
        intake.start()
        assert (await sender.post(delivery(instance=OTHER)))[0] == 403
        assert (await sender.post(delivery()))[0] == 200
        await until(lambda: bool(intake.reports))

    relayed(test)
    assert [(report["instance"], report["reason"]) for report in intake.reports] == [(OTHER, "second-instance")]
    assert set(intake.sensors) == {INSTANCE}


def test_reports_are_bounded(relayed: Any, intake: IntakeDouble, said: list[str]) -> None:
    async def test(sender: Sender, _: CaptureRelay) -> None:
        for _ in range(MOST_REPORTS + 10):
            assert (await sender.post(delivery(kernel_id=str(uuid.uuid4()))))[0] == 403
        await until(lambda: len(intake.reports) == MOST_REPORTS)

    relayed(test)
    assert len(intake.reports) == MOST_REPORTS
    assert len(said) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no JSON",
        b"[]",
        b'{"sensor":[]}',
        b'{"sensor":{"kernel_id":1,"instance":"a"}}',
        b"\xff\xfe{\x00}\x00",
        b"[" * 100_000,
        b"\x80",
    ],
)
def test_what_is_no_delivery_is_unreadable(relayed: Any, body: bytes) -> None:
    async def test(sender: Sender, _: CaptureRelay) -> None:
        assert (await sender.post(body))[0] == 400
        assert (await sender.post(delivery(), path="/v1/refused-deliveries"))[0] == 404

    relayed(test)


def test_of_two_sensors_in_one_body_the_last_one_counts_as_at_the_intake() -> None:
    mine, forged = (f'{{"kernel_id":"{name}","instance":"a"}}' for name in ("mine", "other"))
    claim = read_claim(f'{{"sensor":{mine},"observations":[],"\\u0073ensor":{forged}}}'.encode())
    assert claim is not None
    refusal = Voucher("mine").judge(claim)
    assert refusal is not None and refusal.reason == "kernel-id"


def test_connections_are_bounded_and_come_back(relayed: Any) -> None:
    async def test(sender: Sender, _: CaptureRelay) -> None:
        idle = [await asyncio.open_unix_connection(str(sender.path)) for _ in range(MOST_CONNECTIONS + 20)]
        ended = [asyncio.create_task(reader.read()) for reader, _ in idle]
        await until(lambda: sum(task.done() for task in ended) == 20)
        for _, writer in idle:
            writer.close()
        await asyncio.sleep(0.1)  # the server has to notice that they hung up
        assert (await sender.post(delivery()))[0] == 200

    relayed(test)


def test_an_intake_that_takes_its_time_holds_up_nothing_else(relayed: Any, intake: IntakeDouble) -> None:
    async def test(sender: Sender, _: CaptureRelay) -> None:
        with intake.changed:  # holds every answer back
            waiting = asyncio.create_task(sender.post(delivery()))
            await asyncio.sleep(0.05)
            # the same loop, the same relay
            assert (await sender.post(b"no JSON"))[0] == 400
            assert not waiting.done()
        assert (await waiting)[0] == 200

    relayed(test)


def test_a_body_of_brackets_does_not_stop_the_server(relayed: Any) -> None:
    async def test(sender: Sender, _: CaptureRelay) -> None:
        hostile = asyncio.create_task(sender.post(b'{"sensor":[' + b"[]," * 2_500_000 + b"[]]}"))
        clock = asyncio.get_running_loop().time
        begun = previous = clock()
        longest = 0.0
        while not hostile.done():
            await asyncio.sleep(0.001)
            longest, previous = max(longest, clock() - previous), clock()
        assert (await hostile)[0] == 400
        # Against the whole, not against a time: the machine may do anything else.
        assert longest < (clock() - begun) / 2, (longest, clock() - begun)

    relayed(test)


def test_both_ways_to_read_a_claim_read_the_same() -> None:
    for body in (
        delivery(),
        delivery(code="سلام\ud800\0" * 10),
        b"[" * 100_000,
        b"{}",
        b'{"sensor":',
        b"\x80",
        b"1e999",
    ):
        assert read_claim(body) == read_claim_patiently(body)


def test_a_closed_relay_hangs_up(relayed: Any, short_directory: Path) -> None:
    async def test(sender: Sender, relay: CaptureRelay) -> None:
        reader, _ = await asyncio.open_unix_connection(str(sender.path))
        await asyncio.sleep(0.05)
        await relay.close()
        assert await asyncio.wait_for(reader.read(), 5) == b""
        with pytest.raises(ConnectionRefusedError):
            socket.socket(socket.AF_UNIX).connect(str(sender.path))

    relayed(test)


def test_closing_waits_for_nobody(relayed: Any, intake: IntakeDouble) -> None:
    async def test(sender: Sender, relay: CaptureRelay) -> None:
        with intake.changed:  # holds every answer back
            waiting = asyncio.create_task(sender.post(delivery()))
            await asyncio.sleep(0.05)
            await asyncio.wait_for(relay.close(), 1)
            with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
                await waiting

    relayed(test)
