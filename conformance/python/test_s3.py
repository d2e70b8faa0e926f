"""The embedded S3 endpoint: an unmodified boto3 and AWS CLI with the server's address."""

import io
import urllib.request

import boto3
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError
from clients import REGION, AwsCli, fresh_account
from servers import running

CREDENTIALS = {"aws_access_key_id": "test", "aws_secret_access_key": "secret", "region_name": REGION}


def s3_client(url: str, **config):
    return boto3.client("s3", endpoint_url=url, config=Config(**config), **CREDENTIALS)


@pytest.fixture(scope="module")
def s3(url):
    return s3_client(url)


@pytest.fixture
def bucket(s3):
    """A bucket of the test's own."""
    name = f"bucket-{fresh_account()}"
    s3.create_bucket(Bucket=name)
    return name


def code(call, **parameters) -> str:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return caught.value.response["Error"]["Code"]


def test_buckets(s3, bucket):
    assert bucket in [found["Name"] for found in s3.list_buckets()["Buckets"]]
    s3.head_bucket(Bucket=bucket)
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] is None
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    assert code(s3.delete_bucket, Bucket=bucket) == "BucketNotEmpty"
    s3.delete_object(Bucket=bucket, Key="k")
    s3.delete_bucket(Bucket=bucket)
    assert code(s3.head_bucket, Bucket=bucket) == "404"
    assert code(s3.get_object, Bucket=bucket, Key="k") == "NoSuchBucket"
    assert code(s3.list_objects_v2, Bucket=bucket) == "NoSuchBucket"
    assert code(s3.put_object, Bucket=bucket, Key="k", Body=b"1") == "NoSuchBucket"


def test_objects(s3, bucket):
    said = {"ContentType": "text/csv", "CacheControl": "no-cache", "Metadata": {"stage": "test"}}
    put = s3.put_object(Bucket=bucket, Key="a folder/ö=1.csv", Body=b"0123456789", **said)
    got = s3.get_object(Bucket=bucket, Key="a folder/ö=1.csv")
    assert got["Body"].read() == b"0123456789"
    assert (got["ContentType"], got["CacheControl"], got["Metadata"]) == ("text/csv", "no-cache", {"stage": "test"})
    assert got["ETag"] == put["ETag"]
    head = s3.head_object(Bucket=bucket, Key="a folder/ö=1.csv")
    assert (head["ContentLength"], head["ETag"], head["ContentType"]) == (10, put["ETag"], "text/csv")
    for asked, expect, shown in [("bytes=2-4", b"234", "bytes 2-4/10"), ("bytes=-3", b"789", "bytes 7-9/10")]:
        part = s3.get_object(Bucket=bucket, Key="a folder/ö=1.csv", Range=asked)
        assert (part["Body"].read(), part["ContentRange"]) == (expect, shown)
        assert part["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert code(s3.get_object, Bucket=bucket, Key="a folder/ö=1.csv", Range="bytes=10-") == "InvalidRange"
    assert code(s3.get_object, Bucket=bucket, Key="none") == "NoSuchKey"
    assert code(s3.get_object, Bucket=bucket, Key="a folder/ö=1.csv", IfMatch='"other"') == "PreconditionFailed"

    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "a folder/ö=1.csv"})
    assert s3.get_object(Bucket=bucket, Key="copy")["Metadata"] == {"stage": "test"}
    s3.put_object(Bucket=bucket, Key="empty")
    assert s3.get_object(Bucket=bucket, Key="empty")["Body"].read() == b""
    gone = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "copy"}, {"Key": "never there"}]})
    assert [found["Key"] for found in gone["Deleted"]] == ["copy", "never there"]
    assert [found["Key"] for found in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["a folder/ö=1.csv", "empty"]


def test_listings(s3, bucket):
    keys = sorted([f"a/{number:03}" for number in range(25)] + ["b", "c/d/e", "c/f g"])
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 7})
    assert [found["Key"] for page in pages for found in page["Contents"]] == keys
    pages = s3.get_paginator("list_objects").paginate(Bucket=bucket, PaginationConfig={"PageSize": 7})
    assert [found["Key"] for page in pages for found in page["Contents"]] == keys
    top = s3.list_objects_v2(Bucket=bucket, Delimiter="/")
    assert [found["Key"] for found in top["Contents"]] == ["b"]
    assert [found["Prefix"] for found in top["CommonPrefixes"]] == ["a/", "c/"]
    below = s3.list_objects_v2(Bucket=bucket, Delimiter="/", Prefix="c/")
    assert [found["Key"] for found in below["Contents"]] == ["c/f g"]
    after = s3.list_objects_v2(Bucket=bucket, Prefix="a/0", StartAfter="a/020")
    assert [(found["Key"], found["Size"]) for found in after["Contents"]] == [(f"a/{n:03}", 5) for n in range(21, 25)]


def test_multipart(s3, bucket):
    body = bytes(range(256)) * 100_000
    config = TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20)
    s3.upload_fileobj(io.BytesIO(body), bucket, "large", ExtraArgs={"ContentType": "x/y"}, Config=config)
    into = io.BytesIO()
    s3.download_fileobj(bucket, "large", into, Config=config)
    assert into.getvalue() == body
    assert s3.head_object(Bucket=bucket, Key="large")["ContentType"] == "x/y"

    upload = s3.create_multipart_upload(Bucket=bucket, Key="given up")["UploadId"]
    s3.upload_part(Bucket=bucket, Key="given up", UploadId=upload, PartNumber=1, Body=b"1")
    parts = {"Parts": [{"PartNumber": 1, "ETag": '"other"'}]}
    finish = {"Bucket": bucket, "Key": "given up", "UploadId": upload, "MultipartUpload": parts}
    assert code(s3.complete_multipart_upload, **finish) == "InvalidPart"
    s3.abort_multipart_upload(Bucket=bucket, Key="given up", UploadId=upload)
    assert code(s3.complete_multipart_upload, **finish) == "NoSuchUpload"
    assert code(s3.get_object, Bucket=bucket, Key="given up") == "NoSuchKey"


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
def test_checksums(s3, bucket, algorithm):
    s3.put_object(Bucket=bucket, Key=algorithm, Body=b"hello", ChecksumAlgorithm=algorithm)
    assert s3.get_object(Bucket=bucket, Key=algorithm)["Body"].read() == b"hello"
    assert code(s3.put_object, Bucket=bucket, Key="bad", Body=b"hello", ChecksumCRC32="AAAAAA==") == "BadDigest"


def test_presigned(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"for anyone")
    address = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
    with urllib.request.urlopen(address, timeout=30) as answer:
        assert answer.read() == b"for anyone"


def test_not_there(s3, bucket):
    assert code(s3.put_object, Bucket=bucket, Key="k", Body=b"", Tagging="a=b") == "NotImplemented"
    assert code(s3.put_object, Bucket=bucket, Key="k", Body=b"", ServerSideEncryption="aws:kms") == "NotImplemented"
    assert code(s3.get_bucket_versioning, Bucket=bucket) == "NotImplemented"
    assert code(s3.put_object, Bucket=bucket, Key="a//b", Body=b"") == "InvalidRequest"


def test_cli(url, bucket, tmp_path):
    cli = AwsCli("environment", url)
    (tmp_path / "rows.csv").write_text("time,host\n1,a\n")
    done = cli.run("s3", "cp", str(tmp_path / "rows.csv"), f"s3://{bucket}/in/rows.csv")
    assert done.returncode == 0, done.stderr
    done = cli.run("s3", "ls", "--recursive", f"s3://{bucket}")
    assert done.returncode == 0 and "in/rows.csv" in done.stdout, done.stderr
    done = cli.run("s3", "cp", f"s3://{bucket}/in/rows.csv", "-")
    assert done.stdout == "time,host\n1,a\n"


def test_objects_are_files_of_the_data_directory(tmp_path):
    with running("--data-dir", str(tmp_path)) as server:
        s3 = s3_client(server.url)
        s3.create_bucket(Bucket="kept")
        s3.put_object(Bucket="kept", Key="a/b.csv", Body=b"1,2\n", ContentType="text/csv")
        assert (tmp_path / "s3" / "kept" / "a" / "b.csv").read_bytes() == b"1,2\n"
        assert server.terminate() == 0
    with running("--data-dir", str(tmp_path)) as server:
        got = s3_client(server.url).get_object(Bucket="kept", Key="a/b.csv")
        assert (got["Body"].read(), got["ContentType"]) == (b"1,2\n", "text/csv")


def test_objects_elsewhere():
    with running("--s3-endpoint", "http://127.0.0.1:9") as server:
        with pytest.raises(ClientError) as caught:
            s3_client(server.url).list_buckets()
        assert "http://127.0.0.1:9" in caught.value.response["Error"]["Message"]
