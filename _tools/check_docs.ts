/**
 * Fails if something public has no docstring, or one without a summary, or if a signature that users see names what they
 * cannot import. Public is what the modules of deno.json's `exports` export, and, with less to say, what others do.
 */
import config from "../deno.json" with { type: "json" };
import { type Docs, findFlaws } from "./_public_docs.ts";
import { findUnexported } from "./_public_types.ts";
import { projectPath } from "./_project_path.ts";
import { listModules } from "./_list_modules.ts";
import { fileURLToPath } from "node:url";

const ROOT = new URL("..", import.meta.url);

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
const lines: string[] = [];
for (const entry of Object.values(config.exports)) {
  const docs = await readDocs([entry]);
  flaws.push(...findFlaws(docs, "public"));
  const unexported = findUnexported(docs);
  lines.push(...unexported.map(({ name, usedBy }) => `${entry} ${name}: ${usedBy} names it, it is not exported`));
}
for (const { file, line, name, because } of flaws) {
  lines.push(`${projectPath(fileURLToPath(file))}:${line} ${name}: ${because}`);
}
const distinct = new Set(lines);
for (const line of distinct) console.error(line);
console.log(`docs: ${files.length} modules, ${distinct.size} flaws`);
Deno.exit(distinct.size > 0 ? 1 : 0);
