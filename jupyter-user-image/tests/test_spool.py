"""The spool by itself: every place that a record can be in, and the way between them."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from intake_double import IntakeDouble
from shaparak_audit_logger import segments as segments_module
from shaparak_audit_logger import spool as spool_module
from shaparak_audit_logger.clock import Clock
from shaparak_audit_logger.delivery import Courier, Delivered, Waiting
from shaparak_audit_logger.intake import Intake
from shaparak_audit_logger.jail.folders import kernel_folders
from shaparak_audit_logger.leftovers import drain_leftovers, drain_spool
from shaparak_audit_logger.segments import SegmentReader, sensor_path
from shaparak_audit_logger.spool import Spool

INSTANCE = "11111111-2222-3333-4444-555555555555"
SENSOR = json.dumps({"instance": INSTANCE, "kernel_id": "k"}).encode()


def body(text: str) -> bytes:
    return json.dumps({"observed_at": "2026-11-23T00:00:00.000000Z", "type": "x", "code": text}).encode()


@pytest.fixture
def directory(short_directory: Path) -> Path:
    return short_directory / "spool"


@pytest.fixture
def spool(directory: Path) -> Iterator[Spool]:
    made = Spool(directory, INSTANCE, SENSOR, Clock())
    yield made
    made.close(delivered=False)


def courier(spool: Spool, intake: IntakeDouble, log: list[str] | None = None) -> Courier:
    return Courier(Intake(intake.address), SENSOR, spool, Clock(), (log if log is not None else []).append)


def codes(intake: IntakeDouble) -> list[str]:
    return [record.get("code", record.get("reason")) for _, record in sorted(intake.records.items())]


def full_disk(monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    """A disk that takes `room` more bytes, and then half a line, as Linux does it."""
    left = [room]

    def write(descriptor: int, data: bytes) -> int:
        if left[0] <= 0:
            raise OSError(28, "No space left on device")
        taken = os.write(descriptor, data[: left[0]])
        left[0] -= taken
        return taken

    monkeypatch.setattr(spool_module, "_write", write)


def test_a_full_disk_loses_nothing_while_memory_lasts(
    spool: Spool, intake: IntakeDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool.append(body("one"))
    full_disk(monkeypatch, 50)
    for text in ("two", "three"):
        spool.append(body(text))
    spool.settle()
    assert spool.problem
    assert isinstance(courier(spool, intake).deliver(), Delivered)
    assert codes(intake) == ["one", "two", "three"]


def test_memory_goes_back_to_disk_when_there_is_room(
    spool: Spool, directory: Path, intake: IntakeDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    full_disk(monkeypatch, 50)
    spool.append(body("one"))
    monkeypatch.undo()
    spool.append(body("two"))
    spool.settle()
    assert spool.problem is None
    lines = SegmentReader(directory, INSTANCE).read(10, 1 << 20)
    assert [(line.sequence, json.loads(line.json)["code"]) for line in lines] == [(1, "one"), (2, "two")]
    assert isinstance(courier(spool, intake).deliver(), Delivered)
    assert codes(intake) == ["one", "two"]
    assert intake.duplicates == 0


def test_what_memory_cannot_hold_is_counted(
    spool: Spool, intake: IntakeDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_module, "MEMORY_RECORDS", 4)
    full_disk(monkeypatch, 0)
    for number in range(8):
        spool.append(body(str(number)))
    sender = courier(spool, intake)
    assert isinstance(sender.deliver(), Delivered)
    spool.append(body("later"))
    assert isinstance(sender.deliver(), Delivered)
    assert codes(intake) == ["0", "1", "2", "spool-full", "later"]
    (gap,) = intake.of_type("gap")
    assert gap["count"] == 5


def test_what_is_recorded_during_a_delivery_waits_for_the_next(spool: Spool, intake: IntakeDouble) -> None:
    spool.append(body("one"))
    through = spool.newest
    spool.append(body("two"))
    sender = courier(spool, intake)
    intake.refuse = lambda record: record["sequence"] == 1 and bool(spool.append(body("meanwhile")))
    assert isinstance(sender.deliver(None, through), Delivered)
    assert codes(intake) == ["one", "two"]
    assert isinstance(sender.deliver(None, spool.newest), Delivered)
    assert codes(intake) == ["one", "two", "meanwhile"]


def test_acknowledged_segments_are_deleted_and_numbers_go_on(
    spool: Spool, directory: Path, intake: IntakeDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_module, "SEGMENT_BYTES", 1000)
    sender = courier(spool, intake)
    for number in range(100):
        spool.append(body(str(number)))
        spool.settle()
        if number % 30 == 29:
            assert len(list(directory.glob("*.jsonl"))) > 1
            assert isinstance(sender.deliver(), Delivered)
            assert len(list(directory.glob("*.jsonl"))) == 1
    assert isinstance(sender.deliver(), Delivered)
    assert codes(intake) == [str(number) for number in range(100)]
    assert intake.duplicates == 0


def test_nothing_is_deleted_that_is_not_acknowledged(
    spool: Spool, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_module, "SEGMENT_BYTES", 300)
    for number in range(30):
        spool.append(body(str(number)))
        spool.settle()
    spool.acknowledge(10)
    left = [line.sequence for line in SegmentReader(directory, INSTANCE).read(100, 1 << 20)]
    assert 1 < left[0] <= 11
    assert left == list(range(left[0], 31))


def test_a_slow_disk_does_not_hold_up_the_cell(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "SEGMENT_BYTES", 100)
    taken: list[bool] = []
    monkeypatch.setattr(spool_module, "_fsync", lambda _: taken.append(spool._lock.locked()))
    for number in range(3):
        spool.append(body(str(number) * 200))
        spool.settle()
    assert taken and not any(taken)


def test_batches_are_bounded(spool: Spool, intake: IntakeDouble) -> None:
    for _ in range(450):
        spool.append(body("small"))
    for _ in range(5):
        spool.append(body("x" * (2 << 20)))
    courier(spool, intake).deliver()
    sizes = [len(delivery["observations"]) for delivery in intake.deliveries]
    assert sum(sizes) == 455
    assert max(sizes) == 200
    assert max(len(json.dumps(delivery)) for delivery in intake.deliveries) < 7 << 20


def test_an_intake_that_forgot_gets_everything_that_is_kept(spool: Spool, intake: IntakeDouble) -> None:
    sender = courier(spool, intake)
    for text in ("one", "two", "three"):
        spool.append(body(text))
    sender.deliver()
    del intake.records[(INSTANCE, 2)]
    spool.append(body("four"))
    assert isinstance(sender.deliver(), Delivered)
    assert codes(intake) == ["one", "two", "three", "four"]


def test_an_intake_that_misses_what_is_gone_is_not_asked_for_ever(
    spool: Spool, intake: IntakeDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_module, "SEGMENT_BYTES", 100)
    sender = courier(spool, intake)
    spool.append(body("one"))
    sender.deliver()
    intake.records.clear()
    spool.append(body("two"))
    spool.settle()
    assert isinstance(sender.deliver(), Delivered)
    assert "two" in codes(intake)


def test_a_living_instance_is_not_drained(spool: Spool, directory: Path, intake: IntakeDouble) -> None:
    spool.append(body("mine"))
    assert drain_leftovers(directory, Intake(intake.address), Clock(), print) is None
    assert intake.records == {}


def test_a_dead_instance_is_drained_and_removed(spool: Spool, directory: Path, intake: IntakeDouble) -> None:
    spool.append(body("one"))
    spool.append(body("two"))
    spool.close(delivered=False)
    assert drain_leftovers(directory, Intake(intake.address), Clock(), print) is None
    assert codes(intake) == ["one", "two"]
    assert intake.sensors[INSTANCE]["kernel_id"] == "k"
    assert list(directory.iterdir()) == []


def test_a_line_torn_by_death_becomes_a_gap(spool: Spool, directory: Path, intake: IntakeDouble) -> None:
    spool.append(body("whole"))
    spool.append(body("torn"))
    spool.close(delivered=False)
    (segment,) = directory.glob("*.jsonl")
    segment.write_bytes(segment.read_bytes()[:-9])
    drain_leftovers(directory, Intake(intake.address), Clock(), print)
    assert codes(intake) == ["whole", "torn-by-death"]
    assert list(directory.iterdir()) == []


def test_leftovers_stay_while_the_intake_is_away(spool: Spool, directory: Path, intake: IntakeDouble) -> None:
    spool.append(body("one"))
    spool.close(delivered=False)
    intake.stop()
    before = sorted(directory.iterdir())
    assert isinstance(drain_leftovers(directory, Intake(intake.address), Clock(), print), Waiting)
    assert sorted(directory.iterdir()) == before
    intake.start()
    assert drain_leftovers(directory, Intake(intake.address), Clock(), print) is None
    assert codes(intake) == ["one"]


def test_damaged_leftovers_stay_for_a_person(directory: Path, intake: IntakeDouble) -> None:
    directory.mkdir()
    sensor_path(directory, INSTANCE).write_text("{")
    said: list[str] = []
    drain_leftovers(directory, Intake(intake.address), Clock(), said.append)
    assert sensor_path(directory, INSTANCE).exists()
    assert "damaged" in said[0]


@pytest.mark.parametrize("address", ["", "postgresql://db", "http+unix://relative.sock", "http+unix:///no/such.sock"])
def test_an_unusable_address_is_a_reason_and_no_error(spool: Spool, address: str) -> None:
    spool.append(body("one"))
    outcome = Courier(Intake(address), SENSOR, spool, Clock(), print).deliver()
    assert isinstance(outcome, Waiting)
    assert outcome.reason


def test_real_full_file_system(short_directory: Path, intake: IntakeDouble) -> None:
    """ENOSPC as a real file system gives it: only /dev/full needs no privilege, so the segment is put onto it."""
    spool = Spool(short_directory / "spool", INSTANCE, SENSOR, Clock())
    assert spool._segment is not None
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, spool._segment)
    os.close(full)
    spool.append(body("one"))
    assert isinstance(courier(spool, intake).deliver(), Delivered)
    assert codes(intake) == ["one"]
    assert "No space left" in (spool.problem or "")
    spool.close(delivered=False)


def test_what_is_no_plain_file_is_put_aside(directory: Path, intake: IntakeDouble, short_directory: Path) -> None:
    """A kernel's code writes in its spool, and the server reads it: no link is followed, no pipe waited for."""
    directory.mkdir()
    (short_directory / "secret").write_text(SENSOR.decode())
    sensor_path(directory, "link").symlink_to(short_directory / "secret")
    os.mkfifo(sensor_path(directory, "pipe"))
    said: list[str] = []
    assert drain_leftovers(directory, Intake(intake.address), Clock(), said.append) is None
    assert len(said) == 2
    assert sorted(path.name for path in directory.iterdir()) == ["link.refused", "pipe.refused"]
    assert intake.deliveries == []


def test_a_refused_record_follows_no_link(
    spool: Spool, directory: Path, intake: IntakeDouble, short_directory: Path
) -> None:
    target = short_directory / "target"
    (directory / f"{INSTANCE}.refused.jsonl").symlink_to(target)
    intake.refuse = lambda record: record.get("code") == "poison"
    spool.append(body("poison"))
    spool.close(delivered=False)
    said: list[str] = []
    drain_leftovers(directory, Intake(intake.address), Clock(), said.append)
    assert not target.exists()
    assert any("could not be kept" in each for each in said)


def test_a_line_longer_than_any_record_is_no_record(
    spool: Spool, directory: Path, intake: IntakeDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments_module, "LONGEST_LINE", 1000)
    spool.append(body("one"))
    spool.append(body("x" * 5000))
    spool.append(body("two"))
    spool.close(delivered=False)
    drain_leftovers(directory, Intake(intake.address), Clock(), print)
    assert codes(intake) == ["one", "two"]


def test_the_folder_says_whose_records_lie_in_it(short_directory: Path, intake: IntakeDouble) -> None:
    root = short_directory / "spool"
    for folder, kernel_id, instance in (
        ("k", "k", INSTANCE),
        ("k", "other", INSTANCE.replace("1", "6")),
        ("", "plain", INSTANCE.replace("1", "7")),
    ):
        identity = json.dumps({"instance": instance, "kernel_id": kernel_id}).encode()
        spool = Spool(root / folder, instance, identity, Clock())
        spool.append(body(f"{folder}/{kernel_id}"))
        spool.close(delivered=False)
    said: list[str] = []
    assert drain_spool(root, Intake(intake.address), Clock(), said.append) is None
    assert sorted(codes(intake)) == ["/plain", "k/k"]
    assert intake.vouched == {None, "k"}
    assert [(report["kernel_id"], report["claimed_kernel_id"]) for report in intake.reports] == [("k", "other")]
    assert len(list((root / "k").glob("*.refused"))) == 1
    # said once, not at every look
    assert drain_spool(root, Intake(intake.address), Clock(), said.append) is None
    assert len(said) == 1 and len(intake.reports) == 1


def test_a_folder_that_cannot_be_drained_holds_up_no_other(short_directory: Path, intake: IntakeDouble) -> None:
    root = short_directory / "spool"
    (root / "a").mkdir(parents=True)
    sensor_path(root / "a", "link").symlink_to("/nowhere")
    (root / "a" / "link.refused" / "full").mkdir(parents=True)
    spool = Spool(root / "k", INSTANCE, SENSOR, Clock())
    spool.append(body("one"))
    spool.close(delivered=False)
    said: list[str] = []
    assert drain_spool(root, Intake(intake.address), Clock(), said.append) is None
    assert codes(intake) == ["one"]
    assert "cannot be delivered" in said[0]


def test_empty_folders_of_dead_kernels_are_removed(short_directory: Path, intake: IntakeDouble) -> None:
    root = short_directory / "spool"
    living = kernel_folders(short_directory, root, "living")
    living.make()
    (root / "dead").mkdir()
    drain_spool(root, Intake(intake.address), Clock(), print)
    assert [path.name for path in root.iterdir()] == ["living"]
    living.remove()
    assert list(root.iterdir()) == []
