"""What every scenario asks of an answer."""

import time
from contextlib import contextmanager

from clients import Client, ServiceError


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


@contextmanager
def refused(client: Client, code: str, status: int, message: str | None = None, *, containing: str | None = None):
    """Expects the block to fail with that error name and, where the client shows it, HTTP status.

    `message` is the whole text, `containing` a part of it. Yields a list that holds the error afterwards.
    """
    caught: list[ServiceError] = []
    try:
        yield caught
    except ServiceError as error:
        caught.append(error)
        assert error.code == code, error
        if client.shows_http:
            assert error.status == status, error
        if message is not None:
            assert error.message == message
        if containing is not None:
            assert containing in error.message
    else:
        raise AssertionError(f"expected {code}, but the call succeeded")


def make_table(client: Client, database: str = "sensors", table: str = "readings", **settings) -> tuple[str, str]:
    """Creates a database with one table, by default with a memory store of 24 hours; returns their names."""
    settings.setdefault(
        "RetentionProperties", {"MemoryStoreRetentionPeriodInHours": 24, "MagneticStoreRetentionPeriodInDays": 7}
    )
    client.call("create_database", DatabaseName=database)
    client.call("create_table", DatabaseName=database, TableName=table, **settings)
    return database, table


def record(time_ms: int, value: str = "1.0", *, measure: str = "temperature", **more) -> dict:
    """A single-measure record of one device."""
    dimensions = more.pop("Dimensions", [{"Name": "device", "Value": "d1"}])
    return {"Dimensions": dimensions, "MeasureName": measure, "MeasureValue": value, "Time": str(time_ms)} | more
