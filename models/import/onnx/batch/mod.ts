/**
 * Brings the batch to the front of every value of a graph, before anything is made of it.
 *
 * Rows of operators then know of no other place. A graph that has it first throughout is left as it is.
 */
import type { Node, Tensor } from "../../../../src/onnx/graph.ts";
import { Refusal } from "../_call.ts";
import { Moving } from "./_moving.ts";
import type { Batch } from "../_value.ts";
import { isFirst, type Placed, samplesOf, shapeFirst, whole } from "./_place.ts";
import { BATCH_RULES } from "./_rules.ts";

export { axesFirst, elementsFirst, isFirst, type Placed, samplesOf, shapeFirst } from "./_place.ts";

/** Nodes, and what is known of their values. */
export interface Flow {
  readonly nodes: readonly Node[];
  /** Of every value, as the file has it; of one that is computed, behind this, with the batch first. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  readonly statics: ReadonlyMap<string, Tensor>;
  /** Values that are whole numbers. */
  readonly integers: ReadonlySet<string>;
}

/** A graph whose values have the batch first. */
export interface BatchFirst extends Flow {
  /** Where the file has the batch of each value that is computed. */
  readonly places: ReadonlyMap<string, Placed>;
  /** Why nodes cannot be brought into such a form, by their names. */
  readonly refused: ReadonlyMap<string, string>;
  /** How many nodes mix samples, as far as can be told. */
  readonly problems: number;
}

/** An input, and the axes that may be its batch, the likeliest first. */
export interface BatchedInput {
  readonly name: string;
  readonly axes: readonly number[];
}

/** Lists the axes that may be the batch: those that are open if any is, else also the second one of a sequence. */
export function batchAxes(dims: readonly (number | string)[]): readonly number[] {
  const open = dims.flatMap((side, axis) => typeof side === "number" && side > 0 ? [] : [axis]);
  if (open.length > 0) return open.includes(0) ? [0] : open;
  return dims.length === 3 || dims.length === 2 ? [0, 1] : [0];
}

/** More ways to place the batches of several inputs are not tried. */
const MOST_WAYS = 256;

/** Brings the batch to the front, where inputs may have it in several places: as the fewest nodes mix samples. */
export function bringBatchFirst(flow: Flow, inputs: readonly BatchedInput[]): BatchFirst {
  let best: BatchFirst | undefined;
  for (const axes of waysOf(inputs.map(({ axes }) => axes))) {
    const batches = new Map(inputs.map(({ name }, i) => [name, whole(axes[i])]));
    if (best !== undefined && !areAlike(flow, batches)) continue;
    const moved = bringFrom(flow, batches);
    if (best === undefined || moved.problems < best.problems) best = moved;
    if (best.problems === 0) break;
  }
  return best ?? bringFrom(flow, new Map());
}

/** Whether all inputs have as many samples. */
function areAlike({ shapes }: Flow, batches: ReadonlyMap<string, Batch>): boolean {
  const samples = [...batches].map(([name, batch]) => samplesOf({ shape: shapes.get(name) ?? [], batch }));
  return new Set(samples).size < 2;
}

/** Lists the ways to pick one of each, those of the first ones first. */
function* waysOf(choices: readonly (readonly number[])[]): Generator<readonly number[]> {
  const count = choices.reduce((product, { length }) => product * length, 1);
  for (let way = 0; way < Math.min(count, MOST_WAYS); way++) {
    let left = way;
    yield choices.map((axes) => {
      const axis = axes[left % axes.length];
      left = Math.floor(left / axes.length);
      return axis;
    });
  }
}

function bringFrom(flow: Flow, batches: ReadonlyMap<string, Batch>): BatchFirst {
  const { shapes, statics } = flow;
  const places = new Map([...batches].map(([name, batch]) => [name, { shape: shapes.get(name) ?? [], batch }]));
  const moved = {
    nodes: [] as Node[],
    statics: new Map(statics),
    shapes: new Map(shapes),
    integers: new Set(flow.integers),
  };
  const refused = new Map<string, string>();
  let problems = 0;
  for (const node of flow.nodes) {
    const op = new Moving(node, { places, statics, shapes });
    const read = node.inputs.filter((name) => name !== "" && !statics.has(name));
    if (read.some((name) => !places.has(name))) {
      moved.nodes.push(node);
      continue;
    }
    const becomes = moveNode(op, { isFirst: read.every((name) => isFirst((places.get(name) ?? NONE).batch)) });
    if (becomes.because !== undefined) problems++;
    if (becomes.batches === undefined) refused.set(node.name, becomes.because);
    becomes.batches?.forEach((batch, i) => {
      const name = node.outputs[i];
      const shape = shapes.get(name);
      if (name !== "" && shape !== undefined) places.set(name, { shape, batch });
    });
    moved.nodes.push(...becomes.nodes);
    if (becomes.nodes.length === 1 && becomes.nodes[0] === node) continue;
    op.constants.forEach((tensor, name) => {
      moved.statics.set(name, tensor);
      moved.shapes.set(name, tensor.shape);
    });
    op.shapes.forEach((shape, name) => moved.shapes.set(name, shape));
    for (const { inputs: [from], outputs: [name] } of op.added) if (moved.integers.has(from)) moved.integers.add(name);
  }
  for (const [name, place] of places) moved.shapes.set(name, shapeFirst(place));
  return { ...moved, places, refused, problems };
}

const NONE: Placed = { shape: [], batch: whole(0) };

/** What becomes of a node: others, and the batches of its outputs, or why it cannot be. */
type Becomes =
  | { readonly nodes: readonly Node[]; readonly batches: readonly Batch[]; readonly because?: string }
  | { readonly nodes: readonly Node[]; readonly batches?: undefined; readonly because: string };

function moveNode(op: Moving, { isFirst: isPlain }: { readonly isFirst: boolean }): Becomes {
  const { node } = op;
  // A node that has the batch first is left to its row, whatever is said of it here.
  const asItIs = { nodes: [node], batches: node.outputs.map(() => whole(0)) };
  const rule = node.domain === undefined && Object.hasOwn(BATCH_RULES, node.op) ? BATCH_RULES[node.op] : undefined;
  if (rule === undefined) return isPlain ? asItIs : { nodes: [node], because: "it needs samples to be axis 0" };
  try {
    const { batches, ...changed } = rule(op);
    if (isPlain && batches.every(isFirst)) return asItIs;
    return { nodes: [...op.added, { ...node, ...changed }], batches };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return isPlain ? { ...asItIs, because: error.message } : { nodes: [node], because: error.message };
  }
}
