"""Shapes of real answers: what the service was recorded to say, asked of this server for like queries.

The expectations are typed from published recordings of the service. # observed
"""

import json

from clients import Boto3
from expectations import make_table, now_ms
from test_endpoints import post

TARGET = "Timestream_20181101.Query"


def raw_query(client: Boto3, sql: str) -> dict:
    """The answer's JSON exactly as sent, all pages' rows together."""
    authorization = (
        f"AWS4-HMAC-SHA256 Credential={client.account}/20260101/us-east-1/timestream/aws4_request, "
        "SignedHeaders=host, Signature=0"
    )
    request = {"QueryString": sql}
    rows = []
    while True:
        status, _, answer = post(client.url, TARGET, json.dumps(request).encode(), Authorization=authorization)
        assert status == 200, answer
        rows += answer["Rows"]
        if "NextToken" not in answer:
            return answer | {"Rows": rows}
        request["NextToken"] = answer["NextToken"]


def filled(url: str) -> Boto3:
    """A table `grafanaDB.DevOps` with single-measure rows of three types and two sets of dimensions."""
    client = Boto3("explicit", url)
    make_table(client, "grafanaDB", "DevOps")
    client.call("create_table", DatabaseName="grafanaDB", TableName="IoT")
    now = now_ms()
    cell = [{"Name": "region", "Value": "us-west-2"}, {"Name": "cell", "Value": "us-west-2-cell-2"}]
    process = [*cell, {"Name": "process_name", "Value": "server"}, {"Name": "jdk_version", "Value": "JDK_11"}]
    single = [
        (cell, "cpu_user", "0.13194831754663383", "DOUBLE", 2000),
        (cell, "cpu_user", "0.25659634265551734", "DOUBLE", 1000),
        (process, "task_completed", "223", "BIGINT", 1000),
        (process, "task_end_state", "SUCCESS_WITH_RESULT", "VARCHAR", 1000),
    ]
    records = [
        {
            "Dimensions": dimensions,
            "MeasureName": name,
            "MeasureValue": value,
            "MeasureValueType": kind,
            "Time": str(now - age_ms),
        }
        for dimensions, name, value, kind, age_ms in single
    ]
    client.call("write_records", DatabaseName="grafanaDB", TableName="DevOps", Records=records)
    return client


def scalar(name: str, kind: str) -> dict:
    return {"Name": name, "Type": {"ScalarType": kind}}


def test_members_of_an_answer(url):
    answer = raw_query(filled(url), "SELECT * FROM grafanaDB.DevOps LIMIT 10")
    assert sorted(answer) == ["ColumnInfo", "QueryId", "QueryStatus", "Rows"]
    assert sorted(answer["QueryStatus"]) == [
        "CumulativeBytesMetered",
        "CumulativeBytesScanned",
        "ProgressPercentage",
    ]
    assert answer["QueryStatus"]["CumulativeBytesMetered"] == 10000000
    assert answer["QueryStatus"]["ProgressPercentage"] == 100
    assert answer["ColumnInfo"] == [
        scalar("region", "VARCHAR"),
        scalar("cell", "VARCHAR"),
        scalar("process_name", "VARCHAR"),
        scalar("jdk_version", "VARCHAR"),
        scalar("measure_name", "VARCHAR"),
        scalar("time", "TIMESTAMP"),
        scalar("measure_value::double", "DOUBLE"),
        scalar("measure_value::bigint", "BIGINT"),
        scalar("measure_value::varchar", "VARCHAR"),
    ]
    # A Datum has exactly one member; a column without a value is a NullValue.
    data = {row["Data"][4]["ScalarValue"]: row["Data"] for row in answer["Rows"]}
    assert {len(datum) for row in answer["Rows"] for datum in row["Data"]} == {1}
    assert data["task_end_state"][6:] == [
        {"NullValue": True},
        {"NullValue": True},
        {"ScalarValue": "SUCCESS_WITH_RESULT"},
    ]
    assert data["task_completed"][6:] == [{"NullValue": True}, {"ScalarValue": "223"}, {"NullValue": True}]
    assert data["cpu_user"][2:4] == [{"NullValue": True}, {"NullValue": True}]


def test_constants(url):
    answer = raw_query(
        Boto3("explicit", url),
        "SELECT\n\t\t  1     as t_int32,\n\t\t  'two' as t_varchar,\n\t\t  timestamp '2020-08-08 01:00' as timestamp,\n"
        "\t\t  interval '2' day - interval '3' hour as interval_day_to_second,\n"
        "\t\t  interval '3' year - interval '5' month as interval_year_to_month,\n"
        "\t\t  time '01:00' as time,\n\t\t  date '2020-08-08' as date",
    )
    assert answer["ColumnInfo"] == [
        scalar("t_int32", "INTEGER"),
        scalar("t_varchar", "VARCHAR"),
        scalar("timestamp", "TIMESTAMP"),
        scalar("interval_day_to_second", "INTERVAL_DAY_TO_SECOND"),
        scalar("interval_year_to_month", "INTERVAL_YEAR_TO_MONTH"),
        scalar("time", "TIME"),
        scalar("date", "DATE"),
    ]
    assert [datum["ScalarValue"] for datum in answer["Rows"][0]["Data"]] == [
        "1",
        "two",
        "2020-08-08 01:00:00.000000000",
        "1 21:00:00.000000000",
        "2-7",
        "01:00:00.000000000",
        "2020-08-08",
    ]
    assert answer["QueryStatus"]["CumulativeBytesMetered"] == 10000000
    assert answer["QueryStatus"]["CumulativeBytesScanned"] == 0


def test_describe(url):
    answer = raw_query(filled(url), "DESCRIBE grafanaDB.DevOps")
    assert answer["ColumnInfo"] == [
        scalar("Column", "VARCHAR"),
        scalar("Type", "VARCHAR"),
        scalar("Timestream attribute type", "VARCHAR"),
    ]
    assert [[datum["ScalarValue"] for datum in row["Data"]] for row in answer["Rows"]] == [
        ["region", "varchar", "DIMENSION"],
        ["cell", "varchar", "DIMENSION"],
        ["process_name", "varchar", "DIMENSION"],
        ["jdk_version", "varchar", "DIMENSION"],
        ["measure_name", "varchar", "MEASURE_NAME"],
        ["time", "timestamp", "TIMESTAMP"],
        ["measure_value::double", "double", "MEASURE_VALUE"],
        ["measure_value::bigint", "bigint", "MEASURE_VALUE"],
        ["measure_value::varchar", "varchar", "MEASURE_VALUE"],
    ]
    assert answer["QueryStatus"] == {
        "CumulativeBytesMetered": 0,
        "CumulativeBytesScanned": 0,
        "ProgressPercentage": 100,
    }


def test_show(url):
    client = filled(url)
    answer = raw_query(client, "SHOW DATABASES")
    assert answer["ColumnInfo"] == [scalar("Database", "VARCHAR")]
    assert answer["Rows"] == [{"Data": [{"ScalarValue": "grafanaDB"}]}]
    answer = raw_query(client, "SHOW TABLES FROM grafanaDB")
    assert answer["ColumnInfo"] == [scalar("Table", "VARCHAR")]
    assert answer["Rows"] == [{"Data": [{"ScalarValue": "DevOps"}]}, {"Data": [{"ScalarValue": "IoT"}]}]
    answer = raw_query(client, "SHOW MEASURES FROM grafanaDB.DevOps")
    assert answer["ColumnInfo"] == [
        scalar("measure_name", "VARCHAR"),
        scalar("data_type", "VARCHAR"),
        {
            "Name": "dimensions",
            "Type": {
                "ArrayColumnInfo": {
                    "Type": {"RowColumnInfo": [scalar("dimension_name", "VARCHAR"), scalar("data_type", "VARCHAR")]}
                }
            },
        },
    ]
    assert answer["Rows"][0] == {
        "Data": [
            {"ScalarValue": "cpu_user"},
            {"ScalarValue": "double"},
            {
                "ArrayValue": [
                    {"RowValue": {"Data": [{"ScalarValue": "region"}, {"ScalarValue": "varchar"}]}},
                    {"RowValue": {"Data": [{"ScalarValue": "cell"}, {"ScalarValue": "varchar"}]}},
                ]
            },
        ]
    }
    assert [row["Data"][0]["ScalarValue"] for row in answer["Rows"]] == ["cpu_user", "task_completed", "task_end_state"]


def test_time_series(url):
    answer = raw_query(
        filled(url),
        "SELECT measure_name, region, create_time_series(time, measure_value::double) FROM grafanaDB.DevOps "
        "WHERE time > ago(30m) AND (measure_name = 'cpu_user' or measure_name = 'cpu_system') "
        "AND region = 'us-west-2' GROUP BY measure_name, region",
    )
    assert answer["ColumnInfo"] == [
        scalar("measure_name", "VARCHAR"),
        scalar("region", "VARCHAR"),
        {"Name": "_col2", "Type": {"TimeSeriesMeasureValueColumnInfo": {"Type": {"ScalarType": "DOUBLE"}}}},
    ]
    [row] = answer["Rows"]
    points = row["Data"][2]["TimeSeriesValue"]
    assert [sorted(point) for point in points] == [["Time", "Value"]] * 2
    assert [point["Value"] for point in points] == [
        {"ScalarValue": "0.13194831754663383"},
        {"ScalarValue": "0.25659634265551734"},
    ]


def test_null_beside_a_timestamp(url):
    answer = raw_query(
        filled(url),
        "SELECT measure_name ,\n\t\tCASE WHEN measure_name = 'task_completed' THEN (SELECT NULL) ELSE time END\n"
        "\t\tFROM grafanaDB.DevOps LIMIT 10",
    )
    assert answer["ColumnInfo"] == [scalar("measure_name", "VARCHAR"), scalar("_col1", "TIMESTAMP")]
    nulls = {row["Data"][0]["ScalarValue"]: row["Data"][1] for row in answer["Rows"]}
    assert nulls["task_completed"] == {"NullValue": True}
    assert len(nulls["cpu_user"]["ScalarValue"]) == len("2021-04-12 15:08:56.000000000")


def test_series_of_no_rows(url):
    """Names of columns keep their case through SELECT *, and an aggregate over nothing is a null series."""
    answer = raw_query(
        filled(url),
        "WITH binnedTimeseries AS (SELECT BIN(time, 10000ms) AS binnedTime, SUM(measure_value::double) as value "
        "FROM grafanaDB.DevOps WHERE time BETWEEN from_milliseconds(1654008860795) AND "
        "from_milliseconds(1654030460795) AND measure_name = 'any_metric_name' "
        "GROUP BY BIN(time, 10000ms) ORDER BY binnedTime), "
        "interpolatedTimeseries AS (SELECT INTERPOLATE_LINEAR(CREATE_TIME_SERIES(binnedTime, value), "
        "SEQUENCE(min(binnedTime), max(binnedTime), 10000ms)) AS interpolatedValue FROM binnedTimeseries) "
        "SELECT * FROM interpolatedTimeseries",
    )
    assert answer["ColumnInfo"] == [
        {
            "Name": "interpolatedValue",
            "Type": {"TimeSeriesMeasureValueColumnInfo": {"Type": {"ScalarType": "DOUBLE"}}},
        }
    ]
    assert answer["Rows"] == [{"Data": [{"NullValue": True}]}]
