"""kill -9 at random moments: what a process had handed over before is never missing, and never twice."""

import random
import subprocess
import sys
from pathlib import Path

from intake_double import IntakeDouble
from shaparak_audit_logger.clock import Clock
from shaparak_audit_logger.intake import Intake
from shaparak_audit_logger.leftovers import drain_leftovers

# records as fast as it can, and says each number once it is handed over; small segments, so that they change often
WRITER = """
import sys
from pathlib import Path
from shaparak_audit_logger import sensor, spool
from shaparak_audit_logger.clock import Clock
spool.SEGMENT_BYTES = 2000
made = sensor.Sensor(sensor.SensorSettings("k", sys.argv[1], Path(sys.argv[2]), None), Clock(), lambda said: None)
made.start()
number = 0
while True:
    number += 1
    made.record("execution_started", {"code": str(number), "silent": False})
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
"""
ROUNDS = 8


def test_killed_at_random_moments(short_directory: Path, intake: IntakeDouble) -> None:
    spool = short_directory / "spool"
    draw = random.Random(20261123)
    for round_number in range(ROUNDS):
        known = set(intake.sensors)
        if round_number % 2:
            intake.stop()
        writer = subprocess.Popen(
            [sys.executable, "-I", "-c", WRITER, intake.address, str(spool)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        said = [writer.stdout.readline() for _ in range(draw.randrange(1, 3000))]
        writer.kill()
        said += writer.stdout.read().splitlines(keepends=True)
        writer.wait()
        writer.stdout.close()
        if round_number % 2:
            intake.start()
        assert drain_leftovers(spool, Intake(intake.address), Clock(), print) is None
        (instance,) = set(intake.sensors) - known
        records = sorted((number, record) for (owner, number), record in intake.records.items() if owner == instance)
        assert [number for number, _ in records] == list(range(1, len(records) + 1)), "no hole"
        codes = [record["code"] for _, record in records if record["type"] == "execution_started"]
        handed_over = len([line for line in said if line.endswith("\n")])
        assert codes == [str(number) for number in range(1, len(codes) + 1)]
        assert handed_over <= len(codes) <= handed_over + 1
        assert list(spool.iterdir()) == [], "nothing is left when everything is delivered"
