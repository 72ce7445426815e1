"""The sensor of one kernel: takes what happened from the cell's thread, and delivers it from a thread of its own.

Life: started (records `sensor_started`) → reporting (the intake has acknowledged it; said once on the server's log) →
stopped (`sensor_stopped`, and one second to deliver the rest). What cannot be delivered stays in the spool for the
user's server: a sensor delivers only its own records, since that is all that its socket takes.
Nothing here raises into a cell, prints into it, or lets it wait for the intake.

A record does not wake the delivery thread: two threads that hand the interpreter lock to each other cost a `1 + 1`
0.4 ms of its 3.7. The kernel's event loop wakes it a moment later, when a short cell has been answered. A cell that
holds the loop up is noticed by the thread itself, which looks every second, also where a cell has replaced the loop.
"""

import json
import os
import random
import signal
import uuid
from asyncio import get_running_loop
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread, get_ident, main_thread
from types import FrameType

from . import observation
from ._version import __version__
from .clock import Clock
from .delivery import Courier, Delivered, Waiting
from .intake import Intake
from .spool import Spool

HEARTBEAT_SECONDS = 15.0
# from the first record that waits to its delivery: start and end of a short cell go together
GATHER_SECONDS = 0.03
# between two deliveries, while cells come one after the other
SPACING_SECONDS = 0.1
# half of the grace that the intake gives a second witness
LOOK_SECONDS = 1.0
ANNOUNCE_WITHIN_SECONDS = 5.0
BACKOFF_FIRST_SECONDS = 0.25
BACKOFF_LONGEST_SECONDS = 10.0
STOP_BUDGET_SECONDS = 1.0
ACTIVE = "✅ سیستم ثبت لاگ فعال شد - تمام کدها ثبت می‌شوند"
INACTIVE = "⛔ سیستم ثبت لاگ هنوز گزارش نمی‌دهد"


@dataclass(frozen=True)
class SensorSettings:
    """What a sensor is told by its surroundings."""

    kernel_id: str
    intake_address: str
    spool_directory: Path | None
    notebook_path: str | None
    # Records stay in the spool until the process has ended, for the user's server.
    deliver_later: bool = False


class Backoff:
    """Waiting times between attempts: doubled each time, with jitter, so that kernels do not come back in step."""

    def __init__(self) -> None:
        self._random = random.Random()  # of its own: the cell's seed is the cell's
        self._next = BACKOFF_FIRST_SECONDS

    def reset(self) -> None:
        """An attempt succeeded."""
        self._next = BACKOFF_FIRST_SECONDS

    def wait(self, asked: float | None) -> float:
        """Seconds until the next attempt; never less than the other side asked for."""
        drawn = self._next * self._random.uniform(0.5, 1.0)
        self._next = min(self._next * 2, BACKOFF_LONGEST_SECONDS)
        return max(drawn, asked or 0.0)


class HeldInterrupt:
    """Holds back the cell's interrupt (SIGINT) while a record is written, and hands it on afterwards.

    Without this a KeyboardInterrupt could strike between writing a line and counting it.
    """

    def __init__(self) -> None:
        self._signal, self._current, self._raise = signal.signal, signal.getsignal, signal.raise_signal
        self._number = signal.SIGINT
        self._main = main_thread().ident
        self._previous: Callable[[int, FrameType | None], object] | int | None = None
        self._held = False

    def __enter__(self) -> None:
        # a handler that was not installed from Python (None) could not be put back
        if get_ident() == self._main and self._current(self._number) is not None:
            self._held = False
            self._previous = self._signal(self._number, self._hold)

    def __exit__(self, *_: object) -> None:
        if get_ident() == self._main and self._previous is not None:
            previous, self._previous = self._previous, None
            self._signal(self._number, previous)
            if self._held:
                self._raise(self._number)

    def _hold(self, _number: int, _frame: FrameType | None) -> None:
        self._held = True


class Sensor:
    """Records and delivers the observations of one kernel process."""

    def __init__(self, settings: SensorSettings, clock: Clock, console: Callable[[str], None]) -> None:
        self._settings, self._clock, self._console = settings, clock, console
        self.instance = str(uuid.uuid4())
        identity = json.dumps(
            {
                "kind": "kernel",
                "instance": self.instance,
                "version": __version__,
                "kernel_id": settings.kernel_id,
                "language": "python",
                "started_at": clock.now(),
            }
        ).encode("ascii")
        self._intake = Intake(settings.intake_address)
        self._spool = Spool(settings.spool_directory, self.instance, identity, clock)
        self._courier = Courier(self._intake, identity, self._spool, clock, self._say)
        self._backoff = Backoff()
        self._interrupts = HeldInterrupt()
        self._wake, self._stop = Event(), Event()
        self._running_loop, self._wakes_at, self._delivered_at = get_running_loop, 0.0, 0.0
        self._delivered_at_stop = False
        self._started = clock.monotonic()
        self._heard = self._started
        self._announced: str | None = None
        self._last_reason = ""
        self._thread = Thread(target=self._run, name="shaparak-delivery", daemon=True)

    def start(self) -> None:
        """Record the start and begin to deliver."""
        os.register_at_fork(after_in_child=self._spool.abandon_in_child)
        self.record("sensor_started", {"notebook_path": self._settings.notebook_path})
        self._thread.start()

    def record(self, kind: str, fields: observation.Fields) -> None:
        """Keep one observation. Only the cell's own interrupt can come out of here, and only before or after it."""
        try:
            body = observation.encode({"observed_at": self._clock.now(), "type": kind, **fields})
            with self._interrupts:
                self._spool.append(body)
                self._wake_soon()
        except Exception as problem:  # noqa: BLE001 - whatever is wrong with us is not the cell's fault
            self._say(f"a record of type {kind} could not be made: {type(problem).__name__}: {problem}")

    def _wake_soon(self) -> None:
        """Have this thread's event loop wake the delivery thread; a thread without one does it now."""
        now = self._clock.monotonic()
        if now < self._wakes_at:
            return
        delay = max(GATHER_SECONDS, self._delivered_at + SPACING_SECONDS - now)
        try:
            self._running_loop().call_later(delay, self._wake.set)
            self._wakes_at = now + delay
        except Exception:  # noqa: BLE001 - no loop, or one that a cell has broken
            self._wake.set()

    def stop(self, budget: float = STOP_BUDGET_SECONDS) -> None:
        """Record the end and deliver what is left within the budget; the rest stays in the spool."""
        if self._stop.is_set() or not self._thread.is_alive():
            return
        self.record("sensor_stopped", {})
        self._stop.set()
        self._wake.set()
        self._thread.join(budget)
        if not self._thread.is_alive():
            self._spool.close(delivered=self._delivered_at_stop)

    # -- the delivery thread -------------------------------------------------------------------------------------

    def _run(self) -> None:
        pause = 0.0
        while not self._stop.is_set():
            if pause:
                self._stay_away(pause)
            else:
                self._wake.wait(min(self._until_due(), LOOK_SECONDS))
            self._wake.clear()
            try:
                pause = self._round()
            except Exception as problem:  # noqa: BLE001 - the thread must outlive every surprise
                self._say(f"delivery failed: {type(problem).__name__}: {problem}")
                pause = self._backoff.wait(None)
            self._announce()
        self._delivered_at_stop = self._last_round()

    def _stay_away(self, pause: float) -> None:
        """Wait while the intake is away; new records do not shorten it, and the log is told in time."""
        due = self._started + ANNOUNCE_WITHIN_SECONDS - self._clock.monotonic()
        if self._announced is None and 0 < due < pause:
            self._stop.wait(due)
            self._announce()
            pause -= due
        self._stop.wait(pause)

    def _round(self) -> float:
        """Deliver once. Returns how long to stay away from the intake, 0 if it is there."""
        self._spool.settle()
        if self._settings.deliver_later:
            return 0.0
        # a connection that hangs must not hide for longer than that that nothing is reported
        now = self._clock.monotonic()
        deadline = max(self._started + ANNOUNCE_WITHIN_SECONDS, now + 1) if self._announced is None else None
        outcome: Delivered | Waiting | None = self._courier.deliver(deadline, self._spool.newest)
        now = self._clock.monotonic()
        if isinstance(outcome, Delivered):
            if outcome.sent:
                self._heard = self._delivered_at = now
            outcome = None
        if outcome is None and now - self._heard >= HEARTBEAT_SECONDS:
            outcome = self._courier.heartbeat()
            self._heard = now
        if outcome is None:
            self._backoff.reset()
            return 0.0
        self._last_reason = outcome.reason
        return self._backoff.wait(outcome.retry_after)

    def _last_round(self) -> bool:
        try:
            self._spool.settle()
            if self._settings.deliver_later:
                return False
            return isinstance(self._courier.deliver(self._clock.monotonic() + STOP_BUDGET_SECONDS), Delivered)
        except Exception as problem:  # noqa: BLE001 - the process is ending; the spool keeps the rest
            self._say(f"the last delivery failed: {type(problem).__name__}: {problem}")
            return False

    def _until_due(self) -> float:
        now = self._clock.monotonic()
        due = self._heard + HEARTBEAT_SECONDS
        if self._announced is None:
            due = min(due, self._started + ANNOUNCE_WITHIN_SECONDS)
        return max(due - now, 0.01)

    def _announce(self) -> None:
        if self._settings.deliver_later:
            return
        where = f"(audit extension, kernel {self._settings.kernel_id})"
        if self._announced != ACTIVE and self._courier.acknowledged >= 1:
            self._announced = ACTIVE
            self._say(f"{ACTIVE} {where}")
        elif self._announced is None and self._clock.monotonic() - self._started >= ANNOUNCE_WITHIN_SECONDS:
            self._announced = INACTIVE
            self._say(f"{INACTIVE}: {self._last_reason or 'no answer yet'} {where}")

    def _say(self, text: str) -> None:
        self._console(f"[shaparak_audit_logger] {text}")
