"""The spool's files, as every reader and writer of a spool directory knows them.

    <instance>.sensor                     who wrote this (JSON); flocked by its writer for as long as it lives
    <instance>.<first sequence>.jsonl     segments: one observation per line, oldest first
    <instance>.refused.jsonl              observations the intake will never take; kept for a person to look at

A segment is deleted when the intake has acknowledged its last line, so what is left is what was not delivered (and
at most one segment of what was: a delivery is idempotent).
"""

import os
import re
import stat
from dataclasses import dataclass
from io import open as open_file
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

SENSOR_SUFFIX = ".sensor"
_listdir = os.listdir
_open, _close, _fstat = os.open, os.close, os.fstat
# above what any record of ours has; a longer line is not a line of ours and must not fill the server's memory
LONGEST_LINE = 16 << 20
_SEQUENCE = re.compile(rb'\{"sequence":(\d+),')


@dataclass(frozen=True)
class Line:
    """One spooled observation. `stand_in` marks the gap that takes the place of a refused one."""

    sequence: int
    json: bytes
    stand_in: bool = False


def sensor_path(directory: Path, instance: str) -> Path:
    """The file that names the sensor and carries its lock."""
    return directory / f"{instance}{SENSOR_SUFFIX}"


def segment_path(directory: Path, instance: str, first: int) -> Path:
    """The segment whose first line has this sequence."""
    return directory / f"{instance}.{first:012d}.jsonl"


def open_spooled(path: Path, flags: int = os.O_RDONLY) -> BinaryIO:
    """Open a file of a spool. The server does that with folders that a kernel's code can write: no link is followed,
    and nothing but a plain file is waited for."""
    descriptor = _open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    if not stat.S_ISREG(_fstat(descriptor).st_mode):
        _close(descriptor)
        raise OSError(f"{path} is not a plain file")
    return open_file(descriptor, "ab" if flags & os.O_APPEND else "rb")


def gap_line(sequence: int, observed_at: str, count: int, reason: str, *, stand_in: bool = False) -> Line:
    """The record of records that could not be kept."""
    text = f'{{"sequence":{sequence},"observed_at":"{observed_at}","type":"gap","count":{count},"reason":"{reason}"}}'
    return Line(sequence, text.encode("ascii"), stand_in)


class SegmentReader:
    """Reads the lines of one instance in order, each once, also while its writer is still appending."""

    def __init__(self, directory: Path, instance: str) -> None:
        self._directory = directory
        self._instance = instance
        self._file: BinaryIO | None = None
        self._first = 0
        self._after = 0
        self.last = 0  # sequence of the line that was read last

    def read(self, records: int, size: int) -> list[Line]:
        """The next lines, at most `records` of them and about `size` bytes (but always one, if there is one)."""
        lines: list[Line] = []
        while len(lines) < records and size > 0:
            line = self._next()
            if line is None:
                break
            self.last = line.sequence
            if line.sequence > self._after:
                lines.append(line)
                size -= len(line.json)
        return lines

    def torn(self) -> bool:
        """Whether the newest segment ends inside a line: its writer was killed while it wrote."""
        if self._file is None:
            return False
        position = self._file.tell()
        rest = self._file.read(1)
        self._file.seek(position)
        return bool(rest)

    def rewind(self, after: int) -> None:
        """Start again at the first line behind `after` that is still kept."""
        self.close()
        self._first, self._after = 0, after

    def forget(self, through: int) -> None:
        """Delete every segment whose lines are all acknowledged, except the newest (its writer may append)."""
        firsts = self._segments()
        for first, following in pairwise(firsts):
            if following <= through + 1:
                segment_path(self._directory, self._instance, first).unlink(missing_ok=True)

    def forget_all(self) -> None:
        """Delete all segments: everything is delivered and the writer is gone."""
        self.close()
        for first in self._segments():
            segment_path(self._directory, self._instance, first).unlink(missing_ok=True)

    def refuse(self, line: Line) -> None:
        """Keep an observation that the intake will not take."""
        path = self._directory / f"{self._instance}.refused.jsonl"
        with open_spooled(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT) as refused:
            refused.write(line.json + b"\n")

    def close(self) -> None:
        """Give back the open segment."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _segments(self) -> list[int]:
        prefix = f"{self._instance}."
        names = (name[len(prefix) : -6] for name in _listdir(self._directory) if name.startswith(prefix))
        return sorted(int(number) for number in names if number.isdigit())

    def _next(self) -> Line | None:
        while True:
            raw = self._file.readline(LONGEST_LINE) if self._file is not None else b""
            if raw.endswith(b"\n") or len(raw) == LONGEST_LINE:
                match = _SEQUENCE.match(raw)
                if match and raw.endswith(b"\n"):
                    return Line(int(match[1]), raw[:-1])
                continue  # not a line of ours: a damaged block of the disk
            if raw and self._file is not None:
                self._file.seek(-len(raw), os.SEEK_CUR)
            if not self._open_following():
                return None

    def _open_following(self) -> bool:
        following = [first for first in self._segments() if first > self._first]
        if not following:
            return False
        # whatever was appended before the rotation is on disk now: read it before leaving the segment
        if self._file is not None and self._grown(self._file):
            return True
        self.close()
        self._first = following[0]
        path = segment_path(self._directory, self._instance, self._first)
        self._file = open_spooled(path)
        return True

    @staticmethod
    def _grown(file: BinaryIO) -> bool:
        position = file.tell()
        grown = file.readline(LONGEST_LINE).endswith(b"\n")
        file.seek(position)
        return grown
