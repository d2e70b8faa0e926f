"""UNLOAD, most of it through boto3 alone; its files are read with the S3 client, and by DuckDB."""

import csv
import gzip
import io
import json
import re
from pathlib import Path

import duckdb
import pytest
from clients import Boto3, fresh_account, query_all, rows_of
from expectations import make_table, now_ms, record, refused
from servers import running
from test_s3 import s3_client

OPTIONS_OF_THE_GUIDE = "format='CSV', compression='GZIP'"


@pytest.fixture(scope="module")
def world(url):
    """A client, its S3 client and a bucket, over a table with some records."""
    client = Boto3("explicit", url)
    make_table(client)
    now = now_ms()
    records = [
        record(now - number, f"{number}.25", Dimensions=[{"Name": "device", "Value": f"d{number % 3}"}])
        for number in range(90)
    ]
    client.call("write_records", DatabaseName="sensors", TableName="readings", Records=records)
    s3, bucket = s3_client(url), f"unload-{fresh_account()}"
    s3.create_bucket(Bucket=bucket)
    return client, s3, bucket


def unload(client, sql: str) -> list[str]:
    columns, rows = query_all(client, sql)
    # guide: export-unload-concepts.html
    assert columns == [
        {"Name": "rows", "Type": {"ScalarType": "BIGINT"}},
        {"Name": "metadataFile", "Type": {"ScalarType": "VARCHAR"}},
        {"Name": "manifestFile", "Type": {"ScalarType": "VARCHAR"}},
    ]
    return [datum["ScalarValue"] for datum in rows[0]["Data"]]


def read(s3, url: str) -> bytes:
    bucket, key = re.fullmatch(r"s3://([^/]+)/(.*)", url).groups()
    return s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def files(s3, manifest_url: str) -> list[tuple[str, bytes]]:
    """The result files that a manifest lists, which says their lengths and rows rightly."""
    manifest = json.loads(read(s3, manifest_url))
    found = [(file["url"], read(s3, file["url"])) for file in manifest["result_files"]]
    lengths = [file["file_metadata"]["content_length_in_bytes"] for file in manifest["result_files"]]
    assert lengths == [len(body) for _, body in found]
    assert manifest["query_metadata"]["content_length_in_bytes"] == sum(lengths)
    return found


# construct: UNLOAD
# guide: supported-sql-constructs.UNLOAD.html
def test_the_first_example_of_the_guide(world):
    client, s3, bucket = world
    query = "SELECT device, measure_name, time, measure_value::double FROM sensors.readings"
    rows, metadata, manifest = unload(
        client, f"UNLOAD({query})\nTO 's3://{bucket}/withoutpartition/' WITH ( {OPTIONS_OF_THE_GUIDE})"
    )
    assert rows == "90"
    name = rf"s3://{bucket}/withoutpartition/[A-Z0-9]+_[0-9a-f-]{{36}}"
    assert re.fullmatch(name + "_metadata.json", metadata) and re.fullmatch(name + "_manifest.json", manifest)
    [(url, body)] = files(s3, manifest)
    assert re.fullmatch(name.replace("withoutpartition/", "withoutpartition/results/") + r"\.gz", url)
    lines = gzip.decompress(body).decode().splitlines()
    assert sorted(lines) == sorted(",".join(row) for row in rows_of(client, query))
    described = json.loads(read(s3, metadata))
    assert described["ColumnInfo"] == query_all(client, query)[0]
    assert described["Author"] == {"Name": "Amazon Timestream", "MetadataFileVersion": "1.0"}


def test_unload(client):
    make_table(client)
    now = now_ms()
    records = [record(now - number, f"{number}.5") for number in range(3)]
    client.call("write_records", DatabaseName="sensors", TableName="readings", Records=records)
    s3, bucket = s3_client(client.url), f"unload-{client.account}"
    s3.create_bucket(Bucket=bucket)
    query = "SELECT device, measure_value::double AS value FROM sensors.readings"
    sql = f"UNLOAD ({query}) TO 's3://{bucket}/readings' WITH (format = 'CSV', compression = 'NONE')"
    rows, metadata, manifest = unload(client, sql)
    assert rows == "3"
    [(_, body)] = files(s3, manifest)
    assert sorted(body.decode().splitlines()) == ["d1,0.5", "d1,1.5", "d1,2.5"]
    assert json.loads(read(s3, metadata))["ColumnInfo"] == query_all(client, query)[0]


def test_partitioned(world):
    client, s3, bucket = world
    query = "SELECT time, measure_value::double AS value, measure_name, device FROM sensors.readings"
    rows, _, manifest = unload(
        client,
        f"UNLOAD({query}) TO 's3://{bucket}/parts' WITH (partitioned_by = ARRAY ['measure_name', 'device'], "
        "include_header = 'true', compression = 'NONE')",
    )
    found = files(s3, manifest)
    folders = [url.split("/results/")[1].rsplit("/", 1)[0] for url, _ in found]
    measure = rows_of(client, "SELECT DISTINCT measure_name FROM sensors.readings")[0][0]
    assert folders == [f"measure_name={measure}/device=d{n}" for n in range(3)]
    for _, body in found:
        table = list(csv.reader(io.StringIO(body.decode())))
        assert table[0] == ["time", "value"] and len(table) == 31
    assert rows == "90"


def test_insights_and_prepare(world):
    client, _, bucket = world
    sql = (
        f"UNLOAD (SELECT time, device FROM sensors.readings) TO 's3://{bucket}/i' "
        "WITH (partitioned_by = ARRAY['device'])"
    )
    answer = client.call("query", QueryString=sql, QueryInsights={"Mode": "ENABLED_WITH_RATE_CONTROL"})
    while "NextToken" in answer:
        answer = client.call("query", QueryString=sql, NextToken=answer["NextToken"])
    insights = answer["QueryInsightsResponse"]
    assert (insights["UnloadPartitionCount"], insights["UnloadWrittenRows"]) == (3, 90)
    assert insights["UnloadWrittenBytes"] > 90
    prepared = client.query.prepare_query(QueryString=sql, ValidateOnly=True)
    assert [column["Name"] for column in prepared["Columns"]] == ["rows", "metadataFile", "manifestFile"]


def test_a_missing_bucket(world):
    client, _, _ = world
    with refused(client, "ValidationException", 400):
        client.call("query", QueryString="UNLOAD (SELECT 1) TO 's3://no-such-bucket/f'")


VALUES = (
    "SELECT v.* FROM (VALUES (1, 1.5, true, 'Time,\"st\\ream', date '2024-02-29', "
    "from_nanoseconds(1709210096123456789), ARRAY[1, 2], CAST(ROW(2.5, 'x') AS ROW(a double, b varchar))), "
    "(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)) AS v(i, d, b, s, day, t, list, r)"
)


def local_files(tmp_path, query: str, options: str) -> tuple:
    """UNLOAD with --data-dir: its files are files."""
    with running("--data-dir", str(tmp_path)) as server:
        s3_client(server.url).create_bucket(Bucket="out")
        client = Boto3("explicit", server.url)
        unload(client, f"UNLOAD ({query}) TO 's3://out/f' WITH ({options})")
        plain = rows_of(client, query)
    return plain, str(tmp_path / "s3" / "out" / "f" / "results" / "**" / "*")


@pytest.mark.parametrize("compression", ["GZIP", "NONE"])
def test_parquet_is_read_by_duckdb(tmp_path, compression):
    _, path = local_files(tmp_path, VALUES, f"format = 'PARQUET', compression = '{compression}'")
    rows = duckdb.sql(
        f"SELECT i, d, b, s, day::varchar, epoch_ns(t), typeof(t), list, r.a, r.b FROM read_parquet('{path}') ORDER BY i"
    ).fetchall()
    moment = (1709210096123456789, "TIMESTAMP_NS")
    expect = (1, 1.5, True, 'Time,"st\\ream', "2024-02-29", *moment, [1, 2], 2.5, "x")
    assert rows[0] == expect
    assert rows[1][0] is None and rows[1][3] is None and rows[1][7] is None
    codecs = duckdb.sql(f"SELECT DISTINCT compression FROM parquet_metadata('{path}')").fetchall()
    assert codecs == [("GZIP" if compression == "GZIP" else "UNCOMPRESSED",)]


def test_time_series_in_parquet(tmp_path):
    query = "SELECT create_time_series(from_nanoseconds(t), v) AS s FROM (VALUES (10, 100.0), (12, 120.0)) AS p(t, v)"
    _, path = local_files(tmp_path, query, "format = 'PARQUET'")
    rows = duckdb.sql(f"SELECT list_transform(s, lambda p: [epoch_ns(p.time)::double, p.value]) FROM read_parquet('{path}')")
    assert rows.fetchall() == [([[10.0, 100.0], [12.0, 120.0]],)]


def test_partitioned_parquet_is_a_hive_layout(tmp_path):
    query = "SELECT x, x % 3 AS part FROM UNNEST(sequence(1, 9000)) AS t(x)"
    _, path = local_files(tmp_path, query, "format = 'PARQUET', partitioned_by = ARRAY['part']")
    found = duckdb.sql(f"SELECT part, count(*), sum(x) FROM read_parquet('{path}', hive_partitioning = true) GROUP BY 1")
    assert sorted(found.fetchall()) == [(0, 3000, 13504500), (1, 3000, 13498500), (2, 3000, 13501500)]


def test_csv_is_read_by_duckdb(tmp_path):
    plain, path = local_files(tmp_path, VALUES, "include_header = 'true'")
    rows = duckdb.sql(
        f"SELECT * FROM read_csv('{path}', quote = '\"', escape = '\\', header = true, all_varchar = true, "
        "compression = 'gzip') ORDER BY i"
    ).fetchall()
    expect = plain[0][:6] + ["[1,2]", '{"a":2.5,"b":"x"}']
    assert rows[0] == tuple(expect)
    assert rows[1] == (None,) * 8


def test_a_large_result_is_streamed(tmp_path):
    """A result of many times the memory that it may take goes through."""
    rows = "SELECT x, rpad('', 1000, 'x') AS text FROM UNNEST(sequence(1, 10000)) AS t(x) CROSS JOIN UNNEST(sequence(1, 10)) AS u(y)"
    with running("--data-dir", str(tmp_path), "--query-memory", "64") as server:
        s3_client(server.url).create_bucket(Bucket="out")
        client = Boto3("explicit", server.url)
        count, _, _ = unload(client, f"UNLOAD ({rows}) TO 's3://out/f' WITH (compression = 'NONE', max_file_size = '16MB')")
        peak = int(re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{server.process.pid}/status").read_text()).group(1))
    found = list((tmp_path / "s3" / "out" / "f" / "results").iterdir())
    assert count == "100000" and sum(file.stat().st_size for file in found) > 100_000_000
    assert len(found) >= 6 and max(file.stat().st_size for file in found) < 20 << 20
    assert peak < 400_000, "kibibytes"
