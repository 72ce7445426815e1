"""A Hub never outlives the supervisor that started it."""

from __future__ import annotations

import ctypes
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Ask the kernel to send SIGTERM when the parent dies (Linux; elsewhere the supervisor alone takes care).

    SIGTERM and not SIGKILL: the Hub then stops the users' servers properly.
    """
    if not sys.platform.startswith('linux'):
        return
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), 'prctl(PR_SET_PDEATHSIG) failed')
