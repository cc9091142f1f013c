/**
 * Branches whose condition no input decides: PyTorch writes one where it does not know whether an axis has one element.
 *
 * The nodes of the branch that is taken come in the place of the If. Graphs within graphs are nothing that `Graph` has, so
 * it is the file that is changed; all else in it stays as it is.
 */
import { joinBytes } from "../../../src/numbers/bytes.ts";
import type { Graph } from "../../../src/onnx/graph.ts";
import { decodeModel } from "../../../src/onnx/file/mod.ts";
import { observe } from "./_observe.ts";
import { field, fieldsOf, textField, type WireField } from "../../../src/onnx/file/wire.ts";

/** Field numbers of onnx.proto3. */
const MODEL = { graph: 7 };
const GRAPH = { node: 1, initializer: 5, output: 12 };
const NODE = { input: 1, output: 2, name: 3, operator: 4, attribute: 5 };
const ATTRIBUTE = { name: 1, graph: 6 };
const VALUE_INFO = { name: 1 };

/** Branches within branches, at the most. */
const DEEPEST = 8;

/** A file, and its graph. */
interface BranchedFile {
  readonly bytes: Uint8Array;
  readonly graph: Graph;
}

/** Puts branches in the place of Ifs whose condition shapes and constants decide. */
export function settleBranches(file: BranchedFile, inputs: Readonly<Record<string, readonly number[]>>): BranchedFile {
  let settled = file;
  for (let depth = 0; depth < DEEPEST; depth++) {
    const taken = takenBranches(settled, inputs);
    if (taken.size === 0) break;
    const bytes = withBranches(settled.bytes, taken);
    settled = { bytes, graph: decodeModel(bytes).graph };
  }
  return settled;
}

/** Returns the names of the branches that are taken, by the first output of their Ifs. */
function takenBranches(
  { bytes, graph }: BranchedFile,
  inputs: Readonly<Record<string, readonly number[]>>,
): ReadonlyMap<string, string> {
  const nodes = graph.nodes.filter(({ op, domain }) => op === "If" && domain === undefined);
  if (nodes.length === 0) return new Map();
  const { statics } = observe(bytes, { graph, inputs, outputs: [] });
  return new Map(nodes.flatMap(({ inputs: [condition], outputs: [output] }) => {
    const known = statics.get(condition);
    return known === undefined ? [] : [[output, Number(known.data[0]) === 0 ? "else_branch" : "then_branch"]];
  }));
}

function withBranches(file: Uint8Array, taken: ReadonlyMap<string, string>): Uint8Array {
  return joinBytes(
    fieldsOf(file).map((part) => {
      if (part.number !== MODEL.graph) return part.whole;
      return field(MODEL.graph, joinBytes(fieldsOf(part.bytes).flatMap((part) => settledPart(part, taken))));
    }),
  );
}

/** A part of a graph as it is, or what becomes of an If: the branch's nodes and constants, and its outputs' new names. */
function settledPart(part: WireField, taken: ReadonlyMap<string, string>): readonly Uint8Array[] {
  if (part.number !== GRAPH.node) return [part.whole];
  const node = fieldsOf(part.bytes);
  const outputs = node.filter(({ number }) => number === NODE.output).map(textOf);
  const wanted = taken.get(outputs[0]);
  if (wanted === undefined) return [part.whole];
  const branch = node.filter(({ number }) => number === NODE.attribute).map(({ bytes }) => fieldsOf(bytes))
    .find((attribute) => attribute.some(({ number, bytes }) => number === ATTRIBUTE.name && isText(bytes, wanted)))
    ?.find(({ number }) => number === ATTRIBUTE.graph);
  if (branch === undefined) return [part.whole];
  const parts = fieldsOf(branch.bytes);
  const given = parts.filter(({ number }) => number === GRAPH.output).map(({ bytes }) =>
    textOf(fieldsOf(bytes).find(({ number }) => number === VALUE_INFO.name))
  );
  return [
    ...parts.filter(({ number }) => number === GRAPH.node || number === GRAPH.initializer).map(({ whole }) => whole),
    ...given.map((name, i) => renamed(name, outputs[i])),
  ];
}

function renamed(from: string, to: string): Uint8Array {
  const parts = [[NODE.input, from], [NODE.output, to], [NODE.name, `${to}_taken`], [
    NODE.operator,
    "Identity",
  ]] as const;
  return field(GRAPH.node, joinBytes(parts.map(([number, text]) => textField(number, text))));
}

function textOf(part: WireField | undefined): string {
  return new TextDecoder().decode(part?.bytes);
}

function isText(bytes: Uint8Array, text: string): boolean {
  return new TextDecoder().decode(bytes) === text;
}
