"""The walk-through of a published Timestream guide, call for call: tables, single and multi-measure writes, its
queries, a Lambda function that writes metrics, retention.

One surprise of it is the service's own: its queries average the column `temperature`, which only the multi-measure
record has, over rows whose measure_name is 'temperature', which only single-measure records are. So they cannot be
planned until the multi-measure record is there, and then answer NULL.
"""

import json
import time

import pytest
from clients import query_all, rows_of
from expectations import make_table, now_ms, refused

DATABASE, TABLE = "IoTMetrics", "SensorReadings"
AVERAGE = """
    SELECT device_id, AVG(temperature) AS avg_temp
    FROM "IoTMetrics"."SensorReadings"
    WHERE measure_name = 'temperature'
      AND time > ago(1h)
    GROUP BY device_id
    ORDER BY avg_temp DESC
"""


@pytest.fixture
def table(client):
    """The guide's table, with magnetic writes."""
    make_table(
        client,
        DATABASE,
        TABLE,
        RetentionProperties={"MemoryStoreRetentionPeriodInHours": 24, "MagneticStoreRetentionPeriodInDays": 365},
        MagneticStoreWriteProperties={"EnableMagneticStoreWrites": True},
    )
    return client


def write(client, records: list[dict], **more) -> dict:
    """WriteRecords into the guide's table."""
    return client.call("write_records", DatabaseName=DATABASE, TableName=TABLE, Records=records, **more)


def single_measures(time_ms: int) -> list[dict]:
    """A temperature and a humidity as single-measure records."""
    dimensions = [
        {"Name": "device_id", "Value": "sensor-001"},
        {"Name": "location", "Value": "warehouse-a"},
        {"Name": "region", "Value": "us-east-1"},
    ]
    return [
        {
            "Dimensions": dimensions,
            "MeasureName": name,
            "MeasureValue": value,
            "MeasureValueType": "DOUBLE",
            "Time": str(time_ms),
        }
        for name, value in (("temperature", "22.7"), ("humidity", "58.3"))
    ]


def multi_measure(time_ms: int) -> list[dict]:
    """The same readings and more as one multi-measure record."""
    return [
        {
            "Dimensions": [
                {"Name": "device_id", "Value": "sensor-001"},
                {"Name": "location", "Value": "warehouse-a"},
            ],
            "MeasureName": "sensor_metrics",
            "MeasureValueType": "MULTI",
            "MeasureValues": [
                {"Name": "temperature", "Value": "22.7", "Type": "DOUBLE"},
                {"Name": "humidity", "Value": "58.3", "Type": "DOUBLE"},
                {"Name": "pressure", "Value": "1013.2", "Type": "DOUBLE"},
                {"Name": "battery_pct", "Value": "87", "Type": "BIGINT"},
            ],
            "Time": str(time_ms),
        }
    ]


def test_guide_writes_and_queries(table):
    now = now_ms()
    # CommonAttributes may be there and empty.
    assert write(table, single_measures(now), CommonAttributes={})["RecordsIngested"]["Total"] == 2
    with refused(table, "ValidationException", 400, "line 2:27: Column 'temperature' does not exist"):
        table.call("query", QueryString=AVERAGE)
    assert write(table, multi_measure(now))["RecordsIngested"]["Total"] == 1
    assert rows_of(table, AVERAGE) == [["sensor-001", "NULL"]]
    # With the record that has the column it is the average.
    assert rows_of(table, AVERAGE.replace("= 'temperature'", "= 'sensor_metrics'")) == [["sensor-001", "22.7"]]


def test_guide_binning(table):
    now = now_ms()
    write(table, single_measures(now))
    write(table, multi_measure(now))
    binned = """
        SELECT bin(time, 5m) AS time_bucket,
               device_id,
               AVG(temperature) AS avg_temp,
               MAX(temperature) AS max_temp,
               MIN(temperature) AS min_temp
        FROM "IoTMetrics"."SensorReadings"
        WHERE measure_name = 'temperature'
          AND time > ago(6h)
        GROUP BY bin(time, 5m), device_id
        ORDER BY time_bucket ASC
    """
    bucket = time.strftime("%Y-%m-%d %H:%M:00.000000000", time.gmtime(now // 300_000 * 300))
    assert rows_of(table, binned) == [[bucket, "sensor-001", "NULL", "NULL", "NULL"]]
    rounded = """
        SELECT bin(time, 5m) AS bucket,
               device_id,
               ROUND(AVG(temperature), 2) AS avg_temp
        FROM "IoTMetrics"."SensorReadings"
        WHERE measure_name = 'sensor_metrics'
          AND time > ago(1h)
        GROUP BY bin(time, 5m), device_id
        ORDER BY bucket ASC
    """
    columns, _ = query_all(table, rounded)
    assert [column["Name"] for column in columns] == ["bucket", "device_id", "avg_temp"]
    assert rows_of(table, rounded) == [[bucket, "sensor-001", "22.7"]]


def test_guide_interpolation(table):
    now = now_ms() // 60_000 * 60_000
    for minutes, value in ((6, "10"), (4, "20"), (0, "40")):
        [reading, _] = single_measures(now - minutes * 60_000)
        write(table, [reading | {"MeasureValue": value}])
    sql = """
        SELECT device_id,
               INTERPOLATE_LINEAR(
                   CREATE_TIME_SERIES(time, measure_value::double),
                   SEQUENCE(min(time), max(time), 1m)
               ) AS interpolated_temp
        FROM "IoTMetrics"."SensorReadings"
        WHERE measure_name = 'temperature'
          AND device_id = 'sensor-001'
          AND time > ago(2h)
        GROUP BY device_id
    """
    columns, rows = query_all(table, sql)
    assert columns[1]["Type"] == {"TimeSeriesMeasureValueColumnInfo": {"Type": {"ScalarType": "DOUBLE"}}}
    [row] = rows
    points = row["Data"][1]["TimeSeriesValue"]
    assert [float(point["Value"]["ScalarValue"]) for point in points] == [10, 15, 20, 25, 30, 35, 40]


def test_guide_lambda(boto):
    """A Lambda function that times an order and counts it; only the function's context is a stand-in."""
    make_table(boto, "Lambda", "Metrics")

    class Context:
        function_name = "orders"

    def write_metric(name: str, value: float, kind: str = "DOUBLE", **extra):
        dimensions = [
            {"Name": "function_name", "Value": Context.function_name},
            {"Name": "environment", "Value": "prod"},
            {"Name": "region", "Value": "us-east-1"},
            *({"Name": key, "Value": str(text)} for key, text in extra.items()),
        ]
        metric = {
            "Dimensions": dimensions,
            "MeasureName": name,
            "MeasureValue": str(value),
            "MeasureValueType": kind,
            "Time": str(now_ms()),
        }
        boto.write.write_records(DatabaseName="Lambda", TableName="Metrics", Records=[metric])

    def handle(event: dict) -> dict:
        started = time.time()
        try:
            result = {"orderId": event["orderId"], "status": "processed"}
            write_metric("order_processing_duration_ms", (time.time() - started) * 1000, order_type=event["type"])
            write_metric("order_success_count", 1, "BIGINT")
            return {"statusCode": 200, "body": json.dumps(result)}
        except Exception as error:
            write_metric("order_error_count", 1, "BIGINT", error_type=type(error).__name__)
            raise

    assert handle({"orderId": "o-1", "type": "express"})["statusCode"] == 200
    with pytest.raises(KeyError):
        handle({})
    assert rows_of(
        boto,
        "SELECT measure_name, order_type, error_type, measure_value::bigint FROM Lambda.Metrics ORDER BY measure_name",
    ) == [
        ["order_error_count", "NULL", "KeyError", "1"],
        ["order_processing_duration_ms", "express", "NULL", "NULL"],
        ["order_success_count", "NULL", "NULL", "1"],
    ]


def test_guide_retention(table):
    retention = {"MemoryStoreRetentionPeriodInHours": 48, "MagneticStoreRetentionPeriodInDays": 1825}
    table.call("update_table", DatabaseName=DATABASE, TableName=TABLE, RetentionProperties=retention)
    described = table.call("describe_table", DatabaseName=DATABASE, TableName=TABLE)["Table"]
    assert described["RetentionProperties"] == retention
