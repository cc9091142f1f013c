import { backend_util, type PreluInputs } from "@tensorflow/tfjs-core";
import { cast, sameShape, scalar } from "./_emit.ts";
import { defineOp } from "./op.ts";

/** Gives x where x ≥ 0, else alpha·x; float32. Shapes: x, alpha any that broadcast → their broadcast shape. */
export const prelu = defineOp<PreluInputs>({
  kernel: "Prelu",
  lower: (emit, inputs) => {
    const [x, alpha] = [cast(emit, inputs.x, "float32"), cast(emit, inputs.alpha, "float32")];
    const shape = backend_util.assertAndGetBroadcastShape([...x.shape], [...alpha.shape]);
    if (sameShape(shape, x.shape)) return emit.node("PRelu", [x, alpha]);
    // ONNX broadcasts the slope alone.
    return emit.node("Where", [
      emit.node("Less", [x, scalar(emit, "float32", 0)]),
      emit.node("Mul", [alpha, x]),
      x,
    ]);
  },
});
