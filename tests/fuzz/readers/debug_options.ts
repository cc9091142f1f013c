/** Options of debugging, as objects. */
import { resolveDebugOptions } from "../../../job/debug_options.ts";
import { check, type Prepare } from "../_case.ts";
import { optionCases } from "./options.ts";

/** Each is taken by itself, beside what is needed. */
const FOUND = { model: "qat", data: "generated" };

/** Options of which some are of another kind, out of range or not known. */
export const prepare: Prepare = optionCases({
  sound: {
    ...FOUND,
    outputs: ["logits"],
    task: "classification",
    targets: ["y"],
    normalize: "0..1",
    limit: 10,
    skipBadImages: true,
    seed: 1,
    threads: 1,
    backend: "cpu",
    device: "cpu",
    precise: true,
    debug: true,
    out: "debug",
    overwrite: true,
    samples: 8,
    keepFloat: "auto:0.5",
  },
  read: (given) => {
    const { samples, tolerance = 0, model, out } = resolveDebugOptions({ ...FOUND, ...given });
    check(Number.isInteger(samples) && samples >= 8, `samples ${samples}`);
    check(Number.isFinite(tolerance) && tolerance >= 0, `tolerance ${tolerance}`);
    check([model, out].every((text) => typeof text === "string" && text !== ""), "model or out");
  },
});
