"""--data-dir: what was acknowledged is there after kill -9 and after a clean stop."""

import subprocess
from concurrent.futures import ThreadPoolExecutor

import botocore.exceptions
from clients import Boto3, fresh_account, rows_of
from expectations import make_table, now_ms, record, refused
from servers import binary, running

GONE = (botocore.exceptions.HTTPClientError, botocore.exceptions.ConnectionError)
ROWS = "SELECT device, time, measure_value::double FROM sensors.readings ORDER BY device, time"


def write(client, records: list[dict]) -> None:
    client.call("write_records", DatabaseName="sensors", TableName="readings", Records=records)


def batch(now: int, number: int) -> list[dict]:
    """100 readings of one device."""
    dimensions = [{"Name": "device", "Value": f"d{number:02}"}]
    return [record(now - i, f"{number}.5", Dimensions=dimensions) for i in range(100)]


def test_killed_and_restarted(tmp_path):
    account, now = fresh_account(), now_ms()
    with running("--data-dir", str(tmp_path)) as server:
        client = Boto3("explicit", server.url, account)
        make_table(client, Tags=[{"Key": "stage", "Value": "test"}])
        for number in range(20):
            write(client, batch(now, number))
        write(client, [record(now, "9.0", Version=7)])
        before = rows_of(client, ROWS)
        table = client.call("describe_table", DatabaseName="sensors", TableName="readings")["Table"]
        server.kill()
    assert len(before) == 2001

    with running("--data-dir", str(tmp_path)) as server:
        client = Boto3("explicit", server.url, account)
        assert rows_of(client, ROWS) == before
        assert client.call("describe_table", DatabaseName="sensors", TableName="readings")["Table"] == table
        tags = client.call("list_tags_for_resource", ResourceARN=table["Arn"])["Tags"]
        assert tags == [{"Key": "stage", "Value": "test"}]
        # Versions are kept too.
        with refused(client, "RejectedRecordsException", 419) as caught:
            write(client, [record(now, "1.0", Version=6)])
        assert caught[0].body["RejectedRecords"][0]["ExistingVersion"] == 7
        write(client, batch(now, 20))
        assert server.terminate() == 0

    with running("--data-dir", str(tmp_path)) as server:
        client = Boto3("explicit", server.url, account)
        assert len(rows_of(client, ROWS)) == 2101
        client.call("delete_table", DatabaseName="sensors", TableName="readings")
        server.kill()

    with running("--data-dir", str(tmp_path)) as server:
        client = Boto3("explicit", server.url, account)
        assert client.call("list_tables", DatabaseName="sensors")["Tables"] == []
        assert client.call("describe_database", DatabaseName="sensors")["Database"]["TableCount"] == 0


def test_killed_while_writing(tmp_path):
    """Whatever was acknowledged is there in full; the write in flight is there in full or not at all."""
    account, now = fresh_account(), now_ms()
    with running("--data-dir", str(tmp_path)) as server:
        make_table(Boto3("explicit", server.url, account))
        acknowledged: list[int] = []

        def writer(first: int) -> None:
            client = Boto3("explicit", server.url, account)
            for number in range(first, first + 1000):
                write(client, batch(now, number))
                acknowledged.append(number)
                if len(acknowledged) == 40:
                    server.kill()

        with ThreadPoolExecutor(4) as pool:
            for done in [pool.submit(writer, 1000 * lane) for lane in range(4)]:
                # Each writer ends because the server is gone, and for no other reason.
                assert isinstance(done.exception(), GONE)
    with running("--data-dir", str(tmp_path)) as server:
        client = Boto3("explicit", server.url, account)
        counts = dict(rows_of(client, "SELECT device, count(*) FROM sensors.readings GROUP BY device"))
    assert {f"d{number:02}" for number in acknowledged} <= set(counts)
    assert set(counts.values()) == {"100"}
    assert len(counts) <= len(acknowledged) + 4


def test_in_memory_forgets(tmp_path):
    with running() as server:
        client = Boto3("explicit", server.url)
        make_table(client)
        assert server.terminate() == 0
    with running() as server:
        assert Boto3("explicit", server.url, client.account).call("list_databases")["Databases"] == []


def test_certificate_authority_is_kept(tmp_path):
    printed = []
    for _ in range(2):
        with running("--data-dir", str(tmp_path)) as server:
            done = subprocess.run(
                [str(binary()), "ca", "--url", server.url], capture_output=True, text=True, timeout=30, check=True
            )
            printed.append(done.stdout)
    assert printed[0].startswith("-----BEGIN CERTIFICATE-----")
    assert printed[0] == printed[1]
