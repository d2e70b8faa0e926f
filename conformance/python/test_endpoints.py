"""Endpoint discovery, health, other services and what is not implemented."""

import json
import ssl
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import boto3
import pytest
from clients import REGION, Boto3, fresh_account, rows_of
from expectations import make_table, refused

TARGET = "Timestream_20181101."


def post(url: str, target: str | None, body: bytes = b"{}", **headers) -> tuple[int, dict, dict]:
    """A raw request; returns status, headers (lower case) and decoded body."""
    request = urllib.request.Request(url, data=body, method="POST")
    request.add_header("Content-Type", "application/x-amz-json-1.0")
    if target:
        request.add_header("X-Amz-Target", target)
    for name, value in headers.items():
        request.add_header(name.replace("_", "-"), value)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            status, got, text = response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        status, got, text = error.code, error.headers, error.read()
    return status, {name.lower(): value for name, value in got.items()}, json.loads(text) if text else {}


def get(url: str) -> tuple[int, bytes]:
    """A raw GET."""
    with urllib.request.urlopen(url, timeout=30) as response:
        return response.status, response.read()


@pytest.mark.parametrize(
    ("user_agent", "form"),
    [
        ("Boto3/1.44.5 md/Botocore#1.44.5 ua/2.1", "{scheme}://{netloc}"),
        ("aws-cli/2.15.0 Python/3.11", "{scheme}://{netloc}"),
        ("aws-sdk-js/3.1137.0 ua/2.1 os/linux lang/js", "{host}"),
        ("aws-sdk-php/3.300.0", "{host}"),
        ("aws-sdk-rust/1.3.3 os/linux lang/rust/1.95.0", "{netloc}"),
        ("aws-sdk-go-v2/1.30.0 os/linux lang/go#1.22", "{netloc}"),
    ],
)
def test_describe_endpoints(url, user_agent, form):
    parts = urlsplit(url)
    status, headers, body = post(url, TARGET + "DescribeEndpoints", User_Agent=user_agent)
    assert status == 200
    address = form.format(scheme=parts.scheme, netloc=parts.netloc, host=parts.hostname)
    assert body == {"Endpoints": [{"Address": address, "CachePeriodInMinutes": 1440}]}
    assert headers["content-type"] == "application/x-amz-json-1.0"
    assert len(headers["x-amzn-requestid"]) == 26


def test_describe_endpoints_by_both_services(boto):
    for client in (boto.write, boto.query):
        endpoints = client.describe_endpoints()["Endpoints"]
        assert len(endpoints) == 1


def test_discovery_is_used(url):
    """With AWS_ENDPOINT_URL alone, botocore asks for the endpoint first and then uses what it was told."""
    boto = Boto3("environment", url)
    asked = []

    def note(request, **_) -> None:
        asked.append(request.headers["X-Amz-Target"].decode().removeprefix(TARGET))

    boto.write.meta.events.register("before-send.timestream-write", note)
    boto.call("list_databases")
    assert asked == ["DescribeEndpoints", "ListDatabases"]


def test_tls(url, tmp_path):
    """The same port speaks TLS, with the certificate authority that the server hands out."""
    authority = tmp_path / "ca.pem"
    status, pem = get(url + "/_timebrook/ca.pem")
    assert status == 200
    authority.write_bytes(pem)
    secure = url.replace("http://", "https://")
    client = boto3.client(
        "timestream-write",
        endpoint_url=secure,
        region_name=REGION,
        verify=str(authority),
        aws_access_key_id=fresh_account(),
        aws_secret_access_key="secret",
    )
    assert client.list_databases()["Databases"] == []
    with pytest.raises(urllib.error.URLError) as untrusted:
        get(secure + "/health")
    assert isinstance(untrusted.value.reason, ssl.SSLError)


def test_health(url):
    for path in ("/health", "/_localstack/health"):
        status, body = get(url + path)
        health = json.loads(body)
        assert status == 200
        assert health["services"] == {"timestream-write": "running", "timestream-query": "running"}
        assert health["edition"] == "timebrook"
        assert health["version"]


def test_reset_and_state(url):
    boto = Boto3("explicit", url)
    make_table(boto)
    status, body = get(f"{url}/_timebrook/state?account={boto.account}")
    state = json.loads(body)
    assert (status, state["databases"], state["tables"]) == (200, 1, 1)
    status, _, _ = post(f"{url}/_timebrook/reset?account={boto.account}", None)
    assert status == 200
    assert boto.call("list_databases")["Databases"] == []


def test_unknown_operation(url):
    # observed: no message, status 404
    status, _, body = post(url, TARGET + "NoSuchOperation")
    assert status == 404
    assert body == {"__type": "com.amazon.coral.service#UnknownOperationException"}


def test_other_services_are_named(url):
    """AWS_ENDPOINT_URL sends every service here; all but these are refused by name."""
    boto = Boto3("environment", url)
    sqs = boto.client("sqs")
    with pytest.raises(sqs.exceptions.ClientError) as caught:
        sqs.list_queues()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    functions = boto.client("lambda")
    with pytest.raises(functions.exceptions.ClientError) as caught:
        functions.list_functions()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_caller_identity(cli):
    identity = cli.json("sts", "get-caller-identity")
    assert identity["Account"] == cli.account
    assert cli.account in identity["Arn"]
    assert identity["UserId"]


def test_nothing_scheduled_or_loaded(client):
    assert client.call("list_scheduled_queries")["ScheduledQueries"] == []
    assert client.call("list_batch_load_tasks")["BatchLoadTasks"] == []
    arn = f"arn:aws:timestream:us-east-1:{client.account}:scheduled-query/hourly-80e05b035236a4c3"
    with refused(client, "ResourceNotFoundException", 404):
        client.call("describe_scheduled_query", ScheduledQueryArn=arn)
    with refused(client, "ResourceNotFoundException", 404):
        client.call("describe_batch_load_task", TaskId="9367BE28418C5EF902676482220B631C")


def test_account_settings(boto):
    settings = boto.call("describe_account_settings")
    assert settings["QueryPricingModel"] == "COMPUTE_UNITS"
    assert settings["MaxQueryTCU"] == 200


@pytest.mark.parametrize(
    ("target", "body"),
    [
        ("Query", b"not json"),
        ("Query", b"[]"),
        ("Query", b'{"QueryString": 1}'),
        ("Query", b"\xff\xfe"),
        ("Query", b""),
        ("WriteRecords", b'{"Records": "none"}'),
        ("WriteRecords", b"[" * 100_000),
        ("Query", b'{"QueryString": "SELECT 1", "MaxRows": 1e400}'),
    ],
)
def test_malformed_bodies(url, target, body):
    status, _, answer = post(url, TARGET + target, body)
    assert status == 400
    assert answer["__type"].partition("#")[2] in ("SerializationException", "ValidationException")
    assert rows_of(Boto3("explicit", url), "SELECT 1") == [["1"]]
