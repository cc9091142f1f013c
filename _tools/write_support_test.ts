import assert from "node:assert/strict";
import { SUPPORT_FILE, supportText } from "./write_support.ts";

Deno.test("docs/support.md is what the tables say (deno task docs writes it)", () => {
  assert.equal(Deno.readTextFileSync(SUPPORT_FILE), supportText());
});
