"""The name `db` in the user's namespace. Data access itself is not part of this version; until then it says so."""

from typing import NoReturn

MESSAGE = (
    "⛔ دسترسی به داده‌ها هنوز پیکربندی نشده است. با مدیر سامانه تماس بگیرید.\n"
    "   Data access is not configured yet. Please ask your administrator."
)


class DataAccessNotConfigured(RuntimeError):
    """Raised by every call on `db` while no data source is configured."""

    def __init__(self) -> None:
        super().__init__(MESSAGE)

    def _render_traceback_(self) -> list[str]:
        # IPython shows this instead of the call stack, which would tell the analyst nothing
        return [MESSAGE]


class Database:
    """Access to the customers' data, as the banner announces it."""

    def get_customers(self) -> NoReturn:
        """Return the customers as a table."""
        raise DataAccessNotConfigured

    def get_transactions(self) -> NoReturn:
        """Return the transactions as a table."""
        raise DataAccessNotConfigured

    def query(self, sql: str) -> NoReturn:
        """Return the result of an SQL query as a table."""
        raise DataAccessNotConfigured

    def __repr__(self) -> str:
        return (
            "db: دسترسی به داده‌ها (هنوز پیکربندی نشده) / data access (not configured yet)\n"
            "    db.get_customers()   db.get_transactions()   db.query(sql)"
        )
