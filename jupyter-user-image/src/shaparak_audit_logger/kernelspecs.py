"""Only allowed kernels exist.

jupyter_client's `allowed_kernelspecs` filters the list, but a request for any other name still finds its spec, and
specs in the user's own folders come before the installation's. Every spec is started by our provisioner, also one
that names another: the jail is no choice of a spec.
"""

import sys
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
from traitlets import default

# as pyproject.toml registers jail/provisioner.py; without that entry no kernel starts
PROVISIONER = "shaparak-jail"


class InstalledKernelSpecManager(KernelSpecManager):  # type: ignore[misc]  # jupyter_client is not fully typed
    """Finds only kernel specs of the installation, and of those only the allowed ones."""

    @default("ensure_native_kernel")  # type: ignore[untyped-decorator]
    def _no_native_kernel(self) -> bool:
        return False

    @default("kernel_dirs")  # type: ignore[untyped-decorator]
    def _only_the_installation(self) -> list[str]:
        return [str(Path(sys.prefix) / "share" / "jupyter" / "kernels")]

    def get_kernel_spec(self, kernel_name: str) -> Any:
        """The spec of that name, if it is allowed."""
        if kernel_name not in self.find_kernel_specs():
            raise NoSuchKernel(kernel_name)
        spec = super().get_kernel_spec(kernel_name)
        spec.metadata = {**spec.metadata, "kernel_provisioner": {"provisioner_name": PROVISIONER}}
        return spec
