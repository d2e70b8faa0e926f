// WriteRecords.

import assert from "node:assert/strict";
import { test } from "node:test";
import { UpdateTableCommand } from "@aws-sdk/client-timestream-write";
import { MODES, clients, makeTable, reading, refused, rowsOf, writeRecords } from "./clients.js";

const VALUES = "SELECT measure_value::double FROM sensors.readings ORDER BY time";
const DAY_MS = 86_400_000;

for (const mode of MODES) {
  const scenario = (name, run) => test(`${name} (${mode})`, () => run(clients(mode)));

  scenario("write_single_measures", async (client) => {
    await makeTable(client);
    const now = Date.now();
    const counts = await writeRecords(client, [
      reading(now, "21.5"),
      reading(now, "42", { MeasureName: "count", MeasureValueType: "BIGINT" }),
      reading(now, "true", { MeasureName: "open", MeasureValueType: "BOOLEAN" }),
      reading(now, "café ☕", { MeasureName: "note", MeasureValueType: "VARCHAR" }),
    ]);
    assert.deepEqual(counts, { Total: 4, MemoryStore: 4, MagneticStore: 0 });
    const sql =
      'SELECT measure_name, "measure_value::double", measure_value::bigint, measure_value::boolean, ' +
      'measure_value::varchar FROM "sensors"."readings" ORDER BY measure_name';
    assert.deepEqual(await rowsOf(client, sql), [
      ["count", "NULL", "42", "NULL", "NULL"],
      ["note", "NULL", "NULL", "NULL", "café ☕"],
      ["open", "NULL", "NULL", "true", "NULL"],
      ["temperature", "21.5", "NULL", "NULL", "NULL"],
    ]);
  });

  scenario("write_multi_measures", async (client) => {
    await makeTable(client);
    const counts = await writeRecords(client, [
      {
        Dimensions: [{ Name: "host", Value: "h1" }],
        MeasureName: "metrics",
        MeasureValueType: "MULTI",
        MeasureValues: [
          { Name: "load", Value: "0.5", Type: "DOUBLE" },
          { Name: "requests", Value: "9007199254740993", Type: "BIGINT" },
          { Name: "healthy", Value: "false", Type: "BOOLEAN" },
          { Name: "version", Value: "1.2.3", Type: "VARCHAR" },
          { Name: "booted", Value: "0", Type: "TIMESTAMP" },
        ],
        Time: String(Date.now()),
      },
    ]);
    assert.deepEqual(counts, { Total: 1, MemoryStore: 1, MagneticStore: 0 });
    const sql = "SELECT host, measure_name, load, requests, healthy, version, booted FROM sensors.readings";
    assert.deepEqual(await rowsOf(client, sql), [
      ["h1", "metrics", "0.5", "9007199254740993", "false", "1.2.3", "1970-01-01 00:00:00.000000000"],
    ]);
  });

  scenario("common_attributes", async (client) => {
    await makeTable(client);
    const common = {
      Dimensions: [{ Name: "host", Value: "h1" }],
      Time: String(Math.floor(Date.now() / 1000)),
      TimeUnit: "SECONDS",
    };
    const record = { MeasureName: "cpu", MeasureValue: "1", Dimensions: [{ Name: "slot", Value: "s2" }] };
    await writeRecords(client, [record], common);
    const sql = "SELECT host, slot, measure_name, measure_value::double FROM sensors.readings WHERE time > ago(1m)";
    assert.deepEqual(await rowsOf(client, sql), [["h1", "s2", "cpu", "1.0"]]);
    // model: overlapping dimensions fail the whole request
    const overlapping = { ...record, Dimensions: [{ Name: "host", Value: "other" }] };
    await refused(writeRecords(client, [overlapping], common), "ValidationException", 400);
  });

  scenario("record_versions", async (client) => {
    await makeTable(client);
    const now = Date.now();
    await writeRecords(client, [reading(now, "1", { Version: 2 })]);
    await writeRecords(client, [reading(now, "1", { Version: 2 })]);
    const equal = await refused(
      writeRecords(client, [reading(now, "7", { Version: 2 })]),
      "RejectedRecordsException",
      419,
    );
    assert.equal(equal.RejectedRecords[0].ExistingVersion, undefined);
    await writeRecords(client, [reading(now, "5", { Version: 200 })]);
    const lower = await refused(
      writeRecords(client, [reading(now, "9", { Version: 2 })]),
      "RejectedRecordsException",
      419,
    );
    // observed
    assert.deepEqual(lower.RejectedRecords, [
      {
        RecordIndex: 0,
        Reason:
          "The record version 2 is lower than the existing version 200. A higher version is required to update the " +
          "measure value.",
        ExistingVersion: 200,
      },
    ]);
    assert.deepEqual(await rowsOf(client, VALUES), [["5.0"]]);
  });

  scenario("rejected_records", async (client) => {
    await makeTable(client);
    const now = Date.now();
    const records = [reading(now, "1"), reading(now - 3 * DAY_MS, "2"), reading(now - 1, "3")];
    const error = await refused(writeRecords(client, records), "RejectedRecordsException", 419);
    assert.equal(error.message, "One or more records have been rejected. See RejectedRecords for details.");
    assert.deepEqual(error.RejectedRecords.map((record) => record.RecordIndex), [1]);
    assert.match(
      error.RejectedRecords[0].Reason,
      /^The record timestamp is outside the time range \[\S+Z, \S+Z\) of the memory store\.$/,
    );
    assert.deepEqual(await rowsOf(client, VALUES), [["3.0"], ["1.0"]]);
  });

  scenario("duplicates_in_one_request", async (client) => {
    await makeTable(client);
    const now = Date.now();
    const records = [reading(now, "1"), reading(now, "1"), reading(now, "2")];
    const error = await refused(writeRecords(client, records), "RejectedRecordsException", 419);
    assert.deepEqual(error.RejectedRecords.map((record) => record.RecordIndex), [2]);
    assert.deepEqual(await rowsOf(client, VALUES), [["1.0"]]);
  });

  scenario("late_records_to_the_magnetic_store", async (client) => {
    await makeTable(client);
    await client.write.send(
      new UpdateTableCommand({
        DatabaseName: "sensors",
        TableName: "readings",
        RetentionProperties: { MemoryStoreRetentionPeriodInHours: 1, MagneticStoreRetentionPeriodInDays: 3 },
        MagneticStoreWriteProperties: { EnableMagneticStoreWrites: true },
      }),
    );
    const now = Date.now();
    const counts = await writeRecords(client, [reading(now, "1"), reading(now - DAY_MS, "2")]);
    assert.deepEqual(counts, { Total: 2, MemoryStore: 1, MagneticStore: 1 });
    assert.deepEqual(await rowsOf(client, VALUES), [["2.0"], ["1.0"]]);
  });

  scenario("invalid_records", async (client) => {
    await makeTable(client);
    const now = Date.now();
    const bad = reading(now, "2", { Dimensions: [] });
    const error = await refused(writeRecords(client, [reading(now, "1"), bad]), "ValidationException", 400);
    // observed
    assert.equal(error.message, "At least one dimension is required for a record.");
    assert.deepEqual(await rowsOf(client, "SELECT count(*) FROM sensors.readings"), [["0"]]);
  });
}
