/** ONNX files as graphs that can be imported: whole, in order, and in single precision. */
import { ModelFileError } from "../../../src/io/errors.ts";
import { readFileWithin } from "../../../src/io/read.ts";
import { decodeModel, encodeModel, type Model, OnnxFileError, reasonOfOnnx } from "../../../src/onnx/file/mod.ts";
import type { Graph, Node } from "../../../src/onnx/graph.ts";
import { topologicalOrder } from "../../../src/onnx/order.ts";
import { suggestName } from "../../../src/text/nearest.ts";
import { reasonOf } from "../../../src/text/plain_errors.ts";
import { ExternalReader } from "./_external.ts";
import { withOutputs } from "./_observe.ts";
import { widened } from "./_widen.ts";

/** A graph, and a file that ONNX Runtime takes of it. */
export interface GraphFile {
  readonly bytes: Uint8Array;
  readonly graph: Graph;
  /** Of the default domain. */
  readonly opset: number;
}

/** Larger files keep their weights elsewhere. */
const MOST_BYTES = 2 ** 31;
const OLDEST_OPSET = 7;
const NEWEST_OPSET = 22;

/** @returns The error of an ONNX file that cannot be loaded. */
export function cannotLoadOnnx(path: string, because: string, cause?: unknown): ModelFileError {
  return new ModelFileError(`Cannot load "${path}": ${because}`, { cause });
}

/**
 * Reads an ONNX file, and what it says of others in its folder.
 *
 * @throws {ModelFileError} If it is damaged, its opset is unknown, nodes read one another in a circle or what nobody gives.
 */
export async function readOnnxFile(path: string): Promise<GraphFile> {
  const bytes = await readFileWithin(path, { most: MOST_BYTES }).catch((cause) => {
    throw cannotLoadOnnx(path, reasonOf(cause, "it cannot be read"), cause);
  });
  const external = new ExternalReader(path);
  const { graph: read, opsets } = decode(bytes, { path, external });
  const opset = opsets[""] ?? opsets["ai.onnx"] ?? 0;
  if (!(opset >= OLDEST_OPSET && opset <= NEWEST_OPSET)) {
    throw cannotLoadOnnx(path, `its opset is ${opset}, needed is ${OLDEST_OPSET} to ${NEWEST_OPSET}`);
  }
  const own = named(read);
  const ordered = inOrder(own, path);
  checkValues(ordered, path);
  const wide = widened(ordered);
  const graph = wide ?? ordered;
  // ONNX Runtime takes no nodes of one name.
  const isOther = wide !== undefined || external.isUsed || hasTwins(read);
  return { graph, opset, bytes: isOther ? fileOf(graph, { opset, path }) : bytes };
}

/** Gives nodes names of their own, where they have none or that of another. */
export function named(graph: Graph): Graph {
  const taken = new Set<string>();
  const nodes = graph.nodes.map((node, i) => {
    const isOwn = node.name !== "" && !taken.has(node.name);
    const name = isOwn ? node.name : `${node.name || node.op}_${i}`;
    taken.add(name);
    return isOwn ? node : { ...node, name };
  });
  return { ...graph, nodes };
}

function hasTwins({ nodes }: Graph): boolean {
  const names = nodes.map(({ name }) => name).filter((name) => name !== "");
  return new Set(names).size < names.length;
}

/** Writes a graph as a file that has all of it. */
export function fileOf(graph: Graph, { opset, path }: { readonly opset: number; readonly path: string }): Uint8Array {
  try {
    // Types of outputs may be open.
    return withOutputs(encodeModel({ ...graph, outputs: [] }, { opset }), graph.outputs);
  } catch (cause) {
    throw cannotLoadOnnx(
      path,
      reasonOf(cause, "it cannot be written as one file").replace(/^Cannot /, "cannot "),
      cause,
    );
  }
}

function decode(
  bytes: Uint8Array,
  { path, external }: { readonly path: string; readonly external: ExternalReader },
): Model {
  try {
    return decodeModel(bytes, { external: external.read });
  } catch (cause) {
    if (!(cause instanceof OnnxFileError)) throw cause;
    throw cannotLoadOnnx(path, reasonOfOnnx(cause), cause);
  }
}

function inOrder(graph: Graph, path: string): Graph {
  const givers = new Map<string, Node>();
  for (const node of graph.nodes) {
    for (const name of node.outputs.filter((name) => name !== "")) {
      const other = givers.get(name);
      if (other !== undefined) {
        throw cannotLoadOnnx(path, `its nodes ${called(other)} and ${called(node)} both give "${name}"`);
      }
      givers.set(name, node);
    }
  }
  try {
    return { ...graph, nodes: topologicalOrder(graph.nodes) };
  } catch (cause) {
    const [, nodes = ""] = /: (.*) read each other$/.exec(cause instanceof Error ? cause.message : "") ?? [];
    throw cannotLoadOnnx(path, `its nodes ${nodes} read one another in a circle`, cause);
  }
}

/** @throws {ModelFileError} If a node reads what nobody gives, or the graph promises it. */
function checkValues({ inputs, initializers, nodes, outputs }: Graph, path: string): void {
  const known = new Set(["", ...inputs, ...initializers.keys(), ...nodes.flatMap((node) => node.outputs)]);
  for (const node of nodes) {
    const missing = node.inputs.find((name) => !known.has(name));
    if (missing === undefined) continue;
    throw cannotLoadOnnx(
      path,
      `its node ${called(node)} reads "${missing}", which nobody gives: an initializer of that name is missing`,
    );
  }
  const promised = outputs.find((name) => !known.has(name));
  if (promised === undefined) return;
  throw cannotLoadOnnx(
    path,
    `nobody gives its output "${promised}", ${suggestName(promised, nodes.flatMap((node) => node.outputs))}`,
  );
}

function called({ name, op, outputs }: Node): string {
  return `"${name || outputs[0]}" (${op})`;
}
