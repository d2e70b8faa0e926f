"""A fleet's CPU and memory readings: made here, or AWS's own sample files.

AWS publishes a DevOps sample as two CSV files without headers: `sample.csv` with one measure a row and
`sample-multi.csv` with both measures in one. The suite makes an equivalent fleet; with TIMEBROOK_SAMPLE_DIR set to the
folder of those two files it loads them instead.
"""

import csv
import os
import random
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

# The sample's own span begins here: milliseconds since the epoch, March 2020.
START_MS = 1_584_494_909_218
SPAN_MS = 652_680
MEASURES = ("cpu_utilization", "memory_utilization")


@dataclass(frozen=True)
class Reading:
    """Both measures of one host at one time."""

    region: str
    az: str
    hostname: str
    time_ms: int
    cpu_utilization: float
    memory_utilization: float


def made_readings() -> list[Reading]:
    """5,000 readings of 105 hosts in seven regions, the same at every run."""
    rng = random.Random(20200318)
    regions = ["us-east-1", "us-west-1", "us-east-2", "us-west-2", "ap-east-1", "eu-central-1", "eu-north-1"]
    hosts = [
        (region, f"{region}{zone}", f"host-{rng.getrandbits(32):08x}")
        for region in regions
        for zone in "abc"
        for _ in range(5)
    ]
    readings = []
    for i in range(5_000):
        region, az, hostname = hosts[i % len(hosts)]
        time_ms = START_MS + i * SPAN_MS // 4_999
        cpu, memory = (rng.uniform(1, 100) for _ in MEASURES)
        readings.append(Reading(region, az, hostname, time_ms, cpu, memory))
    return readings


def file_readings(folder: Path) -> list[Reading]:
    """The readings of AWS's files; both must hold the same."""
    singles: dict[tuple, dict[str, float]] = {}
    with (folder / "sample.csv").open(newline="") as file:
        for _, region, _, az, _, hostname, measure, value, _, time, _ in csv.reader(file):
            singles.setdefault((region, az, hostname, milliseconds(time)), {})[measure] = float(value)
    readings = []
    with (folder / "sample-multi.csv").open(newline="") as file:
        # The two measures come in either order.
        for _, region, _, az, _, hostname, time, _, first, value, _, second, other, _ in csv.reader(file):
            values = {first: float(value), second: float(other)}
            readings.append(Reading(region, az, hostname, milliseconds(time), **values))
    assert len(singles) == len(readings) == 5_000
    for reading in readings:
        values = singles[(reading.region, reading.az, reading.hostname, reading.time_ms)]
        assert values == {measure: getattr(reading, measure) for measure in MEASURES}
    return readings


def milliseconds(text: str) -> int:
    """`2020-03-18 01:28:29.218000000` as milliseconds since the epoch."""
    whole, fraction = text.split(".")
    second = datetime.strptime(whole, "%Y-%m-%d %H:%M:%S").replace(tzinfo=timezone.utc)
    return int(second.timestamp()) * 1000 + int(fraction) // 1_000_000


def readings() -> list[Reading]:
    """AWS's files when TIMEBROOK_SAMPLE_DIR names their folder, else the made fleet."""
    folder = os.environ.get("TIMEBROOK_SAMPLE_DIR")
    return file_readings(Path(folder)) if folder else made_readings()


def dimensions(reading: Reading) -> list[dict]:
    """A reading's dimensions as WriteRecords takes them."""
    return [{"Name": name, "Value": getattr(reading, name)} for name in ("region", "az", "hostname")]


def single_records(fleet: list[Reading]) -> list[dict]:
    """Two single-measure records a reading."""
    return [
        {
            "Dimensions": dimensions(reading),
            "MeasureName": measure,
            "MeasureValue": repr(getattr(reading, measure)),
            "MeasureValueType": "DOUBLE",
            "Time": str(reading.time_ms),
        }
        for reading in fleet
        for measure in MEASURES
    ]


def multi_records(fleet: list[Reading]) -> list[dict]:
    """One multi-measure record a reading."""
    return [
        {
            "Dimensions": dimensions(reading),
            "MeasureName": "metrics",
            "MeasureValueType": "MULTI",
            "MeasureValues": [
                {"Name": measure, "Value": repr(getattr(reading, measure)), "Type": "DOUBLE"} for measure in MEASURES
            ],
            "Time": str(reading.time_ms),
        }
        for reading in fleet
    ]
