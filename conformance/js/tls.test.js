// The same port speaks TLS, with the certificate authority that the server hands out.

import assert from "node:assert/strict";
import { Agent } from "node:https";
import { test } from "node:test";
import { ListDatabasesCommand, TimestreamWriteClient } from "@aws-sdk/client-timestream-write";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { REGION, URL, freshAccount } from "./clients.js";

test("tls", async () => {
  const ca = await (await fetch(`${URL}/_timebrook/ca.pem`)).text();
  const settings = {
    region: REGION,
    endpoint: URL.replace("http://", "https://"),
    credentials: { accessKeyId: freshAccount(), secretAccessKey: "secret" },
    maxAttempts: 1,
  };
  const trusting = new TimestreamWriteClient({
    ...settings,
    requestHandler: new NodeHttpHandler({ httpsAgent: new Agent({ ca }) }),
  });
  assert.deepEqual((await trusting.send(new ListDatabasesCommand({}))).Databases, []);
  const stranger = new TimestreamWriteClient(settings);
  await assert.rejects(stranger.send(new ListDatabasesCommand({})), /certificate/);
});
