"""What a promise of jails must look like, and the command line that it becomes."""

import json
from pathlib import Path
from typing import Any

import pytest

from shaparak_audit_logger.jail.command import KernelJail, jail_arguments
from shaparak_audit_logger.jail.folders import kernel_folders
from shaparak_audit_logger.jail.settings import JailSettingsError, read_settings

GOOD: dict[str, Any] = {
    "bwrap": "/usr/bin/bwrap",
    "prlimit": "/usr/bin/prlimit",
    "python": ["/home/ali/environment"],
    "tmp_bytes": 11,
    "shared_memory_bytes": 22,
    "address_space_bytes": 33,
    "file_bytes": 44,
    "processes": 55,
}


def arguments(**changes: Any) -> list[str]:
    settings = read_settings({"SHAPARAK_KERNEL_JAIL": json.dumps({**GOOD, **changes})})
    assert settings is not None
    folders = kernel_folders(Path("/run/rt"), Path("/var/spool/shaparak"), "k1")
    return jail_arguments(KernelJail(settings, folders, Path("/home/ali"), {"LANG": "C"}), Path("/home/ali"), ["run"])


def has_sequence(found: list[str], *sequence: str) -> bool:
    return any(tuple(found[at : at + len(sequence)]) == sequence for at in range(len(found)))


@pytest.mark.parametrize("environment", [{}, {"SHAPARAK_KERNEL_JAIL": "none"}])
def test_nothing_is_promised(environment: dict[str, str]) -> None:
    assert read_settings(environment) is None


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"bwrap": "bwrap"}, "bwrap must be an absolute path"),
        ({"python": "/x"}, "python must be a list"),
        ({"python": ["x"]}, "python must be a list"),
        ({"tmp_bytes": 0}, "tmp_bytes must be a positive number"),
        ({"processes": True}, "processes must be a positive number"),
        ({"surprise": 1}, "exactly these keys"),
    ],
)
def test_a_wrong_promise_is_named(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(JailSettingsError, match=sentence):
        read_settings({"SHAPARAK_KERNEL_JAIL": json.dumps({**GOOD, **change})})


def test_only_the_kernels_own_is_writable() -> None:
    found = arguments()
    writable = [found[at + 1] for at, each in enumerate(found) if each == "--bind"]
    assert writable == ["/home/ali", "/run/rt/k1/s", "/var/spool/shaparak/k1"]
    assert has_sequence(found, "--ro-bind", "/run/rt/k1/audit", "/run/audit")
    assert has_sequence(found, "--remount-ro", "/")


def test_an_environment_below_the_home_stays_visible_and_read_only() -> None:
    found = arguments()
    assert found.index("/home/ali") < found.index("/home/ali/environment")
    assert has_sequence(found, "--ro-bind", "/home/ali/environment", "/home/ali/environment")


def test_limits_hold_inside() -> None:
    found = arguments()
    assert found[found.index("--", found.index("--chdir")) :] == [
        *("--", "/usr/bin/prlimit", "--as=33", "--fsize=44", "--nproc=55", "--core=0", "--", "run")
    ]
    assert has_sequence(found, "--size", "22", "--tmpfs", "/dev/shm")
    assert has_sequence(found, "--size", "11", "--tmpfs", "/tmp")
    assert not [each for each in arguments(processes=None) if each.startswith("--nproc")]


@pytest.mark.parametrize("kernel_id", ["", "..", "a/b", "a" * 65, "a\nb"])
def test_a_kernel_id_that_is_no_folder_is_refused(kernel_id: str) -> None:
    with pytest.raises(ValueError, match="cannot be the name of a folder"):
        kernel_folders(Path("/run/rt"), None, kernel_id)


def test_a_runtime_directory_too_long_for_sockets_is_refused() -> None:
    with pytest.raises(ValueError, match="too long for a unix socket"):
        kernel_folders(Path("/" + "x" * 70), None, "a" * 36)
