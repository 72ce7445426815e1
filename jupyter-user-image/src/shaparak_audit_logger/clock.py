"""Time as the sensor sees it: a cell that freezes or replaces `time.time` changes nothing here.

Freezing libraries replace not only `time.time` but every module attribute that refers to it. So the functions are
kept in the attributes of an object that is made when the kernel starts, where none of them looks.
"""

import time
from collections.abc import Callable


class Clock:
    """Wall clock and monotonic clock, with the functions found at construction."""

    def __init__(self) -> None:
        self._wall: Callable[[int], int] = time.clock_gettime_ns
        self._realtime = time.CLOCK_REALTIME
        self._calendar = time.gmtime
        self._format = time.strftime
        self.monotonic_ns = time.monotonic_ns

    def now(self) -> str:
        """The present as RFC 3339 in UTC with microseconds."""
        seconds, nanoseconds = divmod(self._wall(self._realtime), 1_000_000_000)
        return f"{self._format('%Y-%m-%dT%H:%M:%S', self._calendar(seconds))}.{nanoseconds // 1000:06d}Z"

    def monotonic(self) -> float:
        """Seconds that never go back, for deadlines."""
        return self.monotonic_ns() / 1e9
