/** JavaScript's garbage, collected where it is worth the time. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** V8's collector, which a context made under this flag has as a function; nothing else changes by it. */
let collect: (() => void) | undefined;

/**
 * Collects all garbage now.
 *
 * Left alone V8 does so when its own heap has grown, and does not see that ONNX Runtime is about to ask for much more: what
 * recording and compiling a step left behind, and the first values of its variables, then lie beside the step's values when
 * these are the most. It took 0.13 to 0.37 s beside two busy processes, of graphs that took 0.5 to 13 s to compile.
 */
export function collectGarbage(): void {
  if (collect === undefined) {
    setFlagsFromString("--expose-gc");
    collect = runInNewContext("gc") as () => void;
  }
  collect();
}
