"""What the sensor says: the fields of each observation, made fit for the contract (contract/src/observation.ts).

Text is kept exactly up to 1 MiB of UTF-8. Beyond that its head and tail travel with the length and digest of the whole.
Lone surrogates and NUL survive because everything is written as ASCII JSON.
"""

import hashlib
import json
from typing import Any

MAXIMUM_TEXT_BYTES = 1 << 20
HEAD_BYTES = 512 << 10
TAIL_BYTES = 256 << 10
MAXIMUM_NAME = 1000  # the contract's bound for names that a client chooses
TRUNCATION_MARK = "\n…[truncated]…\n"

Fields = dict[str, Any]
_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode
_sha256 = hashlib.sha256


def redact(text: str) -> str:
    """The one place where sensitive text is replaced, before anything is written. Identity for now."""
    return text


def encode(fields: Fields) -> bytes:
    """ASCII JSON of an observation; lone surrogates become \\udXXX escapes."""
    return _encode(fields).encode("ascii")


def long_text(name: str, text: str, digest_name: str | None = None) -> Fields:
    """The field `name`, shortened when it is over 1 MiB, then with `<digest_name>_truncated` beside it."""
    text = redact(text)
    if len(text) * 4 <= MAXIMUM_TEXT_BYTES:  # no character has more than 4 bytes: most texts need no encoding here
        return {name: text}
    whole = text.encode("utf-8", "surrogatepass")
    if len(whole) <= MAXIMUM_TEXT_BYTES:
        return {name: text}
    head = whole[: _boundary(whole, HEAD_BYTES)].decode("utf-8", "surrogatepass")
    tail = whole[_boundary(whole, len(whole) - TAIL_BYTES) :].decode("utf-8", "surrogatepass")
    digest = {"bytes": len(whole), "sha256": _sha256(whole).hexdigest()}
    return {name: head + TRUNCATION_MARK + tail, f"{digest_name or name}_truncated": digest}


def _boundary(encoded: bytes, index: int) -> int:
    """The nearest start of a character at or before `index`."""
    while index > 0 and index < len(encoded) and encoded[index] & 0xC0 == 0x80:
        index -= 1
    return index


def name(value: object) -> str:
    """A client's name for something, as text within the contract's bound; a longer one keeps its digest."""
    text = value if isinstance(value, str) else "" if value is None else str(value)
    if len(text) <= MAXIMUM_NAME:
        return text
    return f"{text[:900]}…{_sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"


def optional_name(value: object) -> str | None:
    """Like `name`, but absent stays absent."""
    return None if value is None else name(value)


def error(error_name: str, value: str) -> Fields:
    """Name and message of an error, in the seed's form `ename: evalue`."""
    message = f"{error_name}: {value}" if value else error_name
    return {"error_name": name(error_name), **long_text("error_message", message, "error")}
