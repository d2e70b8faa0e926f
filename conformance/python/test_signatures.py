"""Signatures and permissions: an unmodified boto3 and AWS CLI against a server that knows its callers."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from clients import REGION
from servers import binary, running

ACCOUNT = "123456789012"
EVERYTHING = [{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}]
# What the guide gives for reading one table.
READ_ONE = [
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["timestream:Select", "timestream:DescribeTable", "timestream:ListMeasures"],
                "Resource": f"arn:aws:timestream:{REGION}:{ACCOUNT}:database/sampleDB/table/DevOps",
            },
            {
                "Effect": "Allow",
                "Action": ["timestream:DescribeEndpoints", "timestream:SelectValues", "timestream:CancelQuery"],
                "Resource": "*",
            },
        ],
    }
]


def caller(key: str, principal: str, policies: list, secret: str = "the/secret+of=it", token: str | None = None) -> dict:
    return {
        "access_key_id": key,
        "secret_access_key": secret,
        "session_token": token,
        "account": ACCOUNT,
        "principal": principal,
        "policies": policies,
    }


CALLERS = [
    caller("AKIDADMIN", "user/admin", EVERYTHING),
    caller("AKIDREADER", "user/team/reader", READ_ONE),
    caller("ASIASESSION", "assumed-role/app/one", EVERYTHING, token="a/token+of=it=="),
]


def write(path: Path, callers: list) -> None:
    path.write_text(json.dumps({"credentials": callers}))
    path.chmod(0o600)


@pytest.fixture(scope="module")
def credentials(tmp_path_factory):
    path = tmp_path_factory.mktemp("credentials") / "credentials.json"
    write(path, CALLERS)
    return path


@pytest.fixture(scope="module")
def server(credentials):
    with running("--credentials", str(credentials)) as server:
        yield server


def client(server, service: str, key: str = "AKIDADMIN", secret: str = "the/secret+of=it", **settings):
    return boto3.client(
        service,
        endpoint_url=server.url,
        region_name=REGION,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=settings.pop("token", None),
        config=Config(retries={"max_attempts": 0}, **settings),
    )


def refused(call, **parameters) -> tuple[int, str, str]:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    response = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"], response["Error"]["Message"]


@pytest.fixture(scope="module")
def tables(server):
    """Two tables with a record each."""
    admin = client(server, "timestream-write")
    admin.create_database(DatabaseName="sampleDB", Tags=[{"Key": "stage", "Value": "test"}])
    for table in ["DevOps", "other"]:
        admin.create_table(DatabaseName="sampleDB", TableName=table)
        record = {"Dimensions": [{"Name": "host", "Value": "ö"}], "MeasureName": "m", "MeasureValue": "1.5"}
        record["Time"] = str(time.time_ns() // 1_000_000)
        admin.write_records(DatabaseName="sampleDB", TableName=table, Records=[record])
    return admin


def test_the_right_key_works(server, tables):
    arn = tables.describe_database(DatabaseName="sampleDB")["Database"]["Arn"]
    assert arn == f"arn:aws:timestream:{REGION}:{ACCOUNT}:database/sampleDB"
    session = client(server, "timestream-write", "ASIASESSION", token="a/token+of=it==")
    assert [found["DatabaseName"] for found in session.list_databases()["Databases"]] == ["sampleDB"]
    answer = client(server, "timestream-query").query(QueryString="SELECT host FROM sampleDB.DevOps")
    assert answer["Rows"] == [{"Data": [{"ScalarValue": "ö"}]}]


def test_wrong_ones_do_not(server):
    invalid = "The security token included in the request is invalid."
    nobody = client(server, "timestream-write", "AKIDNOBODY")
    assert refused(nobody.list_databases) == (400, "UnrecognizedClientException", invalid)
    wrong = client(server, "timestream-write", secret="wrong")
    status, code, message = refused(wrong.list_databases)
    assert (status, code) == (403, "InvalidSignatureException")
    assert message.startswith("The request signature we calculated does not match the signature you provided.")
    status, code, _ = refused(client(server, "timestream-query", secret="wrong").query, QueryString="SELECT 1")
    assert (status, code) == (403, "InvalidSignatureException")
    stale = client(server, "timestream-write", "ASIASESSION", token="another")
    assert refused(stale.list_databases) == (400, "UnrecognizedClientException", invalid)
    assert refused(client(server, "timestream-write", "ASIASESSION").list_databases)[1] == "UnrecognizedClientException"


def test_signatures_expire(server, monkeypatch):
    import botocore.auth

    def signed_at(moment: datetime) -> tuple[int, str, str]:
        monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_, **__: moment.replace(tzinfo=None))
        return refused(client(server, "timestream-write").list_databases)

    now = datetime.now(timezone.utc)
    status, code, message = signed_at(now - timedelta(minutes=6))
    assert (status, code) == (403, "InvalidSignatureException")
    assert message.startswith("Signature expired: ") and message.endswith(" - 5 min.)")
    status, code, message = signed_at(now + timedelta(minutes=6))
    assert (status, code) == (403, "InvalidSignatureException")
    assert message.startswith("Signature not yet current: ") and message.endswith(" + 5 min.)")


def test_permissions(server, tables):
    write_client = client(server, "timestream-write", "AKIDREADER")
    query_client = client(server, "timestream-query", "AKIDREADER")
    assert len(query_client.query(QueryString="SELECT * FROM sampleDB.DevOps")["Rows"]) == 1
    assert query_client.query(QueryString="SELECT 1")["Rows"] == [{"Data": [{"ScalarValue": "1"}]}]
    write_client.describe_table(DatabaseName="sampleDB", TableName="DevOps")
    user = f"User: arn:aws:iam::{ACCOUNT}:user/team/reader is not authorized to perform: "
    other = f"arn:aws:timestream:{REGION}:{ACCOUNT}:database/sampleDB/table/other"
    sql = "SELECT a.time FROM sampleDB.DevOps a JOIN sampleDB.other b ON a.time = b.time"
    assert refused(query_client.query, QueryString=sql) == (
        403,
        "AccessDeniedException",
        f"{user}timestream:Select on resource: {other} because no identity-based policy allows the timestream:Select action",
    )
    assert refused(write_client.delete_table, DatabaseName="sampleDB", TableName="other") == (
        403,
        "AccessDeniedException",
        f"{user}timestream:DeleteTable on resource: {other} because no identity-based policy allows the "
        "timestream:DeleteTable action",
    )


def test_sts_names_the_caller(server):
    identity = client(server, "sts", "AKIDREADER").get_caller_identity()
    assert (identity["Account"], identity["Arn"]) == (ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/team/reader")
    assert refused(client(server, "sts", secret="wrong").get_caller_identity)[:2] == (403, "SignatureDoesNotMatch")


def test_objects(server, tables):
    s3 = client(server, "s3")
    s3.create_bucket(Bucket="bucket")
    for key in ["plain", "a folder/ö=1 (2)+~*.csv", "a'b&c@d:e,f$g;h"]:
        s3.put_object(Bucket="bucket", Key=key, Body=b"0123456789", Metadata={"stage": "test"})
        assert s3.get_object(Bucket="bucket", Key=key)["Body"].read() == b"0123456789"
    s3.upload_fileobj(io.BytesIO(b"x" * (9 << 20)), "bucket", "large")
    assert s3.head_object(Bucket="bucket", Key="large")["ContentLength"] == 9 << 20
    assert len(s3.list_objects_v2(Bucket="bucket", Prefix="a")["Contents"]) == 2
    s3.delete_objects(Bucket="bucket", Delete={"Objects": [{"Key": "large"}]})
    presigned = {"ClientMethod": "get_object", "Params": {"Bucket": "bucket", "Key": "a folder/ö=1 (2)+~*.csv"}}
    status, body = curl(s3.generate_presigned_url(**presigned))
    # What boto3 does unless it is told otherwise is an older way.
    assert status == 400 and b"Please use AWS4-HMAC-SHA256" in body
    s3v4 = client(server, "s3", signature_version="s3v4")
    url = s3v4.generate_presigned_url(**presigned)
    assert curl(url) == (200, b"0123456789")
    assert curl(url.replace("bucket/a", "bucket/b", 1))[0] == 403
    put = s3v4.generate_presigned_url("put_object", Params={"Bucket": "bucket", "Key": "put"})
    assert curl(put, method="PUT", body=b"by address")[0] == 200
    assert s3.get_object(Bucket="bucket", Key="put")["Body"].read() == b"by address"
    assert curl(f"{server.url}/bucket/plain")[0] == 403
    session = client(server, "s3", "ASIASESSION", token="a/token+of=it==")
    assert session.get_object(Bucket="bucket", Key="plain")["Body"].read() == b"0123456789"
    assert refused(client(server, "s3", secret="wrong").list_buckets)[:2] == (403, "SignatureDoesNotMatch")
    assert refused(client(server, "s3", "AKIDNOBODY").list_buckets)[:2] == (403, "InvalidAccessKeyId")
    query = client(server, "timestream-query")
    query.query(QueryString="UNLOAD (SELECT host FROM sampleDB.DevOps) TO 's3://bucket/unloaded'")
    assert s3.list_objects_v2(Bucket="bucket", Prefix="unloaded/results/")["KeyCount"] == 1


def curl(url: str, method: str = "GET", body: bytes | None = None) -> tuple[int, bytes]:
    """Asks without an SDK."""
    import urllib.error
    import urllib.request

    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=body, method=method)) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_without_a_signature(server):
    status, body = curl(server.url, method="POST", body=b"{}")
    assert (status, json.loads(body)) == (
        400,
        {
            "__type": "com.amazon.coral.service#MissingAuthenticationTokenException",
            "message": "Missing Authentication Token",
        },
    )
    assert curl(f"{server.url}/health")[0] == 200


def test_the_command_line(server, tables):
    cli = Path(sys.executable).with_name("aws")
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_ENDPOINT_URL": server.url,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_ACCESS_KEY_ID": "AKIDREADER",
    }

    def run(secret: str, *arguments: str) -> subprocess.CompletedProcess:
        settings = {**environment, "AWS_SECRET_ACCESS_KEY": secret}
        return subprocess.run([cli, *arguments], env=settings, capture_output=True, text=True, timeout=60)

    query = ["timestream-query", "query", "--query-string", "SELECT host FROM sampleDB.DevOps"]
    answer = run("the/secret+of=it", *query)
    assert json.loads(answer.stdout)["Rows"] == [{"Data": [{"ScalarValue": "ö"}]}], answer.stderr
    assert "InvalidSignatureException" in run("wrong", *query).stderr
    assert "AccessDeniedException" in run("the/secret+of=it", "timestream-write", "list-databases").stderr


def test_the_file_is_read_anew(tmp_path):
    path = tmp_path / "credentials.json"
    write(path, CALLERS)
    with running("--credentials", str(path)) as server:
        client(server, "timestream-write").list_databases()
        path.write_text("broken")
        server.process.send_signal(signal.SIGHUP)
        write(path, [caller("AKIDNEW", "user/new", EVERYTHING)])
        server.process.send_signal(signal.SIGHUP)
        new = client(server, "timestream-write", "AKIDNEW")
        for _ in range(100):
            try:
                new.list_databases()
                break
            except ClientError:
                time.sleep(0.05)
        assert refused(client(server, "timestream-write").list_databases)[1] == "UnrecognizedClientException"


@pytest.mark.parametrize("mode", [0o644, 0o620])
def test_a_file_that_others_can_read_is_refused(tmp_path, mode):
    path = tmp_path / "credentials.json"
    write(path, CALLERS)
    path.chmod(mode)
    arguments = [str(binary()), "--port", "0", "--credentials", str(path)]
    ended = subprocess.run(arguments, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert "others can read it" in ended.stderr
    assert "the/secret" not in ended.stderr + ended.stdout


def test_no_secret_is_logged(tmp_path):
    path = tmp_path / "credentials.json"
    write(path, CALLERS)
    log = tmp_path / "log"
    with open(log, "w") as out:
        arguments = [str(binary()), "--port", "0", "--credentials", str(path), "--log", "trace"]
        process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=out, text=True)
        try:
            server = type("Server", (), {"url": process.stdout.readline() and process.stdout.readline().split("=")[1].strip()})
            client(server, "timestream-write", "ASIASESSION", token="a/token+of=it==").list_databases()
            refused(client(server, "timestream-write", secret="wrong").list_databases)
            client(server, "s3", "ASIASESSION", token="a/token+of=it==").list_buckets()
        finally:
            process.kill()
            process.wait()
    written = log.read_text()
    assert "ListDatabases" in written
    assert "the/secret" not in written
    assert "a/token" not in written
