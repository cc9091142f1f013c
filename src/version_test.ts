import assert from "node:assert/strict";
import config from "../deno.json" with { type: "json" };
import { MAKER } from "./version.ts";

Deno.test("MAKER is what deno.json says", () => {
  assert.deepEqual(MAKER, { name: config.name.split("/")[1], version: config.version });
});
