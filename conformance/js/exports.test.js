// What leaves a table by SQL: the rows of a scheduled query, and UNLOAD.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CreateScheduledQueryCommand,
  DeleteScheduledQueryCommand,
  DescribeScheduledQueryCommand,
  ExecuteScheduledQueryCommand,
  ListScheduledQueriesCommand,
} from "@aws-sdk/client-timestream-query";
import { CreateTableCommand } from "@aws-sdk/client-timestream-write";
import { MODES, URL as SERVER, clients, makeTable, queryAll, reading, refused, rowsOf, writeRecords } from "./clients.js";

const QUERY =
  "SELECT device, bin(time, 1s) AS second, avg(measure_value::double) AS mean FROM sensors.readings " +
  "WHERE time BETWEEN @scheduled_runtime - 1h AND @scheduled_runtime GROUP BY device, bin(time, 1s)";

// What is told of the last run, as soon as there was one; within a minute.
async function lastRun({ query }, arn) {
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline) {
    const answer = await query.send(new DescribeScheduledQueryCommand({ ScheduledQueryArn: arn }));
    if (answer.ScheduledQuery.LastRunSummary?.RunStatus) return answer.ScheduledQuery.LastRunSummary;
  }
  return assert.fail("no run within a minute");
}

// The object at an s3:// address, from the server's own S3.
async function object(address) {
  const answer = await fetch(`${SERVER}/${address.replace("s3://", "")}`);
  assert.equal(answer.status, 200, address);
  return answer.text();
}

for (const mode of MODES) {
  const scenario = (name, run) => test(`${name} (${mode})`, () => run(clients(mode)));

  scenario("scheduled_query", async (client) => {
    await makeTable(client);
    await client.write.send(
      new CreateTableCommand({
        DatabaseName: "sensors",
        TableName: "means",
        RetentionProperties: { MemoryStoreRetentionPeriodInHours: 24, MagneticStoreRetentionPeriodInDays: 7 },
      }),
    );
    const now = Math.floor(Date.now() / 1000) * 1000;
    // The first two are in one second; the last is after the time that the query is run for.
    await writeRecords(client, [
      reading(now - 60_000, "1.0"),
      reading(now - 59_500, "2.0"),
      reading(now - 30_000, "7.5"),
      reading(now, "100.0"),
    ]);
    const mean = { SourceColumn: "mean", MeasureValueType: "DOUBLE", TargetMultiMeasureAttributeName: "mean_temperature" };
    const { Arn: arn } = await client.query.send(
      new CreateScheduledQueryCommand({
        Name: "means",
        QueryString: QUERY,
        ScheduleConfiguration: { ScheduleExpression: "rate(1 day)" },
        NotificationConfiguration: { SnsConfiguration: { TopicArn: `arn:aws:sns:us-east-1:${client.account}:runs` } },
        ErrorReportConfiguration: { S3Configuration: { BucketName: `reports-${client.account}` } },
        ScheduledQueryExecutionRoleArn: `arn:aws:iam::${client.account}:role/runner`,
        TargetConfiguration: {
          TimestreamConfiguration: {
            DatabaseName: "sensors",
            TableName: "means",
            TimeColumn: "second",
            DimensionMappings: [{ Name: "device", DimensionValueType: "VARCHAR" }],
            MultiMeasureMappings: { TargetMultiMeasureName: "means", MultiMeasureAttributeMappings: [mean] },
          },
        },
      }),
    );
    const { ScheduledQueries: listed } = await client.query.send(new ListScheduledQueriesCommand({}));
    assert.deepEqual(listed.map(({ Arn, Name, State }) => [Arn, Name, State]), [[arn, "means", "ENABLED"]]);
    const describe = () => client.query.send(new DescribeScheduledQueryCommand({ ScheduledQueryArn: arn }));
    const { ScheduledQuery: told } = await describe();
    assert.equal(told.QueryString, QUERY);
    assert.deepEqual(told.ScheduleConfiguration, { ScheduleExpression: "rate(1 day)" });
    assert.equal(told.LastRunSummary, undefined);

    const at = new Date(now - 1000);
    await client.query.send(new ExecuteScheduledQueryCommand({ ScheduledQueryArn: arn, InvocationTime: at }));
    const run = await lastRun(client, arn);
    assert.equal(run.RunStatus, "MANUAL_TRIGGER_SUCCESS", run.FailureReason);
    assert.deepEqual(run.InvocationTime, at);
    assert.equal(run.ExecutionStats.QueryResultRows, 2);
    assert.equal(run.ExecutionStats.RecordsIngested, 2);
    const sql = "SELECT device, measure_name, mean_temperature FROM sensors.means ORDER BY time";
    assert.deepEqual(await rowsOf(client, sql), [
      ["d1", "means", "1.5"],
      ["d1", "means", "7.5"],
    ]);

    await client.query.send(new DeleteScheduledQueryCommand({ ScheduledQueryArn: arn }));
    assert.deepEqual((await client.query.send(new ListScheduledQueriesCommand({}))).ScheduledQueries, []);
    await refused(describe(), "ResourceNotFoundException", 404);
  });

  scenario("unload", async (client) => {
    await makeTable(client);
    const now = Date.now();
    await writeRecords(client, [reading(now, "0.5"), reading(now - 1, "1.5"), reading(now - 2, "2.5")]);
    const bucket = `unload-${client.account}`;
    assert.equal((await fetch(`${SERVER}/${bucket}`, { method: "PUT" })).status, 200);
    const query = "SELECT device, measure_value::double AS value FROM sensors.readings";
    const { columns, rows } = await queryAll(
      client,
      `UNLOAD (${query}) TO 's3://${bucket}/readings' WITH (format = 'CSV', compression = 'NONE')`,
    );
    // guide: export-unload-concepts.html
    assert.deepEqual(columns.map((column) => column.Name), ["rows", "metadataFile", "manifestFile"]);
    const [[count, metadata, manifest]] = rows;
    assert.equal(count, "3");
    const { result_files: files } = JSON.parse(await object(manifest));
    assert.equal(files.length, 1);
    const lines = (await object(files[0].url)).trimEnd().split("\n");
    assert.deepEqual(lines.sort(), ["d1,0.5", "d1,1.5", "d1,2.5"]);
    const { columns: selected } = await queryAll(client, query);
    assert.deepEqual(JSON.parse(await object(metadata)).ColumnInfo, selected);
  });
}
