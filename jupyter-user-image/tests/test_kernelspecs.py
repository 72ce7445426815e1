"""Which kernels exist."""

import json
import sys
from pathlib import Path

import pytest
from jupyter_client.kernelspec import NoSuchKernel
from jupyter_client.provisioning import KernelProvisionerFactory

from shaparak_audit_logger.jail.provisioner import JailProvisioner
from shaparak_audit_logger.kernelspecs import InstalledKernelSpecManager


@pytest.fixture
def specs(tmp_path: Path) -> InstalledKernelSpecManager:
    for name in ("python3", "bash"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "kernel.json").write_text(
            json.dumps({"argv": [name], "display_name": name, "language": "python"})
        )
    manager = InstalledKernelSpecManager(allowed_kernelspecs={"python3"})
    manager.kernel_dirs = [str(tmp_path)]
    return manager


def test_an_allowed_kernel_is_found(specs: InstalledKernelSpecManager) -> None:
    assert specs.get_kernel_spec("python3").argv == ["python3"]
    assert list(specs.get_all_specs()) == ["python3"]


@pytest.mark.parametrize("name", ["bash", "BASH", "../python3", "nothing"])
def test_any_other_is_not(specs: InstalledKernelSpecManager, name: str) -> None:
    with pytest.raises(NoSuchKernel):
        specs.get_kernel_spec(name)


def test_every_spec_is_started_in_a_jail(specs: InstalledKernelSpecManager, tmp_path: Path) -> None:
    file = tmp_path / "python3" / "kernel.json"
    spec = json.loads(file.read_text())
    for metadata in ({}, {"kernel_provisioner": {"provisioner_name": "local-provisioner"}, "debugger": False}):
        file.write_text(json.dumps({**spec, "metadata": metadata}))
        found = specs.get_kernel_spec("python3")
        provisioner = KernelProvisionerFactory.instance().create_provisioner_instance("k", found, parent=None)
        assert type(provisioner) is JailProvisioner
        assert found.metadata.get("debugger") == metadata.get("debugger")


def test_the_user_has_no_say(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    assert InstalledKernelSpecManager().kernel_dirs == [f"{sys.prefix}/share/jupyter/kernels"]
    assert InstalledKernelSpecManager().ensure_native_kernel is False
