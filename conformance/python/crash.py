"""Kills a server at random moments under load, and checks what is there afterwards against what was acknowledged."""

import random
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import botocore.exceptions
from clients import Boto3, fresh_account, rows_of
from expectations import make_table, now_ms
from servers import running

GONE = (botocore.exceptions.HTTPClientError, botocore.exceptions.ConnectionError)
LANES = 4
RECORDS = 50
COUNTS = (
    "SELECT batch, count(*), min(measure_value::bigint), max(measure_value::bigint) FROM sensors.readings GROUP BY batch"
)
HOUR_MS = 3_600_000


class Ledger:
    """What was sent and what was acknowledged: of every batch the version."""

    def __init__(self):
        self.lock = threading.Condition()
        self.sent: dict[str, int] = {}
        self.acknowledged: dict[str, int] = {}
        self.answers = 0

    def check(self, rows: list[list]) -> None:
        """Every batch is there in full under one version: at least the acknowledged one, at most the one sent."""
        found = {batch: tuple(int(value) for value in values) for batch, *values in rows}
        for batch, version in self.acknowledged.items():
            assert batch in found, f"{batch} was acknowledged and is gone"
            assert found[batch][1] >= version, f"{batch}: version {version} was acknowledged, {found[batch]} is there"
        for batch, (count, lowest, highest) in found.items():
            assert (count, lowest) == (RECORDS, highest), f"{batch} is there in part: {count}, {lowest} to {highest}"
            assert highest <= self.sent[batch], f"{batch}: version {highest} was never sent"


def write(client: Boto3, ledger: Ledger, batch: str, at_ms: int) -> None:
    """Writes all records of a batch under the next version, which is also their value."""
    with ledger.lock:
        version = ledger.sent.get(batch, 0) + 1
        ledger.sent[batch] = version
    common = {
        "Dimensions": [{"Name": "batch", "Value": batch}],
        "MeasureName": "n",
        "MeasureValue": str(version),
        "MeasureValueType": "BIGINT",
        "Version": version,
    }
    records = [{"Time": str(at_ms + i)} for i in range(RECORDS)]
    names = {"DatabaseName": "sensors", "TableName": "readings"}
    client.call("write_records", **names, CommonAttributes=common, Records=records)
    with ledger.lock:
        ledger.acknowledged[batch] = max(version, ledger.acknowledged.get(batch, 0))
        ledger.answers += 1
        ledger.lock.notify()


def lane(url: str, account: str, ledger: Ledger, seed: int, now: int) -> None:
    """Writes new batches, recent and late ones, and old batches again, until the server is gone."""
    client, choose = Boto3("explicit", url, account), random.Random(seed)
    mine: dict[str, int] = {}
    while True:
        if mine and choose.random() < 0.4:
            batch = choose.choice(list(mine))
        else:
            batch = f"{seed}-{len(mine)}"
            mine[batch] = now - choose.choice([0, 1, 30, 100]) * HOUR_MS
        try:
            write(client, ledger, batch, mine[batch])
        except GONE:
            return


def tick(url: str, stop: threading.Event) -> None:
    """Lets rows move to the magnetic store again and again."""
    while not stop.wait(0.02):
        try:
            urllib.request.urlopen(urllib.request.Request(f"{url}/_timebrook/tick", method="POST"), timeout=30).close()
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return


def run(data_dir: Path, rounds: int, seed: int) -> Ledger:
    """Kills and restarts a server on one directory `rounds` times."""
    account, ledger, choose = fresh_account(), Ledger(), random.Random(seed)
    for number in range(rounds + 1):
        with running("--data-dir", str(data_dir), "--memory", "1", "--log", "warn") as server:
            client = Boto3("explicit", server.url, account)
            if number == 0:
                magnetic = {"EnableMagneticStoreWrites": True}
                retention = {"MemoryStoreRetentionPeriodInHours": 24, "MagneticStoreRetentionPeriodInDays": 7}
                make_table(client, MagneticStoreWriteProperties=magnetic, RetentionProperties=retention)
            elif ledger.acknowledged:
                ledger.check(rows_of(client, COUNTS))
            if number == rounds:
                break
            now, stop = now_ms(), threading.Event()
            with ThreadPoolExecutor(LANES + 1) as pool:
                seeds = range(1000 * number, 1000 * number + LANES)
                lanes = [pool.submit(lane, server.url, account, ledger, each, now) for each in seeds]
                lanes.append(pool.submit(tick, server.url, stop))
                with ledger.lock:
                    last = ledger.answers + choose.randint(1, 80)
                    assert ledger.lock.wait_for(lambda last=last: ledger.answers >= last, timeout=60)
                server.kill()
                stop.set()
                for each in lanes:
                    each.result(timeout=60)
    return ledger


if __name__ == "__main__":
    import sys
    import tempfile

    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with tempfile.TemporaryDirectory() as data_dir:
        ledger = run(Path(data_dir), rounds, seed=time.time_ns())
    print(f"{rounds} rounds: {len(ledger.acknowledged)} batches acknowledged, {sum(ledger.sent.values())} writes sent, none lost")
