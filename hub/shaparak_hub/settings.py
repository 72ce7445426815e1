"""The Hub's settings: one JSON file written by the supervisor, named by SHAPARAK_HUB_SETTINGS."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .limits import Limits

SETTINGS_VARIABLE = 'SHAPARAK_HUB_SETTINGS'
ISOLATIONS = ('uid+bubblewrap', 'bubblewrap', 'none')
# A name becomes a folder, a path inside the jail and a part of URLs; the Hub itself lower-cases names.
USERNAME_PATTERN = re.compile(r'[a-z0-9][a-z0-9._-]{0,63}')
# 2^32-1 means "no change" to setresuid(2), so the highest usable uid is one below.
HIGHEST_UID = 2**32 - 2


class SettingsError(ValueError):
    """The settings file is missing, unreadable or wrong; the message says which key and what to write."""


@dataclass(frozen=True)
class HubSettings:
    """What the supervisor tells the Hub; the keys of the JSON file have the same names."""

    hub_socket: Path
    service_token: str = field(repr=False)
    proxy_api_url: str
    proxy_token: str = field(repr=False)
    data_directory: Path
    users_directory: Path
    run_directory: Path
    lab_url: str
    environment_prefix: Path
    time_zone: str
    isolation: str
    user_uid_base: int
    limits: Limits = field(default_factory=Limits)


def read_settings(environment: Mapping[str, str]) -> HubSettings:
    """Read and validate the file that SHAPARAK_HUB_SETTINGS names."""
    name = environment.get(SETTINGS_VARIABLE)
    if not name:
        raise SettingsError(f'{SETTINGS_VARIABLE} is not set; it names the JSON file that the supervisor writes')
    try:
        document = json.loads(Path(name).read_text(encoding='utf-8'))
    except OSError as error:
        raise SettingsError(f'cannot read {name}: {error.strerror}') from error
    except ValueError as error:
        raise SettingsError(f'{name} is not JSON: {error}') from error
    return parse_settings(document)


def parse_settings(document: object) -> HubSettings:
    """Turn the parsed JSON into HubSettings, or say which key is wrong."""
    if not isinstance(document, dict):
        raise SettingsError('the settings must be one JSON object')
    known = {each.name for each in fields(HubSettings)}
    unknown = sorted(set(document) - known)
    if unknown:
        raise SettingsError(f'unknown keys: {", ".join(unknown)}')
    return HubSettings(
        hub_socket=_path(document, 'hub_socket'),
        service_token=_token(document, 'service_token'),
        proxy_api_url=_url(document, 'proxy_api_url'),
        proxy_token=_token(document, 'proxy_token'),
        data_directory=_path(document, 'data_directory'),
        users_directory=_path(document, 'users_directory'),
        run_directory=_path(document, 'run_directory'),
        lab_url=_url(document, 'lab_url'),
        environment_prefix=_path(document, 'environment_prefix'),
        time_zone=_text(document, 'time_zone'),
        isolation=_isolation(document),
        user_uid_base=_uid_base(document),
        limits=_limits(document.get('limits', {})),
    )


def _text(document: Mapping[str, Any], key: str) -> str:
    value = document.get(key)
    if not isinstance(value, str) or not value or '\0' in value:
        raise SettingsError(f'{key} must be a non-empty string')
    return value


def _token(document: Mapping[str, Any], key: str) -> str:
    value = _text(document, key)
    if len(value) < 32:
        raise SettingsError(f'{key} must have at least 32 characters')
    return value


def _path(document: Mapping[str, Any], key: str) -> Path:
    path = Path(_text(document, key))
    if not path.is_absolute():
        raise SettingsError(f'{key} must be an absolute path, not {path}')
    return path


def _url(document: Mapping[str, Any], key: str) -> str:
    value = _text(document, key).rstrip('/')
    parts = urlsplit(value)
    if parts.scheme not in ('http', 'https') or not parts.hostname:
        raise SettingsError(f'{key} must be an http or https URL, not {value}')
    return value


def _isolation(document: Mapping[str, Any]) -> str:
    value = _text(document, 'isolation')
    if value not in ISOLATIONS:
        raise SettingsError(f'isolation must be one of {", ".join(ISOLATIONS)}, not {value}')
    return value


def _uid_base(document: Mapping[str, Any]) -> int:
    value = document.get('user_uid_base')
    if isinstance(value, bool) or not isinstance(value, int) or not 1000 <= value < HIGHEST_UID:
        raise SettingsError(f'user_uid_base must be a number from 1000 to {HIGHEST_UID - 1}')
    return value


def _limits(document: object) -> Limits:
    if not isinstance(document, dict):
        raise SettingsError('limits must be a JSON object')
    known = {each.name for each in fields(Limits)}
    for key, value in document.items():
        if key not in known:
            raise SettingsError(f'limits has an unknown key: {key}')
        if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
            raise SettingsError(f'limits.{key} must be a positive number')
    return Limits(**document)
