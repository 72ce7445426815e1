"""`python -m shaparak_audit_logger install --prefix PREFIX`: configure an environment."""

import argparse
import sys
from pathlib import Path

from .install import install


def main() -> int:
    """Parse the command line and do it."""
    parser = argparse.ArgumentParser(prog="python -m shaparak_audit_logger", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("install", help="write the kernel spec and Jupyter's configuration into a prefix")
    command.add_argument("--prefix", type=Path, default=Path(sys.prefix), help="the Python environment (this one)")
    arguments = parser.parse_args()
    try:
        for path in install(arguments.prefix):
            print(path)
    except OSError as problem:
        print(f"cannot install into {arguments.prefix}: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
