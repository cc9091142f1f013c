import assert from "node:assert/strict";
import { withTempDir } from "../../models/import/_test_models.ts";
import { finishCommit } from "./atomic.ts";

Deno.test("finishCommit() obeys no journal that speaks of anything but files in its folder", () =>
  withTempDir((root) => {
    const staged = `.commit-${crypto.randomUUID()}`;
    Deno.writeTextFileSync(`${root}/kept`, "1");
    const outside = ["", 3, null, ["a"], "/a", "\\a", "c:a", "a\\b", "a\0b", "..", ".", "../a", "a/../b", "a//b", "a/"];
    for (const path of outside) {
      for (const journal of [{ staged, put: [], remove: [path] }, { staged, put: [{ path }], remove: [] }]) {
        Deno.writeTextFileSync(`${root}/.commit.json`, JSON.stringify(journal));
        assert.throws(() => finishCommit(root), { name: "OutputError", message: /is damaged/ }, JSON.stringify(path));
      }
    }
    Deno.writeTextFileSync(`${root}/.commit.json`, JSON.stringify({ staged, put: [], remove: ["kept"] }));
    assert.equal(finishCommit(root), true);
    assert.deepEqual([...Deno.readDirSync(root)], []);
  }));
