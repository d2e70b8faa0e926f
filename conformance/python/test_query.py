"""Query: types on the wire, pages, cancellation, statements about tables, errors."""

import threading

import pytest
from clients import Boto3, ServiceError, datum_text, query_all, rows_of
from expectations import make_table, now_ms, record, refused


def one(client, sql: str) -> tuple[list[dict], list[dict]]:
    """The columns and the only row's data of a query."""
    columns, rows = query_all(client, sql)
    assert len(rows) == 1, rows
    return columns, rows[0]["Data"]


def scalar(name: str, kind: str) -> dict:
    """A ColumnInfo."""
    return {"Name": name, "Type": {"ScalarType": kind}}


def fill(client) -> int:
    """A table with 30 readings of three devices, the newest now; returns that time in milliseconds."""
    make_table(client)
    now = now_ms()
    records = [
        record(now - minute * 60_000, f"{device}.{minute}", Dimensions=[{"Name": "device", "Value": f"d{device}"}])
        for device in range(3)
        for minute in range(10)
    ]
    client.call("write_records", DatabaseName="sensors", TableName="readings", Records=records)
    return now


def test_query_every_datum_type(client):
    # observed: texts and types of the first seven
    columns, data = one(
        client,
        "SELECT 1 AS i, 'two' AS v, timestamp '2020-08-08 01:00' AS ts, interval '2' day - interval '3' hour AS ds, "
        "interval '3' year - interval '5' month AS ym, time '01:00' AS t, date '2020-08-08' AS d, "
        "2147483648 AS b, 1e10 AS x, true AS f, NULL AS n",
    )
    assert columns == [
        scalar("i", "INTEGER"),
        scalar("v", "VARCHAR"),
        scalar("ts", "TIMESTAMP"),
        scalar("ds", "INTERVAL_DAY_TO_SECOND"),
        scalar("ym", "INTERVAL_YEAR_TO_MONTH"),
        scalar("t", "TIME"),
        scalar("d", "DATE"),
        scalar("b", "BIGINT"),
        scalar("x", "DOUBLE"),
        scalar("f", "BOOLEAN"),
        scalar("n", "UNKNOWN"),
    ]
    assert data == [
        {"ScalarValue": "1"},
        {"ScalarValue": "two"},
        {"ScalarValue": "2020-08-08 01:00:00.000000000"},
        {"ScalarValue": "1 21:00:00.000000000"},
        {"ScalarValue": "2-7"},
        {"ScalarValue": "01:00:00.000000000"},
        {"ScalarValue": "2020-08-08"},
        {"ScalarValue": "2147483648"},
        {"ScalarValue": "1.0E10"},
        {"ScalarValue": "true"},
        {"NullValue": True},
    ]
    columns, data = one(client, "SELECT ARRAY[1, NULL, 3], ROW(1, 'a')")
    assert columns[0] == {"Name": "_col0", "Type": {"ArrayColumnInfo": {"Type": {"ScalarType": "INTEGER"}}}}
    assert [field["Type"] for field in columns[1]["Type"]["RowColumnInfo"]] == [
        {"ScalarType": "INTEGER"},
        {"ScalarType": "VARCHAR"},
    ]
    assert data == [
        {"ArrayValue": [{"ScalarValue": "1"}, {"NullValue": True}, {"ScalarValue": "3"}]},
        {"RowValue": {"Data": [{"ScalarValue": "1"}, {"ScalarValue": "a"}]}},
    ]


def test_query_time_series(client):
    now = fill(client)
    columns, data = one(
        client,
        "SELECT CREATE_TIME_SERIES(time, measure_value::double) AS series FROM sensors.readings "
        "WHERE device = 'd2' AND time > ago(150s)",
    )
    assert columns == [
        {"Name": "series", "Type": {"TimeSeriesMeasureValueColumnInfo": {"Type": {"ScalarType": "DOUBLE"}}}}
    ]
    points = data[0]["TimeSeriesValue"]
    assert [point["Value"]["ScalarValue"] for point in points] == ["2.2", "2.1", "2.0"]
    assert points[-1]["Time"].endswith(f".{now % 1000:03}000000")
    # observed: over no rows it is one row with a null
    nothing = "SELECT CREATE_TIME_SERIES(time, measure_value::double) FROM sensors.readings WHERE device = 'none'"
    assert one(client, nothing)[1] == [{"NullValue": True}]


def test_query_pages(client):
    fill(client)
    sql = "SELECT device, time FROM sensors.readings ORDER BY device, time"
    whole = rows_of(client, sql)
    assert len(whole) == 30
    paged, ids, sizes, token = [], set(), [], {}
    while True:
        answer = client.call("query", QueryString=sql, MaxRows=7, **token)
        assert [column["Name"] for column in answer["ColumnInfo"]] == ["device", "time"]
        sizes.append(len(answer["Rows"]))
        paged += [[datum_text(datum) for datum in row["Data"]] for row in answer["Rows"]]
        ids.add(answer["QueryId"])
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert paged == whole
    assert max(sizes) == 7
    assert len(ids) == 1
    with refused(client, "ValidationException", 400, containing="Invalid pagination token"):
        client.call("query", QueryString=sql, NextToken="bm90IGEgdG9rZW4")


def test_pages_belong_to_query_and_account(boto, url):
    fill(boto)
    sql = "SELECT time FROM sensors.readings"
    answer = boto.call("query", QueryString=sql, MaxRows=5)
    while not answer["Rows"]:
        answer = boto.call("query", QueryString=sql, MaxRows=5, NextToken=answer["NextToken"])
    token = answer["NextToken"]
    with refused(boto, "ValidationException", 400, containing="Invalid pagination token"):
        boto.call("query", QueryString=sql + " ", NextToken=token)
    stranger = Boto3(boto.mode, url)
    with refused(stranger, "ValidationException", 400, containing="Invalid pagination token"):
        stranger.call("query", QueryString=sql, NextToken=token)
    # model: the same token gives the same records again
    again = [boto.call("query", QueryString=sql, MaxRows=5, NextToken=token)["Rows"] for _ in range(2)]
    assert again[0] == again[1] != []


def test_paginator(boto):
    fill(boto)
    pages = boto.query.get_paginator("query").paginate(
        QueryString="SELECT time FROM sensors.readings", PaginationConfig={"PageSize": 4}
    )
    assert sum(len(page["Rows"]) for page in pages) == 30


def test_pages_of_one_megabyte(url):
    client = Boto3("explicit", url)
    make_table(client)
    now = now_ms()
    text = "x" * 2000
    for batch in range(15):
        records = [
            record(now - batch * 100 - i, text, measure="blob", MeasureValueType="VARCHAR") for i in range(100)
        ]
        client.call("write_records", DatabaseName="sensors", TableName="readings", Records=records)
    sql = "SELECT measure_value::varchar FROM sensors.readings"
    answer, rows, pages = client.call("query", QueryString=sql), 0, 0
    while True:
        size = sum(len(datum["ScalarValue"]) for row in answer["Rows"] for datum in row["Data"])
        # model: a page holds 1 MB at most
        assert size <= 1_000_000
        rows, pages = rows + len(answer["Rows"]), pages + bool(answer["Rows"])
        if "NextToken" not in answer:
            break
        answer = client.call("query", QueryString=sql, NextToken=answer["NextToken"])
    assert (rows, pages >= 3) == (1500, True)


def test_query_status(client):
    fill(client)
    answer = client.call("query", QueryString="SELECT count(*) FROM sensors.readings WHERE device = 'd1'")
    while "NextToken" in answer:
        answer = client.call(
            "query",
            QueryString="SELECT count(*) FROM sensors.readings WHERE device = 'd1'",
            NextToken=answer["NextToken"],
        )
    status = answer["QueryStatus"]
    # observed
    assert status["ProgressPercentage"] == 100.0
    assert status["CumulativeBytesMetered"] == 10_000_000
    assert 0 < status["CumulativeBytesScanned"] < 10_000
    assert answer["QueryId"].isalnum() and answer["QueryId"].isupper() and len(answer["QueryId"]) <= 64
    status = client.call("query", QueryString="SHOW DATABASES")["QueryStatus"]
    assert (status["CumulativeBytesMetered"], status["CumulativeBytesScanned"]) == (0, 0)


def test_cancel_query(client):
    # An unknown or finished query cannot be cancelled: model.
    with refused(client, "ValidationException", 400):
        client.call("cancel_query", QueryId="AEDACANMQDLSTQR3SPDV6HEWYACX5IALTEWGK7JM3VSFQQ5J5F3HGKVEMNHBRHY")


def test_cancel_running_query(boto, url):
    """A query whose first page is out still holds its cursor; cancelling it ends both."""
    fill(boto)
    sql = "SELECT a.time FROM sensors.readings a, sensors.readings b, sensors.readings c"
    answer = boto.call("query", QueryString=sql, MaxRows=1)
    boto.call("cancel_query", QueryId=answer["QueryId"])
    with refused(boto, "ConflictException", 409, containing="Unable to poll results for a cancelled query"):
        boto.call("query", QueryString=sql, MaxRows=1, NextToken=answer["NextToken"])
    again = boto.call("cancel_query", QueryId=answer["QueryId"])
    assert again["CancellationMessage"]


def test_show_and_describe(client):
    now = fill(client)
    client.call("create_table", DatabaseName="sensors", TableName="other_table")
    client.call("create_database", DatabaseName="second")
    multi = {
        "Dimensions": [{"Name": "host", "Value": "h1"}],
        "MeasureName": "metrics",
        "MeasureValueType": "MULTI",
        "MeasureValues": [{"Name": "load", "Value": "1", "Type": "DOUBLE"}],
        "Time": str(now),
    }
    client.call("write_records", DatabaseName="sensors", TableName="readings", Records=[multi])

    columns, rows = query_all(client, "SHOW DATABASES")
    assert columns == [scalar("Database", "VARCHAR")]
    assert [datum_text(row["Data"][0]) for row in rows] == ["second", "sensors"]
    assert rows_of(client, "SHOW DATABASES LIKE 'sen%'") == [["sensors"]]
    columns, rows = query_all(client, 'SHOW TABLES FROM "sensors"')
    assert columns == [scalar("Table", "VARCHAR")]
    assert [datum_text(row["Data"][0]) for row in rows] == ["other_table", "readings"]
    assert rows_of(client, "SHOW TABLES FROM sensors LIKE 'other!_t%' ESCAPE '!'") == [["other_table"]]
    assert rows_of(client, "SHOW TABLES FROM sensors LIKE 'nothing'") == []

    columns, rows = query_all(client, "SHOW MEASURES FROM sensors.readings")
    assert columns == [
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
    assert [[datum_text(datum) for datum in row["Data"]] for row in rows] == [
        ["metrics", "multi", "[(host, varchar)]"],
        ["temperature", "double", "[(device, varchar)]"],
    ]

    columns, rows = query_all(client, 'DESCRIBE "sensors"."readings"')
    assert columns == [
        scalar("Column", "VARCHAR"),
        scalar("Type", "VARCHAR"),
        scalar("Timestream attribute type", "VARCHAR"),
    ]
    described = [[datum_text(datum) for datum in row["Data"]] for row in rows]
    assert described[:4] == [
        ["device", "varchar", "DIMENSION"],
        ["host", "varchar", "DIMENSION"],
        ["measure_name", "varchar", "MEASURE_NAME"],
        ["time", "timestamp", "TIMESTAMP"],
    ]
    assert sorted(described[4:]) == [["load", "double", "MULTI"], ["measure_value::double", "double", "MEASURE_VALUE"]]
    # SELECT * has the columns of DESCRIBE, in its order.
    columns, _ = query_all(client, "SELECT * FROM sensors.readings LIMIT 1")
    assert [column["Name"] for column in columns] == [row[0] for row in described]


def test_empty_table(client):
    make_table(client)
    # observed: a table that was never written to has two columns
    columns, rows = query_all(client, "SELECT * FROM sensors.readings")
    assert (columns, rows) == ([scalar("measure_name", "VARCHAR"), scalar("time", "TIMESTAMP")], [])
    with refused(client, "ValidationException", 400, "line 1:8: Column 'device' does not exist"):
        client.call("query", QueryString="SELECT device FROM sensors.readings")


def test_prepare_query(client):
    fill(client)
    sql = "SELECT device AS d, avg(measure_value::double) FROM sensors.readings WHERE time > @since GROUP BY device"
    prepared = client.call("prepare_query", QueryString=sql, ValidateOnly=True)
    assert prepared["QueryString"] == sql
    first, second = prepared["Columns"]
    assert (first["Name"], first["Type"], first["Aliased"]) == ("d", {"ScalarType": "VARCHAR"}, True)
    assert (first["DatabaseName"], first["TableName"]) == ("sensors", "readings")
    assert (second["Type"], second["Aliased"]) == ({"ScalarType": "DOUBLE"}, False)
    assert "TableName" not in second
    assert [parameter["Type"] for parameter in prepared["Parameters"]] == [{"ScalarType": "TIMESTAMP"}]
    with refused(client, "ValidationException", 400):
        client.call("prepare_query", QueryString="SELECT device FROM sensors.readings", ValidateOnly=False)
    with refused(client, "ValidationException", 400, containing="Column 'nope' does not exist"):
        client.call("prepare_query", QueryString="SELECT nope FROM sensors.readings", ValidateOnly=True)


def test_query_errors(client):
    fill(client)

    def fails(sql: str, message: str):
        with refused(client, "ValidationException", 400, message):
            client.call("query", QueryString=sql)

    # observed: all four texts
    fails("SELECT nope FROM sensors.readings", "line 1:8: Column 'nope' does not exist")
    fails("SHOW TABLES FROM net-example", "The query syntax is invalid at line 1:21")
    fails('DESCRIBE "sensors"."unknown"', "The table 'unknown' does not exist in database 'sensors' at line 1:1")
    fails(
        'DESCRIBE "unknown"."readings"',
        "Requested database 'unknown' not found for identifier 'unknown.readings' at line 1:1",
    )
    # Names of databases and tables are case-sensitive.
    with refused(client, "ValidationException", 400, containing="The table 'Readings' does not exist in database"):
        client.call("query", QueryString="SELECT * FROM sensors.Readings")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT no_such_function(1)",
        "SELECT array_to_string(ARRAY['a', 'b'], ',')",
        "SELECT 1; SELECT 2",
        "DROP TABLE sensors.readings",
        "INSERT INTO sensors.readings VALUES (1)",
        "CREATE TABLE x (a int)",
        "EXPLAIN SELECT 1",
        "SELECT @parameter",
        "SELECT * FROM readings_without_database",
        "SELECT 1 +",
        "",
    ],
)
def test_refused_statements(url, sql):
    client = Boto3("explicit", url, checks_parameters=False)
    with refused(client, "ValidationException", 400):
        client.call("query", QueryString=sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 9223372036854775807 + BIGINT '1'",
        "SELECT sum(x) FROM (VALUES 9223372036854775807, 9223372036854775807) AS t(x)",
        "SELECT 1 / 0",
        "SELECT CAST('abc' AS bigint)",
    ],
)
def test_failures_while_running(url, sql):
    """Never a wrapped or wrong number: the query fails."""
    client = Boto3("explicit", url)
    with pytest.raises(ServiceError) as caught:
        client.call("query", QueryString=sql)
    assert caught.value.code in ("ValidationException", "QueryExecutionException")
    assert caught.value.status == 400


@pytest.mark.parametrize("link", [" + 1", " AND true", " || 'a'", " UNION ALL SELECT 1", "("])
def test_absurdly_long_chains(url, link):
    """A quarter of a megabyte of one operator is an error, and the server lives on."""
    client = Boto3("explicit", url)
    head = {" AND true": "SELECT true", " || 'a'": "SELECT 'a'", "(": "SELECT "}.get(link, "SELECT 1")
    sql = (head + link * (262_144 // len(link)))[:262_144]
    with refused(client, "ValidationException", 400):
        client.call("query", QueryString=sql)
    assert rows_of(client, "SELECT 1") == [["1"]]


def test_parallel_queries(url):
    client = Boto3("explicit", url)
    fill(client)
    failures = []

    def ask():
        try:
            assert rows_of(client, "SELECT count(*) FROM sensors.readings") == [["30"]]
        except (AssertionError, ServiceError) as error:
            failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
