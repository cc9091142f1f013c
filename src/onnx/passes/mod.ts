/** The pipelines of passes: what the engine and the exporter do to a recorded graph. */
import type { Graph } from "../graph.ts";
import { channelsFirst } from "./layout.ts";

/** Prepares a recorded step for ONNX Runtime. */
export function optimizeStep(graph: Graph): Graph {
  return channelsFirst(graph);
}
