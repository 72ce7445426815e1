"""Whether kernels get a jail of their own: said by who started the server, in SHAPARAK_KERNEL_JAIL.

`none`, or nothing, where bubblewrap cannot work: kernels then run as the server does. Anything else is a promise: the
JSON object below. It is kept, or the kernel does not start.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

VARIABLE = "SHAPARAK_KERNEL_JAIL"
NONE = "none"


@dataclass(frozen=True)
class JailSettings:
    """The programs that make a jail, the folders of the Python environment, and what one kernel may use."""

    bwrap: str
    prlimit: str
    python: tuple[str, ...]
    tmp_bytes: int
    shared_memory_bytes: int
    address_space_bytes: int
    file_bytes: int
    # None where the operating system would count what this uid runs outside of the jail too
    processes: int | None


class JailSettingsError(ValueError):
    """A jail was promised, and how to make it cannot be understood."""


def read_settings(environment: Mapping[str, str]) -> JailSettings | None:
    """The jail that was promised, or None where none was."""
    text = environment.get(VARIABLE, NONE)
    if text == NONE:
        return None
    try:
        document = json.loads(text)
    except ValueError as problem:
        raise JailSettingsError(f"{VARIABLE} is neither {NONE!r} nor JSON: {problem}") from problem
    if not isinstance(document, dict) or set(document) != {each.name for each in fields(JailSettings)}:
        names = ", ".join(each.name for each in fields(JailSettings))
        raise JailSettingsError(f"{VARIABLE} must be a JSON object with exactly these keys: {names}")
    return JailSettings(**{each.name: _value(each.name, document[each.name]) for each in fields(JailSettings)})


def _value(name: str, value: object) -> Any:
    if name == "processes" and value is None:
        return None
    if name.endswith("_bytes") or name == "processes":
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
        raise JailSettingsError(f"{VARIABLE}: {name} must be a positive number")
    if name == "python":
        if isinstance(value, list) and all(_is_path(each) for each in value):
            return tuple(value)
        raise JailSettingsError(f"{VARIABLE}: {name} must be a list of absolute paths")
    if _is_path(value):
        return value
    raise JailSettingsError(f"{VARIABLE}: {name} must be an absolute path")


def _is_path(value: object) -> bool:
    return isinstance(value, str) and value.startswith("/") and "\0" not in value
