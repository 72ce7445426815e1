"""One user's folders: owners, modes, and clear words where something is in the way."""

import os
from pathlib import Path

import pytest

from shaparak_hub.folders import FolderError, check_reachable, prepare_folders, remove_run_folder, user_folders

OWN = os.getuid()


def test_durable_folders_stay_and_the_run_folder_is_new(place: Path) -> None:
    folders = user_folders('first', place / 'users', place / 'run')
    prepare_folders(folders, OWN)
    (folders.home / 'work.ipynb').write_text('kept')
    (folders.run / 's.sock').write_text('left by a dead server')
    prepare_folders(folders, OWN)
    assert (folders.home / 'work.ipynb').read_text() == 'kept'
    assert list(folders.run.iterdir()) == []
    assert {each.stat().st_mode & 0o777 for each in (folders.home, folders.state, folders.spool)} == {0o700}
    assert f'first:x:{OWN}:' in (folders.identity / 'passwd').read_text()
    remove_run_folder(folders)
    assert (folders.run.exists(), folders.home.exists()) == (False, True)


@pytest.mark.skipif(os.geteuid() != 0, reason='only root can give folders away')
def test_as_root_folders_belong_to_the_user_and_the_gateways_group_may_pass(place: Path) -> None:
    (place / 'run').mkdir()
    os.chown(place / 'run', 0, 4242)
    folders = user_folders('first', place / 'users', place / 'run')
    prepare_folders(folders, 5001)
    home, run = folders.home.stat(), folders.run.stat()
    assert (home.st_uid, home.st_gid) == (5001, 5001)
    assert (run.st_uid, run.st_gid, run.st_mode & 0o777) == (5001, 4242, 0o710)
    (folders.home / 'mine').write_text('x')
    os.chown(folders.home / 'mine', 5001, 5001)
    # restored under another numbering: everything inside follows
    prepare_folders(folders, 5002)
    assert (folders.home / 'mine').stat().st_uid == 5002


def test_a_link_in_place_of_a_folder_is_refused(place: Path) -> None:
    folders = user_folders('first', place / 'users', place / 'run')
    folders.home.parent.mkdir(parents=True)
    folders.home.symlink_to('/etc')
    with pytest.raises(FolderError, match='is a link'):
        prepare_folders(folders, OWN)


def test_a_run_directory_too_long_for_a_socket_is_named(place: Path) -> None:
    with pytest.raises(FolderError, match='longer than a unix socket'):
        prepare_folders(user_folders('first', place / 'users', place / ('x' * 100)), OWN)


def test_the_folder_that_keeps_a_uid_out_is_named(place: Path) -> None:
    inner = place / 'closed' / 'inner'
    inner.mkdir(parents=True)
    (place / 'closed').chmod(0o700)
    stranger = OWN + 77_000
    with pytest.raises(FolderError, match=f'uid {stranger} may not enter {place}/closed, .*chmod o.x {place}/closed'):
        check_reachable([inner], stranger)
    (place / 'closed').chmod(0o711)
    check_reachable([inner], stranger)
    with pytest.raises(FolderError, match='does not exist'):
        check_reachable([place / 'absent'], OWN)
