"""Where the Python environment and its base are."""

from pathlib import Path

from shaparak_hub.host import describe_host


def test_an_environment_over_a_base_outside_usr_shows_both(place: Path) -> None:
    base, prefix = place / 'pyenv/versions/3.12', place / 'environment'
    (base / 'bin').mkdir(parents=True)
    (base / 'bin/python3').touch()
    (prefix / 'bin').mkdir(parents=True)
    (prefix / 'bin/python3').symlink_to(base / 'bin/python3')
    (prefix / 'pyvenv.cfg').write_text(f'home = {base}/bin\nversion = 3.12.0\n')
    assert describe_host(prefix).python == (prefix, base)


def test_a_base_in_usr_is_already_shown(place: Path) -> None:
    prefix = place / 'environment'
    (prefix / 'bin').mkdir(parents=True)
    (prefix / 'bin/python3').symlink_to('/usr/bin/python3')
    (prefix / 'pyvenv.cfg').write_text('home = /usr/bin\n')
    assert describe_host(prefix).python == (prefix,)


def test_a_machine_with_merged_usr_gets_its_links(place: Path) -> None:
    (place / 'lib').symlink_to('usr/lib')
    (place / 'lib64').mkdir()
    host = describe_host(place / 'environment', root=place)
    assert host.symlinks == (('usr/lib', Path('/lib')),)
    assert host.binds == (Path('/usr'), Path('/lib64'))
