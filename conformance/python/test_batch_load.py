"""Batch load through boto3: files are uploaded to the same server, the report is read from it."""

import gzip
import json
import subprocess
import time

import pyarrow
import pyarrow.parquet
import pytest
from clients import Boto3, fresh_account, rows_of
from expectations import make_table, now_ms, record, refused
from servers import binary, running
from test_s3 import s3_client

DONE = ("SUCCEEDED", "FAILED", "PROGRESS_STOPPED")

# guide: batch-load-using-cli.html
MODEL_OF_THE_GUIDE = {
    "TimeColumn": "timestamp",
    "TimeUnit": "SECONDS",
    "DimensionMappings": [
        {"SourceColumn": "vehicle"},
        {"SourceColumn": "registration", "DestinationColumn": "license"},
    ],
    "MultiMeasureMappings": {
        "TargetMultiMeasureName": "mva_measure_name",
        "MultiMeasureAttributeMappings": [
            {"SourceColumn": "wgt", "TargetMultiMeasureAttributeName": "weight", "MeasureValueType": "DOUBLE"},
            {"SourceColumn": "spd", "TargetMultiMeasureAttributeName": "speed", "MeasureValueType": "DOUBLE"},
            {"SourceColumn": "fuel_consumption", "TargetMultiMeasureAttributeName": "fuel", "MeasureValueType": "DOUBLE"},
            {"SourceColumn": "miles", "MeasureValueType": "BIGINT"},
        ],
    },
}


def csv_of_the_guide(second: int) -> bytes:
    lines = [
        "timestamp,vehicle,registration,wgt,spd,fuel_consumption,miles",
        f"{second},truck,A1,1.5,60.25,8.5,100",
        f"{second - 1},truck,A1,1.5,,8.25,99",
    ]
    return "\n".join(lines).encode()


class World:
    """A client with a table, its S3 client and two buckets."""

    def __init__(self, url: str, account: str | None = None, suffix: str | None = None):
        self.client, self.s3 = Boto3("explicit", url, account), s3_client(url)
        suffix = suffix or fresh_account()
        self.input, self.reports = f"in-{suffix}", f"reports-{suffix}"

    def prepare(self):
        make_table(self.client)
        self.s3.create_bucket(Bucket=self.input)
        self.s3.create_bucket(Bucket=self.reports)
        return self

    def create(self, prefix: str, bucket: str | None = None, **changes) -> str:
        parameters = {
            "DataModelConfiguration": {"DataModel": MODEL_OF_THE_GUIDE},
            "DataSourceConfiguration": {
                "DataSourceS3Configuration": {"BucketName": bucket or self.input, "ObjectKeyPrefix": prefix},
                "DataFormat": "CSV",
            },
            "ReportConfiguration": {"ReportS3Configuration": {"BucketName": self.reports}},
            "TargetDatabaseName": "sensors",
            "TargetTableName": "readings",
        }
        return self.client.call("create_batch_load_task", **(parameters | changes))["TaskId"]

    def describe(self, task: str) -> dict:
        return self.client.call("describe_batch_load_task", TaskId=task)["BatchLoadTaskDescription"]

    def finished(self, task: str) -> dict:
        """The task's description once it is done."""
        end = time.monotonic() + 60
        while (description := self.describe(task))["TaskStatus"] not in DONE:
            assert time.monotonic() < end, description
            time.sleep(0.02)
        return description


@pytest.fixture
def world(url):
    return World(url).prepare()


def test_the_example_of_the_guide(world):
    second = now_ms() // 1000
    world.s3.put_object(Bucket=world.input, Key="sample.csv", Body=csv_of_the_guide(second))
    task = world.create("sample.csv")
    assert len(task) == 32 and task == task.upper()
    done = world.finished(task)
    progress = done["ProgressReport"]
    assert progress.pop("BytesMetered") > 0
    assert progress == {
        "RecordsProcessed": 2,
        "RecordsIngested": 2,
        "ParseFailures": 0,
        "RecordIngestionFailures": 0,
        "FileFailures": 0,
    }
    assert (done["TaskStatus"], done["RecordVersion"]) == ("SUCCEEDED", 1)
    # What was left out is filled in.
    assert done["DataSourceConfiguration"]["CsvConfiguration"] == {}
    assert done["ReportConfiguration"]["ReportS3Configuration"]["EncryptionOption"] == "SSE_S3"
    model = done["DataModelConfiguration"]["DataModel"]
    assert model["DimensionMappings"][0] == {"SourceColumn": "vehicle", "DestinationColumn": "vehicle"}
    assert model["MultiMeasureMappings"]["MultiMeasureAttributeMappings"][3] == {
        "SourceColumn": "miles",
        "TargetMultiMeasureAttributeName": "miles",
        "MeasureValueType": "BIGINT",
    }
    assert rows_of(world.client, "SELECT license, weight, speed, miles FROM sensors.readings ORDER BY time DESC") == [
        ["A1", "1.5", "60.25", "100"],
        ["A1", "1.5", "NULL", "99"],
    ]
    [listed] = world.client.call("list_batch_load_tasks")["BatchLoadTasks"]
    assert (listed["TaskId"], listed["TaskStatus"], listed["TableName"]) == (task, "SUCCEEDED", "readings")
    assert world.client.call("list_batch_load_tasks", TaskStatus="FAILED")["BatchLoadTasks"] == []
    assert "Contents" not in world.s3.list_objects_v2(Bucket=world.reports)


def test_what_fails_is_reported_by_line(world):
    world.s3.put_object(Bucket=world.input, Key="example.csv", Body=csv_of_the_guide(1_000_000))
    done = world.finished(world.create("example.csv"))
    progress = done["ProgressReport"]
    assert (done["TaskStatus"], progress["RecordsProcessed"], progress["RecordIngestionFailures"]) == ("FAILED", 2, 2)
    [found] = world.s3.list_objects_v2(Bucket=world.reports)["Contents"]
    report = json.loads(world.s3.get_object(Bucket=world.reports, Key=found["Key"])["Body"].read())
    # guide: batch-load-using-error-reports.html
    assert report == {
        "taskId": done["TaskId"],
        "taskErrors": [],
        "fileErrors": [
            {
                "fileName": "example.csv",
                "errors": [
                    {
                        "reason": "The record timestamp is outside the time range of the data ingestion window.",
                        "lineRanges": [[2, 3]],
                    }
                ],
            }
        ],
    }


def test_a_model_and_a_format_of_their_own(world):
    model = {
        "TimeColumn": "t",
        "DimensionMappings": [{"SourceColumn": "host"}],
        "MeasureNameColumn": "kind",
        "MixedMeasureMappings": [
            {"MeasureName": "temp", "SourceColumn": "value", "MeasureValueType": "DOUBLE"},
            {"MeasureName": "open", "SourceColumn": "value", "MeasureValueType": "BOOLEAN", "TargetMeasureName": "door"},
        ],
    }
    world.s3.put_object(Bucket=world.input, Key="model.json", Body=json.dumps(model))
    now = now_ms()
    text = f"t|host|kind|value\n{now}|'a|b'|temp|1.5\n{now}|c|open|true\n{now}|c|temp|-\n"
    world.s3.put_object(Bucket=world.input, Key="rows/1.psv", Body=text)
    source = {
        "DataSourceS3Configuration": {"BucketName": world.input, "ObjectKeyPrefix": "rows/"},
        "CsvConfiguration": {"ColumnSeparator": "|", "QuoteChar": "'", "NullValue": "-"},
        "DataFormat": "CSV",
    }
    place = {"BucketName": world.input, "ObjectKey": "model.json"}
    task = world.create(
        "", DataSourceConfiguration=source, DataModelConfiguration={"DataModelS3Configuration": place}, RecordVersion=7
    )
    done = world.finished(task)
    assert done["DataModelConfiguration"]["DataModelS3Configuration"] == place
    # The third row has no value at all.
    assert (done["TaskStatus"], done["ProgressReport"]["ParseFailures"], done["RecordVersion"]) == ("FAILED", 1, 7)
    sql = "SELECT host, measure_name, measure_value::double, measure_value::boolean FROM sensors.readings ORDER BY host"
    assert rows_of(world.client, sql) == [["a|b", "temp", "1.5", "NULL"], ["c", "door", "NULL", "true"]]


def test_a_missing_bucket_ends_the_task(world):
    done = world.finished(world.create("xx", bucket="no-such-bucket"))
    assert (done["TaskStatus"], done["ErrorMessage"]) == ("FAILED", "The S3 bucket no-such-bucket does not exist.")
    with refused(world.client, "ValidationException", 400):
        world.client.call("resume_batch_load_task", TaskId=done["TaskId"])


def test_what_is_wrong_from_the_start_is_refused(world):
    client = world.client
    with refused(client, "ResourceNotFoundException", 404, "The table none does not exist."):
        world.create("xx", TargetTableName="none")
    with refused(client, "ValidationException", 400):
        world.create("xx", DataModelConfiguration={})
    without = {name: value for name, value in MODEL_OF_THE_GUIDE.items() if name != "TimeColumn"}
    with refused(client, "ValidationException", 400, "TimeColumn of the DataModel must be set."):
        world.create("xx", DataModelConfiguration={"DataModel": without})
    with refused(client, "ValidationException", 400):
        world.create("xx", DataModelConfiguration={"DataModel": MODEL_OF_THE_GUIDE | {"MeasureNameColumn": "m"}})
    missing = {"DataModelS3Configuration": {"BucketName": world.input, "ObjectKey": "none.json"}}
    with refused(client, "ValidationException", 400):
        world.create("xx", DataModelConfiguration=missing)
    with refused(client, "ResourceNotFoundException", 404):
        world.describe("0" * 32)
    assert client.call("list_batch_load_tasks")["BatchLoadTasks"] == []
    token = fresh_account()
    assert world.create("xx", ClientToken=token) == world.create("xx", ClientToken=token)
    with refused(world.client, "ConflictException", 409, "The ClientToken was already used by a request that differs from this one."):
        world.create("yy", ClientToken=token)


def test_counters_move_and_tasks_survive_a_crash(tmp_path):
    account, suffix, second = fresh_account(), fresh_account(), now_ms() // 1000
    header = "timestamp,vehicle,registration,wgt,spd,fuel_consumption,miles\n"
    rows, files = 20_000, 3
    with running("--data-dir", str(tmp_path)) as server:
        world = World(server.url, account, suffix).prepare()
        for number in range(files):
            lines = (f"{second - i % 3000},v{number}-{i // 3000},A,{i}.5,1,2,{i}\n" for i in range(rows))
            world.s3.put_object(Bucket=world.input, Key=f"files/{number}.csv", Body=(header + "".join(lines)).encode())
        task = world.create("files/")
        seen = set()
        while len(seen) < 4:
            description = world.describe(task)
            assert description["TaskStatus"] not in DONE, seen
            seen.add(description["ProgressReport"]["RecordsIngested"])
        assert max(seen) > 0
        server.kill()

    with running("--data-dir", str(tmp_path)) as server:
        world = World(server.url, account, suffix)
        done = world.finished(task)
        assert (done["TaskStatus"], done["ProgressReport"]["RecordsIngested"]) == ("SUCCEEDED", rows * files)
        assert rows_of(world.client, "SELECT count(*) FROM sensors.readings") == [[str(rows * files)]]
        assert server.terminate() == 0

    with running("--data-dir", str(tmp_path)) as server:
        assert World(server.url, account, suffix).describe(task) == done


def test_import_of_local_files(tmp_path):
    """`timebrook import` loads separated values, compressed or not, and what UNLOAD wrote as Parquet."""
    data, second = tmp_path / "data", now_ms() // 1000
    query = "SELECT time AS timestamp, vehicle, license AS registration, weight AS wgt, speed AS spd, fuel AS fuel_consumption, miles FROM sensors.readings"
    with running("--data-dir", str(data)) as server:
        world = World(server.url, account="123456789012").prepare()
        world.client.call("create_table", DatabaseName="sensors", TableName="copy")
        assert server.terminate() == 0
    (tmp_path / "model.json").write_text(json.dumps(MODEL_OF_THE_GUIDE))
    (tmp_path / "rows.csv").write_bytes(csv_of_the_guide(second))
    with gzip.open(tmp_path / "more.csv.gz", "wb") as file:
        file.write(csv_of_the_guide(second - 10))

    def load(table: str, *files: str) -> subprocess.CompletedProcess:
        into = ["--data-dir", str(data), "--database", "sensors", "--table", table, "--account", "123456789012"]
        model = ["--model", str(tmp_path / "model.json")]
        return subprocess.run([binary(), "import", *into, *model, *files], capture_output=True, text=True, timeout=60)

    done = load("readings", str(tmp_path / "rows.csv"), str(tmp_path / "more.csv.gz"))
    assert (done.returncode, done.stdout) == (0, "4 rows read, 4 records stored\n"), done.stderr
    with running("--data-dir", str(data)) as server:
        world = World(server.url, account="123456789012")
        world.s3.create_bucket(Bucket="out")
        rows = rows_of(world.client, query + " ORDER BY 1")
        assert len(rows) == 4
        world.client.call("query", QueryString=f"UNLOAD ({query}) TO 's3://out/f' WITH (format = 'PARQUET')")
        assert load("readings", str(tmp_path / "rows.csv")).returncode == 1, "the directory is in use"
        assert server.terminate() == 0
    [parquet] = (data / "s3" / "out" / "f" / "results").iterdir()
    done = load("copy", str(parquet))
    assert (done.returncode, done.stdout) == (0, "4 rows read, 4 records stored\n"), done.stderr
    # What has no text, and times in another unit than the time column's, cannot be read without being changed.
    table = pyarrow.parquet.read_table(parquet)
    place = table.schema.get_field_index("wgt")
    nested = table.set_column(place, "wgt", pyarrow.array([[1.5]] * 4))
    pyarrow.parquet.write_table(nested, tmp_path / "nested.parquet")
    done = load("copy", str(tmp_path / "nested.parquet"))
    reason = "The column 'wgt' is of type array(double) and cannot be used as DOUBLE."
    assert done.returncode == 1 and reason in done.stderr, done.stderr
    counted = table.set_column(0, "timestamp", pyarrow.array([second] * 4, pyarrow.int64()))
    pyarrow.parquet.write_table(counted.set_column(place, "wgt", table["timestamp"]), tmp_path / "counted.parquet")
    done = load("copy", str(tmp_path / "counted.parquet"))
    assert done.returncode == 1 and "The column 'wgt' is of type timestamp" in done.stderr, done.stderr
    (tmp_path / "rows.csv").write_text("timestamp\n1\n")
    done = load("copy", str(tmp_path / "rows.csv"))
    assert done.returncode == 1 and "The column 'vehicle' of the mapping does not exist." in done.stderr
    with running("--data-dir", str(data)) as server:
        client = Boto3("explicit", server.url, "123456789012")
        assert rows_of(client, query.replace("readings", "copy") + " ORDER BY 1") == rows


def test_import_without_a_model(tmp_path):
    """What UNLOAD wrote of `SELECT *` comes back as it was: single and multi-measure records, in both formats."""
    data = tmp_path / "data"
    records = [
        record(now_ms(), "1.5"),
        record(now_ms() - 1, "7", MeasureName="count", MeasureValueType="BIGINT"),
        {
            "Dimensions": [{"Name": "device", "Value": "d2"}, {"Name": "site", "Value": "a, b"}],
            "MeasureName": "all",
            "MeasureValueType": "MULTI",
            "MeasureValues": [
                {"Name": "note", "Value": 'with "quotes"', "Type": "VARCHAR"},
                {"Name": "up", "Value": "true", "Type": "BOOLEAN"},
                {"Name": "seen", "Value": str(now_ms()), "Type": "TIMESTAMP"},
            ],
            "Time": str(now_ms() - 2),
        },
    ]
    rows_of_table = "SELECT * FROM sensors.{} ORDER BY time"
    with running("--data-dir", str(data)) as server:
        client, s3 = Boto3("explicit", server.url, "123456789012"), s3_client(server.url)
        make_table(client)
        client.call("write_records", DatabaseName="sensors", TableName="readings", Records=records)
        for table in ("parquet", "csv", "empty"):
            client.call("create_table", DatabaseName="sensors", TableName=table)
        # Separated values have no types: the table has to know the columns.
        client.call("write_records", DatabaseName="sensors", TableName="csv", Records=records)
        s3.create_bucket(Bucket="out")
        select = rows_of_table.format("readings").removesuffix(" ORDER BY time")
        for form in ("PARQUET", "CSV', compression = 'NONE', include_header = 'true"):
            client.call("query", QueryString=f"UNLOAD ({select}) TO 's3://out/{form[:3]}' WITH (format = '{form}')")
        wanted = rows_of(client, rows_of_table.format("readings"))
        assert server.terminate() == 0

    def load(table: str, form: str) -> subprocess.CompletedProcess:
        [file] = (data / "s3" / "out" / form / "results").iterdir()
        into = ["--data-dir", str(data), "--database", "sensors", "--table", table, "--account", "123456789012"]
        command = [binary(), "import", *into, "--record-version", "2", str(file)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    for table, form in (("parquet", "PAR"), ("csv", "CSV")):
        done = load(table, form)
        assert (done.returncode, done.stdout) == (0, "3 rows read, 3 records stored\n"), done.stderr
    done = load("empty", "CSV")
    assert done.returncode == 1 and "give a model" in done.stderr
    with running("--data-dir", str(data)) as server:
        client = Boto3("explicit", server.url, "123456789012")
        assert rows_of(client, rows_of_table.format("csv")) == wanted
        columns = "device, site, measure_name, time, measure_value::double, measure_value::bigint, note, up, seen"
        by_name = f"SELECT {columns} FROM sensors.{{}} ORDER BY time"
        assert rows_of(client, by_name.format("parquet")) == rows_of(client, by_name.format("readings"))
