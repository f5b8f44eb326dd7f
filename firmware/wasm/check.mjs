// Seals in WebAssembly and opens on the host, and the other way round: `node --test check.mjs`.
//
// SEALPOST_BIN is the command `sealpost`, SEALPOST_WASM a module that can open too; the one that pages get is in web/.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import test from "node:test";

import { Sealpost, SealpostError } from "./web/sealpost.mjs";

const keys = new URL("../../testdata/keys/", import.meta.url);
const text = (name) => readFileSync(new URL(name, keys), "utf8");
const pin = (pem) => createHash("sha256").update(new X509Certificate(pem).raw).digest("hex");

const certificate = text("agent-a2048.pem");
const context = { agentId: "a2048", projectId: "6ba7b810-9dad-11d1-80b4-00c04fd430c8", name: "db/ä", key: "password", type: "PASSWORD" };
const flags = ["--agent-id", "a2048", "--project", context.projectId, "--name", "db/ä", "--key", "password", "--type", "PASSWORD"];
const value = '{"password":"P@ssw0rd123 ✓"}';

const page = await Sealpost.load({ pins: [pin(certificate)] }, readFileSync(new URL("web/sealpost.wasm", import.meta.url)));
const both = await Sealpost.load({ pins: [pin(certificate)] }, readFileSync(process.env.SEALPOST_WASM));
const sealpost = (args, input) => execFileSync(process.env.SEALPOST_BIN, args, { input, stdio: ["pipe", "pipe", "pipe"] });
const hostOpens = (bits, envelope, more = flags) =>
  sealpost(["open", "--identity", new URL(`agent-a${bits}.key.pem`, keys).pathname, ...more], envelope).toString();

test("the host opens what a page sealed", () => {
  const envelope = page.seal(certificate, context, value);
  assert.match(envelope, /^sealpost\.v1\.[A-Za-z0-9_-]+$/);
  assert.equal(hostOpens(2048, envelope), value);
  assert.notEqual(page.seal(certificate, context, value), envelope);
});

test("and nobody opens it for anything else", () => {
  const envelope = page.seal(certificate, context, value);
  assert.throws(() => hostOpens(2048, envelope, ["--agent-id", "a2048", "--name", "db/ä"]));
});

for (const bits of [2048, 3072, 4096]) {
  test(`a page opens what the host sealed, RSA-${bits}`, () => {
    const to = new URL(`agent-a${bits}.pem`, keys).pathname;
    const envelope = sealpost(["seal", "--to", to, "--danger-trust-any-certificate", ...flags], value);
    const opened = both.open(text(`agent-a${bits}.key.pem`), context, envelope.toString().trim());
    assert.equal(new TextDecoder().decode(opened), value);
    assert.throws(() => both.open(text(`agent-a${bits}.key.pem`), { ...context, name: "other" }, envelope.toString().trim()), SealpostError);
  });
}

test("bytes go through as they are, large ones too", () => {
  const large = new TextEncoder().encode(JSON.stringify({ password: "x".repeat(60_000) }));
  assert.equal(hostOpens(2048, page.seal(certificate, context, large)), new TextDecoder().decode(large));
});

test("what is wrong is said, and nothing is sealed", async () => {
  await assert.rejects(Sealpost.load(), /no certificate is trusted/);
  const other = await Sealpost.load({ pins: ["00".repeat(32)] }, readFileSync(process.env.SEALPOST_WASM));
  assert.throws(() => other.seal(certificate, context, value), /fingerprint|pin/i);
  assert.throws(() => page.seal("no certificate", context, value), SealpostError);
  assert.throws(() => page.seal(certificate, context, "7"), /#\/secret\/value: must be a JSON object/);
  assert.throws(() => page.seal(certificate, { ...context, key: "other" }, value), /no such top-level property/);
  assert.throws(() => page.seal(certificate, { ...context, agentId: "other" }, value), /not that of agent other/);
  assert.throws(() => page.seal(certificate, { ...context, name: "" }, value), /#\/secret\/name: is empty/);
  assert.throws(() => page.seal(certificate, { ...context, projectId: "x" }, value), /projectId/);
  assert.throws(() => page.open("", context, ""), /this module only seals/);
});

test("any certificate is taken only if the page says so", async () => {
  const any = await Sealpost.load({ dangerAnyCertificate: true }, readFileSync(process.env.SEALPOST_WASM));
  assert.equal(hostOpens(2048, any.seal(certificate, context, value)), value);
});

test("without randomness nothing is sealed", async () => {
  const random = crypto.getRandomValues;
  crypto.getRandomValues = () => {
    throw new Error("no entropy");
  };
  try {
    assert.throws(() => page.seal(certificate, context, value), /random number generator failed/);
  } finally {
    crypto.getRandomValues = random;
  }
});

test("nothing of the value is left in the module's memory", async () => {
  let memory;
  const instantiate = WebAssembly.instantiate;
  WebAssembly.instantiate = async (...source) => {
    const loaded = await instantiate(...source);
    memory = loaded.instance.exports.memory;
    return loaded;
  };
  const watched = await Sealpost.load({ pins: [pin(certificate)] }, readFileSync(new URL("web/sealpost.wasm", import.meta.url)));
  WebAssembly.instantiate = instantiate;
  const canary = "canary-5d1f2c7a9b";
  watched.seal(certificate, context, JSON.stringify({ password: canary }));
  const found = () => Buffer.from(memory.buffer).includes(canary);
  assert.equal(found(), false);
  // The search would find it.
  Buffer.from(memory.buffer).write(canary, memory.buffer.byteLength - 100);
  assert.equal(found(), true);
});
