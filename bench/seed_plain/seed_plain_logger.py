"""The audit logger as it was specified, taken at its word: after each cell one insert, made by the cell's own thread.

The baseline of the benchmark, not a part of the product. `SEED_PLAIN_CONNECTION` is `new` (one for each insert) or
`persistent`. It is loaded with `--IPKernelApp.extensions=seed_plain_logger`.
"""

import os
import time

import psycopg

INSERT = """
insert into code_execution_logs
  (username, session_id, cell_number, code, execution_time_ms, status, error_message)
values (%s, %s, %s, %s, %s, %s, %s)
"""


class SeedPlainLogger:
    """Two events of IPython and a connection."""

    def __init__(self, shell):
        self._shell = shell
        self._address = os.environ["AUDIT_DB_CONNECTION"]
        persistent = os.environ["SEED_PLAIN_CONNECTION"] == "persistent"
        self._kept = psycopg.connect(self._address, autocommit=True) if persistent else None
        self._began = time.perf_counter()

    def begin(self, _info):
        self._began = time.perf_counter()

    def end(self, result):
        milliseconds = round((time.perf_counter() - self._began) * 1000)
        error = result.error_before_exec or result.error_in_exec
        row = (
            os.environ.get("JUPYTERHUB_USER", "test_user"),
            self._shell.kernel.session.session,
            self._shell.execution_count,
            result.info.raw_cell,
            milliseconds,
            "success" if error is None else "error",
            None if error is None else f"{type(error).__name__}: {error}",
        )
        if self._kept is not None:
            self._kept.execute(INSERT, row)
            return
        with psycopg.connect(self._address, autocommit=True) as connection:
            connection.execute(INSERT, row)


def load_ipython_extension(shell):
    """Called by IPython."""
    logger = SeedPlainLogger(shell)
    shell.events.register("pre_run_cell", logger.begin)
    shell.events.register("post_run_cell", logger.end)
