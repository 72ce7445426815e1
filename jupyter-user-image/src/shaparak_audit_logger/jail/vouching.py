"""Who a delivery says it comes from, and whether one kernel's process may say that.

The socket shows which kernel speaks. Within its process anything can speak, so only the first sensor instance that is
heard after a launch is believed: the sensor starts before there is a kernel that could run a cell.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from json.scanner import py_make_scanner  # type: ignore[attr-defined]  # undocumented, and there since 2.7
from typing import Any, Literal

Reason = Literal["kernel-id", "second-instance"]
LONGEST_NAME = 200


@dataclass(frozen=True)
class Claim:
    """What a delivery says about its sensor."""

    kernel_id: str
    instance: str


@dataclass(frozen=True)
class Refusal:
    """A claim that this kernel's process may not make."""

    claim: Claim
    reason: Reason


def _patient_decoder() -> json.JSONDecoder:
    decoder = json.JSONDecoder()
    decoder.scan_once = py_make_scanner(decoder)  # type: ignore[attr-defined]
    return decoder


def read_claim(body: bytes) -> Claim | None:
    """The claim of a delivery, or None if it is no delivery.

    The whole body is read although the sensor writes this part first: of two parts with the same name JSON's readers,
    here and at the intake, keep the last one.
    """
    return _read(body, json.loads)


def read_claim_patiently(body: bytes) -> Claim | None:
    """The same for a thread. The usual reader is one call of C code that lets no other thread run: a body of 8 MiB
    that is nothing but brackets would stop the server for a second. This one gives way after each of them."""
    return _read(body, _patient_decoder().decode)


def _read(body: bytes, decode: Callable[[str], Any]) -> Claim | None:
    try:
        document = decode(body.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    sensor = document.get("sensor") if isinstance(document, dict) else None
    if not isinstance(sensor, dict):
        return None
    kernel_id, instance = sensor.get("kernel_id"), sensor.get("instance")
    if isinstance(kernel_id, str) and isinstance(instance, str) and 0 < len(instance) <= LONGEST_NAME:
        return Claim(kernel_id, instance)
    return None


class Voucher:
    """Judges the deliveries of one kernel process."""

    def __init__(self, kernel_id: str) -> None:
        self._kernel_id = kernel_id
        self._instance: str | None = None

    def judge(self, claim: Claim) -> Refusal | None:
        """Why the claim is not to be believed, or None."""
        if claim.kernel_id != self._kernel_id:
            return Refusal(claim, "kernel-id")
        if self._instance is None:
            self._instance = claim.instance
        return None if claim.instance == self._instance else Refusal(claim, "second-instance")


def refused_delivery(kernel_id: str, refusal: Refusal, observed_at: str) -> bytes:
    """What the intake is told about a delivery that was refused."""
    report = {
        "kernel_id": kernel_id,
        "claimed_kernel_id": refusal.claim.kernel_id[:LONGEST_NAME],
        "instance": refusal.claim.instance[:LONGEST_NAME],
        "reason": refusal.reason,
        "observed_at": observed_at,
    }
    return json.dumps(report).encode("ascii")
