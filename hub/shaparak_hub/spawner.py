"""Starts one user's server: folders, jail, process, and the wait for its first answer.

The Hub's own readiness check backs off with a random jitter of up to 5 s and takes 11 s to notice a dead server, so
`start` returns only when the server answers, and fails at once, with the server's last words, when it ends instead.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from jupyterhub.spawner import Spawner, SpawnException
from traitlets import Callable as CallableTrait
from traitlets import Float, Instance

from .bubblewrap import HostSystem, Jail, jail_command
from .environment import View, jail_view, plain_view, server_command, server_environment
from .folders import FolderError, UserFolders, check_reachable, prepare_folders, remove_run_folder, user_folders
from .limits import ControlGroups, join_command
from .progress import StartProgress
from .server_process import ServerExited, ServerProcess
from .settings import HIGHEST_UID, USERNAME_PATTERN, HubSettings
from .socket_url import socket_url

TOOLS = {'bwrap': 'bubblewrap', 'setpriv': 'util-linux', 'prlimit': 'util-linux'}
# What is left of start_timeout for the Hub's own steps, so that the reason is ours and not a bare timeout.
TIMEOUT_MARGIN_SECONDS = 2.0
REASON_LINES = 12


class ServerDidNotStart(SpawnException):  # type: ignore[misc]  # jupyterhub ships no types
    """Carries a reason that people can act on to the Hub's API: the portal shows it."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason='start', status_code=500)
        self.jupyterhub_message = message


class ShaparakSpawner(Spawner):  # type: ignore[misc]
    """One server per user, as a local process in its own jail."""

    settings = Instance(HubSettings, help='The validated settings of this Hub.').tag(config=True)
    host = Instance(HostSystem, help='What of this machine a jail shows.').tag(config=True)
    control_groups = Instance(ControlGroups, help='Where memory and process limits are set.').tag(config=True)
    write_log = CallableTrait(help='Takes each line that a server writes.').tag(config=True)
    stop_patience_seconds = Float(8.0, help='How long a server may take to end its kernels.').tag(config=True)

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._process: ServerProcess | None = None
        self._progress = StartProgress()

    async def start(self) -> str:
        """Start the server and return its URL once it answers; ServerDidNotStart says why it doesn't."""
        try:
            return await self._start()
        except FolderError as error:
            raise ServerDidNotStart(f'A folder of the server cannot be used: {error}') from error
        except OSError as error:
            where = f' ({error.filename})' if error.filename else ''
            raise ServerDidNotStart(f'The server could not be started: {error.strerror}{where}') from error

    async def _start(self) -> str:
        self._progress.reach('prepare')
        user_id, capture = read_options(self.user_options)
        username = self.user.name
        if not USERNAME_PATTERN.fullmatch(username):
            raise ServerDidNotStart(f'The user name {username!r} cannot be a folder name (a-z, 0-9, ".", "_", "-")')
        uid = self._uid(user_id)
        folders = user_folders(username, self.settings.users_directory, self.settings.run_directory)
        await asyncio.to_thread(prepare_folders, folders, uid)
        argv, view = self._command(folders, uid, capture)
        self._progress.reach('launch')
        environment = self.get_env() | server_environment(username, view, self.settings.time_zone, self.server.base_url)
        # A kernel that no notebook belongs to works in the server's own folder; the jail changes to the home by itself.
        folder = folders.home if self.settings.isolation == 'none' else Path('/')
        self._process = await ServerProcess.start(argv, environment, folder, self._log_line)
        self._progress.reach('boot')
        await self._wait(self._process, folders.socket)
        self._progress.reach('answer')
        return socket_url(folders.socket)

    async def poll(self) -> int | None:
        """None while the server runs; a Hub that was restarted has no servers, they died with it."""
        return 0 if self._process is None else self._process.status

    async def stop(self, now: bool = False) -> None:
        """End the server with everything in its jail, and remove what only it needed."""
        if self._process is not None:
            await self._process.stop(0 if now else self.stop_patience_seconds)
            self._process = None
        self.control_groups.release(self.user.name)
        folders = user_folders(self.user.name, self.settings.users_directory, self.settings.run_directory)
        await asyncio.to_thread(remove_run_folder, folders)

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """The steps of this start, for GET /hub/api/users/:name/server/progress."""
        async for event in self._progress.follow():
            yield event

    async def _wait(self, process: ServerProcess, socket: Path) -> None:
        patience = self.start_timeout - TIMEOUT_MARGIN_SECONDS
        try:
            await asyncio.wait_for(process.wait_until_answering(socket, f'{self.server.base_url}api'), patience)
        except ServerExited as error:
            raise ServerDidNotStart(
                _with_lines(f'The server process ended before it answered (status {error.status}).', list(error.lines))
            ) from error
        except TimeoutError as error:
            raise ServerDidNotStart(
                _with_lines(f'The server did not answer within {patience:.0f} seconds.', process.last_lines())
            ) from error

    def _uid(self, user_id: int) -> int:
        if self.settings.isolation != 'uid+bubblewrap':
            return os.getuid()
        uid = self.settings.user_uid_base + user_id
        if uid > HIGHEST_UID:
            raise ServerDidNotStart(f'The user number {user_id} leads to uid {uid}, which does not exist')
        return uid

    def _command(self, folders: UserFolders, uid: int, capture: Path) -> tuple[list[str], View]:
        prefix = self.settings.environment_prefix
        if self.settings.isolation == 'none':
            view = plain_view(folders, capture, self.settings.hub_socket, prefix)
            return [*_die_with_hub(), *server_command(prefix, view)], view
        _require_tools()
        jail = Jail(
            username=folders.username,
            uid=uid,
            has_own_uid=self.settings.isolation == 'uid+bubblewrap',
            home=folders.home,
            state=folders.state,
            spool=folders.spool,
            run=folders.run,
            capture=capture,
            hub_socket=self.settings.hub_socket,
            identity=folders.identity,
        )
        shown = [jail.home, jail.run, jail.capture, jail.hub_socket, jail.identity / 'passwd', *self.host.python]
        check_reachable(shown, uid)
        limits = self.settings.limits
        view = jail_view(folders.username, prefix, self.host, limits)
        joins = self.control_groups.prepare(folders.username, limits)
        return join_command(joins) + jail_command(jail, self.host, limits, server_command(prefix, view)), view

    def _log_line(self, line: str) -> None:
        self.write_log(f'[{self.user.name}] {line}')


def read_options(options: dict[str, Any]) -> tuple[int, Path]:
    """Validate what the portal sends with POST /users/:name/server."""
    user_id = options.get('user_id')
    if isinstance(user_id, bool) or not isinstance(user_id, int) or user_id < 1:
        raise ServerDidNotStart('The start request must name the user_id, a positive number')
    capture = options.get('capture_directory')
    if not isinstance(capture, str) or not Path(capture).is_absolute() or '..' in Path(capture).parts:
        raise ServerDidNotStart('The start request must name the capture_directory, an absolute path')
    return user_id, Path(capture)


def accept_options(spawner: Any, options: dict[str, Any]) -> None:
    """Tell the Hub that the options are used: `start` reads them itself, so that a bad one is a start that failed."""


def write_to_stdout(line: str) -> None:
    """Copy a server's line to the Hub's standard output, where the operator and the container's log find it."""
    sys.stdout.write(line + '\n')
    sys.stdout.flush()


def _require_tools() -> None:
    for tool, package in TOOLS.items():
        if shutil.which(tool) is None:
            raise ServerDidNotStart(f'The program {tool} is missing: apt install {package}')


def _die_with_hub() -> list[str]:
    """Without bubblewrap's --die-with-parent only setpriv can ask for it; macOS has neither."""
    return ['setpriv', '--pdeathsig', 'TERM'] if shutil.which('setpriv') else []


def _with_lines(message: str, lines: list[str]) -> str:
    return '\n'.join([message, *lines[-REASON_LINES:]])
