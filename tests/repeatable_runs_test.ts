/** Results that do not depend on the run: with one number of threads, the same bits every time. */
import assert from "node:assert/strict";

const SCRIPT = new URL("./_support/train_weights.ts", import.meta.url).pathname;

/** Trains in a process of its own, beside `others` sessions, and returns the weights' bits, one weight a line. */
async function train({ others }: { readonly others: number }): Promise<readonly string[]> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--allow-read", "--allow-ffi", "--ignore-env", SCRIPT, `${others}`],
    stdout: "piped",
    stderr: "piped",
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout).trim().split("\n");
}

Deno.test("fit() gives the same weights to the bit in every process, whatever other sessions there are", async () => {
  const [first, second, beside] = [await train({ others: 0 }), await train({ others: 0 }), await train({ others: 5 })];
  assert.ok(first.length > 10 && first.join().length > 5_000, "weights are printed");
  assert.deepEqual(second, first);
  assert.deepEqual(beside, first);
});
