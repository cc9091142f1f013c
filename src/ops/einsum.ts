import { backend_util, type EinsumAttrs, type EinsumInputs, type Tensor } from "@tensorflow/tfjs-core";
import { defineOp, Unsupported, type Value } from "./op.ts";

/** Einstein's sum over the indices that `equation` names, which ONNX writes as TF.js does: "ij,jk->ik". */
export const einsum = defineOp<EinsumInputs, EinsumAttrs>({
  kernel: "Einsum",
  lower: (emit, inputs, { equation }) => {
    const values: readonly Value[] = Object.values(inputs);
    const { allDims, idDims } = backend_util.decodeEinsumEquation(equation, values.length);
    // checkEinsumDimSizes reads shapes alone.
    backend_util.checkEinsumDimSizes(allDims.length, idDims, values as readonly unknown[] as Tensor[]);
    const [{ dtype }] = values;
    if (dtype === "bool" || values.some((value) => value.dtype !== dtype)) {
      throw new Unsupported(
        `Cannot lower "Einsum" of ${values.map((value) => value.dtype)}: needed are numbers of one dtype`,
      );
    }
    return emit.node("Einsum", values, { equation });
  },
});
