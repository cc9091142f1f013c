/** Options of predicting, as objects. */
import { resolvePredictOptions } from "../../../job/predict/options.ts";
import { check, type Prepare } from "../_case.ts";
import { optionCases } from "./options.ts";

/** Each is taken by itself, beside what is needed. */
const FOUND = { model: "model.int8.onnx", pictures: ["a.png"] };

/** Options of which some are of another kind, out of range or not known. */
export const prepare: Prepare = optionCases({
  sound: {
    ...FOUND,
    out: "found",
    overwrite: true,
    draw: true,
    skipBadImages: true,
    threads: 1,
    precise: true,
    scoreThreshold: 0.5,
    nmsIou: 0.5,
  },
  read: (given) => {
    const { model, pictures, scoreThreshold = 0, nmsIou = 0, draw } = resolvePredictOptions({ ...FOUND, ...given });
    check(typeof model === "string" && model !== "", "model");
    check(pictures.length > 0 && pictures.every((name) => typeof name === "string" && name !== ""), "pictures");
    check([scoreThreshold, nmsIou].every((share) => share >= 0 && share <= 1), `${scoreThreshold}, ${nmsIou}`);
    check(typeof draw === "boolean", "draw");
  },
});
