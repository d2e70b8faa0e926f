// Databases, tables, tags.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CreateDatabaseCommand,
  CreateTableCommand,
  DeleteDatabaseCommand,
  DescribeDatabaseCommand,
  DescribeTableCommand,
  ListDatabasesCommand,
  ListTablesCommand,
  ListTagsForResourceCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateDatabaseCommand,
  UpdateTableCommand,
} from "@aws-sdk/client-timestream-write";
import { MODES, REGION, clients, makeTable, refused } from "./clients.js";

for (const mode of MODES) {
  const scenario = (name, run) => test(`${name} (${mode})`, () => run(clients(mode)));

  scenario("create_describe_delete_database", async ({ write, account }) => {
    const { Database: created } = await write.send(new CreateDatabaseCommand({ DatabaseName: "sensors" }));
    assert.equal(created.Arn, `arn:aws:timestream:${REGION}:${account}:database/sensors`);
    assert.equal(created.TableCount, 0);
    assert.match(created.KmsKeyId, new RegExp(`^arn:aws:kms:${REGION}:${account}:key/[0-9a-f-]{36}$`));
    assert.ok(created.CreationTime instanceof Date);
    const { Database: described } = await write.send(new DescribeDatabaseCommand({ DatabaseName: "sensors" }));
    assert.deepEqual(described, created);
    await write.send(new DeleteDatabaseCommand({ DatabaseName: "sensors" }));
    const gone = write.send(new DescribeDatabaseCommand({ DatabaseName: "sensors" }));
    const error = await refused(gone, "ResourceNotFoundException", 404);
    assert.equal(error.message, "The database sensors does not exist.");
  });

  scenario("update_database", async ({ write }) => {
    await write.send(new CreateDatabaseCommand({ DatabaseName: "sensors", KmsKeyId: "alias/first" }));
    await write.send(new UpdateDatabaseCommand({ DatabaseName: "sensors", KmsKeyId: "alias/second" }));
    const { Database: described } = await write.send(new DescribeDatabaseCommand({ DatabaseName: "sensors" }));
    assert.equal(described.KmsKeyId, "alias/second");
  });

  scenario("create_table_with_defaults", async ({ write, account }) => {
    await write.send(new CreateDatabaseCommand({ DatabaseName: "sensors" }));
    const { Table: table } = await write.send(
      new CreateTableCommand({ DatabaseName: "sensors", TableName: "readings" }),
    );
    assert.equal(table.Arn, `arn:aws:timestream:${REGION}:${account}:database/sensors/table/readings`);
    assert.equal(table.TableStatus, "ACTIVE");
    // guide: ts-limits.html
    assert.deepEqual(table.RetentionProperties, {
      MemoryStoreRetentionPeriodInHours: 6,
      MagneticStoreRetentionPeriodInDays: 73000,
    });
    assert.deepEqual(table.MagneticStoreWriteProperties, { EnableMagneticStoreWrites: false });
    // guide: customer-defined-partition-keys.html
    assert.deepEqual(table.Schema, { CompositePartitionKey: [{ Type: "MEASURE" }] });
  });

  scenario("create_table_with_settings", async ({ write }) => {
    const settings = {
      RetentionProperties: { MemoryStoreRetentionPeriodInHours: 24, MagneticStoreRetentionPeriodInDays: 365 },
      MagneticStoreWriteProperties: {
        EnableMagneticStoreWrites: true,
        MagneticStoreRejectedDataLocation: { S3Configuration: { BucketName: "rejected", EncryptionOption: "SSE_S3" } },
      },
      Schema: { CompositePartitionKey: [{ Type: "DIMENSION", Name: "device", EnforcementInRecord: "REQUIRED" }] },
    };
    await write.send(new CreateDatabaseCommand({ DatabaseName: "sensors" }));
    const { Table: table } = await write.send(
      new CreateTableCommand({ DatabaseName: "sensors", TableName: "readings", ...settings }),
    );
    for (const [name, value] of Object.entries(settings)) assert.deepEqual(table[name], value);
  });

  scenario("update_table", async (client) => {
    await makeTable(client);
    const retention = { MemoryStoreRetentionPeriodInHours: 48, MagneticStoreRetentionPeriodInDays: 1825 };
    const names = { DatabaseName: "sensors", TableName: "readings" };
    await client.write.send(new UpdateTableCommand({ ...names, RetentionProperties: retention }));
    const { Table: table } = await client.write.send(new DescribeTableCommand(names));
    assert.deepEqual(table.RetentionProperties, retention);
    assert.deepEqual(table.MagneticStoreWriteProperties, { EnableMagneticStoreWrites: false });
  });

  scenario("list_databases_in_pages", async ({ write }) => {
    for (const name of ["ddd", "aaa", "ccc", "bbb", "eee"]) {
      await write.send(new CreateDatabaseCommand({ DatabaseName: name }));
    }
    const pages = [];
    let answer;
    do {
      answer = await write.send(new ListDatabasesCommand({ MaxResults: 2, NextToken: answer?.NextToken }));
      pages.push(answer.Databases.map((database) => database.DatabaseName));
    } while (answer.NextToken);
    assert.deepEqual(pages, [["aaa", "bbb"], ["ccc", "ddd"], ["eee"]]);
  });

  scenario("list_tables_in_pages", async ({ write }) => {
    await write.send(new CreateDatabaseCommand({ DatabaseName: "first" }));
    for (const name of ["ccc", "aaa", "bbb"]) {
      await write.send(new CreateTableCommand({ DatabaseName: "first", TableName: name }));
    }
    const first = await write.send(new ListTablesCommand({ DatabaseName: "first", MaxResults: 2 }));
    assert.deepEqual(first.Tables.map((table) => table.TableName), ["aaa", "bbb"]);
    const last = await write.send(
      new ListTablesCommand({ DatabaseName: "first", MaxResults: 2, NextToken: first.NextToken }),
    );
    assert.deepEqual(last.Tables.map((table) => table.TableName), ["ccc"]);
    assert.equal(last.NextToken, undefined);
    const unknown = write.send(new ListTablesCommand({ DatabaseName: "unknown" }));
    await refused(unknown, "ResourceNotFoundException", 404);
  });

  scenario("tag_and_untag", async (client) => {
    await makeTable(client);
    const ResourceARN = `arn:aws:timestream:${REGION}:${client.account}:database/sensors/table/readings`;
    const tags = [
      { Key: "stage", Value: "test" },
      { Key: "team", Value: "blue" },
    ];
    await client.write.send(new TagResourceCommand({ ResourceARN, Tags: tags }));
    await client.write.send(new TagResourceCommand({ ResourceARN, Tags: [{ Key: "stage", Value: "live" }] }));
    await client.write.send(new UntagResourceCommand({ ResourceARN, TagKeys: ["team"] }));
    const { Tags } = await client.write.send(new ListTagsForResourceCommand({ ResourceARN }));
    assert.deepEqual(Tags, [{ Key: "stage", Value: "live" }]);
  });

  scenario("conflict_and_not_found", async (client) => {
    await makeTable(client);
    const names = { DatabaseName: "sensors", TableName: "readings" };
    const error = await refused(client.write.send(new CreateTableCommand(names)), "ConflictException", 409);
    // observed
    assert.equal(
      error.message,
      "Timestream was unable to process this request because it contains resource that already exists.",
    );
    const unknown = client.write.send(new DescribeTableCommand({ ...names, TableName: "unknown" }));
    const missing = await refused(unknown, "ResourceNotFoundException", 404);
    assert.equal(missing.message, "The table unknown does not exist.");
  });

  scenario("delete_database_with_tables", async (client) => {
    await makeTable(client);
    const deletion = client.write.send(new DeleteDatabaseCommand({ DatabaseName: "sensors" }));
    await refused(deletion, "ValidationException", 400);
  });

  scenario("constraint_violations", async ({ write }) => {
    // model + observed wording
    const spaced = await refused(
      write.send(new CreateDatabaseCommand({ DatabaseName: "a b" })),
      "ValidationException",
      400,
    );
    assert.equal(
      spaced.message,
      "1 validation error detected: Value 'a b' at 'databaseName' failed to satisfy constraint: " +
        "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
    );
    const missing = await refused(write.send(new CreateDatabaseCommand({})), "ValidationException", 400);
    assert.equal(
      missing.message,
      "1 validation error detected: Value null at 'databaseName' failed to satisfy constraint: Member must not be null",
    );
  });
}
