/**
 * ONNX as plain data: graphs, built, checked, printed, and written to files and read from them.
 *
 * A graph is an immutable value without protobuf; what is legal follows from a table of operator schemas.
 *
 * @example A graph, its text and its bytes
 * ```ts
 * import assert from "node:assert/strict";
 * import { assertLegal, decodeModel, encodeModel, GraphBuilder, printGraph } from "./mod.ts";
 *
 * const builder = new GraphBuilder();
 * const x = builder.input("float32", [2, 4], "x");
 * const y = builder.node("Relu", [x]);
 * const graph = builder.build("net", [y.name]);
 * assertLegal(graph);
 * assert.match(printGraph(graph), /Relu\(%x\)/);
 * assert.deepEqual(decodeModel(encodeModel(graph)).graph.nodes, graph.nodes);
 * ```
 *
 * @module
 */
export type { Attr, AttrKind, Attrs, Dim, Graph, Node, Tensor, ValueType } from "./graph.ts";
export { bytesOf, sizeOf, typeOf } from "./graph.ts";
export { type Appended, type Emit, GraphBuilder, GraphWriter, type Value } from "./writer.ts";
export {
  decodeModel,
  type DecodeOptions,
  encodeModel,
  type EncodeOptions,
  type ExternalData,
  type Model,
  OnnxFileError,
  reasonOfOnnx,
} from "./file/mod.ts";
export { assertLegal, checkGraph, type CheckOptions } from "./check/check.ts";
export type { Problem, Rule } from "./check/problem.ts";
export { type InferInput, type OpSchema, schemaOf, type StaticType, type Traits } from "./schema/mod.ts";
export { printGraph, printNode, printType } from "./text.ts";
export type { DType, TypedArray } from "../numbers/dtype.ts";
