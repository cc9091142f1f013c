/** What the quantized model is called, by how it was quantized. */
import type { Report } from "./schema.ts";

/** Words for the quantized model. */
export interface ModelWords {
  /** As the head of a column: "int8". */
  readonly short: string;
  /** As in "The int8 model". */
  readonly model: string;
  /** As in a title: "quantized to int8". */
  readonly title: string;
}

/** Returns the words for the model that is deployed, or for the simulated one where there is no file. */
export function modelWords({ ptq, bytes }: Report): ModelWords {
  switch (ptq?.method) {
    case "weights": {
      const short = `int${ptq.bits} weights`;
      return { short, model: `model with ${short}`, title: `weights quantized to int${ptq.bits}` };
    }
    case "float16":
      return { short: "float16", model: "float16 model", title: "in float16" };
    default:
      return bytes === undefined
        ? { short: "simulated", model: "fake-quantized model", title: "fake-quantized" }
        : { short: "int8", model: "int8 model", title: "quantized to int8" };
  }
}
