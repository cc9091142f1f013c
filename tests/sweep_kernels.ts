/**
 * The long form of kernel_sweep_test.ts: ONNX Runtime's integer kernels against their arithmetic, in as many cases as one
 * likes. Prints a line a kernel, and fails if a code differs.
 *
 *     deno task sweep-kernels [CASES [SEED]]
 */
import { sweep, SWEPT } from "./_support/kernel_sweep.ts";

const [cases = "1000", seed = "1"] = Deno.args;
const encoder = new TextEncoder();
let found = 0;
for (const kernel of Object.keys(SWEPT)) {
  for (const dtype of ["uint8", "int8"] as const) {
    const { compared, different } = sweep(kernel, { cases: Number(cases), seed: Number(seed), dtype });
    Deno.stdout.writeSync(encoder.encode(`${kernel}, ${dtype}: ${different} of ${compared} codes differ\n`));
    found += different;
  }
}
Deno.exitCode = found === 0 ? 0 : 1;
