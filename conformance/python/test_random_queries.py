"""Random queries: the same rows as DuckDB gives, and only the service's errors for broken ones."""

import os
import random
from collections import Counter

import duckdb
import pytest
from clients import Boto3, ServiceError, query_all
from random_queries import DATABASE, MACROS, Generator, hosts, readings

SEEDS = range(25)
QUERIES_PER_SEED = 20
DATA_SEED = 7


def value(text: str, kind: str):
    """A scalar as Python has it; doubles to the digits that the order of additions leaves alone."""
    match kind:
        case "INTEGER" | "BIGINT":
            return int(text)
        case "DOUBLE":
            return f"{float(text) + 0.0:.9g}"
        case "BOOLEAN":
            return text == "true"
        case "VARCHAR":
            return text
    raise AssertionError(f"{kind} is not compared")


def expected_value(value):
    return f"{value + 0.0:.9g}" if isinstance(value, float) else value


def timebrook_rows(client: Boto3, sql: str) -> list[tuple]:
    columns, rows = query_all(client, sql)
    kinds = [column["Type"]["ScalarType"] for column in columns]
    return [
        tuple(value(datum["ScalarValue"], kind) if "ScalarValue" in datum else None for datum, kind in zip(row["Data"], kinds))
        for row in rows
    ]


def duckdb_rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple]:
    return [tuple(map(expected_value, row)) for row in connection.execute(sql).fetchall()]


def measure(name: str, value, kind: str) -> list[dict]:
    """A measure of a record; none for a null. The service takes no empty text."""
    text = str(value).lower() if kind == "BOOLEAN" else str(value)
    return [] if value is None or text == "" else [{"Name": name, "Value": text, "Type": kind}]


def write(client: Boto3, table: str, rows: list[dict], kinds: dict[str, str]):
    """Rows as multi-measure records; `present` is a measure that every record has."""
    records = [
        {
            "Dimensions": [{"Name": name, "Value": row[name]} for name in ("host", "zone") if row.get(name)],
            "MeasureName": "all",
            "MeasureValueType": "MULTI",
            "MeasureValues": sum((measure(name, row[name], kind) for name, kind in kinds.items()), measure("present", 1, "BIGINT")),
            "Time": str(row["time_ms"]),
        }
        for row in rows
    ]
    for start in range(0, len(records), 100):
        client.call("write_records", DatabaseName=DATABASE, TableName=table, Records=records[start : start + 100])


@pytest.fixture(scope="module")
def pair():
    """A client and a DuckDB connection with the same two tables."""
    client = Boto3("explicit", os.environ["TIMEBROOK_URL"].rstrip("/"))
    client.call("create_database", DatabaseName=DATABASE)
    retention = {"MemoryStoreRetentionPeriodInHours": 24, "MagneticStoreRetentionPeriodInDays": 7300}
    for table in ("readings", "hosts"):
        client.call(
            "create_table",
            DatabaseName=DATABASE,
            TableName=table,
            RetentionProperties=retention,
            MagneticStoreWriteProperties={"EnableMagneticStoreWrites": True},
        )
    rng = random.Random(DATA_SEED)
    read, host_rows = readings(rng, 300), hosts(rng)
    write(client, "readings", read, {"n": "BIGINT", "x": "DOUBLE", "ok": "BOOLEAN", "note": "VARCHAR"})
    write(client, "hosts", host_rows, {"size": "BIGINT", "label": "VARCHAR"})

    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    connection.execute(f"CREATE SCHEMA {DATABASE}")
    connection.execute(
        "CREATE TABLE pairs.readings (host VARCHAR, zone VARCHAR, measure_name VARCHAR, time TIMESTAMP_NS, present BIGINT, "
        "n BIGINT, x DOUBLE, ok BOOLEAN, note VARCHAR)"
    )
    connection.execute("CREATE TABLE pairs.hosts (host VARCHAR, time TIMESTAMP_NS, size BIGINT, label VARCHAR)")
    for row in read:
        connection.execute(
            "INSERT INTO pairs.readings VALUES (?, ?, 'all', make_timestamp_ns(? * 1000000), 1, ?, ?, ?, ?)",
            [row["host"], row["zone"], row["time_ms"], row["n"], row["x"], row["ok"], row["note"] or None],
        )
    for row in host_rows:
        connection.execute(
            "INSERT INTO pairs.hosts VALUES (?, make_timestamp_ns(? * 1000000), ?, ?)",
            [row["host"], row["time_ms"], row["size"], row["label"] or None],
        )
    for macro in MACROS:
        connection.execute(macro)
    return client, connection


@pytest.mark.parametrize("seed", SEEDS)
def test_rows_are_those_of_duckdb(pair, seed):
    client, connection = pair
    generator = Generator(seed)
    for _ in range(QUERIES_PER_SEED):
        sql = generator.query()
        expected = Counter(duckdb_rows(connection, sql))
        got = Counter(timebrook_rows(client, sql))
        assert got == expected, f"{sql}\nonly here: {list((got - expected).items())[:5]}\nmissing: {list((expected - got).items())[:5]}"


@pytest.mark.parametrize("seed", SEEDS)
def test_broken_queries_get_the_services_errors(pair, seed):
    client, _ = pair
    generator = Generator(1_000 + seed)
    for _ in range(QUERIES_PER_SEED):
        sql = generator.damaged()
        try:
            query_all(client, sql)
        except ServiceError as error:
            assert (error.status, error.code) in {(400, "ValidationException"), (400, "QueryExecutionException")}, sql
            assert error.message, sql
