"""Programs that know only AWS's own addresses: their names lead here, their TLS trusts the server's authority."""

import socket
import subprocess
import time

import boto3
import pytest
from clients import fresh_account
from servers import binary, running

REGION = "eu-central-1"


def test_an_sdk_that_knows_nothing_of_it(monkeypatch, tmp_path):
    """What `timebrook hosts` prints is put where it belongs: into name resolution, and into what clients trust."""
    with running() as server:
        command = [str(binary()), "hosts", "--url", server.url, "--region", f"us-east-1,{REGION}"]
        printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
        hosts = dict(reversed(line.split()) for line in printed.splitlines() if "amazonaws.com" in line)
        assert len(hosts) == 4 and set(hosts.values()) == {"127.0.0.1"}
        trusted = tmp_path / "ca.pem"
        trusted.write_text(printed[printed.index("-----BEGIN CERTIFICATE-----") :])
        port, resolve = int(server.url.rsplit(":", 1)[1]), socket.getaddrinfo

        def resolve_with_hosts(host, asked_port, *rest, **more):
            if host in hosts:
                assert asked_port == 443
                return resolve(hosts[host], port, *rest, **more)
            pytest.fail(f"{host} is not one of the names that were printed")

        monkeypatch.setattr(socket, "getaddrinfo", resolve_with_hosts)
        monkeypatch.setenv("AWS_CA_BUNDLE", str(trusted))
        monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
        account = {"aws_access_key_id": fresh_account(), "aws_secret_access_key": "secret", "region_name": REGION}
        write, query = boto3.client("timestream-write", **account), boto3.client("timestream-query", **account)
        write.create_database(DatabaseName="sensors")
        write.create_table(DatabaseName="sensors", TableName="readings")
        record = {
            "Dimensions": [{"Name": "device", "Value": "d1"}],
            "MeasureName": "temperature",
            "MeasureValue": "21.5",
            "Time": str(int(time.time() * 1000)),
        }
        write.write_records(DatabaseName="sensors", TableName="readings", Records=[record])
        rows = query.query(QueryString="SELECT measure_value::double FROM sensors.readings")["Rows"]
        assert rows == [{"Data": [{"ScalarValue": "21.5"}]}]
