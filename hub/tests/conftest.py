"""Fixtures of the Hub's tests.

`running_hub` starts the real JupyterHub from jupyterhub_config.py with real user servers. What leaves the Hub is
stood for by two small doubles in doubles.py: the gateway's route API and the portal's capture socket.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HUB = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(HUB), str(HUB / 'tests')]

from running_hub import RunningHub  # noqa: E402 - needs the path above

AS_ROOT = os.geteuid() == 0
# Any uid without an account does: the ordinary person who starts everything without root.
ORDINARY_UID = 1_000_090_000


@pytest.fixture
def place() -> Iterator[Path]:
    """A short folder that other uids may enter: sockets have a limit of 103 bytes, and pytest's own is private."""
    folder = Path(tempfile.mkdtemp(prefix='sh-', dir='/tmp'))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def start_hub(place: Path) -> Iterator[Callable[..., RunningHub]]:
    """Start a Hub with the isolation that the test names; all are stopped at the end."""
    started: list[RunningHub] = []

    def start(isolation: str, **settings: object) -> RunningHub:
        uid = ORDINARY_UID if AS_ROOT and isolation != 'uid+bubblewrap' else None
        hub = RunningHub(place / f'h{len(started)}', isolation, uid, settings)
        started.append(hub)
        hub.start()
        return hub

    yield start
    for hub in started:
        hub.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Real uids need root; everything else must run anywhere."""
    for item in items:
        if 'uid+bubblewrap' in item.name and not AS_ROOT:
            item.add_marker(pytest.mark.skip(reason='real uids per user need root'))
