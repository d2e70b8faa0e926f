// Who does not know the server's certificate authority does not talk to it over TLS.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ListDatabasesCommand, TimestreamWriteClient } from "@aws-sdk/client-timestream-write";
import { REGION, SECURE_URL, clients, freshAccount } from "./clients.js";

test("tls", async () => {
  assert.deepEqual((await clients("tls").write.send(new ListDatabasesCommand({}))).Databases, []);
  const stranger = new TimestreamWriteClient({
    region: REGION,
    endpoint: SECURE_URL,
    credentials: { accessKeyId: freshAccount(), secretAccessKey: "secret" },
    maxAttempts: 1,
  });
  await assert.rejects(stranger.send(new ListDatabasesCommand({})), /certificate/);
});
