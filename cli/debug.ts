/** `deno task debug`: where a quantized model loses what it loses. */
import { Command } from "commander";
import { debugModel, type DebugOptions, formatDebug } from "../mod.ts";
import { addCache, addData, addEngine, addModel, addPrinting, number, parseFlags, type Printing } from "./_options.ts";
import { runCommand } from "./_run.ts";
import { fitTerminal, printJson, terminalOptions } from "./_terminal.ts";

type Flags = DebugOptions & Printing;

const EXAMPLES = `
Examples:
  deno task debug --model out/qat --data folder:photos
  deno task debug --model out/qat --data folder:photos --keep-float auto:0.5

Written to --out: debug.html and debug.json.
`;

/** Measures a prepared model layer by layer and prints the tables. */
export async function debug(args: readonly string[]): Promise<void> {
  const { quiet = false, json = false, debug = false, ...options } = parseFlags<Flags>(debugCommand(), args);
  const print = json ? console.error : console.log;
  const log = quiet ? {} : { log: (line: string) => print(fitTerminal(line)) };
  await runCommand(async (signal) => {
    const report = await debugModel({ ...options, ...(debug ? { debug } : {}) }, { ...log, signal });
    if (json) printJson(report);
    else if (!quiet) console.log(`\n${formatDebug(report, terminalOptions())}`);
  }, { debug, onStopped: () => "Stopped, nothing was written." });
}

/** The flags of `debug`, with their help. */
export function debugCommand(): Command {
  const command = new Command("deno task debug")
    .description("Measures, layer by layer, where a quantized TF.js model loses what it loses.")
    .usage("--model <path> --data <what> [options]");
  addModel(command.optionsGroup("Model and data:"));
  addCache(addData(command, { data: "samples to measure with" }))
    .option("--samples <n>", "samples to look at, the first of the test samples (default: 64)", number)
    .optionsGroup("Search:")
    .option("--keep-float <auto:n>", "search the fewest layers to keep in float for a metric within n of float's");
  addEngine(command)
    .optionsGroup("Output:")
    .option("--out <dir>", "where the report goes (default: out/debug)")
    .option("--overwrite", "replace a report that is in --out already");
  return addPrinting(command).addHelpText("after", EXAMPLES);
}
