/** One recording: the graph that TF.js's kernels have asked for since the last run, and what is to be fed to it. */
import { GraphBuilder, type Value } from "../onnx/writer.ts";
import type { DType } from "../numbers/dtype.ts";
import type { Graph } from "../onnx/graph.ts";
import type { Buffer } from "./_buffer.ts";

/** A recording's input: a value of the graph and the buffer that holds its elements. */
export interface Feed {
  readonly value: Value;
  readonly buffer: Buffer;
}

/** A graph being recorded, with the buffers that it reads. */
export class Recorder {
  readonly builder: GraphBuilder = new GraphBuilder();
  /** Stands for the recording in what outlives it. */
  readonly id: symbol = Symbol("recording");
  readonly #feeds = new Map<string, Feed>();

  /** Makes `buffer` an input of the graph, of `shape`. */
  feed(buffer: Buffer, dtype: DType, shape: readonly number[]): Value {
    const value = { ...this.builder.input(dtype, shape), elements: buffer.data };
    this.#feeds.set(value.name, { value, buffer });
    return value;
  }

  /** Returns the graph that computes `outputs`, and its inputs' feeds in the graph's order. */
  build(outputs: readonly string[]): { readonly graph: Graph; readonly feeds: readonly Feed[] } {
    const graph = this.builder.build("step", outputs);
    return { graph, feeds: graph.inputs.map((name) => this.#feeds.get(name)!) };
  }
}
