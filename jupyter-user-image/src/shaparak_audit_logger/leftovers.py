"""What dead sensors left in a spool directory, delivered by whoever is alive: a newer kernel or the user's server.

An instance is dead when its lock can be taken. The lock is then held while its records are delivered, so two drainers
never work on the same instance. Everything of it is deleted once the intake has it all.
"""

import json
import os
from fcntl import LOCK_EX, LOCK_NB, flock
from io import open as open_file
from pathlib import Path

from .clock import Clock
from .delivery import Courier, Delivered, Log, Waiting
from .intake import Intake
from .segments import SENSOR_SUFFIX, Line, SegmentReader, gap_line, sensor_path

DRAIN_SECONDS = 10.0
_listdir = os.listdir


class _DeadSpool:
    """The spool of an instance whose writer is gone; a line that it could not finish becomes a gap."""

    def __init__(self, directory: Path, instance: str, clock: Clock) -> None:
        self.reader = SegmentReader(directory, instance)
        self._clock = clock
        self._torn_reported = False

    def read(self, records: int, size: int) -> list[Line]:
        lines = self.reader.read(records, size)
        if not lines and not self._torn_reported and self.reader.torn():
            self._torn_reported = True
            return [gap_line(self.reader.last + 1, self._clock.now(), 1, "torn-by-death", stand_in=True)]
        return lines

    def acknowledge(self, through: int) -> None:
        self.reader.forget(through)

    def rewind(self, after: int) -> None:
        self._torn_reported = False
        self.reader.rewind(after)

    def refuse(self, line: Line) -> None:
        self.reader.refuse(line)


def drain_leftovers(directory: Path, intake: Intake, clock: Clock, log: Log) -> Waiting | None:
    """Deliver and delete what dead instances left. Returns why something had to stay, if it had to."""
    try:
        names = sorted(name for name in _listdir(directory) if name.endswith(SENSOR_SUFFIX))
    except OSError:
        return None  # no kernel has run yet
    for name in names:
        waiting = _drain(directory, name.removesuffix(SENSOR_SUFFIX), intake, clock, log)
        if waiting is not None:
            return waiting
    return None


def _drain(directory: Path, instance: str, intake: Intake, clock: Clock, log: Log) -> Waiting | None:
    path = sensor_path(directory, instance)
    try:
        owner = open_file(path, "rb")  # noqa: SIM115 - closed by the `with` below
    except OSError:
        return None  # another drainer was faster
    with owner:
        try:
            flock(owner.fileno(), LOCK_EX | LOCK_NB)
        except OSError:
            return None  # alive
        if os.fstat(owner.fileno()).st_nlink == 0:
            return None  # another drainer finished it between open and lock
        sensor = owner.read()
        try:
            json.loads(sensor)
        except ValueError:
            log(f"{path} is damaged; its records stay where they are")
            return None
        spool = _DeadSpool(directory, instance, clock)
        outcome = Courier(intake, sensor, spool, clock, log).deliver(clock.monotonic() + DRAIN_SECONDS)
        if isinstance(outcome, Delivered):
            spool.reader.forget_all()
            path.unlink(missing_ok=True)
            return None
        spool.reader.close()
        return outcome
