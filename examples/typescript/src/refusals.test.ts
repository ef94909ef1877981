import assert from "node:assert/strict";
import test from "node:test";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorReason } from "../gen/fbali/v1/error_reason_pb.js";
import { ErrorInfoSchema, RetryInfoSchema } from "../gen/google/rpc/error_details_pb.js";
import { requestId } from "./calls.js";
import { BY_REASON, refusalOf } from "./refusals.js";
import { isClearText, readSettings } from "./settings.js";

function refused(code: Code, domain: string, reason: string): ConnectError {
  return new ConnectError("no", code, undefined, [
    { desc: ErrorInfoSchema, value: create(ErrorInfoSchema, { domain, reason }) },
    {
      desc: RetryInfoSchema,
      value: create(RetryInfoSchema, { retryDelay: { seconds: 1n, nanos: 500_000_000 } }),
    },
  ]);
}

test("every reason of the contract has an action", () => {
  const reasons = Object.keys(ErrorReason).filter((key) => Number.isNaN(Number(key)));
  assert.deepEqual(Object.keys(BY_REASON).sort(), reasons.sort());
});

test("a refusal says its reason and how long to wait", () => {
  const refusal = refusalOf(refused(Code.ResourceExhausted, "fbali.v1", "LIMIT_EXCEEDED"));
  assert.equal(refusal.action, "waitSome");
  assert.equal(refusal.reason, "LIMIT_EXCEEDED");
  assert.equal(refusal.delayMs, 1_500);
});

test("a reason of a newer server is judged by its code", () => {
  const refusal = refusalOf(refused(Code.Unavailable, "fbali.v1", "BRAND_NEW"));
  assert.equal(refusal.action, "waitOutage");
  assert.equal(refusal.reason, "BRAND_NEW");
});

test("a reason of another domain is not ours", () => {
  const refusal = refusalOf(refused(Code.Unknown, "proxy.example", "TOKEN_INVALID"));
  assert.equal(refusal.action, "waitSome");
});

test("codes are written as gRPC writes them", () => {
  const codes = [Code.Canceled, Code.DeadlineExceeded, Code.Unavailable];
  const names = codes.map((code) => refusalOf(new ConnectError("no", code)).code);
  assert.deepEqual(names, ["CANCELLED", "DEADLINE_EXCEEDED", "UNAVAILABLE"]);
});

test("what is no answer of a server stops the program", () => {
  assert.equal(refusalOf(new Error("no such file")).reason, "LOCAL_FAILURE");
  assert.equal(refusalOf(new Error("no such file")).action, "stop");
});

test("a request id is a UUID, the same for the same intent only", () => {
  const id = requestId("place", "orders/o1", "etag1");
  assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(id, requestId("place", "orders/o1", "etag1"));
  assert.notEqual(id, requestId("place", "orders/o1", "etag2"));
});

test("a token goes in clear text to this machine only", () => {
  const targets = ["127.0.0.1:7443", "localhost:1", "oms.example:7443", "127.0.0.1.example:1"];
  const clear = targets.map((FBALI_SERVER) =>
    isClearText(readSettings({ FBALI_TOKEN: "t", FBALI_SERVER })),
  );
  assert.deepEqual(clear, [true, true, false, false]);
});
