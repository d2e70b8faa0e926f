"""Scheduled queries through boto3 and the AWS CLI, on a clock that the test moves, with moto as SNS and SQS."""

import datetime
import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import boto3
import pytest
from clients import AwsCli, Boto3, rows_of
from expectations import refused
from moto.server import ThreadedMotoServer
from servers import running

EXAMPLE = Path(__file__).parent / "example_scheduled_query.py"
README = Path(__file__).resolve().parents[2] / "README.md"
TOPIC = "arn:aws:sns:us-east-1:{}:runs"
TARGET = {
    "TimestreamConfiguration": {
        "DatabaseName": "home",
        "TableName": "hourly",
        "TimeColumn": "hour",
        "DimensionMappings": [{"Name": "room", "DimensionValueType": "VARCHAR"}],
        "MixedMeasureMappings": [
            {"SourceColumn": "mean", "MeasureValueType": "DOUBLE", "TargetMeasureName": "average"},
            {"SourceColumn": "n", "MeasureValueType": "BIGINT"},
        ],
    }
}


@pytest.fixture(scope="module")
def server():
    with running("--manual-clock=2026-01-01T00:00:00Z") as server:
        yield server


@pytest.fixture(params=[Boto3, AwsCli], ids=["boto3", "cli"])
def client(request, server):
    return request.param("explicit", server.url)


def advance(url: str, by: str) -> None:
    body = json.dumps({"advance": by}).encode()
    with urllib.request.urlopen(f"{url}/_timebrook/clock", data=body) as answer:
        assert answer.status == 200


def now_ms(url: str) -> int:
    with urllib.request.urlopen(f"{url}/_timebrook/clock") as answer:
        now = datetime.datetime.fromisoformat(json.load(answer)["now"])
    return int(now.timestamp() * 1000)


def definition(account: str, **changes) -> dict:
    return {
        "Name": "hourly",
        "QueryString": "SELECT room, bin(time, 1h) AS hour, avg(measure_value::double) AS mean, count(*) AS n "
        "FROM home.rooms WHERE time >= @scheduled_runtime - 1h AND time < @scheduled_runtime "
        "GROUP BY room, bin(time, 1h)",
        "ScheduleConfiguration": {"ScheduleExpression": "cron(0 * * * ? *)"},
        "NotificationConfiguration": {"SnsConfiguration": {"TopicArn": TOPIC.format(account)}},
        "ErrorReportConfiguration": {"S3Configuration": {"BucketName": "reports"}},
        "ScheduledQueryExecutionRoleArn": f"arn:aws:iam::{account}:role/runner",
        "TargetConfiguration": TARGET,
    } | changes


def prepare_tables(client) -> None:
    client.call("create_database", DatabaseName="home")
    retention = {"MemoryStoreRetentionPeriodInHours": 48, "MagneticStoreRetentionPeriodInDays": 365}
    for table in ["rooms", "hourly"]:
        client.call("create_table", DatabaseName="home", TableName=table, RetentionProperties=retention)


def prepare(client, url: str) -> None:
    """Tables, and four readings, one a minute from now on."""
    prepare_tables(client)
    at = now_ms(url)
    records = [
        {"MeasureName": "temperature", "MeasureValue": str(i), "Time": str(at + i * 60_000)} for i in range(4)
    ]
    common = {"Dimensions": [{"Name": "room", "Value": "kitchen"}]}
    client.call("write_records", DatabaseName="home", TableName="rooms", CommonAttributes=common, Records=records)


def test_scheduled_queries(client, server):
    prepare(client, server.url)
    arn = client.call("create_scheduled_query", **definition(client.account))["Arn"]
    listed = client.call("list_scheduled_queries")["ScheduledQueries"]
    assert [query["Arn"] for query in listed] == [arn]
    advance(server.url, "2h")
    described = client.call("describe_scheduled_query", ScheduledQueryArn=arn)["ScheduledQuery"]
    assert described["LastRunSummary"]["RunStatus"] == "AUTO_TRIGGER_SUCCESS"
    assert described["TargetConfiguration"] == TARGET
    sql = "SELECT measure_name, measure_value::double, measure_value::bigint FROM home.hourly ORDER BY measure_name"
    assert rows_of(client, sql) == [["average", "1.5", "NULL"], ["n", "NULL", "4"]]
    client.call("update_scheduled_query", ScheduledQueryArn=arn, State="DISABLED")
    described = client.call("describe_scheduled_query", ScheduledQueryArn=arn)["ScheduledQuery"]
    assert described["State"] == "DISABLED"
    assert "NextInvocationTime" not in described
    client.call("execute_scheduled_query", ScheduledQueryArn=arn, InvocationTime="2026-01-01T05:00:00Z")
    advance(server.url, "0s")
    described = client.call("describe_scheduled_query", ScheduledQueryArn=arn)["ScheduledQuery"]
    assert described["LastRunSummary"]["RunStatus"] == "MANUAL_TRIGGER_SUCCESS"
    assert described["LastRunSummary"]["ExecutionStats"]["QueryResultRows"] == 0
    client.call("delete_scheduled_query", ScheduledQueryArn=arn)
    with refused(client, "ResourceNotFoundException", 404):
        client.call("describe_scheduled_query", ScheduledQueryArn=arn)


def test_parameters_of_other_guides(server):
    """An hourly aggregation as a third-party guide has it, with the two parameters that the service does not know."""
    client = Boto3("explicit", server.url)
    client.call("create_database", DatabaseName="IoTMetrics")
    for table in ["SensorReadings", "SensorHourlyAggregates"]:
        client.call("create_table", DatabaseName="IoTMetrics", TableName=table)
    created = now_ms(server.url)
    value = {"Name": "temperature", "Value": "21.5", "Type": "DOUBLE"}
    reading = {"MeasureName": "temperature", "MeasureValueType": "MULTI", "MeasureValues": [value]}
    reading |= {"Dimensions": [{"Name": "region", "Value": "eu"}], "Time": str(created + 60_000)}
    client.call("write_records", DatabaseName="IoTMetrics", TableName="SensorReadings", Records=[reading])
    query = definition(
        client.account,
        Name="HourlySensorAggregation",
        QueryString="""
SELECT region,
bin(time, 1h) AS hour_bucket,
AVG(temperature) AS avg_temp,
MAX(temperature) AS max_temp
FROM "IoTMetrics"."SensorReadings"
WHERE measure_name = 'temperature'
AND time BETWEEN @scheduled_query_last_invocation_time
AND @scheduled_query_execution_time
GROUP BY region, bin(time, 1h)
""",
        TargetConfiguration={
            "TimestreamConfiguration": {
                "DatabaseName": "IoTMetrics",
                "TableName": "SensorHourlyAggregates",
                "TimeColumn": "hour_bucket",
                "DimensionMappings": [{"Name": "region", "DimensionValueType": "VARCHAR"}],
                "MultiMeasureMappings": {
                    "TargetMultiMeasureName": "aggregated_metrics",
                    "MultiMeasureAttributeMappings": [
                        {"SourceColumn": "avg_temp", "MeasureValueType": "DOUBLE"},
                        {"SourceColumn": "max_temp", "MeasureValueType": "DOUBLE"},
                    ],
                },
            }
        },
    )
    arn = client.call("create_scheduled_query", **query)["Arn"]
    advance(server.url, "3h")
    sql = 'SELECT region, avg_temp, max_temp, measure_name FROM "IoTMetrics"."SensorHourlyAggregates"'
    assert rows_of(client, sql) == [["eu", "21.5", "21.5", "aggregated_metrics"]]
    described = client.call("describe_scheduled_query", ScheduledQueryArn=arn)["ScheduledQuery"]
    assert described["RecentlyFailedRuns"] == []


def test_documented_only_refuses_them():
    with running("--documented-only") as server:
        client = Boto3("explicit", server.url)
        prepare_tables(client)
        sql = "SELECT 'a' AS room, @scheduled_query_execution_time AS hour, 1e0 AS mean, 1 AS n"
        with refused(client, "ValidationException", 400, containing="@scheduled_query_execution_time"):
            client.call("create_scheduled_query", **definition(client.account, QueryString=sql))
        sql = sql.replace("@scheduled_query_execution_time", "@scheduled_runtime")
        client.call("create_scheduled_query", **definition(client.account, QueryString=sql))


def test_the_machines_time_is_not_moved(url):
    request = urllib.request.Request(f"{url}/_timebrook/clock", data=b'{"advance":"1h"}')
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    assert caught.value.code == 409


def test_notifications_reach_a_queue_through_sns():
    moto = ThreadedMotoServer(port=0)
    moto.start()
    host, port = moto.get_host_and_port()
    aws = {"region_name": "us-east-1", "aws_access_key_id": "test", "aws_secret_access_key": "test"}
    aws |= {"endpoint_url": f"http://{host}:{port}"}
    try:
        sns, sqs = boto3.client("sns", **aws), boto3.client("sqs", **aws)
        topic = sns.create_topic(Name="runs")["TopicArn"]
        queue = sqs.create_queue(QueueName="runs")["QueueUrl"]
        queue_arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn)
        with running("--manual-clock", "--sns-endpoint", aws["endpoint_url"]) as server:
            client = Boto3("explicit", server.url)
            prepare(client, server.url)
            notify = {"SnsConfiguration": {"TopicArn": topic}}
            query = definition(client.account, NotificationConfiguration=notify)
            arn = client.call("create_scheduled_query", **query)["Arn"]
            advance(server.url, "2h")
            found = []
            deadline = datetime.datetime.now() + datetime.timedelta(seconds=60)
            while len(found) < 4 and datetime.datetime.now() < deadline:
                answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
                for message in answer.get("Messages", []):
                    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
                    found.append(json.loads(message["Body"]))
        kinds = [each["MessageAttributes"]["notificationType"]["Value"] for each in found]
        created = ["SCHEDULED_QUERY_CREATING", "SCHEDULED_QUERY_CREATED"]
        assert sorted(kinds) == sorted([*created, "AUTO_TRIGGER_SUCCESS", "AUTO_TRIGGER_SUCCESS"])
        assert {each["MessageAttributes"]["queryArn"]["Value"] for each in found} == {arn}
        assert all(json.loads(each["Message"])["arn"] == arn for each in found)
    finally:
        moto.stop()


def test_example():
    """The README's example, as it stands."""
    shown = re.search(r"### A day in pytest\n\n```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert shown and shown.group(1) == EXAMPLE.read_text()
    with running("--manual-clock") as server:
        environment = os.environ | {"TIMEBROOK_URL": server.url}
        command = [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, str(EXAMPLE)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
