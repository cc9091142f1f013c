/** Options of quantization without training, as objects. */
import { resolvePtqOptions } from "../../../job/ptq_options.ts";
import { STEPS } from "../../../quantize/methods/mod.ts";
import { check, type Prepare } from "../_case.ts";
import { optionCases } from "./options.ts";

/** Each is taken by itself, beside a model and samples. */
const FOUND = { model: "model.json", calibrate: "dummy" };

const { steps: _, ...RESOLVED } = resolvePtqOptions(FOUND);

/** Options of which some are of another kind, out of range, not known or of another method. */
export const prepare: Prepare = optionCases({
  sound: {
    ...RESOLVED,
    data: "generated",
    task: "classification",
    targets: ["y"],
    outputs: ["logits"],
    normalize: "0..1",
    threads: 1,
    limit: 10,
    target: "x86",
    recipe: "x86",
    perChannel: true,
    observer: "min-max",
    block: 32,
    equalize: true,
    symmetric: true,
    smooth: true,
    smoothAlpha: 0.7,
    smoothConvolutions: true,
    adaround: false,
  },
  read: checkResolved,
});

function checkResolved(given: object): void {
  const { method, samples, bits, block = 16, steps, model, calibrate } = resolvePtqOptions({ ...FOUND, ...given });
  check(Number.isInteger(samples) && samples >= 8, `samples ${samples}`);
  check([4, 8, 16].includes(bits) && (bits !== 4 || method === "weights"), `bits ${bits} of ${method}`);
  check(block >= 16 && block <= 256, `block ${block}`);
  check(steps.every((name) => STEPS.some((step) => step.name === name)), `steps ${steps}`);
  check((method === "static") === (calibrate !== undefined), `calibrate ${calibrate} of ${method}`);
  check(typeof model === "string" && model !== "", "model");
}
