/** Models whose initial weights are not drawn, of which some have a hundred million. */
import * as tf from "@tensorflow/tfjs-core";
import { initializers } from "@tensorflow/tfjs-layers";
import { shadow } from "../../src/shadow.ts";

/** Runs `build` while initial weights that would be drawn are zeros. */
export function withoutDraws<T>(build: () => T): T {
  const drawn = [
    initializers.varianceScaling({ scale: 1, mode: "fanIn", distribution: "normal" }),
    initializers.randomNormal({ stddev: 1 }),
  ];
  const restores = drawn.map((initializer) =>
    shadow<ReturnType<typeof initializers.zeros>, "apply">(
      Object.getPrototypeOf(initializer),
      "apply",
      (_, shape) => tf.zeros(shape.map(Number)),
    )
  );
  try {
    return build();
  } finally {
    restores.forEach((restore) => restore());
  }
}
