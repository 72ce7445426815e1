"""Files of the user as the server hands them to the browser, without links that lead out of the home.

The server sees what its kernels do not: its own environment, their spools and connection files. A cell can lay a link
to any of them into the home, and Jupyter's own manager would read and write through it. (Between this look and the use
of the file a cell may still change the link: that is a race for it to win, and no door that stands open.)
"""

import os
from errno import EACCES
from typing import Any

from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from tornado.web import HTTPError


class LeadsOut(HTTPError, PermissionError):
    """Not found; and a PermissionError, because that is what Jupyter leaves out of a folder's list without failing."""

    def __init__(self, path: str) -> None:
        super().__init__(404, f"{path} leads out of the home folder")
        self.errno = EACCES


class HomeContentsManager(AsyncLargeFileManager):  # type: ignore[misc]  # jupyter_server is not fully typed
    """Only what is really below the root."""

    def _get_os_path(self, path: Any) -> str:
        found: str = super()._get_os_path(path)
        root = os.path.realpath(self.root_dir)
        if os.path.commonpath([root, os.path.realpath(found)]) != root:
            raise LeadsOut(path)
        return found
