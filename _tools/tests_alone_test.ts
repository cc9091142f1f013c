import assert from "node:assert/strict";
import { listTestsAlone } from "./_tests_alone.ts";

/** A folder with such files, as what is listed of it. */
async function listOf(files: Readonly<Record<string, string>>): Promise<string[]> {
  const dir = await Deno.makeTempDir();
  try {
    for (const [path, text] of Object.entries(files)) {
      await Deno.mkdir(`${dir}/${path.slice(0, path.lastIndexOf("/") + 1)}`, { recursive: true });
      await Deno.writeTextFile(`${dir}/${path}`, text);
    }
    return await listTestsAlone(new URL(`file://${dir}/`));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("listTestsAlone() names tests that change or measure their process, in any folder", async () => {
  // Put together here, where this file would be listed otherwise.
  const calls = ["Deno.chdir", "Deno.memoryUsage", "cpuUsage", "v8.setFlagsFromString"].map((name) =>
    `${name}${"("}dir)`
  );
  const [moves, holds, works, sets] = calls;
  const listed = await listOf({
    "b/c/moves_test.ts": `const before = Deno.cwd();\n${moves};`,
    "b/holds_test.ts": `const { rss } = ${holds};`,
    "a/works_test.ts": works,
    "sets_test.ts": sets,
    "plain_test.ts": "Deno.cwd();",
    "no_test_at_all.ts": moves,
    ".git/hidden_test.ts": moves,
    "node_modules/x/other_test.ts": moves,
  });
  assert.deepEqual(listed, ["a/works_test.ts", "b/c/moves_test.ts", "b/holds_test.ts", "sets_test.ts"]);
});

Deno.test("listTestsAlone() finds those of this project", async () => {
  const listed = await listTestsAlone(new URL("../", import.meta.url));
  assert.ok(listed.includes("src/backend/memory_test.ts") && listed.includes("job/metadata_test.ts"), `${listed}`);
  assert.ok(listed.length < 20, "they run one after the other");
});
