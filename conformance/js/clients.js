// The SDK's clients, in each way to reach the server, and what every scenario asks of an answer.

import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { Agent } from "node:https";
import { QueryCommand, TimestreamQueryClient } from "@aws-sdk/client-timestream-query";
import {
  CreateDatabaseCommand,
  CreateTableCommand,
  TimestreamWriteClient,
  WriteRecordsCommand,
} from "@aws-sdk/client-timestream-write";
import { NodeHttpHandler } from "@smithy/node-http-handler";

export const REGION = "us-east-1";
export const URL = process.env.TIMEBROOK_URL?.replace(/\/$/, "");
if (!URL) throw new Error("TIMEBROOK_URL is not set: start a server and give its address, or run scripts/test");

// How a client comes to the server's address: given in code, by AWS_ENDPOINT_URL alone, and given in code over TLS.
export const MODES = ["explicit", "environment", "tls"];

// The same port speaks TLS. The only authority that clients trust there is the server's own.
export const SECURE_URL = URL.replace("http://", "https://");
export const CA = await (await fetch(`${URL}/_timebrook/ca.pem`)).text();

// A 12-digit account that nothing else uses: its own, empty world on the server.
export function freshAccount() {
  return String(100_000_000_000 + randomInt(899_999_999) * 1000 + randomInt(1000)).slice(0, 12);
}

// Both services' clients in one account.
export function clients(mode, account = freshAccount()) {
  if (mode === "environment") process.env.AWS_ENDPOINT_URL = URL;
  else delete process.env.AWS_ENDPOINT_URL;
  const settings = { region: REGION, credentials: { accessKeyId: account, secretAccessKey: "secret" } };
  if (mode === "explicit") settings.endpoint = URL;
  if (mode === "tls") {
    settings.endpoint = SECURE_URL;
    settings.requestHandler = new NodeHttpHandler({ httpsAgent: new Agent({ ca: CA }) });
  }
  return { account, write: new TimestreamWriteClient(settings), query: new TimestreamQueryClient(settings) };
}

// Expects a call to be refused with that error name and HTTP status; returns the error.
export async function refused(call, name, status) {
  try {
    await call;
  } catch (error) {
    assert.equal(error.name, name, error.message);
    assert.equal(error.$metadata?.httpStatusCode, status);
    return error;
  }
  assert.fail(`expected ${name}, but the call succeeded`);
}

// Creates the database `sensors` with the table `readings`, whose memory store holds a day.
export async function makeTable({ write }, settings = {}) {
  await write.send(new CreateDatabaseCommand({ DatabaseName: "sensors" }));
  await write.send(
    new CreateTableCommand({
      DatabaseName: "sensors",
      TableName: "readings",
      RetentionProperties: { MemoryStoreRetentionPeriodInHours: 24, MagneticStoreRetentionPeriodInDays: 7 },
      ...settings,
    }),
  );
}

// A single-measure record of one device.
export function reading(time, value, more = {}) {
  return {
    Dimensions: [{ Name: "device", Value: "d1" }],
    MeasureName: "temperature",
    MeasureValue: value,
    Time: String(time),
    ...more,
  };
}

// WriteRecords into `sensors.readings`; returns RecordsIngested.
export async function writeRecords({ write }, records, common) {
  const answer = await write.send(
    new WriteRecordsCommand({
      DatabaseName: "sensors",
      TableName: "readings",
      Records: records,
      CommonAttributes: common,
    }),
  );
  return answer.RecordsIngested;
}

// A Datum as the .slt files print it.
export function datumText(datum) {
  if (datum.ScalarValue !== undefined) return datum.ScalarValue;
  if (datum.NullValue) return "NULL";
  if (datum.ArrayValue) return `[${datum.ArrayValue.map(datumText).join(", ")}]`;
  if (datum.RowValue) return `(${datum.RowValue.Data.map(datumText).join(", ")})`;
  if (datum.TimeSeriesValue) {
    return `[${datum.TimeSeriesValue.map((point) => `(${point.Time}, ${datumText(point.Value)})`).join(", ")}]`;
  }
  return assert.fail(`not a Datum: ${JSON.stringify(datum)}`);
}

// The columns and all rows of a query, following NextToken to its end.
export async function queryAll({ query }, sql) {
  const rows = [];
  let answer;
  do {
    answer = await query.send(new QueryCommand({ QueryString: sql, NextToken: answer?.NextToken }));
    rows.push(...answer.Rows.map((row) => row.Data.map(datumText)));
  } while (answer.NextToken);
  return { columns: answer.ColumnInfo, rows };
}

// All rows of a query as text.
export async function rowsOf(client, sql) {
  return (await queryAll(client, sql)).rows;
}
