/** What `--class-weights` says, in words and in files. */
import { readClassWeights } from "../../../tasks/class_weights.ts";
import { parseJson } from "../../../src/text/json.ts";
import { check, type Prepare } from "../_case.ts";
import { hostileValue, mutateJson, mutateText, TEXTS } from "../_mutate.ts";

const TARGET = { kind: "classes", labels: Int32Array.of(0, 1, 1, 2), names: ["cat", "dog", "owl"] } as const;

/** A word or a list that is damaged, or a file of anything. */
export const prepare: Prepare = () => (random) => {
  const file: unknown = random.chance(0.2) ? hostileValue(random) : { cat: 1, dog: 2, owl: 0.5 };
  const what = random.chance(0.5) && typeof file === "object" && file !== null ? mutateJson(random, file) : "";
  const asked = random.pick([
    () => "balanced",
    () => "weights.json",
    () => mutateText(random, "1, 0.5,2e1"),
    () => random.pick(TEXTS),
  ])();
  const readFile = () => Promise.resolve(parseJson(JSON.stringify(file) ?? ""));
  return {
    what: `${JSON.stringify(asked)} ${what}`.slice(0, 200),
    read: async () => {
      if (asked.trim() === "") return;
      const weights = await readClassWeights(asked, { target: TARGET, task: "classification", readFile });
      check(weights.length === 3, `${weights.length} weights`);
      check(weights.every((weight) => weight >= 0 && Number.isFinite(weight)), `weights ${weights}`);
      check(weights.some((weight) => weight > 0), "weights of nothing");
    },
  };
};
