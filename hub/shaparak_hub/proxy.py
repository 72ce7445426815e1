"""The Hub's side of the gateway's route table."""

from __future__ import annotations

from typing import Any

from jupyterhub.proxy import ConfigurableHTTPProxy

UNIX = 'http+unix://'


class GatewayProxy(ConfigurableHTTPProxy):  # type: ignore[misc]  # jupyterhub ships no types
    """Talks to the gateway's embedded configurable-http-proxy.

    The Hub appends ":80" to every target, and configurable-http-proxy then takes "s.sock:80" for the socket's name.
    So the port is left out towards the gateway and added again when the Hub compares what it reads back.
    """

    async def add_route(self, routespec: str, target: str, data: dict[str, Any]) -> None:
        """Register a route without the meaningless port of a unix socket."""
        if target.startswith(UNIX):
            target = target.removesuffix(':80')
        await super().add_route(routespec, target, data)

    async def get_all_routes(self) -> dict[str, Any]:
        """Read the routes back as the Hub knows them."""
        routes: dict[str, Any] = await super().get_all_routes()
        for route in routes.values():
            if route['target'].startswith(UNIX) and not route['target'].endswith(':80'):
                route['target'] += ':80'
        return routes
