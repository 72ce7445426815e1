"""The settings file: what is accepted, and what is said about the rest."""

import json
from pathlib import Path
from typing import Any

import pytest

from shaparak_hub.settings import SettingsError, parse_settings, read_settings

GOOD: dict[str, Any] = {
    'hub_socket': '/r/hub.sock',
    'service_token': 'a' * 64,
    'proxy_api_url': 'http://127.0.0.1:4000/',
    'proxy_token': 'b' * 64,
    'data_directory': '/d/hub',
    'users_directory': '/d/users',
    'run_directory': '/r/users',
    'lab_url': 'http://127.0.0.1:8002',
    'environment_prefix': '/d/environment',
    'time_zone': 'Asia/Tehran',
    'isolation': 'uid+bubblewrap',
    'user_uid_base': 1_000_100_000,
}


def test_the_supervisors_settings_are_accepted() -> None:
    settings = parse_settings({**GOOD, 'limits': {'processes': 99}})
    assert settings.hub_socket == Path('/r/hub.sock')
    assert settings.proxy_api_url == 'http://127.0.0.1:4000'
    assert settings.limits.processes == 99
    assert settings.limits.memory_bytes == 4 << 30


@pytest.mark.parametrize(
    ('change', 'sentence'),
    [
        ({'hub_socket': 'relative.sock'}, 'hub_socket must be an absolute path'),
        ({'service_token': 'short'}, 'service_token must have at least 32'),
        ({'proxy_api_url': 'unix:/x'}, 'proxy_api_url must be an http'),
        ({'isolation': 'docker'}, 'isolation must be one of'),
        ({'user_uid_base': 0}, 'user_uid_base must be a number from 1000'),
        ({'user_uid_base': True}, 'user_uid_base'),
        ({'user_uid_base': 2**32}, 'user_uid_base'),
        ({'time_zone': ''}, 'time_zone must be a non-empty string'),
        ({'environment_prefix': None}, 'environment_prefix'),
        ({'surprise': 1}, 'unknown keys: surprise'),
        ({'limits': {'memory': 1}}, 'limits has an unknown key: memory'),
        ({'limits': {'processes': -1}}, 'limits.processes must be a positive number'),
        ({'limits': []}, 'limits must be a JSON object'),
    ],
)
def test_a_wrong_value_is_named(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        parse_settings({**GOOD, **change})


def test_tokens_are_in_no_representation() -> None:
    assert 'aaaa' not in repr(parse_settings(GOOD))
    assert 'bbbb' not in repr(parse_settings(GOOD))


def test_a_missing_or_broken_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match='SHAPARAK_HUB_SETTINGS is not set'):
        read_settings({})
    with pytest.raises(SettingsError, match='cannot read'):
        read_settings({'SHAPARAK_HUB_SETTINGS': str(tmp_path / 'none.json')})
    broken = tmp_path / 'broken.json'
    broken.write_text('{')
    with pytest.raises(SettingsError, match='is not JSON'):
        read_settings({'SHAPARAK_HUB_SETTINGS': str(broken)})
    broken.write_text(json.dumps([]))
    with pytest.raises(SettingsError, match='one JSON object'):
        read_settings({'SHAPARAK_HUB_SETTINGS': str(broken)})
