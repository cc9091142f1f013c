/**
 * Fails if modules import one another in a circle, be it of values or of types, if no program or export uses one, or if a
 * room may import what it does not.
 */
import config from "../deno.json" with { type: "json" };
import { findCircles, importGraph, type Info } from "./_import_graph.ts";
import { listModules } from "./_list_modules.ts";
import { unusedPermissions } from "./rooms.ts";

const ROOT = new URL("..", import.meta.url);
/** Whatever these do not reach is dead, or a test's. */
const ENTRIES = [...Object.values(config.exports), "cli.ts", "_tools/write_support.ts"];

async function readInfo(entry: string): Promise<Info> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", entry],
    cwd: ROOT,
  }).output();
  if (!success) throw new Error(`Cannot read the imports of "${entry}": ${new TextDecoder().decode(stderr)}`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

const info: Info = { modules: (await Promise.all(ENTRIES.map(readInfo))).flatMap(({ modules }) => modules) };
const reached = importGraph(info, { root: ROOT.href, kind: "any" });
const problems = [
  ...findCircles(info, ROOT.href).map(({ kind, modules }) => `circle of ${kind}: ${modules.join(" → ")}`),
  ...unusedPermissions({ any: reached, values: importGraph(info, { root: ROOT.href, kind: "values" }) }),
  ...(await listModules()).filter((file) => !reached.has(file)).map((file) => `no program or export uses ${file}`),
];
for (const problem of problems) console.error(problem);
console.log(`imports: ${reached.size} modules, ${problems.length} problems`);
Deno.exit(problems.length > 0 ? 1 : 0);
