"""A day of runs in a moment: for a server that was started with --manual-clock (its address in TIMEBROOK_URL)."""

import datetime
import json
import os
import urllib.request

import boto3

URL = os.environ["TIMEBROOK_URL"]
AWS = {"region_name": "us-east-1", "aws_access_key_id": "test", "aws_secret_access_key": "test", "endpoint_url": URL}


def clock(move: dict | None = None) -> datetime.datetime:
    """The server's time, after moving it."""
    body = json.dumps(move).encode() if move else None
    with urllib.request.urlopen(f"{URL}/_timebrook/clock", data=body) as answer:
        return datetime.datetime.fromisoformat(json.load(answer)["now"])


def test_a_day_has_24_runs():
    write, query = boto3.client("timestream-write", **AWS), boto3.client("timestream-query", **AWS)
    write.create_database(DatabaseName="home")
    retention = {"MemoryStoreRetentionPeriodInHours": 48, "MagneticStoreRetentionPeriodInDays": 365}
    for table in ["rooms", "hourly"]:
        write.create_table(DatabaseName="home", TableName=table, RetentionProperties=retention)
    first = clock() - datetime.timedelta(days=1)
    readings = [
        {"MeasureName": "temperature", "MeasureValue": str(20 + i % 4), "Time": str(int(time.timestamp() * 1000))}
        for i in range(96)
        for time in [first + i * datetime.timedelta(minutes=15)]
    ]
    common = {"Dimensions": [{"Name": "room", "Value": "kitchen"}]}
    write.write_records(DatabaseName="home", TableName="rooms", CommonAttributes=common, Records=readings)

    arn = query.create_scheduled_query(
        Name="hourly",
        QueryString="""
            SELECT room, bin(time, 1h) AS hour, avg(measure_value::double) AS mean FROM home.rooms
            WHERE time BETWEEN @scheduled_runtime - 25h AND @scheduled_runtime - 24h GROUP BY room, bin(time, 1h)""",
        ScheduleConfiguration={"ScheduleExpression": "rate(1 hour)"},
        NotificationConfiguration={"SnsConfiguration": {"TopicArn": "arn:aws:sns:us-east-1:000000000000:runs"}},
        ErrorReportConfiguration={"S3Configuration": {"BucketName": "reports"}},
        ScheduledQueryExecutionRoleArn="arn:aws:iam::000000000000:role/runner",
        TargetConfiguration={
            "TimestreamConfiguration": {
                "DatabaseName": "home",
                "TableName": "hourly",
                "TimeColumn": "hour",
                "DimensionMappings": [{"Name": "room", "DimensionValueType": "VARCHAR"}],
                "MultiMeasureMappings": {
                    "TargetMultiMeasureName": "means",
                    "MultiMeasureAttributeMappings": [{"SourceColumn": "mean", "MeasureValueType": "DOUBLE"}],
                },
            }
        },
    )["Arn"]

    clock({"advance": "1d"})

    last = query.describe_scheduled_query(ScheduledQueryArn=arn)["ScheduledQuery"]["LastRunSummary"]
    assert last["RunStatus"] == "AUTO_TRIGGER_SUCCESS"
    with urllib.request.urlopen(f"{URL}/_timebrook/notifications") as answer:
        sent = [json.loads(each["Message"])["type"] for each in json.load(answer)["notifications"]]
    assert sent.count("AUTO_TRIGGER_SUCCESS") == 24
    counted = query.query(QueryString="SELECT count(*) FROM home.hourly WHERE mean BETWEEN 20 AND 23")
    assert int(counted["Rows"][0]["Data"][0]["ScalarValue"]) >= 24
