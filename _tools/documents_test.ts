/** Holds documents to what they speak of: files, sections, rooms. */
import assert from "node:assert/strict";
import { ROOMS } from "./rooms.ts";

const ROOT = new URL("..", import.meta.url);
const IGNORED = [".git", "node_modules", "golden", "out", "shared"];

/** Returns the text of every file with such an ending, by its path. */
function textsOf(endings: readonly string[], folder = ""): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const { name, isDirectory } of Deno.readDirSync(new URL(folder || ".", ROOT))) {
    if (IGNORED.includes(name)) continue;
    const path = `${folder}${name}`;
    if (isDirectory) { for (const [inner, text] of textsOf(endings, `${path}/`)) texts.set(inner, text); }
    else if (endings.some((ending) => name.endsWith(ending))) {
      texts.set(path, Deno.readTextFileSync(new URL(path, ROOT)));
    }
  }
  return texts;
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(new URL(path, ROOT)) !== undefined;
  } catch {
    return false;
  }
}

const code = textsOf([".ts"]);
const documents = textsOf([".md"]);
/** What was, is not held to what is. */
const present = new Map([...documents].filter(([path]) => path !== "CHANGELOG.md"));

Deno.test("code cites documents of this repository, and sections that they have", () => {
  for (const [path, text] of code) {
    for (
      const [cited, file, section] of text.matchAll(/(?<![\w/])(docs\/[\w/.]+\.md)(?:,\s+(?:\*\s+)?section (\d+))?/g)
    ) {
      assert.ok(documents.has(file), `${path}: ${cited}`);
      const heading = new RegExp(`^## ${section}\\. `, "m");
      if (section !== undefined) assert.match(documents.get(file)!, heading, `${path}: ${cited}`);
    }
    for (
      const [comment, cited] of text.matchAll(/^ *(?:\*|\/[/*]).*\b(?!CHANGELOG|CONTRIBUTING|README)([A-Z]{4,}\.md)/gm)
    ) {
      assert.fail(`${path} cites ${cited}, which is not in this repository: ${comment.trim()}`);
    }
  }
});

Deno.test("documents link to files that are there", () => {
  for (const [path, text] of documents) {
    for (const [, link] of text.matchAll(/\]\((?!https?:)([^)#]+)\)/g)) {
      const target = new URL(link, new URL(path, ROOT)).pathname.slice(ROOT.pathname.length);
      assert.ok(exists(target), `${path} links to ${link}`);
    }
  }
});

Deno.test("documents name files of the code that are there", () => {
  const files = [...code.keys()];
  for (const [path, text] of present) {
    for (const [, named] of text.matchAll(/`((?:[\w.]+\/)*\w[\w.]*\.ts)`/g)) {
      // `x_test.ts` stands for any.
      if (/(^|\/)_?x[_.]/.test(named)) continue;
      assert.ok(files.some((file) => file === named || file.endsWith(`/${named}`)), `${path} names ${named}`);
    }
  }
});

Deno.test("CONTRIBUTING.md describes every room, and no other", () => {
  const table = documents.get("CONTRIBUTING.md")!.split("\n## Rooms\n")[1].split("\n## ")[0];
  const described = [...table.matchAll(/^\| `([^`]+)`/gm)].map(([, room]) => room);
  assert.deepEqual(described.sort(), ROOMS.map(({ path }) => path).sort());
});

Deno.test("docs/design/README.md lists every note", () => {
  const listed = [...documents.get("docs/design/README.md")!.matchAll(/\]\((\w+\.md)\)/g)].map(([, name]) => name);
  const notes = [...documents.keys()].filter((path) => path.startsWith("docs/design/") && !path.endsWith("README.md"));
  assert.deepEqual(listed.sort(), notes.map((path) => path.slice("docs/design/".length)).sort());
});
