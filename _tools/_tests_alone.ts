/** Tests that cannot share their process with others. */

/** What a process has once: the folder it is in, its memory and its processor time, and how its engine is set. */
const OF_THE_PROCESS = /\b(Deno\.chdir|memoryUsage|cpuUsage|setFlagsFromString)\(/;

const NO_TESTS = new Set(["node_modules", "out", "coverage"]);

/** Returns the test files in `root` that change or measure the process they run in, relative to it. */
export async function listTestsAlone(root: URL, path = ""): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(new URL(path, root)));
  const found = await Promise.all(entries.map(async ({ name, isDirectory }) => {
    if (name.startsWith(".") || NO_TESTS.has(name)) return [];
    if (isDirectory) return await listTestsAlone(root, `${path}${name}/`);
    if (!name.endsWith("_test.ts")) return [];
    const text = await Deno.readTextFile(new URL(`${path}${name}`, root));
    return OF_THE_PROCESS.test(text) ? [`${path}${name}`] : [];
  }));
  return found.flat().sort();
}
