"""What an authenticated user's browser may ask of the Jupyter server: everything but export and terminals.

The gateway is the boundary; this repeats its rule one door further in.
"""

from typing import Any

from jupyter_server.auth import Authorizer

DENIED_RESOURCES = frozenset({"nbconvert", "terminals"})


class LabAuthorizer(Authorizer):  # type: ignore[misc]  # jupyter_server is not fully typed
    """Denies the resources through which content leaves or a shell opens."""

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        """Whether the user may do this."""
        return bool(user) and resource not in DENIED_RESOURCES
