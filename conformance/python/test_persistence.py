"""--data-dir: what was acknowledged is there after kill -9 and after a clean stop."""

import datetime
import subprocess
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import botocore.exceptions
import crash
import duckdb
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


def test_twenty_crashes(tmp_path):
    """SIGKILL at random moments, under writes that are recent, late and repeated, while rows move between the stores."""
    ledger = crash.run(tmp_path, rounds=20, seed=7)
    assert len(ledger.acknowledged) > 20


def test_files_are_parquet(tmp_path):
    """What has aged lies in files that another engine reads as they are."""
    account, now = fresh_account(), now_ms()
    days = 86_400_000
    with running("--data-dir", str(tmp_path)) as server:
        client = Boto3("explicit", server.url, account)
        make_table(client, MagneticStoreWriteProperties={"EnableMagneticStoreWrites": True})
        late = [now - 3 * days + i for i in range(100)]
        write(client, [record(at, f"{i}.5") for i, at in enumerate(late)])
        write(client, [record(late[7], "99.0", Version=2), record(now, "1.0")])
        urllib.request.urlopen(urllib.request.Request(f"{server.url}/_timebrook/tick", method="POST")).close()
        before = rows_of(client, ROWS)
        files = f"{tmp_path}/magnetic/{account}/us-east-1/sensors/readings/day=*/*.parquet"
        duck = duckdb.connect()
        query = f'SELECT device, measure_name, epoch_ms(time), "measure_value::double", day::varchar FROM \'{files}\''
        found = duck.execute(f"{query} ORDER BY time").fetchall()
        server.kill()
    assert [row[2] for row in found] == late
    assert [row[3] for row in found] == [99.0 if i == 7 else i + 0.5 for i in range(100)]
    assert {row[:2] for row in found} == {("d1", "temperature")}
    assert {row[4] for row in found} <= {
        datetime.datetime.fromtimestamp(at / 1000, datetime.UTC).date().isoformat() for at in late
    }
    with running("--data-dir", str(tmp_path)) as server:
        assert rows_of(Boto3("explicit", server.url, account), ROWS) == before
    assert len(before) == 101
