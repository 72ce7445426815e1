"""The environment and arguments of one user's server."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from . import bubblewrap
from .folders import UserFolders
from .limits import Limits
from .socket_url import socket_url

# What the interpreter runs: jupyterhub-singleuser, told that rfc3987_syntax is not installed. That optional part of
# jsonschema compiles a grammar at import (1.0 of the 1.76 s of CPU that a server needs until it listens) and only
# serves to check "iri" formats, which no schema of Jupyter's uses; jsonschema goes on without it.
LAUNCH = (
    "import runpy, sys; sys.modules['rfc3987_syntax'] = None; "
    "runpy.run_module('jupyterhub.singleuser', run_name='__main__', alter_sys=True)"
)
# jupyter_server refuses a unix socket together with any port but its default, and jupyterhub-singleuser always takes
# a port from this URL.
SERVICE_PORT = 8888


@dataclass(frozen=True)
class View:
    """Where the server finds its things: paths inside the jail, or the host's own without one."""

    home: str
    state: str
    spool: str
    socket: str
    runtime: str
    data: str
    capture: str
    hub_socket: str
    configuration: str
    path: str
    # What the server must make for each kernel: see kernel_jail; the server takes anything but "none" as a promise.
    kernel_jail: str


def kernel_jail(host: bubblewrap.HostSystem, limits: Limits) -> str:
    """How the server starts a kernel in a second jail, for shaparak_audit_logger/jail/settings.py.

    The programs are the host's own, found by the Hub's PATH; the jail shows those in /usr under the same path.
    """
    document = {
        'bwrap': host.tools.bwrap,
        'prlimit': host.tools.prlimit,
        'python': [str(path) for path in host.python],
        'tmp_bytes': limits.tmp_bytes,
        'shared_memory_bytes': limits.shared_memory_bytes,
        'address_space_bytes': limits.kernel_address_space_bytes,
        'file_bytes': limits.kernel_file_bytes,
        'processes': limits.kernel_processes if host.processes_counted_per_namespace else None,
    }
    return json.dumps(document)


def jail_view(username: str, prefix: Path, host: bubblewrap.HostSystem, limits: Limits) -> View:
    """What the server sees inside bubblewrap."""
    return View(
        home=f'/home/{username}',
        state=bubblewrap.JAIL_STATE,
        spool=bubblewrap.JAIL_SPOOL,
        socket=bubblewrap.JAIL_SOCKET,
        runtime=bubblewrap.JAIL_RUNTIME,
        # Not durable on purpose: a kernel spec or extension that a user's code leaves here is gone at the next start.
        data=f'{bubblewrap.JAIL_SERVER_HOME}/data',
        capture=bubblewrap.JAIL_CAPTURE,
        hub_socket=bubblewrap.JAIL_HUB_SOCKET,
        configuration=bubblewrap.JAIL_CONFIGURATION,
        path=f'{prefix}/bin:/usr/bin:/bin',
        kernel_jail=kernel_jail(host, limits),
    )


def plain_view(folders: UserFolders, capture: Path, hub_socket: Path, prefix: Path) -> View:
    """What the server sees without a jail."""
    return View(
        home=str(folders.home),
        state=str(folders.state),
        spool=str(folders.spool),
        socket=str(folders.socket),
        runtime=str(folders.run / 'rt'),
        data=str(folders.run / 'data'),
        capture=str(capture),
        hub_socket=str(hub_socket),
        configuration=str(folders.identity / 'configuration'),
        path=f'{prefix}/bin:/usr/local/bin:/usr/bin:/bin',
        kernel_jail='none',
    )


def server_environment(username: str, view: View, time_zone: str, base_url: str) -> dict[str, str]:
    """The variables that are ours; they are put over those that the Hub gives every server."""
    api = f'{socket_url(Path(view.hub_socket))}/hub/api'
    return {
        'AUDIT_DB_CONNECTION': f'http+unix://{view.capture}/capture.sock',
        'SHAPARAK_USER': username,
        'SHAPARAK_SPOOL_DIRECTORY': view.spool,
        'SHAPARAK_KERNEL_JAIL': view.kernel_jail,
        'HOME': view.home,
        'USER': username,
        'LOGNAME': username,
        'SHELL': '/bin/bash',
        'LANG': 'C.UTF-8',
        'TZ': time_zone,
        'PATH': view.path,
        'JUPYTERHUB_SERVICE_URL': f'http://localhost:{SERVICE_PORT}{base_url}',
        'JUPYTERHUB_API_URL': api,
        'JUPYTERHUB_ACTIVITY_URL': f'{api}/users/{username}/activity',
        # Empty and read-only, never the home's ~/.jupyter: configuration is code that runs in the server. Ours is in
        # <prefix>/etc/jupyter, which Jupyter reads anyway.
        'JUPYTER_CONFIG_DIR': view.configuration,
        'JUPYTER_DATA_DIR': view.data,
        'JUPYTER_RUNTIME_DIR': view.runtime,
        'JUPYTERLAB_SETTINGS_DIR': f'{view.state}/lab-settings',
        'JUPYTERLAB_WORKSPACES_DIR': f'{view.state}/lab-workspaces',
    }


def server_command(prefix: Path, view: View) -> list[str]:
    """Isolated mode (-I): the user's site-packages, PYTHON* variables and current folder must not reach the server.

    The socket's mode lets the gateway's uid in; who may come that far is decided by the run folder's mode.
    """
    return [
        f'{prefix}/bin/python3', '-I', '-c', LAUNCH,
        f'--ServerApp.sock={view.socket}',
        '--ServerApp.sock_mode=0666',
        f'--ServerApp.root_dir={view.home}',
        # Which notebooks a person trusts outlives a restart of the server, unlike the rest of the data folder.
        f'--NotebookNotary.data_dir={view.state}',
    ]  # fmt: skip
