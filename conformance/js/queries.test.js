// Query, PrepareQuery, CancelQuery, statements about tables, endpoint discovery.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CancelQueryCommand,
  DescribeEndpointsCommand,
  ListScheduledQueriesCommand,
  PrepareQueryCommand,
  QueryCommand,
  paginateQuery,
} from "@aws-sdk/client-timestream-query";
import { ListBatchLoadTasksCommand } from "@aws-sdk/client-timestream-write";
import { MODES, URL as SERVER, clients, makeTable, queryAll, reading, refused, rowsOf, writeRecords } from "./clients.js";

// A table with 30 readings of three devices, one a minute and device, the newest now.
async function fill(client) {
  await makeTable(client);
  const now = Date.now();
  const records = Array.from({ length: 30 }, (_, i) =>
    reading(now - (i % 10) * 60_000, `${Math.floor(i / 10)}.${i % 10}`, {
      Dimensions: [{ Name: "device", Value: `d${Math.floor(i / 10)}` }],
    }),
  );
  await writeRecords(client, records);
}

for (const mode of MODES) {
  const scenario = (name, run) => test(`${name} (${mode})`, () => run(clients(mode)));

  scenario("query_every_datum_type", async (client) => {
    const { columns, rows } = await queryAll(
      client,
      "SELECT 1 AS i, 'two' AS v, timestamp '2020-08-08 01:00' AS ts, interval '2' day - interval '3' hour AS ds, " +
        "interval '3' year - interval '5' month AS ym, time '01:00' AS t, date '2020-08-08' AS d, 2147483648 AS b, " +
        "1e10 AS x, true AS f, NULL AS n, ARRAY[1, NULL, 3] AS a, ROW(1, 'a') AS r",
    );
    // observed: the first seven
    assert.deepEqual(
      columns.slice(0, 11).map((column) => [column.Name, column.Type.ScalarType]),
      [
        ["i", "INTEGER"],
        ["v", "VARCHAR"],
        ["ts", "TIMESTAMP"],
        ["ds", "INTERVAL_DAY_TO_SECOND"],
        ["ym", "INTERVAL_YEAR_TO_MONTH"],
        ["t", "TIME"],
        ["d", "DATE"],
        ["b", "BIGINT"],
        ["x", "DOUBLE"],
        ["f", "BOOLEAN"],
        ["n", "UNKNOWN"],
      ],
    );
    assert.equal(columns[11].Type.ArrayColumnInfo.Type.ScalarType, "INTEGER");
    assert.equal(columns[12].Type.RowColumnInfo.length, 2);
    assert.deepEqual(rows, [
      [
        "1",
        "two",
        "2020-08-08 01:00:00.000000000",
        "1 21:00:00.000000000",
        "2-7",
        "01:00:00.000000000",
        "2020-08-08",
        "2147483648",
        "1.0E10",
        "true",
        "NULL",
        "[1, NULL, 3]",
        "(1, a)",
      ],
    ]);
  });

  scenario("query_time_series", async (client) => {
    await fill(client);
    const sql =
      "SELECT CREATE_TIME_SERIES(time, measure_value::double) AS series FROM sensors.readings " +
      "WHERE device = 'd2' AND time > ago(150s)";
    const { columns, rows } = await queryAll(client, sql);
    assert.equal(columns[0].Type.TimeSeriesMeasureValueColumnInfo.Type.ScalarType, "DOUBLE");
    assert.deepEqual([...rows[0][0].matchAll(/, (\d\.\d)\)/g)].map((found) => found[1]), ["2.2", "2.1", "2.0"]);
  });

  scenario("query_pages", async (client) => {
    await fill(client);
    const sql = "SELECT device, time FROM sensors.readings ORDER BY device, time";
    const paged = [];
    for await (const page of paginateQuery({ client: client.query, pageSize: 7 }, { QueryString: sql })) {
      assert.ok(page.Rows.length <= 7);
      paged.push(...page.Rows.map((row) => row.Data.map((datum) => datum.ScalarValue)));
    }
    assert.equal(paged.length, 30);
    assert.deepEqual(paged, await rowsOf(client, sql));
    const forged = client.query.send(new QueryCommand({ QueryString: sql, NextToken: "bm90IGEgdG9rZW4" }));
    assert.match((await refused(forged, "ValidationException", 400)).message, /Invalid pagination token/);
  });

  scenario("query_status", async (client) => {
    await fill(client);
    const sql = "SELECT count(*) FROM sensors.readings WHERE device = 'd1'";
    const answer = await client.query.send(new QueryCommand({ QueryString: sql }));
    // observed
    assert.equal(answer.QueryStatus.CumulativeBytesMetered, 10_000_000);
    assert.ok(answer.QueryStatus.CumulativeBytesScanned > 0);
    assert.match(answer.QueryId, /^[A-Z0-9]{1,64}$/);
  });

  scenario("cancel_query", async (client) => {
    // model: an unknown or finished query cannot be cancelled
    const unknown = client.query.send(new CancelQueryCommand({ QueryId: "AEDACANMQDLSTQR3SPDV6HEWYACX5" }));
    await refused(unknown, "ValidationException", 400);
    await fill(client);
    const sql = "SELECT a.time FROM sensors.readings a, sensors.readings b, sensors.readings c";
    const page = await client.query.send(new QueryCommand({ QueryString: sql, MaxRows: 1 }));
    await client.query.send(new CancelQueryCommand({ QueryId: page.QueryId }));
    const next = client.query.send(new QueryCommand({ QueryString: sql, MaxRows: 1, NextToken: page.NextToken }));
    await refused(next, "ConflictException", 409);
  });

  scenario("show_and_describe", async (client) => {
    await fill(client);
    assert.deepEqual(await rowsOf(client, "SHOW DATABASES"), [["sensors"]]);
    assert.deepEqual(await rowsOf(client, "SHOW TABLES FROM \"sensors\" LIKE 'read%'"), [["readings"]]);
    assert.deepEqual(await rowsOf(client, "SHOW MEASURES FROM sensors.readings"), [
      ["temperature", "double", "[(device, varchar)]"],
    ]);
    const { columns, rows } = await queryAll(client, "DESCRIBE sensors.readings");
    assert.deepEqual(columns.map((column) => column.Name), ["Column", "Type", "Timestream attribute type"]);
    assert.deepEqual(rows, [
      ["device", "varchar", "DIMENSION"],
      ["measure_name", "varchar", "MEASURE_NAME"],
      ["time", "timestamp", "TIMESTAMP"],
      ["measure_value::double", "double", "MEASURE_VALUE"],
    ]);
  });

  scenario("empty_table", async (client) => {
    await makeTable(client);
    const { columns, rows } = await queryAll(client, "SELECT * FROM sensors.readings");
    // observed
    assert.deepEqual(columns.map((column) => column.Name), ["measure_name", "time"]);
    assert.deepEqual(rows, []);
  });

  scenario("prepare_query", async (client) => {
    await fill(client);
    const sql = "SELECT device AS d, count(*) FROM sensors.readings WHERE time > @since GROUP BY device";
    const prepared = await client.query.send(new PrepareQueryCommand({ QueryString: sql, ValidateOnly: true }));
    assert.equal(prepared.QueryString, sql);
    assert.deepEqual(prepared.Columns[0], {
      Name: "d",
      Type: { ScalarType: "VARCHAR" },
      DatabaseName: "sensors",
      TableName: "readings",
      Aliased: true,
    });
    assert.deepEqual(prepared.Columns[1].Type, { ScalarType: "BIGINT" });
    assert.deepEqual(prepared.Parameters.map((parameter) => parameter.Type), [{ ScalarType: "TIMESTAMP" }]);
  });

  scenario("query_errors", async (client) => {
    await fill(client);
    // observed
    for (const [sql, message] of [
      ["SELECT nope FROM sensors.readings", "line 1:8: Column 'nope' does not exist"],
      ["SHOW TABLES FROM net-example", "The query syntax is invalid at line 1:21"],
      ['DESCRIBE "sensors"."unknown"', "The table 'unknown' does not exist in database 'sensors' at line 1:1"],
      [
        'DESCRIBE "unknown"."readings"',
        "Requested database 'unknown' not found for identifier 'unknown.readings' at line 1:1",
      ],
    ]) {
      const failure = client.query.send(new QueryCommand({ QueryString: sql }));
      assert.equal((await refused(failure, "ValidationException", 400)).message, message);
    }
  });

  scenario("describe_endpoints", async (client) => {
    const { Endpoints: endpoints } = await client.query.send(new DescribeEndpointsCommand({}));
    // The SDK takes the address as a host name and nothing else.
    assert.deepEqual(endpoints, [{ Address: new URL(SERVER).hostname, CachePeriodInMinutes: 1440 }]);
  });

  scenario("nothing_scheduled_or_loaded", async (client) => {
    const tasks = await client.write.send(new ListBatchLoadTasksCommand({}));
    assert.deepEqual(tasks.BatchLoadTasks, []);
    const queries = await client.query.send(new ListScheduledQueriesCommand({}));
    assert.deepEqual(queries.ScheduledQueries, []);
  });
}
