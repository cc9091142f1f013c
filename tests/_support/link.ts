/** Symbolic links for tests, which may write in one folder only: Deno makes none for who may not write everywhere. */
import assert from "node:assert/strict";

/** Makes the link `at` to what is, or is not, at `to`. */
export function makeLink(to: string, at: string): void {
  const code = `Deno.symlinkSync(${JSON.stringify(to)}, ${JSON.stringify(at)})`;
  const { success } = new Deno.Command(Deno.execPath(), { args: ["eval", code] }).outputSync();
  assert.ok(success, `no link at "${at}"`);
}
