import type { EinsumAttrs, EinsumInputs } from "@tensorflow/tfjs-core";
import { defineOp, Unsupported, type Value } from "./op.ts";

/** Einstein's sum over the indices that `equation` names, which ONNX writes as TF.js does: "ij,jk->ik". */
export const einsum = defineOp<EinsumInputs, EinsumAttrs>({
  kernel: "Einsum",
  lower: (emit, inputs, { equation }) => {
    const values: readonly Value[] = Object.values(inputs);
    const [{ dtype }] = values;
    if (dtype === "bool" || values.some((value) => value.dtype !== dtype)) {
      throw new Unsupported(
        `Cannot lower "Einsum" of ${values.map((value) => value.dtype)}: needed are numbers of one dtype`,
      );
    }
    return emit.node("Einsum", values, { equation });
  },
});
