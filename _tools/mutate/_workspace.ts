/** Copies of the tree that may be changed: nothing here writes into the project itself. */
import { fileURLToPath, pathToFileURL } from "node:url";
import { temporaryFolder } from "../_temporary.ts";
import { type Mutant, switchMutants } from "./_mutants.ts";

const ROOT = new URL("../../", import.meta.url);
const HERE = new URL("./", import.meta.url);
const LEFT_OUT = new Set([".git", "node_modules", "out", "coverage"]);

/** Which mutant is on (-1: none, and what tests reach is noted), and which tests of which files run; none: all. */
export interface Plan {
  readonly mutant: number;
  readonly tests: Readonly<Record<string, readonly number[]>>;
}

/** A folder with a copy of the tree (`tree/`) and what steers its tests beside it. */
export interface Workspace {
  /** URL of the folder, with a slash at its end. */
  readonly folder: URL;
  readonly tree: URL;
}

/**
 * Runs `use` on `count` copies of the tree that have all of `mutants` in them, and removes the copies.
 *
 * They stand at a place of their own per checkout, so that what Deno compiles of them is found again.
 *
 * @throws {Error} If another run of the same checkout uses the place.
 */
export async function withWorkspaces<T>(
  { mutants, count }: { mutants: readonly Mutant[]; count: number },
  use: (workspaces: readonly Workspace[]) => Promise<T>,
): Promise<T> {
  const base = await placeOfCopies();
  await Deno.mkdir(base, { recursive: true });
  using lock = await Deno.open(new URL("lock", base), { create: true, write: true });
  if (!await lock.tryLock(true)) throw new Error(`Cannot mutate "${fileURLToPath(ROOT)}": another run is doing so`);
  try {
    const folders = Array.from({ length: count }, (_, index) => new URL(`${index}/`, base));
    return await use(await Promise.all(folders.map((folder) => makeWorkspace(folder, mutants))));
  } finally {
    await Deno.remove(base, { recursive: true });
  }
}

/** Sets what the next tests in a workspace do, which begins. */
export async function writePlan({ folder }: Workspace, plan: Plan): Promise<void> {
  await Deno.writeTextFile(new URL("plan.json", folder), JSON.stringify(plan));
  const beat: Beat = { file: "", index: -1, since: Date.now() };
  await Deno.writeTextFile(new URL("beat.json", folder), JSON.stringify(beat));
}

/** Which test runs, by its file and its place there, and since when in milliseconds. */
export interface Beat {
  readonly file: string;
  readonly index: number;
  readonly since: number;
}

/** Reads which test runs in a workspace. */
export function readBeat({ folder }: Workspace): Beat {
  // While it is being written it is empty: then a test has just begun.
  const text = Deno.readTextFileSync(new URL("beat.json", folder));
  return text === "" ? { file: "", index: -1, since: Date.now() } : JSON.parse(text);
}

async function placeOfCopies(): Promise<URL> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(ROOT.href));
  const name = new Uint8Array(digest).toHex().slice(0, 12);
  return new URL(`tfjs-qat-mutate-${name}/`, pathToFileURL(`${temporaryFolder()}/`));
}

async function makeWorkspace(folder: URL, mutants: readonly Mutant[]): Promise<Workspace> {
  const workspace = { folder, tree: new URL("tree/", folder) };
  await Deno.remove(folder, { recursive: true }).catch(() => undefined);
  await copyFolder(ROOT, workspace.tree);
  for (const name of ["reached/", "tmp/"]) await Deno.mkdir(new URL(name, folder));
  for (const name of ["_switch.ts", "_hook.ts"]) await Deno.copyFile(new URL(name, HERE), new URL(name, folder));
  await linkMaterial(folder);
  await Deno.writeTextFile(new URL("notes.jsonl", folder), "");
  await writePlan(workspace, { mutant: -1, tests: {} });
  await writeMutants(workspace, mutants);
  return workspace;
}

async function copyFolder(from: URL, to: URL): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isFile, isDirectory } of Deno.readDir(from)) {
    if (LEFT_OUT.has(name)) continue;
    if (isDirectory) await copyFolder(new URL(`${name}/`, from), new URL(`${name}/`, to));
    if (isFile) await Deno.copyFile(new URL(name, from), new URL(name, to));
  }
}

/** Tests look for the material beside the checkout. Deno makes links only with permission to write anywhere. */
async function linkMaterial(folder: URL): Promise<void> {
  const material = new URL("../shared", ROOT);
  if (await Deno.stat(material).catch(() => undefined) === undefined) return;
  const paths = [material, new URL("shared", folder)].map((url) => fileURLToPath(url));
  const { success } = await new Deno.Command("sh", { args: ["-c", 'ln -s "$1" "$2"', "sh", ...paths] }).output();
  if (!success) throw new Error(`Cannot link "${paths[0]}" to "${paths[1]}"`);
}

async function writeMutants({ folder, tree }: Workspace, mutants: readonly Mutant[]): Promise<void> {
  const numbered = mutants.map((mutant, id): [number, Mutant] => [id, mutant]);
  for (const [file, own] of Map.groupBy(numbered, ([, mutant]) => mutant.file)) {
    const url = new URL(file, tree);
    const isOn = "isMutantOn";
    const text = switchMutants(await Deno.readTextFile(url), { mutants: new Map(own), isOn });
    await Deno.writeTextFile(url, `import { isOn as ${isOn} } from "${new URL("_switch.ts", folder)}"; ${text}`);
  }
}
