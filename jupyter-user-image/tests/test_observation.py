"""What the sensor says is what the contract allows."""

import json
import random
import re
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from conftest import Kernel
from intake_double import IntakeDouble
from shaparak_audit_logger import observation
from shaparak_audit_logger.clock import Clock
from shaparak_audit_logger.segments import gap_line

CONTRACT = Path(__file__).parents[2] / "contract" / "fixtures" / "observations"


def test_time_is_rfc_3339_with_microseconds() -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", Clock().now())


@pytest.mark.parametrize("text", ["سلام", "a\0b", "\ud800", "\udcff\U0001f512", '\u2028\r\n\t\\"'])
def test_text_survives_exactly(text: str) -> None:
    encoded = observation.encode(observation.long_text("code", text))
    assert encoded.isascii()
    assert json.loads(encoded)["code"] == text


@pytest.mark.parametrize("character", ["a", "é", "€", "🔒", "\ud800"])
def test_shortening_cuts_between_characters(character: str) -> None:
    draw = random.Random(7)
    text = "".join(draw.choice((character, "x")) for _ in range(1_100_000))
    fields = observation.long_text("code", text)
    whole = text.encode("utf-8", "surrogatepass")
    head, tail = fields["code"].split(observation.TRUNCATION_MARK)
    assert text.startswith(head) and text.endswith(tail)
    assert (512 << 10) - 4 < len(head.encode("utf-8", "surrogatepass")) <= 512 << 10
    assert fields["code_truncated"]["bytes"] == len(whole)


def test_names_that_a_client_makes_too_long_keep_their_difference() -> None:
    one, two = observation.name("m" * 5000 + "1"), observation.name("m" * 5000 + "2")
    assert len(one) <= 1000 and one != two
    assert observation.name(None) == "" and observation.optional_name(None) is None and observation.name(7) == "7"


FIELDS = {
    "sensor_started": "notebook_path",
    "execution_started": "msg_id client_session cell_id notebook_path cell_number code silent store_history",
    "execution_finished": "msg_id client_session outcome cell_number duration_us error_name error_message",
    "execution_not_run": "msg_id client_session cell_id notebook_path code reason",
    "gap": "count reason",
    "sensor_stopped": "",
}


def recorded(kernel: Kernel, intake: IntakeDouble) -> list[dict[str, Any]]:
    """At least one record of each type that a healthy kernel makes, and a gap."""
    for code in ("1 + 1", "1 / 0"):
        kernel.run(code)
    failing = kernel.client.execute("import time; time.sleep(0.3); 1 / 0"), kernel.client.execute("never = 1")
    for msg_id in failing:
        kernel.reply(msg_id)
    kernel.manager.shutdown_kernel()
    intake.wait_for(lambda: bool(intake.of_type("sensor_stopped")), "goodbye")
    return [*intake.records.values(), json.loads(gap_line(1, Clock().now(), 1, "spool-full").json)]


def test_records_have_exactly_the_fields_of_the_contract(kernel: Kernel, intake: IntakeDouble) -> None:
    records = recorded(kernel, intake)
    assert {record["type"] for record in records} == set(FIELDS)
    for record in records:
        assert set(record) == {"sequence", "observed_at", "type", *FIELDS[record["type"]].split()}
    (sensor,) = intake.sensors.values()
    assert set(sensor) == {"kind", "instance", "version", "kernel_id", "language", "started_at"}


@pytest.mark.skipif(not (CONTRACT / "valid.json").exists(), reason="the wheel is tested outside its checkout")
def test_records_have_the_shape_of_the_golden_fixtures(kernel: Kernel, intake: IntakeDouble) -> None:
    records = recorded(kernel, intake)
    golden: dict[str, set[frozenset[str]]] = {}
    for record in _observations(json.loads((CONTRACT / "valid.json").read_text("utf-8"))):
        keys = frozenset(key for key in record if not key.endswith("_truncated"))
        golden.setdefault(record["type"], set()).add(keys)
    for record in records:
        assert frozenset(record) in golden[record["type"]], record["type"]


def _observations(value: Any) -> list[dict[str, Any]]:
    """Every observation in the fixture, however it is wrapped."""
    if isinstance(value, list):
        return [found for item in value for found in _observations(item)]
    if isinstance(value, dict):
        if isinstance(value.get("sequence"), int) and isinstance(value.get("type"), str):
            return [value]
        return [found for item in value.values() for found in _observations(item)]
    return []


def test_long_texts_and_names_are_cut_as_the_gateway_cuts_them() -> None:
    fixture = json.loads((CONTRACT.parent / "bounded-text.json").read_text("utf-8"))
    for case in fixture["texts"]:
        whole = "".join(part["repeat"] * part["times"] for part in case["formula"])
        fields = observation.long_text("code", whole)
        kept = fields["code"].encode("utf-16-le", "surrogatepass")
        assert len(kept) // 2 == case["kept_units"], case["name"]
        assert sha256(kept).hexdigest() == case["kept_sha256"], case["name"]
        assert fields.get("code_truncated") == case["truncated"], case["name"]
