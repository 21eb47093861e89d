import { expect, test } from "vitest";
import { networkErrorText } from "../../src/steps/network-error.ts";

const failed = (fields: object): Error =>
  new TypeError("fetch failed", { cause: Object.assign(new Error("why"), fields) });

test.for([
  [{ code: "ENOTFOUND", hostname: "api.exmaple.com" }, "fetch failed: ENOTFOUND api.exmaple.com"],
  [
    { code: "ECONNREFUSED", address: "127.0.0.1", port: 81 },
    "fetch failed: ECONNREFUSED 127.0.0.1:81",
  ],
  [{ code: "UND_ERR_SOCKET" }, "fetch failed: UND_ERR_SOCKET"],
  [{}, "fetch failed: why"],
] as const)("a failed request says where: %j", ([fields, text]) => {
  expect(networkErrorText(failed(fields))).toBe(text);
});
