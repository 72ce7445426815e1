"""The spool of a living sensor: where a record is safe before anybody has acknowledged it.

Three places, and a record is in exactly one of them:

    disk     an append-only segment, written with one write() in the cell's own thread, so that os._exit, kill -9 and a
             crash keep it. fsync happens later in the delivery thread: it protects against power loss only.
    memory   a bounded queue, used from the first failed write (disk full, directory gone) until the delivery thread
             could move everything to disk again. Never both: order would be lost.
    counted  when memory is full too, only the number of lost records is kept, and the first record that fits again is
             preceded by a `gap` record with that number.

A sequence number is taken only by a record that is on disk or in memory, so numbers have no holes and are never reused.
A child made by fork shares the descriptors: it stops recording, and closes them so that its parent's lock ends with
its parent.
"""

import os
from collections import deque
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from threading import Lock

from .clock import Clock
from .segments import Line, SegmentReader, gap_line, segment_path, sensor_path

MEMORY_RECORDS = 2000
MEMORY_BYTES = 32 << 20
SEGMENT_BYTES = 1 << 20
# bound when the kernel starts: a cell that replaces functions of `os` changes nothing here
_open, _close, _rename, _write = os.open, os.close, os.rename, os.write
_fsync, _ftruncate, _getpid = os.fsync, os.ftruncate, os.getpid


class Spool:
    """Records of one sensor instance, in order, until they are acknowledged."""

    def __init__(self, directory: Path | None, instance: str, sensor: bytes, clock: Clock) -> None:
        self._directory, self._instance, self._sensor, self._clock = directory, instance, sensor, clock
        self._lock = Lock()
        self._pid = _getpid()
        self._next = 1
        self._size = 0
        self._synced = 0
        self._segment: int | None = None
        self._owner: int | None = None
        self._memory: deque[Line] = deque()
        self._memory_bytes = 0
        self._lost = 0
        self._handed = 0  # the highest sequence given out for delivery
        self._reader = SegmentReader(directory, instance) if directory else None
        self._rewound: deque[Line] = deque()
        self.problem: str | None = None if directory else "SHAPARAK_SPOOL_DIRECTORY is not set"
        self._open()

    # -- the cell's thread ---------------------------------------------------------------------------------------

    def append(self, body: bytes) -> None:
        """Keep one observation (JSON object without its sequence). The caller holds back the cell's interrupts."""
        if _getpid() != self._pid:
            return
        with self._lock:
            self._settle_lost()
            self._keep(b'{"sequence":%d,' % self._next + body[1:])

    def _settle_lost(self) -> None:
        if self._lost and self._fits(0):
            lost, self._lost = self._lost, 0
            self._keep(gap_line(self._next, self._clock.now(), lost, "spool-full").json)

    def _keep(self, json: bytes) -> None:
        if not self._memory and self._write_line(json + b"\n"):
            self._next += 1
        elif self._fits(len(json)):
            self._memory.append(Line(self._next, json))
            self._memory_bytes += len(json)
            self._next += 1
        else:
            self._lost += 1

    def _write_line(self, line: bytes) -> bool:
        if self._segment is None:
            return False
        try:
            if _write(self._segment, line) == len(line):
                self._size += len(line)
                return True
            _ftruncate(self._segment, self._size)  # the disk is full: take the torn line back
            self.problem = "the spool's disk is full"
        except OSError as problem:
            self.problem = f"the spool cannot be written: {problem}"
        return False

    def _fits(self, size: int) -> bool:
        # two places: a gap record may come first
        return len(self._memory) + 2 <= MEMORY_RECORDS and self._memory_bytes + size <= MEMORY_BYTES

    # -- the delivery thread -------------------------------------------------------------------------------------

    @property
    def newest(self) -> int:
        """The sequence of the newest record that is kept; 0 before the first."""
        return self._next - 1

    def settle(self) -> None:
        """Bring memory to disk if the disk takes it again, start a new segment when one is full, and fsync.

        The lock is never held during fsync: a slow disk must not become a slow cell.
        """
        left: int | None = None
        with self._lock:
            self._open()
            while self._memory and self._segment is not None:
                line = self._memory[0]
                if not self._write_line(line.json + b"\n"):
                    break
                self._drop_first_of_memory()
            self._settle_lost()
            if not self._memory and self._segment is not None:
                self.problem = None
                if self._size >= SEGMENT_BYTES:
                    left = self._rotate()
            segment, size = self._segment, self._size
        try:
            if left is not None:
                _fsync(left)
            if segment is not None and size != self._synced:
                _fsync(segment)
                self._synced = size
        except OSError as problem:
            self.problem = f"the spool cannot be synced: {problem}"
        finally:
            if left is not None:
                _close(left)

    def read(self, records: int, size: int) -> list[Line]:
        """The next records to deliver: those on disk first, then those in memory (which stay there)."""
        lines = self._read_disk(records, size)
        if not lines:
            with self._lock:
                lines = [line for line in self._memory if line.sequence > self._handed][:records]
            while len(lines) > 1 and sum(len(line.json) for line in lines) > size:
                del lines[len(lines) // 2 :]
        if lines:
            self._handed = lines[-1].sequence
        return lines

    def _read_disk(self, records: int, size: int) -> list[Line]:
        while self._reader is not None and self._owner is not None:
            try:
                lines = self._reader.read(records, size)
            except OSError as problem:
                self.problem = f"the spool cannot be read: {problem}"
                break
            # what was delivered straight from memory and moved to disk afterwards is not delivered again
            new = [line for line in lines if line.sequence > self._handed]
            if new or not lines:
                return new
        return []

    def acknowledge(self, through: int) -> None:
        """Forget what the intake has durably handled."""
        with self._lock:
            while self._memory and self._memory[0].sequence <= through:
                self._drop_first_of_memory()
            if self._size >= SEGMENT_BYTES >> 4 and through >= self._next - 1 and not self._memory:
                left = self._rotate()
                if left is not None:  # no fsync: all of it is acknowledged
                    _close(left)
        if self._reader is not None and self._owner is not None:
            try:
                self._reader.forget(through)
            except OSError as problem:
                self.problem = f"the spool cannot be cleared: {problem}"

    def rewind(self, after: int) -> None:
        """Deliver again what is still kept behind `after`."""
        if self._reader is not None:
            self._reader.rewind(after)
        self._handed = after

    def refuse(self, line: Line) -> None:
        """Keep aside what the intake will not take."""
        if self._reader is not None:
            self._reader.refuse(line)

    def close(self, *, delivered: bool) -> None:
        """End the spool; when everything was delivered nothing stays behind."""
        with self._lock:
            everything = delivered and not self._memory and not self._lost
            if everything and self._reader is not None and self._owner is not None and self._directory is not None:
                self._reader.forget_all()
                sensor_path(self._directory, self._instance).unlink(missing_ok=True)
            self._close_descriptors()

    def abandon_in_child(self) -> None:
        """After fork, in the child: never record, and do not keep the parent's lock alive."""
        self._pid = -1
        self._close_descriptors()

    def _open(self) -> None:
        if self._directory is None or self._segment is not None or self._pid != _getpid():
            return
        try:
            if self._owner is None:
                self._owner = _create_owned(sensor_path(self._directory, self._instance), self._sensor)
            # memory holds the oldest records that are not on disk: the segment is named for the first of them
            first = self._memory[0].sequence if self._memory else self._next
            self._segment = _create(segment_path(self._directory, self._instance, first))
            self._size = self._synced = 0
        except OSError as problem:
            self.problem = f"the spool cannot be opened: {problem}"

    def _rotate(self) -> int | None:
        """Continue in a new segment. Returns the descriptor of the one that was left."""
        if self._segment is None or self._directory is None:
            return None
        try:
            following = _create(segment_path(self._directory, self._instance, self._next))
        except OSError as problem:
            self.problem = f"the spool cannot be continued: {problem}"
            return None
        left, self._segment, self._size, self._synced = self._segment, following, 0, 0
        return left

    def _drop_first_of_memory(self) -> None:
        self._memory_bytes -= len(self._memory.popleft().json)

    def _close_descriptors(self) -> None:
        for descriptor in (self._segment, self._owner):
            if descriptor is not None:
                _close(descriptor)
        self._segment = self._owner = None


def _create(path: Path) -> int:
    return _open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_EXCL, 0o600)


def _create_owned(path: Path, content: bytes) -> int:
    """Create a file that is locked before anybody can see it under its name."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unnamed = path.with_suffix(".new")
    descriptor = _open(unnamed, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        flock(descriptor, LOCK_EX | LOCK_NB)
        if _write(descriptor, content) != len(content):
            raise OSError(28, "No space left on device", str(unnamed))
        _rename(unnamed, path)
    except OSError:
        _close(descriptor)
        unnamed.unlink(missing_ok=True)
        raise
    return descriptor
