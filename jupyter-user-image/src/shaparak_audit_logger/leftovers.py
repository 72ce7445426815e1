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

_listdir = os.listdir


class _DeadSpool:
    """The spool of an instance whose writer is gone; a line that it could not finish becomes a gap."""

    def __init__(self, directory: Path, instance: str, clock: Clock) -> None:
        self._reader = SegmentReader(directory, instance)
        self._path = sensor_path(directory, instance)
        self._clock = clock
        self._torn_reported = False

    def drain(self, intake: Intake, log: Log, seconds: float) -> Waiting | None:
        """Take the lock if nobody has it, and deliver."""
        try:
            owner = open_file(self._path, "rb")  # noqa: SIM115 - closed by the `with` below
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
                log(f"{self._path} is damaged; its records stay where they are")
                return None
            outcome = Courier(intake, sensor, self, self._clock, log).deliver(self._clock.monotonic() + seconds)
            if isinstance(outcome, Delivered):
                self._reader.forget_all()
                self._path.unlink(missing_ok=True)
                return None
            self._reader.close()
            return outcome

    def read(self, records: int, size: int) -> list[Line]:
        lines = self._reader.read(records, size)
        if not lines and not self._torn_reported and self._reader.torn():
            self._torn_reported = True
            return [gap_line(self._reader.last + 1, self._clock.now(), 1, "torn-by-death", stand_in=True)]
        return lines

    def acknowledge(self, through: int) -> None:
        self._reader.forget(through)

    def rewind(self, after: int) -> None:
        self._torn_reported = False
        self._reader.rewind(after)

    def refuse(self, line: Line) -> None:
        self._reader.refuse(line)


def drain_leftovers(directory: Path, intake: Intake, clock: Clock, log: Log, seconds: float = 10.0) -> Waiting | None:
    """Deliver and delete what dead instances left, for some seconds each: what was acknowledged by then is gone.
    Returns why something had to stay, if it had to."""
    try:
        names = sorted(name for name in _listdir(directory) if name.endswith(SENSOR_SUFFIX))
    except OSError:
        return None  # no kernel has run yet
    for name in names:
        spool = _DeadSpool(directory, name.removesuffix(SENSOR_SUFFIX), clock)
        waiting = spool.drain(intake, log, seconds)
        if waiting is not None:
            return waiting
    return None
