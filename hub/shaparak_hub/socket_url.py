"""Unix sockets as the Hub writes them in URLs."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote


def socket_url(path: Path) -> str:
    """`http+unix://%2frun%2f…`, with upper-case letters escaped too.

    The Hub takes the path out of the URL as a host name, and urllib lower-cases host names: without the escape a
    socket below a folder like /var/folders/x/T is looked for in a folder that does not exist.
    """
    escaped = quote(str(path), safe='')
    return 'http+unix://' + ''.join(f'%{ord(each):02x}' if each.isupper() else each for each in _lower_escapes(escaped))


def _lower_escapes(escaped: str) -> str:
    pieces = escaped.split('%')
    return pieces[0] + ''.join(f'%{piece[:2].lower()}{piece[2:]}' for piece in pieces[1:])
