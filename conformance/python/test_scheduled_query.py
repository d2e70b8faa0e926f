"""A scheduled query from its creation to its end, run once for a time, on the machine's own time."""

import datetime

from clients import rows_of
from expectations import make_table, now_ms, record, refused

QUERY = (
    "SELECT device, bin(time, 1s) AS second, avg(measure_value::double) AS mean FROM sensors.readings "
    "WHERE time BETWEEN @scheduled_runtime - 1h AND @scheduled_runtime GROUP BY device, bin(time, 1s)"
)


def described(client, arn: str) -> dict:
    return client.call("describe_scheduled_query", ScheduledQueryArn=arn)["ScheduledQuery"]


def last_run(client, arn: str) -> dict:
    """What is told of the last run, as soon as there was one; within a minute."""
    deadline = now_ms() + 60_000
    while now_ms() < deadline:
        summary = described(client, arn).get("LastRunSummary", {})
        if summary.get("RunStatus"):
            return summary
    raise AssertionError("no run within a minute")


def test_scheduled_query(client):
    make_table(client)
    retention = {"MemoryStoreRetentionPeriodInHours": 24, "MagneticStoreRetentionPeriodInDays": 7}
    client.call("create_table", DatabaseName="sensors", TableName="means", RetentionProperties=retention)
    now = now_ms() // 1000 * 1000
    # The first two are in one second; the last is after the time that the query is run for.
    times_and_values = [(now - 60_000, "1.0"), (now - 59_500, "2.0"), (now - 30_000, "7.5"), (now, "100.0")]
    records = [record(time, value) for time, value in times_and_values]
    client.call("write_records", DatabaseName="sensors", TableName="readings", Records=records)
    means = {"SourceColumn": "mean", "MeasureValueType": "DOUBLE", "TargetMultiMeasureAttributeName": "mean_temperature"}
    arn = client.call(
        "create_scheduled_query",
        Name="means",
        QueryString=QUERY,
        ScheduleConfiguration={"ScheduleExpression": "rate(1 day)"},
        NotificationConfiguration={"SnsConfiguration": {"TopicArn": f"arn:aws:sns:us-east-1:{client.account}:runs"}},
        ErrorReportConfiguration={"S3Configuration": {"BucketName": f"reports-{client.account}"}},
        ScheduledQueryExecutionRoleArn=f"arn:aws:iam::{client.account}:role/runner",
        TargetConfiguration={
            "TimestreamConfiguration": {
                "DatabaseName": "sensors",
                "TableName": "means",
                "TimeColumn": "second",
                "DimensionMappings": [{"Name": "device", "DimensionValueType": "VARCHAR"}],
                "MultiMeasureMappings": {"TargetMultiMeasureName": "means", "MultiMeasureAttributeMappings": [means]},
            }
        },
    )["Arn"]
    [listed] = client.call("list_scheduled_queries")["ScheduledQueries"]
    assert (listed["Arn"], listed["Name"], listed["State"]) == (arn, "means", "ENABLED")
    told = described(client, arn)
    assert told["QueryString"] == QUERY
    assert told["ScheduleConfiguration"] == {"ScheduleExpression": "rate(1 day)"}
    assert "LastRunSummary" not in told

    at = datetime.datetime.fromtimestamp((now - 1000) / 1000, datetime.timezone.utc)
    client.call("execute_scheduled_query", ScheduledQueryArn=arn, InvocationTime=at.isoformat())
    run = last_run(client, arn)
    assert run["RunStatus"] == "MANUAL_TRIGGER_SUCCESS", run
    assert run["ExecutionStats"]["QueryResultRows"] == 2
    assert run["ExecutionStats"]["RecordsIngested"] == 2
    rows = rows_of(client, "SELECT device, measure_name, mean_temperature FROM sensors.means ORDER BY time")
    assert rows == [["d1", "means", "1.5"], ["d1", "means", "7.5"]]

    client.call("delete_scheduled_query", ScheduledQueryArn=arn)
    assert client.call("list_scheduled_queries")["ScheduledQueries"] == []
    with refused(client, "ResourceNotFoundException", 404):
        described(client, arn)
