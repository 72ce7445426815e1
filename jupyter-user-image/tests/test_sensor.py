"""The sensor between the cell's thread and the intake."""

import json
import os
import signal
from pathlib import Path

import pytest

from intake_double import IntakeDouble
from shaparak_audit_logger import spool as spool_module
from shaparak_audit_logger.clock import Clock
from shaparak_audit_logger.sensor import Backoff, Sensor, SensorSettings


def sensor(directory: Path, address: str, said: list[str]) -> Sensor:
    settings = SensorSettings("k", address, directory / "spool", None)
    return Sensor(settings, Clock(), said.append)


def test_an_interrupt_in_the_middle_of_a_record_comes_after_it(
    short_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = sensor(short_directory, "", [])

    def interrupted_write(descriptor: int, data: bytes) -> int:
        signal.raise_signal(signal.SIGINT)
        written = os.write(descriptor, data)
        signal.raise_signal(signal.SIGINT)
        return written

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(spool_module, "_write", interrupted_write)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            made.record("gap", {"count": 1, "reason": "test"})
    assert signal.getsignal(signal.SIGINT) is before
    (segment,) = (short_directory / "spool").glob("*.jsonl")
    assert [json.loads(line)["sequence"] for line in segment.read_text().splitlines()] == [1, 2, 3]


def test_what_cannot_be_recorded_is_said_and_not_raised(short_directory: Path) -> None:
    said: list[str] = []
    sensor(short_directory, "", said).record("gap", {"count": object()})
    assert "could not be made" in said[0]


def test_stop_takes_no_longer_than_its_budget(short_directory: Path, intake: IntakeDouble) -> None:
    """An intake that takes the connection and never answers."""
    said: list[str] = []
    made = sensor(short_directory, intake.address, said)
    with intake.changed:  # holds every answer back
        made.start()
        begin = Clock().monotonic()
        made.stop(budget=0.3)
        assert Clock().monotonic() - begin < 1
        assert sum(len(file.read_text().splitlines()) for file in (short_directory / "spool").glob("*.jsonl")) == 2


def test_waits_grow_vary_and_respect_the_other_side() -> None:
    backoff = Backoff()
    waits = [backoff.wait(None) for _ in range(12)]
    assert waits[0] <= 0.25 and 5 <= waits[-1] <= 10
    assert len(set(waits)) == 12
    assert backoff.wait(42.0) == 42.0
    backoff.reset()
    assert backoff.wait(None) <= 0.25
