"""What only the AWS CLI does: shorthand parameters, its own paging, output filters."""

from expectations import make_table, now_ms


def test_shorthand_parameters(cli):
    cli.json("timestream-write", "create-database", "--database-name", "sensors", "--tags", "Key=team,Value=blue")
    table = cli.json(
        "timestream-write",
        "create-table",
        "--database-name",
        "sensors",
        "--table-name",
        "readings",
        "--retention-properties",
        "MemoryStoreRetentionPeriodInHours=24,MagneticStoreRetentionPeriodInDays=7",
    )["Table"]
    assert table["RetentionProperties"]["MemoryStoreRetentionPeriodInHours"] == 24
    written = cli.json(
        "timestream-write",
        "write-records",
        "--database-name",
        "sensors",
        "--table-name",
        "readings",
        "--common-attributes",
        f"Dimensions=[{{Name=device,Value=d1}}],Time={now_ms()}",
        "--records",
        "MeasureName=temperature,MeasureValue=21.5",
        "MeasureName=humidity,MeasureValue=40",
    )
    assert written["RecordsIngested"] == {"Total": 2, "MemoryStore": 2, "MagneticStore": 0}
    done = cli.run(
        "timestream-query",
        "query",
        "--query-string",
        "SELECT measure_name, measure_value::double FROM sensors.readings ORDER BY 1",
        "--query",
        "Rows[].Data[].ScalarValue",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["[", '"humidity",', '"40.0",', '"temperature",', '"21.5"', "]"]


def test_paging_by_the_cli(cli):
    make_table(cli)
    now = now_ms()
    records = [
        {
            "Dimensions": [{"Name": "device", "Value": "d1"}],
            "MeasureName": "temperature",
            "MeasureValue": str(i),
            "Time": str(now - i),
        }
        for i in range(25)
    ]
    cli.call("write_records", DatabaseName="sensors", TableName="readings", Records=records)
    answer = cli.json(
        "timestream-query", "query", "--page-size", "10", "--query-string", "SELECT time FROM sensors.readings"
    )
    assert len(answer["Rows"]) == 25
