"""The steps of one start, as they happen, for any number of listeners that may come late."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

# step -> (percent, message). The portal shows its own words for a step; the message is for people who read the API.
STEPS = {
    'prepare': (10, 'Preparing the home folder'),
    'launch': (30, 'Starting the isolated server process'),
    'boot': (50, 'JupyterLab is loading'),
    'answer': (90, 'The server answers; opening its route'),
}


class StartProgress:
    """Remembers the steps that were reached and wakes who waits for the next."""

    def __init__(self) -> None:
        self._events: list[dict[str, Any]] = []
        self._changed = asyncio.Event()

    def reach(self, step: str) -> None:
        """Record that a step has begun."""
        percent, message = STEPS[step]
        self._events.append({'progress': percent, 'message': message, 'step': step})
        self._changed.set()
        self._changed = asyncio.Event()

    async def follow(self) -> AsyncIterator[dict[str, Any]]:
        """Yield every step, those already reached first; ends after the last one."""
        sent = 0
        while True:
            changed = self._changed
            for event in self._events[sent:]:
                sent += 1
                yield dict(event)
                if event['step'] == 'answer':
                    return
            await changed.wait()
