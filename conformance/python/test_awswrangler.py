"""AWS SDK for pandas: its timestream module writes DataFrames, queries into DataFrames, unloads and batch loads."""

from datetime import date, datetime, timedelta, timezone
from types import SimpleNamespace

import awswrangler as wr
import boto3
import botocore.exceptions
import pandas as pd
import pytest
from clients import ENVIRONMENT_LOCK, REGION, authority, explicit_endpoint, fresh_account

SERVICES = ["timestream_write", "timestream_query", "s3", "sts"]


@pytest.fixture(params=["explicit", "environment", "tls"])
def world(request, url, monkeypatch):
    """A session in an account of its own, the database `sensors` with the table `readings`, and a bucket.

    The endpoint is given in the library's own configuration, by AWS_ENDPOINT_URL alone, or in the configuration over TLS.
    """
    with ENVIRONMENT_LOCK:
        for service in SERVICES:
            setattr(wr.config, f"{service}_endpoint_url", explicit_endpoint(request.param, url))
        wr.config.verify = authority(url) if request.param == "tls" else None
        if request.param == "environment":
            monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        else:
            monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
        account = fresh_account()
        session = boto3.Session(aws_access_key_id=account, aws_secret_access_key="secret", region_name=REGION)
        arn = wr.timestream.create_database("sensors", boto3_session=session)
        assert arn == f"arn:aws:timestream:{REGION}:{account}:database/sensors"
        wr.timestream.create_table(
            "sensors", "readings", memory_retention_hours=24, magnetic_retention_days=7, boto3_session=session
        )
        bucket = f"pandas-{account}"
        session.client("s3", endpoint_url=url).create_bucket(Bucket=bucket)
        yield SimpleNamespace(session=session, account=account, bucket=bucket)
        wr.config.reset()


def query(world, sql: str, **more):
    return wr.timestream.query(sql, boto3_session=world.session, **more)


def readings() -> pd.DataFrame:
    """Three readings, one a minute, of this minute and those before: a measure of every type, one value missing."""
    now = datetime.now(timezone.utc).replace(second=0, microsecond=250_000)
    checked = datetime(2024, 2, 29, 12, 30, 15, 125_000, tzinfo=timezone.utc)
    return pd.DataFrame(
        {
            "time": [now - timedelta(minutes=minutes) for minutes in (2, 1, 0)],
            "device": ["d1", "d2", "d3"],
            "floor": [1, 2, 3],
            "temperature": [20.5, None, -3.25],
            "humidity": [40, 45, 50],
            "state": ["on", "off", "it's, \"odd\""],
            "moving": [True, False, True],
            "checked": [checked, checked, checked],
        }
    )


MEASURES = ["temperature", "humidity", "state", "moving", "checked"]


def write_multi(world) -> pd.DataFrame:
    frame = readings()
    rejected = wr.timestream.write(
        frame,
        database="sensors",
        table="readings",
        time_col="time",
        measure_col=MEASURES,
        dimensions_cols=["device", "floor"],
        measure_name="all",
        boto3_session=world.session,
    )
    assert rejected == []
    return frame


def naive(times) -> list[datetime]:
    """Times as the library returns them: UTC, and without a zone."""
    return [time.to_pydatetime().replace(tzinfo=None) for time in times]


def test_write_of_a_multi_measure_frame(world):
    frame = write_multi(world)
    got = query(world, "SELECT time, device, floor, measure_name, " + ", ".join(MEASURES) + " FROM sensors.readings ORDER BY time")
    assert naive(got["time"]) == naive(frame["time"])
    assert list(got["device"]) == ["d1", "d2", "d3"]
    # Dimensions are texts, whatever the column was.
    assert list(got["floor"]) == ["1", "2", "3"]
    assert list(got["measure_name"]) == ["all"] * 3
    assert got["temperature"].iloc[0] == 20.5 and pd.isna(got["temperature"].iloc[1])
    assert list(got["humidity"]) == [40, 45, 50]
    assert list(got["state"]) == list(frame["state"])
    assert list(got["moving"]) == [True, False, True]
    assert naive(got["checked"]) == naive(frame["checked"])
    assert [str(got[name].dtype) for name in ("temperature", "humidity", "state", "moving")] == [
        "float64",
        "int64",
        "string",
        "bool",
    ]


def test_write_of_a_single_measure(world):
    frame = readings()
    common = {"Dimensions": [{"Name": "site", "Value": "north"}]}
    rejected = wr.timestream.write(
        frame,
        database="sensors",
        table="readings",
        time_col="time",
        measure_col="humidity",
        dimensions_cols=["device"],
        common_attributes=common,
        boto3_session=world.session,
    )
    assert rejected == []
    got = query(world, "SELECT device, site, measure_name, measure_value::bigint AS value FROM sensors.readings ORDER BY time")
    assert got.values.tolist() == [[f"d{n}", "north", "humidity", value] for n, value in [(1, 40), (2, 45), (3, 50)]]


def test_write_of_many_rows(world):
    """Batches of 100 on several threads."""
    now = datetime.now(timezone.utc).replace(microsecond=0)
    frame = pd.DataFrame(
        {
            "time": [now - timedelta(milliseconds=number) for number in range(2_500)],
            "device": [f"d{number % 7}" for number in range(2_500)],
            "value": [float(number) for number in range(2_500)],
        }
    )
    rejected = wr.timestream.write(
        frame, "sensors", "readings", "time", "value", ["device"], use_threads=4, boto3_session=world.session
    )
    assert rejected == []
    got = query(world, "SELECT count(*) AS n, sum(measure_value::double) AS total FROM sensors.readings")
    assert got.values.tolist() == [[2_500, 2_500 * 2_499 / 2]]


def test_versions(world):
    # observed: the library's own tests expect of the service none, one and none rejected, and DESC to be a table's alias
    frame = readings()[["time", "device", "humidity"]]
    changed = frame.assign(humidity=[40, 45, 99])
    steps = [(frame, 1, []), (changed, 1, [(2, None)]), (changed, 2, []), (frame, 1, [(2, 2)])]
    for table, version, rejected in steps:
        told = wr.timestream.write(
            table,
            "sensors",
            "readings",
            time_col="time",
            measure_col="humidity",
            dimensions_cols=["device"],
            version=version,
            use_threads=False,
            boto3_session=world.session,
        )
        assert [(each["RecordIndex"], each.get("ExistingVersion")) for each in told] == rejected
        assert query(world, 'SELECT * FROM "sensors"."readings" DESC LIMIT 10').shape == (3, 4)
    last = query(world, "SELECT max(measure_value::bigint) AS value FROM sensors.readings")
    assert list(last["value"]) == [99]


def test_query_of_every_type(world):
    got = query(
        world,
        "SELECT 1 AS i, 2147483648 AS b, 1.5e0 AS x, TRUE AS f, 'text' AS s, DATE '2024-02-29' AS d, "
        "TIME '13:30:15.25' AS t, TIMESTAMP '2024-02-29 12:30:15.123456789' AS ts, ARRAY[1, NULL] AS a, NULL AS n",
    )
    row = got.iloc[0]
    assert (row["i"], row["b"], row["x"], bool(row["f"]), row["s"]) == (1, 2147483648, 1.5, True, "text")
    assert row["d"] == date(2024, 2, 29)
    assert row["t"] == datetime(2024, 2, 29, 13, 30, 15, 250_000).time()
    # The library cuts off nanoseconds.
    assert naive([row["ts"]]) == [datetime(2024, 2, 29, 12, 30, 15, 123_456)]
    assert row["a"] == str([{"ScalarValue": "1"}, {"NullValue": True}])
    assert row["n"] is None


def test_query_in_chunks(world):
    write_multi(world)
    sql = "SELECT device FROM sensors.readings ORDER BY device"
    chunks = list(query(world, sql, chunked=True, pagination_config={"PageSize": 2}))
    assert [list(chunk["device"]) for chunk in chunks] == [["d1", "d2"], ["d3"]]
    assert "NextToken" in chunks[0].attrs and "NextToken" not in chunks[1].attrs
    assert chunks[0].attrs["QueryId"] == chunks[1].attrs["QueryId"]
    limited = query(world, sql, pagination_config={"MaxItems": 2, "PageSize": 1})
    assert list(limited["device"]) == ["d1", "d2"]
    assert query(world, "SELECT * FROM sensors.readings WHERE device = 'none'").empty


def test_errors(world):
    with pytest.raises(botocore.exceptions.ClientError, match="ValidationException") as caught:
        query(world, "SELECT nothing FROM sensors.readings")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    with pytest.raises(botocore.exceptions.ClientError, match="ConflictException"):
        wr.timestream.create_database("sensors", boto3_session=world.session)
    with pytest.raises(botocore.exceptions.ClientError, match="ResourceNotFoundException"):
        wr.timestream.delete_table("sensors", "none", boto3_session=world.session)


def test_lists_and_deletes(world):
    session = world.session
    wr.timestream.create_database("more", tags={"stage": "test"}, boto3_session=session)
    wr.timestream.create_table(
        "more", "late", 1, 1, tags={"stage": "test"}, timestream_additional_kwargs={}, boto3_session=session
    )
    assert sorted(wr.timestream.list_databases(boto3_session=session)) == ["more", "sensors"]
    assert sorted(wr.timestream.list_tables(boto3_session=session)) == ["late", "readings"]
    assert wr.timestream.list_tables(database="more", boto3_session=session) == ["late"]
    wr.timestream.delete_table("more", "late", boto3_session=session)
    assert wr.timestream.list_tables(database="more", boto3_session=session) == []
    wr.timestream.delete_database("more", boto3_session=session)
    assert wr.timestream.list_databases(boto3_session=session) == ["sensors"]


@pytest.mark.parametrize("compression", ["GZIP", "NONE"])
@pytest.mark.parametrize("unload_format", ["PARQUET", "CSV"])
def test_unload_into_a_frame(world, unload_format, compression):
    frame = write_multi(world)
    got = wr.timestream.unload(
        "SELECT time, temperature, humidity, moving, state, device FROM sensors.readings",
        f"s3://{world.bucket}/{unload_format}",
        unload_format=unload_format,
        compression=compression,
        boto3_session=world.session,
    ).sort_values("device", ignore_index=True)
    assert naive(pd.to_datetime(got["time"])) == naive(frame["time"])
    assert got["temperature"].iloc[0] == 20.5 and pd.isna(got["temperature"].iloc[1])
    assert list(got["humidity"]) == [40, 45, 50]
    assert list(got["moving"]) == [True, False, True]
    assert list(got["device"]) == ["d1", "d2", "d3"]
    # The library tells pandas nothing of the escape character, so a quote inside a CSV field keeps it.
    assert list(got["state"][:2]) == ["on", "off"]
    if unload_format == "PARQUET":
        assert got["state"].iloc[2] == frame["state"].iloc[2]
    # The library takes its staging files away again.
    assert wr.s3.list_objects(f"s3://{world.bucket}/", boto3_session=world.session) == []


@pytest.mark.parametrize("unload_format", ["PARQUET", "CSV"])
def test_unload_in_partitions(world, unload_format):
    write_multi(world)
    got = wr.timestream.unload(
        "SELECT time, humidity, floor, device FROM sensors.readings",
        f"s3://{world.bucket}/parts/",
        unload_format=unload_format,
        partition_cols=["floor", "device"],
        keep_files=True,
        boto3_session=world.session,
    ).sort_values("humidity", ignore_index=True)
    assert [str(value) for value in got["floor"]] == ["1", "2", "3"]
    assert list(got["device"]) == ["d1", "d2", "d3"]
    assert list(got["humidity"]) == [40, 45, 50]
    objects = wr.s3.list_objects(f"s3://{world.bucket}/parts/results/", boto3_session=world.session)
    assert [url.split("/results/")[1].rsplit("/", 1)[0] for url in objects] == [
        f"floor={n}/device=d{n}" for n in (1, 2, 3)
    ]


def test_unload_to_files(world):
    write_multi(world)
    path = f"s3://{world.bucket}/files/"
    wr.timestream.unload_to_files(
        "SELECT device, humidity FROM sensors.readings",
        path,
        unload_format="CSV",
        compression="NONE",
        field_delimiter="|",
        boto3_session=world.session,
    )
    objects = wr.s3.list_objects(path, boto3_session=world.session)
    assert sum(url.endswith(("_manifest.json", "_metadata.json")) for url in objects) == 2
    [results] = wr.s3.list_objects(path + "results/", boto3_session=world.session)
    got = wr.s3.read_csv(results, sep="|", header=None, boto3_session=world.session)
    assert sorted(got.values.tolist()) == [["d1", 40], ["d2", 45], ["d3", 50]]


def test_batch_load(world):
    frame = readings()[["time", "device", "temperature", "humidity", "state"]].assign(kind="loaded")
    milliseconds = [int(time.timestamp() * 1000) for time in frame["time"]]
    told = wr.timestream.batch_load(
        frame.assign(time=milliseconds),
        path=f"s3://{world.bucket}/load/",
        database="sensors",
        table="readings",
        time_col="time",
        dimensions_cols=["device"],
        measure_cols=["temperature", "humidity", "state"],
        measure_name_col="kind",
        report_s3_configuration={"BucketName": world.bucket, "ObjectKeyPrefix": "reports"},
        timestream_batch_load_wait_polling_delay=0.05,
        boto3_session=world.session,
    )["BatchLoadTaskDescription"]
    assert told["TaskStatus"] == "SUCCEEDED"
    assert told["ProgressReport"]["RecordsIngested"] == 3
    got = query(
        world, "SELECT time, device, measure_name, temperature, humidity, state FROM sensors.readings ORDER BY time"
    )
    assert naive(got["time"]) == naive(frame["time"])
    assert list(got["measure_name"]) == ["loaded"] * 3
    assert got["temperature"].iloc[0] == 20.5 and pd.isna(got["temperature"].iloc[1])
    assert list(got["humidity"]) == [40, 45, 50]
    assert list(got["state"]) == list(frame["state"])


def test_batch_load_that_fails(world):
    frame = readings()[["device", "humidity"]].assign(time=1, kind="too old")
    with pytest.raises(wr.exceptions.TimestreamLoadError):
        wr.timestream.batch_load(
            frame,
            path=f"s3://{world.bucket}/load/",
            database="sensors",
            table="readings",
            time_col="time",
            dimensions_cols=["device"],
            measure_cols=["humidity"],
            measure_name_col="kind",
            report_s3_configuration={"BucketName": world.bucket},
            timestream_batch_load_wait_polling_delay=0.05,
            boto3_session=world.session,
        )
    reports = wr.s3.list_objects(f"s3://{world.bucket}/", suffix="report.json", boto3_session=world.session)
    assert len(reports) == 1
