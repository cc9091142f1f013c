/**
 * Keeps from ONNX Runtime what shapes values will have.
 *
 * Where it knows that two values have the same shape, and that the first is read no more when the second is made, it
 * plans one buffer for both before anything runs (core/framework/allocation_planner.cc, FindReusableTensor), which is
 * then held from the one's beginning to the other's end. A training step makes values of the same shapes on its way
 * there and on its way back: nearly all buffers of the forward pass would be held through to the end of the backward
 * pass, those of every shape that occurs. Without shapes, buffers come from the arena when they are needed and go back
 * when they are read no more.
 *
 * Not even ranks are told. With a rank, ONNX Runtime compares the value with each one that is free, parsing the names of
 * both element types, and finds none: a step of 6,000 operators took 9 seconds to load, and takes one.
 */
import type { Graph } from "../onnx/graph.ts";
import { encodeModel } from "../onnx/file/mod.ts";

/** Operators whose output's shape is what one of their inputs says, by that input's place. */
const SHAPED: Readonly<Record<string, number>> = { ConstantOfShape: 0, Expand: 1, Reshape: 1 };

/**
 * Writes a graph as an ONNX file whose inputs and outputs have no shapes, and that lets the shapes which operators are
 * given be replaced, so that they count for nothing.
 */
export function encodeHidingShapes(graph: Graph): Uint8Array<ArrayBuffer> {
  // Shapes in a step are constants: no other could be recorded.
  const shapes = new Set(
    graph.nodes.flatMap(({ op, domain, inputs }) => domain === undefined && op in SHAPED ? [inputs[SHAPED[op]]] : []),
  );
  // An initializer that is an input, too, is a default value and no constant.
  return encodeModel({ ...graph, inputs: [...graph.inputs, ...shapes] }, { portShapes: false });
}
