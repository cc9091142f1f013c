/** What an exported file says of itself, so that a program which knows nothing of the job can feed and read it. */
import type * as tfl from "@tensorflow/tfjs-layers";
import { inputShape } from "../data/samples.ts";
import { inputNames } from "../models/ports.ts";
import type { BoundTask } from "../tasks/task.ts";
import type { JobData } from "./_data.ts";
import type { ResolvedOptions } from "./options.ts";

/**
 * Returns the texts for the file's metadata: "task", and as JSON "inputs" (what samples are made of, by input) and
 * "outputs" (how numbers are to be read, by output). docs/design/tasks.md lists what they hold.
 */
export function metadataFor(
  model: tfl.LayersModel,
  { task, data, options }: { readonly task: BoundTask; readonly data: JobData; readonly options: ResolvedOptions },
): Readonly<Record<string, string>> {
  const names = inputNames(model);
  const inputs = Object.entries(data.train.inputs).map(([own, input], i) => {
    const shape = inputShape(input);
    if (input.kind === "rows") {
      return [names[i], { kind: "numbers", shape, ...(data.scalings[own] ?? { columns: input.names }) }];
    }
    const { mean, std } = data.normalize;
    // As in `Normalize`: of pixels from 0 to 1, one number for all channels or one for each.
    return [names[i], { kind: "image", shape, layout: options.inputLayout, mean, std }];
  });
  const outputs = Object.entries(task.heads).map(([name, { task, decoding }]) => [name, { task, ...decoding }]);
  return {
    task: task.name,
    inputs: JSON.stringify(Object.fromEntries(inputs)),
    outputs: JSON.stringify(Object.fromEntries(outputs)),
  };
}
