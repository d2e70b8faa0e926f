"""Faults on request, seen by the SDK and its retries."""

import json
import time
import urllib.error
import urllib.request

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError
from clients import REGION, fresh_account
from servers import running

ATTEMPTS = 3


@pytest.fixture(scope="module")
def server():
    """A server of its own: faults are for everybody."""
    with running() as server:
        yield server


@pytest.fixture
def clients(server):
    """Both services' clients, which try each call three times; afterwards no fault is left."""
    config = Config(retries={"mode": "standard", "total_max_attempts": ATTEMPTS})
    account = fresh_account()
    settings = {
        "endpoint_url": server.url,
        "region_name": REGION,
        "aws_access_key_id": account,
        "aws_secret_access_key": "secret",
        "config": config,
    }
    yield boto3.client("timestream-write", **settings), boto3.client("timestream-query", **settings)
    admin(server, "DELETE")


def admin(server, method: str, body: dict | None = None, path: str = "/_timebrook/faults", **headers) -> tuple[int, dict | str]:
    """A request to the server's own address; status and answer."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(server.url + path, data=data, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def make(server, *faults: dict) -> None:
    status, answer = admin(server, "POST", {"faults": list(faults)})
    assert status == 200, answer


def counts(server) -> list[tuple[int, int]]:
    """Calls and hits of every fault."""
    return [(fault["calls"], fault["hits"]) for fault in admin(server, "GET")[1]["faults"]]


@pytest.mark.parametrize(("effect", "error"), [("throttle", "ThrottlingException"), ("internal", "InternalServerException")])
def test_retries_outlast_a_fault(server, clients, effect, error):
    write, _ = clients
    make(server, {"operation": "CreateDatabase", "effect": effect, "count": ATTEMPTS - 1})
    write.create_database(DatabaseName="sensors")
    assert counts(server) == [(ATTEMPTS, ATTEMPTS - 1)]
    make(server, {"operation": "DeleteDatabase", "effect": effect})
    with pytest.raises(ClientError) as refused:
        write.delete_database(DatabaseName="sensors")
    assert refused.value.response["Error"]["Code"] == error
    assert counts(server) == [(ATTEMPTS, ATTEMPTS)]
    assert write.list_databases()["Databases"], "the other operations go on, and nothing was deleted"


@pytest.mark.parametrize(("effect", "attempts_that_create"), [("drop", 1), ("drop_answer", 0)])
def test_a_connection_that_ends_without_an_answer(server, clients, effect, attempts_that_create):
    """Was it done or not? A client that repeats the call sees it."""
    write, _ = clients
    make(server, {"operation": "CreateDatabase", "effect": effect, "count": 1})
    if attempts_that_create:
        write.create_database(DatabaseName="sensors")
    else:
        with pytest.raises(ClientError, match="ConflictException"):
            write.create_database(DatabaseName="sensors")
    assert counts(server) == [(2, 1)]
    make(server, {"effect": effect})
    with pytest.raises((ConnectionClosedError, EndpointConnectionError)):
        write.list_databases()


def test_a_delay(server, clients):
    _, query = clients
    make(server, {"operation": "Query", "effect": "delay", "delay": "300ms", "count": 1})
    before = time.monotonic()
    assert query.query(QueryString="SELECT 1")["Rows"]
    assert time.monotonic() - before >= 0.3


def test_a_share_of_the_records_is_rejected(server, clients):
    write, query = clients
    write.create_database(DatabaseName="sensors")
    write.create_table(DatabaseName="sensors", TableName="readings")
    make(server, {"effect": "reject", "share": 0.5, "seed": 7, "count": 1})
    now = int(time.time() * 1000)
    # The last one is too old: its own reason stands beside those that have none.
    records = [
        {
            "Dimensions": [{"Name": "device", "Value": f"d{i}"}],
            "MeasureName": "m",
            "MeasureValue": str(i),
            "Time": str(now if i < 99 else 1),
        }
        for i in range(100)
    ]
    with pytest.raises(ClientError) as refused:
        write.write_records(DatabaseName="sensors", TableName="readings", Records=records)
    rejected = refused.value.response["RejectedRecords"]
    places = [record["RecordIndex"] for record in rejected]
    assert places == sorted(set(places)) and 30 < len(places) < 70
    reasons = {record["Reason"].split(" the time range")[0] for record in rejected}
    assert reasons >= {"A fault that was asked for rejects the record."}
    rows = query.query(QueryString="SELECT device FROM sensors.readings")["Rows"]
    stored = {row["Data"][0]["ScalarValue"] for row in rows}
    assert stored == {f"d{i}" for i in range(99)} - {f"d{i}" for i in places}
    write.write_records(DatabaseName="sensors", TableName="readings", Records=records[:99])


def test_faults_from_the_start():
    faults = {"faults": [{"operation": "ListDatabases", "effect": "throttle"}]}
    with running("--faults", json.dumps(faults)) as server:
        status, answer = admin(server, "GET")
        assert status == 200 and answer["faults"][0]["effect"] == "throttle"
        status, text = admin(server, "POST", {"faults": [{"effect": "explode"}]})
        assert status == 400 and "explode" in text
        assert admin(server, "GET")[1] == answer, "what is refused changes nothing"


def test_who_may_use_the_servers_own_addresses():
    """Programs of this machine may; pages in its browsers may not; others need the token."""
    with running("--admin-token", "secret") as server:
        port = server.url.rsplit(":", 1)[1]
        for path in ("/_timebrook/state", "/_timebrook/faults", "/_timebrook/clock", "/_timebrook/notifications"):
            assert admin(server, "GET", path=path)[0] == 200
            assert admin(server, "GET", path=path, Host=f"localhost:{port}")[0] == 200
            rebound = {"Host": f"rebound.example:{port}"}
            assert admin(server, "GET", path=path, **rebound)[0] == 403
            assert admin(server, "GET", path=path, Origin="http://elsewhere.example")[0] == 403
            assert admin(server, "GET", path=path, **rebound, Authorization="Bearer secret")[0] == 200
            assert admin(server, "GET", path=path, Authorization="Bearer other")[0] == 403
        assert admin(server, "POST", {}, "/_timebrook/reset", Origin="http://elsewhere.example")[0] == 403
        assert admin(server, "GET", path="/health", Host="anything.example")[0] == 200
