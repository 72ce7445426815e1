"""JupyterHub's configuration file: `SHAPARAK_HUB_SETTINGS=… python -m jupyterhub -f hub/jupyterhub_config.py`."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from shaparak_hub.configuration import configure
from shaparak_hub.parent import die_with_parent
from shaparak_hub.settings import SettingsError, read_settings

try:
    hub_settings = read_settings(os.environ)
except SettingsError as error:
    sys.exit(f'JupyterHub cannot start: {error}')
die_with_parent()
configure(get_config(), hub_settings)  # noqa: F821 - given by JupyterHub (traitlets) when it runs this file
