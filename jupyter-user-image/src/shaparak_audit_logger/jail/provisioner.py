"""Starts every kernel in a jail of its own, where one was promised; otherwise as jupyter_client does.

Being the provisioner and not a wrapper in the kernel spec's argv, it holds for every spec (kernelspecs.py names it in
each), knows the kernel's id, and takes the server's environment away from the jail's own first process too: with
`--clearenv` alone, /proc/1/environ would still hold the server's token.

A jail that was promised is made or the kernel does not start: there is no way back to an unjailed one.
"""

import asyncio
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

from jupyter_client.provisioning import LocalProvisioner
from jupyter_core.paths import jupyter_runtime_dir
from tornado.web import HTTPError

from .command import AUDIT_ADDRESS, KernelJail, jail_arguments
from .folders import KernelFolders, kernel_folders
from .relay import CaptureRelay
from .seccomp import kernel_filter
from .settings import JailSettings, JailSettingsError, read_settings

# What a kernel gets of its server's environment. Not among them: the Hub's token, and JPY_PARENT_PID, with which
# ipykernel looks for its parent, sees none in its own process namespace, and ends.
PASSED_ON = ("HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "PATH", "SHAPARAK_USER", "SHAPARAK_NOTEBOOK_ROOT")
TRIAL_SECONDS = 10


class KernelJailError(HTTPError):
    """The jail could not be made; the reason reaches the person who started the kernel."""

    def __init__(self, reason: str) -> None:
        super().__init__(500, f"The kernel was not started, because its jail could not be made: {reason}")


class JailProvisioner(LocalProvisioner):  # type: ignore[misc]  # jupyter_client is not fully typed
    """One kernel and its jail."""

    _folders: KernelFolders | None = None
    _relay: CaptureRelay | None = None
    _watched = False
    _clearing: asyncio.Task[None] | None = None
    # whether a jail of this server has worked; asked once, because what fails does so for every kernel
    _proven = False

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Prepare the jail and put the command into it."""
        try:
            settings = read_settings(os.environ)
        except JailSettingsError as problem:
            raise KernelJailError(str(problem)) from problem
        if settings is None:
            return dict(await super().pre_launch(**kwargs))
        try:
            return await self._prepare(settings, kwargs)
        except KernelJailError:
            await self._clear()
            raise
        except (ValueError, OSError) as problem:
            await self._clear()
            raise KernelJailError(str(problem)) from problem

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Launch; the filter of system calls goes with the jail as an open file."""
        descriptor = filter_descriptor() if self._folders is not None else None
        if descriptor is None:
            return await super().launch_kernel(cmd, **kwargs)
        try:
            jail = [cmd[0], "--seccomp", str(descriptor), *cmd[1:]]
            return await super().launch_kernel(jail, pass_fds=(descriptor,), **kwargs)
        finally:
            os.close(descriptor)

    async def post_launch(self, **kwargs: Any) -> None:
        """Listen for the end that jupyter_client cleans nothing up after: a kernel that died again and again."""
        await super().post_launch(**kwargs)
        if self._folders is not None and not self._watched:
            self.parent.add_restart_callback(self._given_up, "dead")
            self._watched = True

    def _given_up(self) -> None:
        self._clearing = asyncio.get_running_loop().create_task(self._clear())

    async def cleanup(self, restart: bool = False) -> None:
        """End what only this kernel needed."""
        await super().cleanup(restart=restart)
        if not restart:
            await self._clear()

    async def _clear(self) -> None:
        if self._relay is not None:
            await self._relay.close()
            self._relay = None
        if self._folders is not None:
            await asyncio.to_thread(self._folders.remove)
            self._folders = None

    async def _prepare(self, settings: JailSettings, kwargs: dict[str, Any]) -> dict[str, Any]:
        spool = os.environ.get("SHAPARAK_SPOOL_DIRECTORY")
        folders = kernel_folders(Path(jupyter_runtime_dir()), Path(spool) if spool else None, self.kernel_id)
        self._folders = folders
        await asyncio.to_thread(folders.make)
        await self._open_relay(folders)
        self._connect_by_sockets(folders)
        session = kwargs.get("env", {}).get("JPY_SESSION_NAME", "")
        prepared: dict[str, Any] = await super().pre_launch(**kwargs)
        home = Path(os.environ["HOME"])
        jail = KernelJail(settings, folders, home, self._environment(folders, session))
        await self._prove(jail)
        folder = working_folder(prepared.get("cwd"), home)
        prepared["cmd"] = [settings.bwrap, *jail_arguments(jail, folder, prepared["cmd"])]
        # of bubblewrap itself: the kernel's is in the arguments
        prepared["env"] = {"PATH": os.environ.get("PATH", os.defpath)}
        prepared["cwd"] = "/"
        return prepared

    async def _open_relay(self, folders: KernelFolders) -> None:
        if self._relay is not None:
            await self._relay.close()
        self._relay = CaptureRelay(self.kernel_id, folders.audit, os.environ.get("AUDIT_DB_CONNECTION", ""), self._say)
        self._relay.open()

    def _connect_by_sockets(self, folders: KernelFolders) -> None:
        manager = self.parent
        manager.transport = "ipc"
        if manager.connection_file != str(folders.connection_file):
            manager.connection_file, manager.ip = str(folders.connection_file), folders.address
        # a signal would have to cross into another process namespace, through bubblewrap, which hands none on
        self.kernel_spec.interrupt_mode = manager.kernel_spec.interrupt_mode = "message"

    def _environment(self, folders: KernelFolders, session: str) -> dict[str, str]:
        return {
            **{name: os.environ[name] for name in PASSED_ON if name in os.environ},
            **self.kernel_spec.env,
            "TMPDIR": "/tmp",
            "MPLCONFIGDIR": "/tmp/matplotlib",
            "AUDIT_DB_CONNECTION": AUDIT_ADDRESS,
            "SHAPARAK_KERNEL_ID": self.kernel_id,
            **({"SHAPARAK_SPOOL_DIRECTORY": str(folders.spool)} if folders.spool else {}),
            **({"JPY_SESSION_NAME": session} if session else {}),
        }

    async def _prove(self, jail: KernelJail) -> None:
        """Run nothing in the jail, once: what keeps bubblewrap from working is then a reason and not a dead kernel."""
        if JailProvisioner._proven:
            return
        reason = await asyncio.to_thread(try_jail, jail)
        if reason is not None:
            raise KernelJailError(reason)
        JailProvisioner._proven = True
        if kernel_filter() is None:
            self._say(f"there is no filter of system calls for {platform.machine()}: kernels are jailed without one")

    def _say(self, text: str) -> None:
        self.log.warning("[shaparak_audit_logger] %s", text)


def working_folder(wanted: str | None, home: Path) -> Path:
    """Where the kernel works: the notebook's folder, unless a link has led it out of what the jail shows."""
    folder = Path(os.path.realpath(wanted)) if wanted else home
    return folder if folder.is_relative_to(os.path.realpath(home)) and folder.is_dir() else home


def filter_descriptor() -> int | None:
    """The filter of system calls as an open file, or None where there is none for this architecture."""
    program = kernel_filter()
    if program is None:
        return None
    descriptor = os.memfd_create("kernel-filter")
    os.write(descriptor, program)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def try_jail(jail: KernelJail) -> str | None:
    """Why a jail like this cannot be made, or None."""
    descriptor = filter_descriptor()
    seccomp = [] if descriptor is None else ["--seccomp", str(descriptor)]
    try:
        ended = subprocess.run(
            [jail.settings.bwrap, *seccomp, *jail_arguments(jail, Path("/"), ["true"])],
            env={"PATH": os.environ.get("PATH", os.defpath)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TRIAL_SECONDS,
            check=False,
            pass_fds=[] if descriptor is None else [descriptor],
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        return str(problem)
    finally:
        if descriptor is not None:
            os.close(descriptor)
    if ended.returncode == 0:
        return None
    lines = ended.stderr.strip().splitlines()
    return lines[-1] if lines else f"bubblewrap ended with status {ended.returncode}"
