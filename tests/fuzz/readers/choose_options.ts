/** Options of the search for a quantization, as objects. */
import { resolveChooseOptions } from "../../../job/choose/options.ts";
import { check, type Prepare } from "../_case.ts";
import { optionCases } from "./options.ts";

/** Each is taken by itself, beside what is needed. */
const FOUND = { model: "model.json", data: "generated" };

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
    target: "x86",
    swap: "none",
    seed: 1,
    threads: 1,
    backend: "cpu",
    device: "cpu",
    precise: true,
    debug: true,
    out: "choose",
    overwrite: true,
    tolerance: 0.5,
    speedup: 1,
    minutes: 3,
    calibrate: "dummy",
    samples: 8,
  },
  read: (given) => {
    const { goal, model, data, out } = resolveChooseOptions({ ...FOUND, ...given });
    check(goal.tolerance >= 0 && goal.speedup >= 0, `goal ${goal.tolerance} ${goal.speedup}`);
    check(goal.minutes === undefined || goal.minutes > 0, `minutes ${goal.minutes}`);
    check([model, data, out].every((text) => typeof text === "string" && text !== ""), "model, data or out");
  },
});
