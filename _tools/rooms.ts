/** The rooms as a table, and the judge of an import between them. Moving a wall is an edit of the table. */
import config from "../deno.json" with { type: "json" };
import { lookUp } from "../src/text/nearest.ts";
import type { ImportGraph } from "./_import_graph.ts";

/** A folder or file with a say in what it imports. */
interface Room {
  /** Folder or file, relative to the project's root. The longest path that fits a file is its room. */
  readonly path: string;
  /** Our own rooms, folders or files that it may import, or "any". Its own room is always allowed. */
  readonly imports: readonly string[] | "any";
  /** Further rooms, folders or files that it may import types from, and nothing else. */
  readonly types?: readonly string[];
  /** The npm packages that it may import; absent: every one that no other room keeps to itself. */
  readonly packages?: readonly string[];
}

/** Who may import what. CONTRIBUTING.md, "Rooms", says why. */
export const ROOMS: readonly Room[] = [
  { path: "src/numbers", imports: [], packages: [] },
  { path: "src/text", imports: [], packages: [] },
  { path: "src/shadow.ts", imports: [], packages: [] },
  { path: "src/events.ts", imports: [], packages: [] },
  { path: "src/version.ts", imports: [], packages: [] },
  { path: "src/io", imports: ["src/text"], packages: [] },
  { path: "src/onnx", imports: ["src/numbers", "src/text"], packages: ["protobufjs"] },
  { path: "src/tensorboard", imports: [], packages: ["protobufjs"] },
  { path: "src/passes", imports: ["src/numbers", "src/onnx"], packages: [] },
  { path: "src/quant", imports: ["src/custom.ts", "src/numbers", "src/shadow.ts", "src/text"] },
  {
    path: "src/runtime",
    imports: ["src/numbers"],
    packages: ["onnxruntime-node", "onnxruntime-common"],
  },
  {
    path: "src/ops",
    imports: ["src/numbers", "src/onnx"],
    types: ["src/quant/kernel_types.ts", "src/recurrent/kernel_types.ts"],
  },
  { path: "src/recurrent", imports: ["src/custom.ts", "src/shadow.ts"] },
  {
    path: "src/backend",
    imports: [
      "src/grouped",
      "src/onnx",
      "src/ops/mod.ts",
      "src/ops/op.ts",
      "src/passes",
      "src/recurrent",
      "src/runtime",
      "src/shadow.ts",
    ],
    types: ["src/numbers"],
  },
  { path: "src/layers", imports: [], types: ["src/numbers", "src/quant"] },
  { path: "src/custom.ts", imports: ["src/text"] },
  { path: "src/channels", imports: ["src/custom.ts"] },
  { path: "src/grouped", imports: ["src/custom.ts"] },
  { path: "src/operations", imports: ["src/custom.ts", "src/text"] },
  { path: "src/sequences", imports: ["src/custom.ts", "src/text"] },
  {
    path: "src/rewrite",
    imports: [
      "src/channels",
      "src/custom.ts",
      "src/grouped",
      "src/layers",
      "src/operations",
      "src/recurrent",
      "src/sequences",
      "src/text",
    ],
  },
  { path: "data", imports: ["src/events.ts", "src/io", "src/numbers", "src/text"] },
  {
    path: "models",
    imports: [
      "src/backend",
      "src/channels",
      "src/grouped",
      "src/io",
      "src/layers",
      "src/numbers",
      "src/onnx",
      "src/operations",
      "src/passes/deploy/drop_nan_guards.ts",
      "src/passes/deploy/qoperator_forms.ts",
      "src/passes/merge_reshapes.ts",
      "src/passes/pass.ts",
      "src/quant",
      "src/rewrite",
      "src/runtime",
      "src/sequences",
      "src/shadow.ts",
      "src/text",
    ],
  },
  { path: "tasks", imports: ["src/numbers", "src/text", "models"], types: ["data"] },
  {
    path: "quantize",
    imports: [
      "src/backend",
      "src/custom.ts",
      "src/events.ts",
      "src/io",
      "src/layers",
      "src/numbers",
      "src/passes/deploy/integer_ops.ts",
      "src/quant",
      "src/rewrite",
      "src/shadow.ts",
      "src/text",
      "src/version.ts",
      "models",
    ],
    types: ["src/runtime"],
  },
  {
    path: "train",
    imports: [
      "src/events.ts",
      "src/backend",
      "src/io",
      "src/layers",
      "src/numbers",
      "src/quant",
      "src/rewrite",
      "src/shadow.ts",
      "src/text",
      "models",
      "tasks",
      "quantize",
    ],
  },
  {
    path: "export",
    imports: [
      "src/events.ts",
      "src/backend",
      "src/numbers",
      "src/onnx",
      "src/passes",
      "src/quant",
      "src/runtime",
      "src/shadow.ts",
      "src/text",
      "src/version.ts",
      "models",
      "quantize",
      "tasks/keeping.ts",
    ],
    types: ["tasks"],
  },
  {
    path: "debug",
    imports: ["src/events.ts", "src/numbers", "src/onnx", "src/quant", "src/rewrite", "models", "quantize"],
  },
  {
    path: "predict",
    imports: ["src/onnx", "src/text", "data", "models", "tasks", "quantize", "export"],
  },
  {
    path: "report",
    imports: ["src/text", "models/summary.ts", "quantize", "tasks/task.ts"],
    types: ["src/numbers", "debug", "tasks", "train/fit.ts", "export"],
  },
  {
    path: "job",
    imports: [
      "src/events.ts",
      "src/backend",
      "src/io",
      "src/layers",
      "src/numbers",
      "src/quant",
      "src/rewrite",
      "src/runtime",
      "src/tensorboard",
      "src/text",
      "src/version.ts",
      "data",
      "debug",
      "models",
      "tasks",
      "quantize",
      "train",
      "export",
      "predict",
      "report",
    ],
  },
  { path: "cli", imports: ["mod.ts", "src/text"], packages: ["commander"] },
  { path: "cli.ts", imports: ["cli/main.ts"], packages: [] },
  {
    path: "layers.ts",
    imports: [
      "src/channels",
      "src/grouped",
      "src/operations",
      "src/quant",
      "src/recurrent",
      "src/rewrite",
      "src/sequences",
    ],
    packages: [],
  },
  { path: "mod.ts", imports: "any" },
  { path: "tests", imports: "any" },
  { path: "examples", imports: "any" },
  { path: "_tools", imports: "any" },
];

/** Packages that rooms keep to themselves, so that they can be swapped in one place. */
export const KEPT: Readonly<Record<string, readonly string[]>> = {
  "onnxruntime-node": ["src/runtime"],
  "onnxruntime-common": ["src/runtime"],
  "onnxruntime-web": ["tests"],
  "protobufjs": ["src/onnx", "src/tensorboard"],
  "fast-xml-parser": ["data"],
  "yaml": ["data"],
  "string-width": ["report"],
  "ts-json-schema-generator": ["_tools"],
  "@babel/parser": ["_tools"],
  "@babel/types": ["_tools"],
  "ajv": ["tests"],
  "commander": ["cli"],
  "cli-progress": ["report"],
};

/**
 * Returns the permissions of rooms that nothing makes use of, as sentences.
 *
 * @param imports What modules import of one another: anything, and more than types.
 */
export function unusedPermissions(imports: Readonly<Record<"any" | "values", ImportGraph>>): readonly string[] {
  const isUsed = (room: string, path: string, kind: "any" | "values") =>
    [...imports[kind]].some(([file, targets]) =>
      roomOf(file) === room && [...targets].some((target) => isWithin(target, path))
    );
  return ROOMS.flatMap((room) => {
    const values = room.imports === "any" ? [] : room.imports.filter((path) => !isUsed(room.path, path, "values"));
    const types = (room.types ?? []).filter((path) => !isUsed(room.path, path, "any"));
    return [
      ...values.map((path) => `${room.path} may import ${path}, and imports nothing but types of it, or nothing`),
      ...types.map((path) => `${room.path} may import types from ${path}, and does not`),
    ];
  });
}

/** Files beside the code that belong to its tests: they may import anything, and nothing else may import them. */
export const BELONGS_TO_TESTS = /_(test|cases|bench)\.ts$|(^|\/)_test_\w+\.ts$/;

/** An import as written. */
export interface Import {
  /** The importing file, relative to the project's root, with forward slashes. */
  readonly from: string;
  readonly specifier: string;
  /** Whether only types come in (`import type`). */
  readonly typeOnly: boolean;
}

/** Returns the name of the room that `file` is in, or undefined if the table has none for it. */
export function roomOf(file: string): string | undefined {
  return BELONGS_TO_TESTS.test(file) ? "tests" : findRoom(file)?.path;
}

/** Returns why an import breaks the rules, or undefined if it does not. */
export function refuse({ from, specifier, typeOnly }: Import): string | undefined {
  const name = roomOf(from);
  const room = ROOMS.find((room) => room.path === name);
  if (!room) return `"${from}" is in no room: add its folder to the table in _tools/rooms.ts`;
  const target = resolveOwn(from, specifier);
  if (target !== undefined) return refuseFile(room, { from, target, typeOnly });
  return room.imports === "any" ? undefined : refusePackage(room, from, packageOf(specifier));
}

function findRoom(file: string): Room | undefined {
  return ROOMS.filter((room) => isWithin(file, room.path)).sort((a, b) => b.path.length - a.path.length)[0];
}

function isWithin(file: string, path: string): boolean {
  return file === path || file.startsWith(`${path}/`);
}

function refuseFile(room: Room, { from, target, typeOnly }: { from: string; target: string; typeOnly: boolean }) {
  if (room.imports === "any") return undefined;
  const isPrivate = target.slice(target.lastIndexOf("/") + 1).startsWith("_");
  const folder = target.slice(0, target.lastIndexOf("/"));
  if (isPrivate && !isWithin(from, folder)) {
    return `"${from}" imports "${target}": files named _x.ts are private to their folder, "${folder}"`;
  }
  const targetRoom = roomOf(target);
  if (targetRoom === room.path) return undefined;
  const paths = typeOnly ? [...room.imports, ...room.types ?? []] : room.imports;
  if (targetRoom !== "tests" && paths.some((path) => isWithin(target, path))) return undefined;
  return `"${from}" imports "${target}": ${describe(room)}`;
}

function describe({ path, imports, types }: Room): string {
  const rooms = imports === "any" || imports.length === 0 ? "none" : `only ${imports.join(", ")}`;
  return `of our own rooms ${path} may import ${rooms}${types ? ` (and types from ${types.join(", ")})` : ""}`;
}

function refusePackage(room: Room, from: string, name: string): string | undefined {
  if (name.startsWith("node:")) return undefined;
  const keepers = KEPT[name];
  if (keepers !== undefined && !keepers.includes(room.path)) {
    return `"${from}" imports "${name}": only ${keepers.join(" and ")} may`;
  }
  if (!room.packages || room.packages.includes(name)) return undefined;
  const packages = room.packages.length === 0 ? "none" : `only ${room.packages.join(", ")}`;
  return `"${from}" imports "${name}": of packages ${room.path} may import ${packages}`;
}

/** Returns the file of ours that `specifier` names, relative to the root, or undefined if it names a package. */
function resolveOwn(from: string, specifier: string): string | undefined {
  if (isWithin(specifier, config.name)) {
    return lookUp(config.exports, `.${specifier.slice(config.name.length)}`)?.replace("./", "");
  }
  if (!/^\.{0,2}\//.test(specifier)) return undefined;
  // The host stands for the root, so that "../" above it stays at it.
  return new URL(specifier, `file:///${from}`).pathname.slice(1);
}

/** Returns a package's name without "npm:", version and path within the package. */
function packageOf(specifier: string): string {
  const bare = specifier.replace(/^npm:\/?/, "");
  return /^(@[^/]+\/)?[^/@]+/.exec(bare)?.[0] ?? bare;
}
