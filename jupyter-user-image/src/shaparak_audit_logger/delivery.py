"""How records get from a spool to the intake: in order, in batches, each at least once.

A batch is sent until it is answered. 200 acknowledges it. 400 or 413 halves it, until the one record that the intake
will not take stands alone: that one is kept aside in the spool, and a `gap` record with its sequence goes in its place,
so that the numbers stay without a hole. Everything else (503, no answer) means: keep, and come again later.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from .clock import Clock
from .intake import Committed, Intake, Refused, Unavailable
from .segments import Line, gap_line

BATCH_RECORDS = 200
BATCH_BYTES = 4 << 20
POST_TIMEOUT_SECONDS = 10.0

OUT_OF_TIME = "out of time"

Log = Callable[[str], None]


class Source(Protocol):
    """A spool as delivery sees it."""

    def read(self, records: int, size: int) -> list[Line]:
        """Take the next records."""

    def acknowledge(self, through: int) -> None:
        """Forget the records up to this sequence."""

    def rewind(self, after: int) -> None:
        """Offer again what is kept behind this sequence."""

    def refuse(self, line: Line) -> None:
        """Keep aside a record that cannot be delivered."""


@dataclass(frozen=True)
class Delivered:
    """Nothing is waiting; `sent` says whether anything was."""

    sent: bool


@dataclass(frozen=True)
class Waiting:
    """Records are kept and have to be delivered later."""

    reason: str
    retry_after: float | None


class Courier:
    """Delivers the records of one sensor instance."""

    def __init__(self, intake: Intake, sensor: bytes, source: Source, clock: Clock, log: Log) -> None:
        self._intake, self._sensor, self._source, self._clock, self._log = intake, sensor, source, clock, log
        self._batches: deque[list[Line]] = deque()
        self._rewound_to: int | None = None
        self.acknowledged = 0

    def deliver(self, deadline: float | None = None, through: int | None = None) -> Delivered | Waiting:
        """Deliver until nothing is left, the intake is away, or the deadline (monotonic seconds) has passed.

        `through` is the last sequence that is asked for: what is recorded meanwhile is left for a delivery of its own,
        so that a person who runs one short cell after the other is not delivered after each of them.
        """
        sent = False
        while True:
            if not self._batches:
                lines = self._source.read(BATCH_RECORDS, BATCH_BYTES)
                if not lines:
                    return Delivered(sent)
                self._batches.append(lines)
            timeout = POST_TIMEOUT_SECONDS if deadline is None else deadline - self._clock.monotonic()
            if timeout <= 0:
                return Waiting(OUT_OF_TIME, None)
            batch = self._batches[0]
            answer = self._intake.post(self._sensor, [line.json for line in batch], min(timeout, POST_TIMEOUT_SECONDS))
            if isinstance(answer, Unavailable):
                return Waiting(answer.reason, answer.retry_after)
            sent = True
            self._batches.popleft()
            if isinstance(answer, Refused):
                self._split(batch, answer.reason)
            else:
                self._commit(batch, answer)
            if through is not None and not self._batches and self.acknowledged >= through:
                return Delivered(sent)

    def heartbeat(self) -> Waiting | None:
        """Say that the sensor lives although it has nothing to report."""
        answer = self._intake.post(self._sensor, [], POST_TIMEOUT_SECONDS)
        return Waiting(answer.reason, answer.retry_after) if isinstance(answer, Unavailable) else None

    def _commit(self, batch: list[Line], answer: Committed) -> None:
        last = batch[-1].sequence
        if answer.through < last and answer.through != self._rewound_to:
            # the intake misses something below: offer it again, once; what is no longer kept was acknowledged before
            self._rewound_to = answer.through
            self._log(f"the intake has everything up to {answer.through}, not up to {last}; delivering again")
            self._batches.clear()
            self._source.rewind(answer.through)
            return
        self.acknowledged = max(self.acknowledged, last)
        self._source.acknowledge(last)

    def _split(self, batch: list[Line], reason: str) -> None:
        if len(batch) > 1:
            middle = len(batch) // 2
            self._batches.extendleft([batch[middle:], batch[:middle]])
            return
        line = batch[0]
        if line.stand_in:
            self._log(f"the intake refused even the gap for record {line.sequence} ({reason})")
            self.acknowledged = max(self.acknowledged, line.sequence)
            self._source.acknowledge(line.sequence)
            return
        self._log(f"the intake refused record {line.sequence} ({reason}); it is kept in the spool's refused file")
        try:
            self._source.refuse(line)
        except OSError as problem:
            self._log(f"the refused record {line.sequence} could not be kept: {problem}")
        stand_in = gap_line(line.sequence, self._clock.now(), 1, "refused-by-intake", stand_in=True)
        self._batches.appendleft([stand_in])
