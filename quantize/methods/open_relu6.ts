/** Replaces ReLU6 by ReLU whether or not samples reach 6: what equalization needs, and what may change answers. */
import { fromModel, rebuild, toModel } from "../../src/rewrite/mod.ts";
import { clipsBetween, largestValues, openClips, shapesOf } from "./_open_clips.ts";
import { howFarApart } from "./_run.ts";
import type { FloatStep } from "./step.ts";

/**
 * Takes the maximum off every ReLU6 between layers that `equalize` could then balance.
 *
 * The one step of its kind that does not keep the function: values beyond 6 are no longer cut off. How large values
 * become, and how far answers move, is in the outcome. Source: Nagel et al. 2019, section 5.1.1.
 */
export const openRelu6: FloatStep<"open-relu6"> = {
  name: "open-relu6",
  when: "float",
  description: "replace ReLU6 by ReLU before --equalize, even where that changes answers",
  byDefault: false,
  apply: async (model, context) => {
    const graph = fromModel(model);
    const clips = clipsBetween(graph, shapesOf(model));
    const names = clips.map(({ name }) => name);
    const opened = rebuild(model, openClips(graph, clips));
    const copy = toModel(graph);
    try {
      const [before, after] = [
        await largestValues(copy, names, context),
        await largestValues(opened, names, context),
      ];
      const effects = names.map((layer) => ({
        layer,
        what: "largest value, with a maximum and without",
        before: before.get(layer) ?? 0,
        after: after.get(layer) ?? 0,
      }));
      const facts = clips.length === 0 ? [] : [await howFarApart(copy, opened, context)];
      return { model: opened, effects, left: [], facts };
    } finally {
      copy.dispose();
    }
  },
};
