/** The table of targets, for the terminal. */
import type { QuantScheme } from "../../src/numbers/scheme.ts";
import { absorbsClip, absorbsRelu, describeScheme, type Target, type TargetFile } from "../../quantize/target.ts";
import { TARGETS } from "../../quantize/targets/mod.ts";
import { type Cell, formatSection } from "./_text_table.ts";
import { styleOf, type TerminalOptions } from "./_terminal_options.ts";

/** Formats what every target can hold, and in which file. Without a final newline. */
export function formatTargets(options: TerminalOptions = {}): string {
  const style = styleOf(options);
  return TARGETS.map((target) =>
    formatSection({ heading: `${target.name}: ${target.description}`, rows: rowsOf(target) }, style).join("\n")
  ).join("\n\n");
}

function rowsOf(target: Target): Cell[][] {
  const { activations, weights, methods, file } = target;
  const either = (schemes: readonly QuantScheme[]) =>
    `${schemes.map(describeScheme).join(", or ")}${file === undefined ? " (or any other)" : ""}`;
  return Object.entries({
    activations: either(activations),
    weights: either(weights),
    methods: methods.join(", "),
    ...(file === undefined ? { file: "none" } : describeFile(target, file)),
  }).map(([name, text]) => [{ text: name, tone: "muted" }, { text }]);
}

function describeFile({ activations: [scheme] }: Target, { keepsActivations, ...file }: TargetFile) {
  const { opsets: { least, most }, forms, bias, operators } = file;
  const absorbed = [...(absorbsRelu(scheme) ? ["ReLU"] : []), ...(absorbsClip(scheme) ? ["ReLU6"] : [])];
  return {
    file: `ONNX opset ${least} to ${most}, ${forms.join(", ")}, ${bias} biases`,
    "on integers": operators.join(", "),
    absorbed: keepsActivations ? "nothing: its runtime fuses ReLU and clips" : absorbed.join(", "),
  };
}
