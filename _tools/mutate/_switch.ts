/**
 * In a mutated copy of the tree: which mutant is on, and which places were reached.
 *
 * Copied to the top of such a tree, where plan.json stands beside it; programs that tests start see the same plan.
 */
import plan from "./plan.json" with { type: "json" };

/** Numbers of the mutants whose places were reached. */
export const reached: Set<number> = new Set();

/** Says whether mutant number `id` is on, and notes that its place was reached. */
export function isOn(id: number): boolean {
  if (plan.mutant === id) return true;
  reached.add(id);
  return false;
}

// A program that a test starts has no test to note for: it leaves its list to the test, where it may write.
const isTest = Deno.mainModule.endsWith("_test.ts");
if (!isTest && plan.mutant < 0) {
  globalThis.addEventListener("unload", () => {
    try {
      Deno.writeTextFileSync(new URL(`reached/${Deno.pid}.json`, import.meta.url), JSON.stringify([...reached]));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotCapable)) throw error;
    }
  });
}
