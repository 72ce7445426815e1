"""The Hub's configuration, composed from the settings: headless, behind the gateway, driven by the portal."""

from __future__ import annotations

import hashlib
import os
from typing import Any

from .host import describe_host
from .limits import ControlGroups, find_control_groups
from .proxy import GatewayProxy
from .settings import USERNAME_PATTERN, HubSettings
from .socket_url import socket_url
from .spawner import ShaparakSpawner, accept_options, write_to_stdout

PORTAL_SCOPES = [
    'proxy',
    'admin:users',
    'admin:servers',
    'tokens',
    'access:servers',
    'list:users',
    'read:users:activity',
    'read:hub',
    'read:metrics',
]
START_TIMEOUT_SECONDS = 45
# The spawner has seen the server answer before the Hub asks, so this is for a server that dies in between.
HTTP_TIMEOUT_SECONDS = 10


def configure(c: Any, settings: HubSettings) -> None:
    """Fill the configuration object that JupyterHub gives its configuration file."""
    settings.data_directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    _configure_hub(c, settings)
    _configure_portal_service(c, settings)
    _configure_spawner(c, settings)


def _configure_hub(c: Any, settings: HubSettings) -> None:
    hub = c.JupyterHub
    socket = socket_url(settings.hub_socket)
    hub.bind_url = f'{settings.lab_url}/'
    hub.hub_bind_url = socket
    hub.hub_connect_url = socket
    # Every user's server reports its activity here; what it may do is decided by its token, not by the socket's mode.
    hub.hub_socket_mode = 0o666
    hub.db_url = f'sqlite:///{settings.data_directory}/jupyterhub.sqlite'
    hub.cookie_secret_file = f'{settings.data_directory}/cookie_secret'
    hub.cleanup_servers = True
    # The gateway starts before the Hub and outlives it: the Hub must not stop or start it.
    hub.proxy_class = GatewayProxy
    hub.cleanup_proxy = False
    c.ConfigurableHTTPProxy.should_start = False
    c.ConfigurableHTTPProxy.api_url = settings.proxy_api_url
    c.ConfigurableHTTPProxy.auth_token = settings.proxy_token
    # Nobody logs in at the Hub: the portal owns identity.
    hub.authenticator_class = 'null'
    c.Authenticator.allow_all = True
    c.Authenticator.username_pattern = f'^{USERNAME_PATTERN.pattern}$'
    hub.allow_named_servers = False
    # One start costs about 1.5 s of one core: more at once only makes everybody wait longer.
    hub.concurrent_spawn_limit = max(4, 4 * (os.cpu_count() or 1))
    hub.spawn_throttle_retry_range = (2, 6)
    hub.log_level = 'INFO'


def _configure_portal_service(c: Any, settings: HubSettings) -> None:
    c.JupyterHub.services = [{'name': 'portal', 'api_token': settings.service_token}]
    c.JupyterHub.load_roles = [{'name': 'portal', 'services': ['portal'], 'scopes': PORTAL_SCOPES}]


def _configure_spawner(c: Any, settings: HubSettings) -> None:
    c.JupyterHub.spawner_class = ShaparakSpawner
    spawner = c.ShaparakSpawner
    spawner.settings = settings
    spawner.host = describe_host(settings.environment_prefix)
    control_groups = _control_groups(settings)
    if control_groups.missing is not None:
        write_to_stdout(f'Memory of user servers is not limited: {control_groups.missing}')
    spawner.control_groups = control_groups
    spawner.write_log = write_to_stdout
    spawner.default_url = '/lab'
    spawner.start_timeout = START_TIMEOUT_SECONDS
    spawner.http_timeout = HTTP_TIMEOUT_SECONDS
    # A server that died by itself is noticed, and its route removed, within this time (the Hub's own value is 30 s).
    spawner.poll_interval = 5
    spawner.env_keep = []
    spawner.apply_user_options = accept_options
    # Never give up on everybody because one user's server cannot start.
    spawner.consecutive_failure_limit = 0


def _control_groups(settings: HubSettings) -> ControlGroups:
    if settings.isolation != 'uid+bubblewrap':
        return ControlGroups(0, (), 'only a Hub that is root makes control groups')
    # Two installations on one machine must not share their users' groups.
    name = hashlib.sha256(os.fsencode(settings.data_directory)).hexdigest()[:8]
    return find_control_groups(f'shaparak-{name}')
