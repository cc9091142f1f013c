/** Fails if something public, in mod.ts or exported within the project, has no docstring, or one without a summary. */
import { type Docs, findFlaws } from "./_public_docs.ts";
import { projectPath } from "./_project_path.ts";
import { listModules } from "./_list_modules.ts";
import { fileURLToPath } from "node:url";

const ROOT = new URL("..", import.meta.url);
async function exists(file: string): Promise<boolean> {
  return await Deno.stat(new URL(file, ROOT)).then(() => true, () => false);
}

async function readDocs(files: readonly string[]): Promise<Docs> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--json", ...files],
    cwd: ROOT,
  }).output();
  if (!success) {
    console.error(new TextDecoder().decode(stderr));
    Deno.exit(1);
  }
  return JSON.parse(new TextDecoder().decode(stdout));
}

// Files named _x.ts are private to their folder.
const files = (await listModules()).filter((file) => !/(^|\/)_[^/]*$/.test(file));
const flaws = findFlaws(await readDocs(files), "internal");
if (await exists("mod.ts")) flaws.push(...findFlaws(await readDocs(["mod.ts"]), "public"));
const lines = flaws.map(({ file, line, name, because }) => {
  return `${projectPath(fileURLToPath(file))}:${line} ${name}: ${because}`;
});
const distinct = new Set(lines);
for (const line of distinct) console.error(line);
console.log(`docs: ${files.length} modules, ${distinct.size} flaws`);
Deno.exit(distinct.size > 0 ? 1 : 0);
