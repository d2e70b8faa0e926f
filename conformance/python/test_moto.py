"""--s3-endpoint: UNLOAD, batch load and the magnetic store with moto's server as the S3."""

import http.server
import os
import re
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow.parquet
import pytest
from clients import Boto3, fresh_account, rows_of
from expectations import make_table, now_ms, record, refused
from servers import binary, running
from test_batch_load import MODEL_OF_THE_GUIDE, World, csv_of_the_guide
from test_s3 import s3_client
from test_scheduled_queries import advance, definition
from test_unload import files, unload

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}


@contextmanager
def environment(**changes: str):
    """These variables for the length of a block."""
    saved = dict(os.environ)
    os.environ.update(changes)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(saved)


@pytest.fixture(scope="module")
def moto():
    """The address of moto's server."""
    program = Path(sys.executable).with_name("moto_server")
    process = subprocess.Popen([program, "-p", "0"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        for line in process.stderr:
            if found := re.search(r"Running on (http://\S+)", line):
                yield found.group(1)
                break
    finally:
        process.kill()
        process.wait(timeout=30)


@pytest.fixture(scope="module")
def server(moto):
    """A server whose objects are in moto."""
    with environment(**CREDENTIALS), running("--s3-endpoint", moto) as server:
        yield server


def test_the_magnetic_store_in_it(moto, tmp_path):
    """--magnetic-url: aged records are Parquet files in a bucket; everything else stays as it is."""
    s3 = s3_client(moto)
    s3.create_bucket(Bucket="tier")
    magnetic = ["--s3-endpoint", moto, "--magnetic-url", "s3://tier/prod"]
    flags = ["--data-dir", str(tmp_path / "data"), *magnetic, "--manual-clock=2026-01-01T00:00:00Z"]
    now, account = 1_767_225_600_000, fresh_account()
    everything = "SELECT device, time, measure_value::double FROM sensors.readings ORDER BY device, time"

    def rows(client: Boto3) -> list:
        return rows_of(client, everything)

    def keys() -> list[str]:
        return [found["Key"] for found in s3.list_objects_v2(Bucket="tier").get("Contents", [])]

    with environment(**CREDENTIALS), running(*flags) as server:
        client = Boto3("explicit", server.url, account)
        retention = {"MemoryStoreRetentionPeriodInHours": 24, "MagneticStoreRetentionPeriodInDays": 30}
        late = {"EnableMagneticStoreWrites": True}
        make_table(client, RetentionProperties=retention, MagneticStoreWriteProperties=late)
        records = [
            record(now - i * 60_000, f"{i}.5", Dimensions=[{"Name": "device", "Value": f"d{i % 3}"}]) for i in range(300)
        ]
        for start in range(0, 300, 100):
            client.call("write_records", DatabaseName="sensors", TableName="readings", Records=records[start : start + 100])
        before = rows(client)
        assert (len(before), keys()) == (300, ["prod/timebrook-owner"])
        advance(server.url, "3d")
        day = f"prod/{account}/us-east-1/sensors/readings/day=2025-12-31/"
        assert [key.startswith(day) for key in keys()].count(True) == 1
        assert not list((tmp_path / "data" / "magnetic").glob("**/*"))
        assert rows(client) == before
        # An object replaces nothing until its version says so.
        late = [record(now - 60_000, "7.25", Dimensions=[{"Name": "device", "Value": "d1"}], Version=2)]
        client.call("write_records", DatabaseName="sensors", TableName="readings", Records=late)
        after = rows(client)
        assert [row for row in after if row not in before] == [["d1", "2025-12-31 23:59:00.000000000", "7.25"]]
        assert server.terminate() == 0

    for path, key in enumerate(key for key in keys() if key.endswith(".parquet")):
        s3.download_file("tier", key, str(tmp_path / f"{path}.parquet"))
    assert duckdb.connect().execute(f"SELECT count(DISTINCT time) FROM '{tmp_path}/*.parquet'").fetchone() == (300,)

    flags[-1] = "--manual-clock=2026-01-04T00:00:00Z"
    with environment(**CREDENTIALS), running(*flags) as server:
        client = Boto3("explicit", server.url, account)
        assert rows(client) == after
        advance(server.url, "60d")
        assert rows(client) == []
        # A file that a query has not let go by then goes with a later tick.
        for _ in range(100):
            if len(keys()) > 1:
                advance(server.url, "0s")
        assert keys() == ["prod/timebrook-owner"]

    def refusal(*flags: str) -> str:
        ended = subprocess.run([binary(), "--port", "0", *flags], capture_output=True, text=True, timeout=60)
        assert ended.returncode != 0
        return ended.stderr

    with environment(**CREDENTIALS):
        place = "the magnetic store of this data directory is at s3://tier/prod/"
        assert place in refusal("--data-dir", str(tmp_path / "data"))
        assert f"{place}, not at s3://tier/other/" in refusal(*flags[:4], "--magnetic-url", "s3://tier/other")
        taken = "s3://tier/prod/ holds the magnetic store of another data directory"
        assert taken in refusal("--data-dir", str(tmp_path / "other"), *magnetic)
        assert "--data-dir" in refusal(*magnetic)
        assert "NoSuchBucket" in refusal("--data-dir", str(tmp_path / "other"), *magnetic[:3], "s3://missing")


def test_unload_to_it(moto, server):
    client, s3 = Boto3("explicit", server.url), s3_client(moto)
    make_table(client)
    now = now_ms()
    records = [record(now - i, f"{i}.5", Dimensions=[{"Name": "device", "Value": f"d{i % 2}"}]) for i in range(20)]
    client.call("write_records", DatabaseName="sensors", TableName="readings", Records=records)
    s3.create_bucket(Bucket="exports")
    query = "SELECT time, measure_value::double AS value, device FROM sensors.readings"
    options = "format = 'PARQUET', partitioned_by = ARRAY['device']"
    rows, _, manifest = unload(client, f"UNLOAD ({query}) TO 's3://exports/f' WITH ({options})")
    found = files(s3, manifest)
    assert (rows, len(found)) == ("20", 2)
    tables = [pyarrow.parquet.read_table(pyarrow.BufferReader(body)) for _, body in found]
    assert [str(field.type) for field in tables[0].schema] == ["timestamp[ns]", "double"]
    values = [value for table in tables for value in table.column("value").to_pylist()]
    assert sorted(values) == [i + 0.5 for i in range(20)]
    times = [moment.value for table in tables for moment in table.column("time")]
    assert sorted(times) == [(now - i) * 1_000_000 for i in reversed(range(20))]

    large = "SELECT x, rpad('', 400, 'y') AS y FROM UNNEST(sequence(1, 10000)) AS t(x) CROSS JOIN UNNEST(sequence(1, 4)) AS u(z)"
    _, _, manifest = unload(client, f"UNLOAD ({large}) TO 's3://exports/large' WITH (compression = 'NONE')")
    [(_, body)] = files(s3, manifest)
    assert body.count(b"\n") == 40_000 and len(body) > 3 * (5 << 20)


def test_keys_of_kms_are_refused(moto, server):
    """What would be written there unencrypted is not taken."""
    world = World(server.url)
    world.s3 = s3_client(moto)
    world.prepare()
    message = "EncryptionOption SSE_KMS in a store of your own (--s3-endpoint) is not implemented by Timebrook yet."
    encryption = {"EncryptionOption": "SSE_KMS", "KmsKeyId": "alias/k"}
    report = {"ReportS3Configuration": {"BucketName": world.reports, **encryption}}
    with refused(world.client, "ValidationException", 400, message):
        world.create("rows/", ReportConfiguration=report)
    location = {"S3Configuration": {"BucketName": world.reports, **encryption}}
    writes = {"EnableMagneticStoreWrites": True, "MagneticStoreRejectedDataLocation": location}
    with refused(world.client, "ValidationException", 400, message):
        world.client.call("create_table", DatabaseName="sensors", TableName="t2", MagneticStoreWriteProperties=writes)
    with refused(world.client, "ValidationException", 400, message):
        world.client.call("update_table", DatabaseName="sensors", TableName="readings", MagneticStoreWriteProperties=writes)
    scheduled = definition(world.client.account)
    scheduled["ErrorReportConfiguration"]["S3Configuration"]["EncryptionOption"] = "SSE_KMS"
    with refused(world.client, "ValidationException", 400, message):
        world.client.call("create_scheduled_query", **scheduled)


def test_a_missing_bucket_in_it(server):
    client = Boto3("explicit", server.url)
    message = "The S3 bucket no-such-bucket of the UNLOAD destination does not exist."
    with refused(client, "ValidationException", 400, message):
        client.call("query", QueryString="UNLOAD (SELECT 1) TO 's3://no-such-bucket/f'")


def test_batch_load_from_it(moto, server):
    world = World(server.url)
    world.s3 = s3_client(moto)
    world.prepare()
    world.s3.put_object(Bucket=world.input, Key="rows/1.csv", Body=csv_of_the_guide(now_ms() // 1000))
    world.s3.put_object(Bucket=world.input, Key="rows/2.csv", Body=csv_of_the_guide(1_000_000))
    done = world.finished(world.create("rows/"))
    progress = done["ProgressReport"]
    assert (progress["RecordsIngested"], progress["RecordIngestionFailures"]) == (2, 2)
    assert rows_of(world.client, "SELECT count(*) FROM sensors.readings") == [["2"]]
    reports = world.s3.list_objects_v2(Bucket=world.reports)["Contents"]
    assert len(reports) == 1
    assert MODEL_OF_THE_GUIDE["TimeUnit"] == "SECONDS"
    done = world.finished(world.create("rows/", bucket=f"none-{fresh_account()}"))
    assert done["TaskStatus"] == "FAILED" and "does not exist" in done["ErrorMessage"]


class Failing(http.server.BaseHTTPRequestHandler):
    """An S3 that takes so many objects and refuses all after them."""

    left, keys = 0, []
    refusal = (403, "AccessDenied")
    protocol_version = "HTTP/1.1"

    def reply(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"1"')
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        name = "ListBucketResult"
        self.reply(200, f"<{name}><Name>b</Name><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></{name}>".encode())

    def do_PUT(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        type(self).left -= 1
        if self.left >= 0:
            self.keys.append(self.path)
            return self.reply(200, b"")
        status, code = self.refusal
        return self.reply(status, f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode())

    def log_message(self, *_):
        pass


@pytest.mark.parametrize(
    ("refusal", "error"),
    [((403, "AccessDenied"), "QueryExecutionException"), ((404, "NoSuchBucket"), "ValidationException")],
)
@pytest.mark.parametrize("left", [0, 1, 2, 3])
def test_writes_that_fail_half_way(left, refusal, error):
    """Two result files, the metadata and the manifest are put: each may fail, as when the bucket vanishes, and never is there a
    manifest then."""
    store = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Failing)
    threading.Thread(target=store.serve_forever, daemon=True).start()
    Failing.left, Failing.keys, Failing.refusal = left, [], refusal
    address = f"http://127.0.0.1:{store.server_port}"
    with environment(**CREDENTIALS), running("--s3-endpoint", address) as server:
        client = Boto3("explicit", server.url)
        sql = (
            "UNLOAD (SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS t(n, p)) TO 's3://b/f' "
            "WITH (partitioned_by = ARRAY['p'], compression = 'NONE')"
        )
        with refused(client, error, 400):
            client.call("query", QueryString=sql)
        assert len(Failing.keys) == left and not any("manifest" in key for key in Failing.keys)
        Failing.left = 100
        client.call("query", QueryString=sql)
        assert sum("manifest" in key for key in Failing.keys) == 1
    store.shutdown()
