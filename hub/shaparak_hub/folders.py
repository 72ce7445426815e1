"""One user's folders: durable home, state and spool; short-lived run folder with the server's socket."""

from __future__ import annotations

import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

# sun_path holds 108 bytes on Linux and 104 on macOS, with the closing NUL.
LONGEST_SOCKET_PATH = 103
HOSTS = '127.0.0.1\tlocalhost\n::1\tlocalhost\n'


class FolderError(OSError):
    """A folder of this user cannot be used; the message says which one and what to do."""


@dataclass(frozen=True)
class UserFolders:
    """Where one user's things are on the host."""

    username: str
    home: Path
    state: Path
    spool: Path
    run: Path
    identity: Path

    @property
    def socket(self) -> Path:
        """The unix socket of this user's server."""
        return self.run / 's.sock'


def user_folders(username: str, users_directory: Path, run_directory: Path) -> UserFolders:
    """The places only; nothing is made."""
    durable = users_directory / username
    return UserFolders(
        username=username,
        home=durable / 'home',
        state=durable / 'state',
        spool=durable / 'spool',
        run=run_directory / username,
        identity=run_directory / f'{username}.identity',
    )


def prepare_folders(folders: UserFolders, uid: int) -> None:
    """Make the folders with the right owner; what is in home, state and spool stays.

    The run folder belongs to the user. Where the supervisor gave the run directory to the gateway's group (setgid, so
    that a Hub without root can keep it), only that group may pass; otherwise the path is open, and the server's token
    alone decides.
    """
    if len(os.fsencode(folders.socket)) > LONGEST_SOCKET_PATH:
        raise FolderError(f'{folders.socket} is longer than a unix socket may be; choose a shorter run directory')
    folders.home.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
    for folder in (folders.home, folders.state, folders.spool):
        _own_folder(folder, uid, -1, 0o700)
    shutil.rmtree(folders.run, ignore_errors=True)
    folders.run.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
    group = folders.run.parent.stat().st_gid
    _own_folder(folders.run, uid, group, 0o711 if group == os.getegid() else 0o710)
    _write_identity(folders, uid)


def remove_run_folder(folders: UserFolders) -> None:
    """Take away what only a running server needs."""
    shutil.rmtree(folders.run, ignore_errors=True)
    shutil.rmtree(folders.identity, ignore_errors=True)


def check_reachable(paths: list[Path], uid: int) -> None:
    """Say which folder keeps `uid` from a path; bubblewrap itself would only say "Permission denied"."""
    for path in paths:
        if not path.exists():
            raise FolderError(f'{path} does not exist')
        for folder in ([path] if path.is_dir() else []) + list(path.parents):
            if not _may_enter(folder, uid):
                raise FolderError(f'uid {uid} may not enter {folder}, so it cannot reach {path}: chmod o+x {folder}')


def _own_folder(folder: Path, uid: int, group: int, mode: int) -> None:
    folder.mkdir(mode=mode, exist_ok=True)
    # A link here could only be made by who owns the parent, which is the Hub; checked because chown follows links.
    if folder.is_symlink():
        raise FolderError(f'{folder} is a link; it must be a folder')
    found = folder.stat()
    wanted_group = found.st_gid if group == -1 and found.st_uid == uid else (uid if group == -1 else group)
    if os.geteuid() == 0 and (found.st_uid, found.st_gid) != (uid, wanted_group):
        _give(folder, found, uid, wanted_group)
    os.chmod(folder, mode)


def _give(folder: Path, found: os.stat_result, uid: int, group: int) -> None:
    """Change the owner, contents included when the folder belonged to another uid (a restored installation)."""
    os.chown(folder, uid, group)
    if found.st_uid in (uid, 0):
        return
    for directory, names, files in os.walk(folder, followlinks=False):
        for name in names + files:
            os.chown(os.path.join(directory, name), uid, uid, follow_symlinks=False)


def _write_identity(folders: UserFolders, uid: int) -> None:
    """Write what the jail shows as passwd, group, hosts (no account on the machine is needed) and configuration."""
    name, home = folders.username, f'/home/{folders.username}'
    shutil.rmtree(folders.identity, ignore_errors=True)
    folders.identity.mkdir(mode=0o711)
    os.chmod(folders.identity, 0o711)
    texts = {
        'passwd': f'root:x:0:0::/:/usr/sbin/nologin\n{name}:x:{uid}:{uid}::{home}:/bin/bash\n',
        'group': f'root:x:0:\n{name}:x:{uid}:\n',
        'hosts': HOSTS,
    }
    for file, text in texts.items():
        path = folders.identity / file
        path.write_text(text, encoding='ascii')
        os.chmod(path, 0o644)
    configuration = folders.identity / 'configuration'
    configuration.mkdir()
    # Without this file Jupyter tries to move an old IPython's settings here, and ends because it cannot write.
    (configuration / 'migrated').touch()
    os.chmod(configuration, 0o755)


def _may_enter(folder: Path, uid: int) -> bool:
    found = folder.stat()
    if uid in (0, found.st_uid):
        return bool(found.st_mode & stat.S_IXUSR) or uid == 0
    return bool(found.st_mode & stat.S_IXOTH)
