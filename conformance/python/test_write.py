"""WriteRecords: what is stored, what is rejected, and what is told of it."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

import pytest
from clients import Boto3, ServiceError, rows_of
from expectations import make_table, now_ms, record, refused


def write(client, records: list[dict], table: str = "readings", **common) -> dict:
    """WriteRecords into `sensors`; returns RecordsIngested."""
    more = {"CommonAttributes": common} if common else {}
    answer = client.call("write_records", DatabaseName="sensors", TableName=table, Records=records, **more)
    return answer["RecordsIngested"]


def rejections(client, records: list[dict], **common) -> list[dict]:
    """The RejectedRecords of a WriteRecords that must have some; needs a client that shows them."""
    with refused(
        client,
        "RejectedRecordsException",
        419,
        "One or more records have been rejected. See RejectedRecords for details.",
    ) as caught:
        write(client, records, **common)
    return caught[0].body["RejectedRecords"]


def time_text(time_ms: int) -> str:
    """Milliseconds since the epoch as the query service prints them."""
    moment = datetime.fromtimestamp(time_ms // 1000, timezone.utc)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{time_ms % 1000:03}000000"


def test_write_single_measures(client):
    make_table(client)
    now = now_ms()
    counts = write(
        client,
        [
            record(now - 1000, "21.5"),
            record(now, "42", measure="count", MeasureValueType="BIGINT"),
            record(now, "true", measure="open", MeasureValueType="BOOLEAN"),
            record(now, "café ☕", measure="note", MeasureValueType="VARCHAR"),
        ],
    )
    # observed: all three counters are always there
    assert counts == {"Total": 4, "MemoryStore": 4, "MagneticStore": 0}
    columns = (
        'SELECT device, measure_name, time, "measure_value::double", measure_value::bigint, measure_value::boolean, '
        'measure_value::varchar FROM "sensors"."readings" ORDER BY measure_name'
    )
    assert rows_of(client, columns) == [
        ["d1", "count", time_text(now), "NULL", "42", "NULL", "NULL"],
        ["d1", "note", time_text(now), "NULL", "NULL", "NULL", "café ☕"],
        ["d1", "open", time_text(now), "NULL", "NULL", "true", "NULL"],
        ["d1", "temperature", time_text(now - 1000), "21.5", "NULL", "NULL", "NULL"],
    ]


def test_write_multi_measures(client):
    make_table(client)
    now = now_ms()
    values = [
        {"Name": "load", "Value": "0.5", "Type": "DOUBLE"},
        {"Name": "requests", "Value": "9007199254740993", "Type": "BIGINT"},
        {"Name": "healthy", "Value": "false", "Type": "BOOLEAN"},
        {"Name": "version", "Value": "1.2.3", "Type": "VARCHAR"},
        {"Name": "booted", "Value": str(now - 5), "Type": "TIMESTAMP"},
    ]
    multi = {
        "Dimensions": [{"Name": "host", "Value": "h1"}],
        "MeasureName": "metrics",
        "MeasureValueType": "MULTI",
        "Time": str(now),
    }
    assert write(client, [multi | {"MeasureValues": values}]) == {"Total": 1, "MemoryStore": 1, "MagneticStore": 0}
    write(client, [multi | {"MeasureValues": values[:1], "Time": str(now - 1)}])
    select = 'SELECT host, measure_name, time, load, requests, healthy, version, booted FROM "sensors"."readings" '
    assert rows_of(client, select + "ORDER BY time DESC") == [
        ["h1", "metrics", time_text(now), "0.5", "9007199254740993", "false", "1.2.3", time_text(now - 5)],
        ["h1", "metrics", time_text(now - 1), "0.5", "NULL", "NULL", "NULL", "NULL"],
    ]


def test_common_attributes(client):
    make_table(client)
    second = now_ms() // 1000
    write(
        client,
        [
            {"MeasureName": "cpu", "MeasureValue": "1"},
            {"MeasureName": "mem", "MeasureValue": "2", "Dimensions": [{"Name": "slot", "Value": "s2"}]},
            {"MeasureName": "uptime", "MeasureValue": "3", "MeasureValueType": "BIGINT", "Time": str(second - 1)},
        ],
        Dimensions=[{"Name": "host", "Value": "h1"}],
        MeasureValueType="DOUBLE",
        Time=str(second),
        TimeUnit="SECONDS",
        Version=3,
    )
    select = (
        "SELECT host, slot, measure_name, time, measure_value::double, measure_value::bigint "
        "FROM sensors.readings ORDER BY measure_name"
    )
    assert rows_of(client, select) == [
        ["h1", "NULL", "cpu", time_text(second * 1000), "1.0", "NULL"],
        ["h1", "s2", "mem", time_text(second * 1000), "2.0", "NULL"],
        ["h1", "NULL", "uptime", time_text((second - 1) * 1000), "NULL", "3"],
    ]
    # model: overlapping dimensions fail the whole request
    with refused(client, "ValidationException", 400):
        write(
            client,
            [record(second * 1000, Dimensions=[{"Name": "host", "Value": "other"}])],
            Dimensions=[{"Name": "host", "Value": "h1"}],
        )


@pytest.mark.parametrize(
    ("unit", "per_second"),
    [("SECONDS", 1), ("MILLISECONDS", 10**3), ("MICROSECONDS", 10**6), ("NANOSECONDS", 10**9)],
)
def test_time_units(url, unit, per_second):
    client = Boto3("explicit", url)
    make_table(client)
    second = now_ms() // 1000 - 10
    fraction = {1: 0, 10**3: 123, 10**6: 123456, 10**9: 123456789}[per_second]
    written = record(0, TimeUnit=unit) | {"Time": str(second * per_second + fraction)}
    write(client, [written])
    nanoseconds = f"{fraction * (10**9 // per_second):09}"
    expected = time_text(second * 1000).split(".")[0] + "." + nanoseconds
    assert rows_of(client, "SELECT time FROM sensors.readings") == [[expected]]


def test_record_versions(client):
    make_table(client)
    now = now_ms()
    value = "SELECT measure_value::double FROM sensors.readings"
    write(client, [record(now, "1", Version=2)])
    # Equal version, equal value: an idempotent repeat, counted as ingested.
    assert write(client, [record(now, "1", Version=2)])["Total"] == 1
    with refused(client, "RejectedRecordsException", 419) as equal:
        write(client, [record(now, "7", Version=2)])
    assert rows_of(client, value) == [["1.0"]]
    # A higher version replaces the value.
    assert write(client, [record(now, "5", Version=200)])["Total"] == 1
    assert rows_of(client, value) == [["5.0"]]
    with refused(client, "RejectedRecordsException", 419) as lower:
        write(client, [record(now, "9", Version=2)])
    assert rows_of(client, value) == [["5.0"]]
    if not client.shows_http:
        return
    # observed: both texts; ExistingVersion only where the stored version is the higher one
    assert equal[0].body["RejectedRecords"] == [
        {
            "RecordIndex": 0,
            "Reason": "A record already exists with the same time, dimensions, measure name, and record version. "
            "A higher record version must be specified in order to update the measure value. Specifying record "
            "version is supported by the latest SDKs.",
        }
    ]
    assert lower[0].body["RejectedRecords"] == [
        {
            "RecordIndex": 0,
            "Reason": "The record version 2 is lower than the existing version 200. A higher version is required to "
            "update the measure value.",
            "ExistingVersion": 200,
        }
    ]


def test_rejected_records(client):
    make_table(client)
    now = now_ms()
    day_ms = 86_400_000
    records = [record(now, "1"), record(now - 3 * day_ms, "2"), record(now - 1, "3"), record(now + day_ms, "4")]
    with refused(client, "RejectedRecordsException", 419) as caught:
        write(client, records)
    # The other records of the batch are written.
    assert rows_of(client, "SELECT measure_value::double FROM sensors.readings ORDER BY time") == [["3.0"], ["1.0"]]
    if not client.shows_http:
        return
    rejected = caught[0].body["RejectedRecords"]
    assert [entry["RecordIndex"] for entry in rejected] == [1, 3]
    instant = r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)"
    pattern = rf"The record timestamp is outside the time range \[{instant}, {instant}\) of the memory store\."
    for entry in rejected:
        assert "ExistingVersion" not in entry
        found = re.fullmatch(pattern, entry["Reason"])
        assert found, entry["Reason"]
        first, end = map(datetime.fromisoformat, found.groups())
        # observed: the window is the memory store's retention and 40 minutes
        assert (end - first).total_seconds() == 24 * 3600 + 40 * 60


def test_duplicates_in_one_request(client):
    make_table(client)
    now = now_ms()
    with refused(client, "RejectedRecordsException", 419) as caught:
        write(client, [record(now, "1"), record(now, "1"), record(now, "2")])
    assert rows_of(client, "SELECT measure_value::double FROM sensors.readings") == [["1.0"]]
    if client.shows_http:
        assert [entry["RecordIndex"] for entry in caught[0].body["RejectedRecords"]] == [2]


def test_late_records_to_the_magnetic_store(client):
    make_table(
        client,
        RetentionProperties={"MemoryStoreRetentionPeriodInHours": 1, "MagneticStoreRetentionPeriodInDays": 3},
        MagneticStoreWriteProperties={"EnableMagneticStoreWrites": True},
    )
    now, day_ms = now_ms(), 86_400_000
    counts = write(client, [record(now, "1"), record(now - day_ms, "2"), record(now - 2 * day_ms, "3")])
    assert counts == {"Total": 3, "MemoryStore": 1, "MagneticStore": 2}
    with refused(client, "RejectedRecordsException", 419) as caught:
        write(client, [record(now - 4 * day_ms, "4")])
    if client.shows_http:
        assert caught[0].body["RejectedRecords"][0]["Reason"].endswith(" of the data ingestion window.")
    select = "SELECT measure_value::double FROM sensors.readings ORDER BY time"
    assert rows_of(client, select) == [["3.0"], ["2.0"], ["1.0"]]


def test_late_version_conflicts_are_not_told(boto):
    # guide: troubleshooting rejected records; in the magnetic store they go to the S3 report, not into the answer
    make_table(
        boto,
        RetentionProperties={"MemoryStoreRetentionPeriodInHours": 1, "MagneticStoreRetentionPeriodInDays": 30},
        MagneticStoreWriteProperties={"EnableMagneticStoreWrites": True},
    )
    late = now_ms() - 2 * 86_400_000
    write(boto, [record(late, "1", Version=5)])
    assert write(boto, [record(late, "2", Version=4)]) == {"Total": 1, "MemoryStore": 0, "MagneticStore": 1}
    assert rows_of(boto, "SELECT measure_value::double FROM sensors.readings") == [["1.0"]]
    write(boto, [record(late, "3", Version=6)])
    assert rows_of(boto, "SELECT measure_value::double FROM sensors.readings") == [["3.0"]]


def test_invalid_records(client):
    """One bad record fails the whole request, and nothing is written."""
    make_table(client)
    now = now_ms()
    good = record(now)

    def fails(bad: dict, message: str | None = None):
        with refused(client, "ValidationException", 400, message):
            write(client, [good, bad])

    # observed, all three texts
    fails(record(now, Dimensions=[]), "At least one dimension is required for a record.")
    fails(record(now) | {"Time": "2026-01-01T00:00:00Z"}, "Invalid time for record.")
    fails(record(now, MeasureValueType="TIMESTAMP"), "TIMESTAMP is an invalid measure value type.")
    fails(record(now, "abc"))
    fails(record(now, "1.5", MeasureValueType="BIGINT"))
    fails(record(now, "9223372036854775808", MeasureValueType="BIGINT"))
    fails(record(now, "NaN"))
    fails(record(now, "maybe", MeasureValueType="BOOLEAN"))
    fails(record(now, Version=0))
    fails(record(now, Dimensions=[{"Name": "a", "Value": "1"}, {"Name": "a", "Value": "2"}]))
    fails(record(now, Dimensions=[{"Name": "ts_reserved", "Value": "1"}]))
    fails(record(now, Dimensions=[{"Name": "time", "Value": "1"}]))
    fails(record(now, MeasureValues=[{"Name": "x", "Value": "1", "Type": "DOUBLE"}]))
    with refused(client, "ResourceNotFoundException", 404, "The table unknown does not exist."):
        write(client, [good], table="unknown")
    assert rows_of(client, "SELECT count(*) FROM sensors.readings") == [["0"]]


def test_write_constraint_violations(url):
    client = Boto3("explicit", url, checks_parameters=False)
    make_table(client)
    now = now_ms()
    # observed: wording and path, 1-based
    with refused(
        client,
        "ValidationException",
        400,
        "1 validation error detected: Value 'TEXT' at 'records.1.member.dimensions.1.member.dimensionValueType' "
        "failed to satisfy constraint: Member must satisfy enum value set: [VARCHAR]",
    ):
        write(client, [record(now, Dimensions=[{"Name": "d", "Value": "v", "DimensionValueType": "TEXT"}])])
    with refused(
        client,
        "ValidationException",
        400,
        containing="' at 'records' failed to satisfy constraint: Member must have length less than or equal to 100",
    ):
        write(client, [record(now - i) for i in range(101)])


def test_partition_key_enforcement(boto):
    key = [{"Type": "DIMENSION", "Name": "device", "EnforcementInRecord": "REQUIRED"}]
    make_table(boto, Schema={"CompositePartitionKey": key})
    now = now_ms()
    write(boto, [record(now)])
    # model: which of the two errors it is depends on the kind of error
    with pytest.raises(ServiceError) as caught:
        write(boto, [record(now, Dimensions=[{"Name": "other", "Value": "1"}])])
    assert caught.value.code in ("ValidationException", "RejectedRecordsException")
    assert rows_of(boto, "SELECT device FROM sensors.readings") == [["d1"]]


def test_rejections_carry_all_records(boto):
    make_table(boto)
    now = now_ms()
    write(boto, [record(now - i, str(i), Version=5) for i in range(100)])
    rejected = rejections(boto, [record(now - i, str(i + 1), Version=4) for i in range(100)])
    assert [entry["RecordIndex"] for entry in rejected] == list(range(100))
    assert {entry["ExistingVersion"] for entry in rejected} == {5}


def test_one_value_per_key_under_contention(url):
    """Eight writers, the same hundred keys, different values: one value per key is acknowledged and stored."""
    client = Boto3("explicit", url)
    make_table(client)
    now = now_ms()

    def attempt(writer: int) -> set[int]:
        own = Boto3("explicit", url, account=client.account)
        try:
            write(own, [record(now - key, str(writer)) for key in range(100)])
            return set(range(100))
        except ServiceError as error:
            assert error.code == "RejectedRecordsException"
            return set(range(100)) - {entry["RecordIndex"] for entry in error.body["RejectedRecords"]}

    with ThreadPoolExecutor(8) as pool:
        accepted = list(pool.map(attempt, range(8)))
    stored = rows_of(client, "SELECT time, measure_value::double FROM sensors.readings")
    assert len(stored) == 100
    for key in range(100):
        winners = [writer for writer in range(8) if key in accepted[writer]]
        assert len(winners) == 1, f"key {key} was acknowledged {len(winners)} times"
        assert [time_text(now - key), f"{winners[0]}.0"] in stored
