/** The graph of modules and their imports, from the JSON of `deno info`. */

/** The parts of `deno info --json` that matter here. */
export interface Info {
  readonly modules: readonly {
    readonly specifier: string;
    readonly dependencies?: readonly { readonly code?: Target; readonly type?: Target }[];
  }[];
}

interface Target {
  readonly specifier?: string;
}

/** Module → the modules that it imports. */
export type ImportGraph = ReadonlyMap<string, ReadonlySet<string>>;

/** What of a module is imported: anything, or more than types. */
export type ImportKind = "any" | "values";

/** Modules that import one another, the first again at the end, and whether values come around or only types. */
export interface ImportCircle {
  readonly kind: "types" | "values";
  readonly modules: readonly string[];
}

/**
 * Returns the modules below `root` and what they import of one another.
 *
 * @param root URL of the project's folder; names are relative to it.
 */
export function importGraph({ modules }: Info, { root, kind }: { root: string; kind: ImportKind }): ImportGraph {
  const nameOf = (specifier = "") => specifier.startsWith(root) ? specifier.slice(root.length) : undefined;
  const graph = new Map<string, ReadonlySet<string>>();
  for (const { specifier, dependencies = [] } of modules) {
    const name = nameOf(specifier);
    if (name === undefined) continue;
    const imported = dependencies.flatMap(({ code, type }) => kind === "any" ? [code, type] : [code]);
    graph.set(name, new Set(imported.flatMap((target) => nameOf(target?.specifier) ?? [])));
  }
  return graph;
}

/** Returns a shortest circle through each group of modules that import one another, directly or not. */
export function findCircles(info: Info, root: string): readonly ImportCircle[] {
  const [values, any] = (["values", "any"] as const).map((kind) => circlesIn(importGraph(info, { root, kind })));
  const known = new Set(values.flat());
  return [
    ...values.map((modules) => ({ kind: "values", modules }) as const),
    // A circle of values is one of anything, too.
    ...any.filter((modules) => !modules.some((name) => known.has(name))).map((modules) =>
      ({ kind: "types", modules }) as const
    ),
  ];
}

function circlesIn(graph: ImportGraph): string[][] {
  const circles: string[][] = [];
  const seen = new Set<string>();
  for (const name of [...graph.keys()].sort()) {
    if (seen.has(name)) continue;
    const circle = wayBack(name, graph);
    if (circle === undefined) continue;
    circles.push(circle);
    for (const other of graph.keys()) if (reaches(name, other, graph) && reaches(other, name, graph)) seen.add(other);
  }
  return circles;
}

/** Returns a shortest way from `start` to itself, both ends included. */
function wayBack(start: string, graph: ImportGraph): string[] | undefined {
  const ways: string[][] = [[start]];
  const visited = new Set<string>();
  for (const way of ways) {
    for (const next of graph.get(way.at(-1)!) ?? []) {
      if (next === start) return [...way, start];
      if (visited.has(next)) continue;
      visited.add(next);
      ways.push([...way, next]);
    }
  }
  return undefined;
}

function reaches(from: string, to: string, graph: ImportGraph): boolean {
  const visited = new Set([from]);
  for (const name of visited) {
    for (const next of graph.get(name) ?? []) {
      if (next === to) return true;
      visited.add(next);
    }
  }
  return false;
}
