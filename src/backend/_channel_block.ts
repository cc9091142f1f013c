/** How many channels this machine's ONNX Runtime holds in a block. */
import type { Graph } from "../onnx/graph.ts";
import { encodeModel } from "../onnx/file/mod.ts";
import { BLOCKED_DOMAIN } from "../onnx/schema/mod.ts";
import { Session } from "../runtime/session.ts";

/** More channels than any machine has in a block. */
const CHANNELS = 64;

let known: number | undefined;

/**
 * Returns the number of channels in a block: 16 with AVX-512, 8 with AVX; 1 where ONNX Runtime has no operators on
 * blocked channels.
 *
 * It is found by watching a picture of two pixels being reordered. Found once.
 */
export function channelBlock(): number {
  known ??= probe();
  return known;
}

function probe(): number {
  const shape = [1, CHANNELS, 1, 2];
  const type = { dtype: "float32", shape } as const;
  const graph: Graph = {
    name: "probe",
    inputs: ["x"],
    outputs: ["y"],
    initializers: new Map(),
    nodes: [{ op: "ReorderInput", domain: BLOCKED_DOMAIN, name: "n", inputs: ["x"], outputs: ["y"], attrs: {} }],
    types: new Map([["x", type], ["y", type]]),
  };
  const x = Float32Array.from({ length: 2 * CHANNELS }, (_, i) => i);
  let session: Session | undefined;
  try {
    session = new Session(encodeModel(graph), { threads: 1 });
    const { y } = session.run({ x: { ...type, data: x } });
    // Plain, element 1 is the first channel's second pixel; in blocks of b, element b is.
    return Math.max((y.data as Float32Array).indexOf(1), 1);
  } catch {
    // ONNX Runtime was built without these operators.
    return 1;
  } finally {
    session?.dispose();
  }
}
