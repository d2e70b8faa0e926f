// Signatures and permissions: the SDK against a server of the test's own that knows its callers.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { QueryCommand, TimestreamQueryClient } from "@aws-sdk/client-timestream-query";
import {
  CreateDatabaseCommand,
  ListDatabasesCommand,
  TimestreamWriteClient,
} from "@aws-sdk/client-timestream-write";
import { REGION, refused } from "./clients.js";

const ACCOUNT = "123456789012";
const SECRET = "the/secret+of=it";
const TOKEN = "a/token+of=it==";
let folder, server, url;

function caller(accessKeyId, principal, action, token = null) {
  const statement = { Effect: "Allow", Action: action, Resource: "*" };
  return {
    access_key_id: accessKeyId,
    secret_access_key: SECRET,
    session_token: token,
    account: ACCOUNT,
    principal,
    policies: [{ Version: "2012-10-17", Statement: statement }],
  };
}

before(async () => {
  assert.ok(process.env.TIMEBROOK_BINARY, "TIMEBROOK_BINARY is not set: run scripts/test");
  folder = mkdtempSync(join(tmpdir(), "timebrook-"));
  const file = join(folder, "credentials.json");
  const callers = [
    caller("AKIDEXAMPLE", "user/ci", "timestream:*"),
    caller("AKIDREADER", "user/reader", "timestream:SelectValues"),
    caller("ASIASESSION", "assumed-role/app/one", "timestream:*", TOKEN),
  ];
  writeFileSync(file, JSON.stringify({ credentials: callers }));
  chmodSync(file, 0o600);
  server = spawn(process.env.TIMEBROOK_BINARY, ["--port", "0", "--credentials", file], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  for await (const line of createInterface({ input: server.stdout })) {
    url = line.match(/AWS_ENDPOINT_URL=(\S+)/)?.[1];
    if (url) break;
  }
  assert.ok(url, "the server did not start");
});

after(() => {
  server.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});

function settings(accessKeyId, secretAccessKey = SECRET, sessionToken = undefined) {
  return { region: REGION, endpoint: url, maxAttempts: 1, credentials: { accessKeyId, secretAccessKey, sessionToken } };
}

test("the right key works", async () => {
  const write = new TimestreamWriteClient(settings("AKIDEXAMPLE"));
  const created = await write.send(new CreateDatabaseCommand({ DatabaseName: "sensors" }));
  assert.equal(created.Database.Arn, `arn:aws:timestream:${REGION}:${ACCOUNT}:database/sensors`);
  const session = new TimestreamWriteClient(settings("ASIASESSION", SECRET, TOKEN));
  assert.equal((await session.send(new ListDatabasesCommand({}))).Databases.length, 1);
  const query = new TimestreamQueryClient(settings("AKIDREADER"));
  const answer = await query.send(new QueryCommand({ QueryString: "SELECT 'ö'" }));
  assert.deepEqual(answer.Rows, [{ Data: [{ ScalarValue: "ö" }] }]);
});

test("wrong ones do not", async () => {
  const list = (...key) => new TimestreamWriteClient(settings(...key)).send(new ListDatabasesCommand({}));
  await refused(list("AKIDEXAMPLE", "wrong"), "InvalidSignatureException", 403);
  await refused(list("AKIDNOBODY"), "UnrecognizedClientException", 400);
  await refused(list("ASIASESSION", SECRET, "another"), "UnrecognizedClientException", 400);
  const error = await refused(list("AKIDREADER"), "AccessDeniedException", 403);
  assert.equal(
    error.message,
    `User: arn:aws:iam::${ACCOUNT}:user/reader is not authorized to perform: timestream:ListDatabases because no ` +
      "identity-based policy allows the timestream:ListDatabases action",
  );
});
