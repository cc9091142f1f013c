/** Command lines of quantization without training. */
import { ptqCommand } from "../../../cli/ptq.ts";
import { resolvePtqOptions } from "../../../job/ptq_options.ts";
import type { Prepare } from "../_case.ts";
import { commandCases } from "./commands.ts";

/** A line of flags, as `commands` makes them. */
export const prepare: Prepare = commandCases({
  command: ptqCommand,
  resolve: (options) => resolvePtqOptions({ model: "model.json", calibrate: "dummy", ...options }),
});
