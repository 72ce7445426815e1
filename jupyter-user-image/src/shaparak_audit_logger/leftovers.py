"""What dead sensors left in a user's spool, delivered by the user's server: it outlives its kernels.

An instance is dead when its lock can be taken. The lock is then held while its records are delivered, so two drainers
never work on the same instance. Everything of it is deleted once the intake has it all.

A jailed kernel has a folder of its own in the spool and sees no other. So the folder's name says whose records lie in
it, whatever they say themselves: what names another kernel is put aside and reported. Without jails all kernels share
the spool's own folder.
"""

import json
import os
from contextlib import suppress
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from stat import S_ISDIR
from typing import BinaryIO

from .clock import Clock
from .delivery import OUT_OF_TIME, Courier, Delivered, Log, Waiting
from .intake import REFUSED_PATH, Intake
from .jail.folders import is_living
from .jail.vouching import Claim, Refusal, refused_delivery
from .segments import SENSOR_SUFFIX, Line, SegmentReader, gap_line, open_spooled, sensor_path

LONGEST_SENSOR = 64 << 10
SECONDS_FOR_EACH = 10.0


class _DeadSpool:
    """The spool of an instance whose writer is gone; a line that it could not finish becomes a gap."""

    def __init__(self, directory: Path, instance: str, kernel_id: str | None, clock: Clock) -> None:
        self._instance, self._kernel_id = instance, kernel_id
        self._reader = SegmentReader(directory, instance)
        self._path = sensor_path(directory, instance)
        self._clock = clock
        self._torn_reported = False

    def drain(self, intake: Intake, log: Log) -> Waiting | None:
        """Take the lock if nobody has it, and deliver."""
        try:
            owner = open_spooled(self._path)
        except FileNotFoundError:
            return None  # another drainer was faster
        except OSError as problem:
            self._put_aside()
            log(f"{self._path} cannot be used ({problem}); it was put aside")
            return None
        with owner:
            try:
                flock(owner.fileno(), LOCK_EX | LOCK_NB)
            except OSError:
                return None  # alive
            if os.fstat(owner.fileno()).st_nlink == 0:
                return None  # another drainer finished it between open and lock
            return self._deliver(owner, intake, log)

    def _deliver(self, owner: BinaryIO, intake: Intake, log: Log) -> Waiting | None:
        sensor = owner.read(LONGEST_SENSOR)
        claim = self._claim(sensor)
        if claim is None:
            log(f"{self._path} is damaged; its records stay where they are")
            return None
        if self._kernel_id is not None and claim.kernel_id != self._kernel_id:
            refusal = Refusal(claim, "kernel-id")
            log(f"{self._path} names another kernel, {claim.kernel_id}; it was put aside and is not delivered")
            intake.send(REFUSED_PATH, refused_delivery(self._kernel_id, refusal, self._clock.now()))
            self._put_aside()
            return None
        outcome = Courier(intake, sensor, self, self._clock, log).deliver(self._clock.monotonic() + SECONDS_FOR_EACH)
        if isinstance(outcome, Delivered):
            self._reader.forget_all()
            self._path.unlink(missing_ok=True)
            return None
        self._reader.close()
        return outcome

    def _claim(self, sensor: bytes) -> Claim | None:
        try:
            document = json.loads(sensor)
            return Claim(str(document["kernel_id"]), self._instance)
        except (ValueError, KeyError, TypeError, RecursionError):
            return None

    def _put_aside(self) -> None:
        """Keep it for a person under a name that no drainer looks at."""
        self._path.rename(self._path.with_suffix(".refused"))

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


def drain_leftovers(
    directory: Path, intake: Intake, clock: Clock, log: Log, *, kernel_id: str | None = None
) -> Waiting | None:
    """Deliver and delete what dead instances left in one folder, for some seconds each: what was acknowledged by then
    is gone. Returns why something had to stay, if it had to. `kernel_id` names the only kernel that could write here.
    """
    try:
        names = sorted(name for name in os.listdir(directory) if name.endswith(SENSOR_SUFFIX))
    except OSError:
        return None  # no kernel has run yet
    for name in names:
        spool = _DeadSpool(directory, name.removesuffix(SENSOR_SUFFIX), kernel_id, clock)
        waiting = spool.drain(intake, log)
        if waiting is not None:
            return waiting
    return None


def drain_spool(root: Path, intake: Intake, clock: Clock, log: Log) -> Waiting | None:
    """The same for a user's whole spool; folders of kernels that are gone are removed once they are empty.

    A kernel's code can put anything into its folder: that holds up no other folder.
    """
    waiting = drain_leftovers(root, intake, clock, log)
    for folder in _kernel_folders(root):
        if waiting is not None and waiting.reason != OUT_OF_TIME:
            break
        try:
            found = drain_leftovers(folder, intake.vouching_for(folder.name), clock, log, kernel_id=folder.name)
        except OSError as problem:
            log(f"what lies in {folder} cannot be delivered: {problem}")
            continue
        waiting = found or waiting
        if not is_living(folder.name):
            with suppress(OSError):  # not empty
                folder.rmdir()
    return waiting


def _kernel_folders(root: Path) -> list[Path]:
    try:
        return sorted(path for path in root.iterdir() if S_ISDIR(path.lstat().st_mode))
    except OSError:
        return []
