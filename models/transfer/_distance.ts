/** How far the answers of two nets are apart. */
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import { Random } from "../../src/numbers/random.ts";
import { fixInputShapes, type LayerGraph, nodeOf, toModel } from "../../src/rewrite/mod.ts";

/**
 * Returns the largest difference between what two nets give on random input, relative to the largest number that the second
 * gives; undefined where their inputs or what they give cannot be made alike.
 */
export async function distanceOf(a: LayerGraph, b: LayerGraph): Promise<number | undefined> {
  const shapes = b.inputs.map((name) => shapeOf(b, name));
  const known = shapes.every((shape) => shape.every((side) => side !== null));
  const isFloat = [a, b].every((graph) => graph.inputs.every((name) => isReal(graph, name)));
  if (a.inputs.length !== b.inputs.length || a.outputs.length !== b.outputs.length || !known || !isFloat) {
    return undefined;
  }
  const same = Object.fromEntries(a.inputs.map((name, i) => [name, shapes[i] as number[]]));
  const models: tfl.LayersModel[] = [];
  try {
    models.push(toModel(fixInputShapes(a, same)), toModel(b));
    return await compare(models, shapes as number[][]);
  } catch (error) {
    // Its layers are made for pictures of another size.
    if (error instanceof Error) return undefined;
    throw error;
  } finally {
    models.forEach((model) => model.dispose());
  }
}

function shapeOf(graph: LayerGraph, input: string): readonly (number | null)[] {
  const [, ...shape] = nodeOf(graph, input).layer.config.batchInputShape as tfl.Shape; // an InputLayer always has one
  return shape;
}

/** What is looked up, such as tokens, has no random numbers in between. */
function isReal(graph: LayerGraph, input: string): boolean {
  const readers = graph.nodes.filter(({ inbound }) => inbound.includes(input));
  return readers.every(({ layer: { className } }) => className !== "Embedding" && className !== "PaddingMask");
}

async function compare([a, b]: readonly tfl.LayersModel[], shapes: readonly number[][]): Promise<number | undefined> {
  const random = new Random(1);
  const inputs = shapes.map((shape) => {
    const size = shape.reduce((product, side) => product * side, 1);
    return tf.tensor(Float32Array.from({ length: size }, () => random.between(-1, 1)), [1, ...shape]);
  });
  const answers = [a, b].map((model) => [model.predict(inputs.length === 1 ? inputs[0] : inputs)].flat());
  try {
    let [apart, largest] = [0, 1e-30];
    for (const [i, answer] of answers[0].entries()) {
      const [own, given] = [await answer.data<"float32">(), await answers[1][i].data<"float32">()];
      if (own.length !== given.length) return undefined;
      own.forEach((value, at) => apart = Math.max(apart, Math.abs(value - given[at])));
      largest = given.reduce((most, value) => Math.max(most, Math.abs(value)), largest);
    }
    return apart / largest;
  } finally {
    tf.dispose([inputs, answers]);
  }
}
