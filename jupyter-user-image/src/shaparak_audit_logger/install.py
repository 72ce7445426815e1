"""Writes the kernel spec and the configuration of Jupyter into an environment. Running it again changes nothing."""

import json
import os
from importlib.resources import files
from pathlib import Path

# directories that IPython would otherwise try to create in its profile, which is read-only
PROFILE_DIRECTORIES = ("db", "log", "pid", "security", "startup")


def kernel_spec(prefix: Path) -> dict[str, object]:
    """The spec of the one kernel: everything that starts the sensor is in its command line, beyond the user's reach."""
    ipython = str(prefix / "etc" / "ipython_ro")
    return {
        "argv": [
            str(prefix / "bin" / "python3"),
            "-I",
            "-m",
            "shaparak_audit_logger.launch",
            "-f",
            "{connection_file}",
            "--IPKernelApp.kernel_class=shaparak_audit_logger.kernel.AuditKernel",
            "--IPKernelApp.extensions=shaparak_audit_logger",
            f"--IPKernelApp.ipython_dir={ipython}",
            "--HistoryManager.hist_file=:memory:",
        ],
        "display_name": "Python 3 (Shaparak)",
        "language": "python",
        "env": {"IPYTHONDIR": ipython},
        "metadata": {"debugger": False},
    }


def install(prefix: Path) -> list[Path]:
    """Write everything below the prefix; returns what was written."""
    prefix = prefix.resolve()
    source = files(__package__) / "prefix"
    jupyter = prefix / "etc" / "jupyter"
    written = [
        _write(
            prefix / "share" / "jupyter" / "kernels" / "python3" / "kernel.json",
            json.dumps(kernel_spec(prefix), indent=2) + "\n",
        ),
        _write(jupyter / "jupyter_server_config.py", (source / "jupyter_server_config.py").read_text("utf-8")),
        _write(jupyter / "labconfig" / "page_config.json", _page_config((source / "locked.json").read_text("utf-8"))),
        _write(
            prefix / "share" / "jupyter" / "lab" / "settings" / "overrides.json",
            (source / "overrides.json").read_text("utf-8"),
        ),
    ]
    for name in PROFILE_DIRECTORIES:
        (prefix / "etc" / "ipython_ro" / "profile_default" / name).mkdir(parents=True, exist_ok=True)
    return [*written, prefix / "etc" / "ipython_ro"]


def _page_config(locked: str) -> str:
    names: list[str] = json.loads(locked)
    extensions = dict.fromkeys(names, True)
    configuration = {
        "disabledExtensions": extensions,
        "lockedExtensions": extensions,
        # Lab would ask for a rebuild at every load, which the gateway refuses
        "buildCheck": False,
        "buildAvailable": False,
    }
    return json.dumps(configuration, indent=2) + "\n"


def _write(path: Path, text: str) -> Path:
    """Replace a file as a whole: a server that starts just now reads the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_text(text, "utf-8")
    unfinished.chmod(0o644)
    unfinished.replace(path)
    return path
