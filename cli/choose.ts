/** `deno task choose`: the cheapest quantization that is good enough. */
import { Command } from "commander";
import { type ChooseOptions, chooseQuantization, createProgress, formatChoice } from "../mod.ts";
import { addCache, addData, addEngine, addModel, addPrinting, number, parseFlags, type Printing } from "./_options.ts";
import { runCommand } from "./_run.ts";
import { epochEvents, fitTerminal, isDumb, printJson, terminalOptions } from "./_terminal.ts";

type Flags = ChooseOptions & Printing;

const EXAMPLES = `
Examples:
  deno task choose --model model.json --data folder:photos --tolerance 0.5
  deno task choose --model model.json --data folder:photos --tolerance 1 --speedup 1.5 --minutes 20

Written to --out: a folder for each rung of the ladder, choose.html and choose.json. The same command goes on with a
search that was stopped or whose --minutes are over, with another --minutes, --tolerance or --speedup too.
`;

/** Climbs the ladder and prints it. */
export async function choose(args: readonly string[]): Promise<void> {
  const { quiet = false, json = false, debug = false, ...options } = parseFlags<Flags>(chooseCommand(), args);
  const print = json ? console.error : console.log;
  const progress = createProgress({ quiet, plain: isDumb() });
  const log = quiet ? {} : { log: (line: string) => print(fitTerminal(line)) };
  await runCommand(async (signal) => {
    const report = await chooseQuantization({ ...options, ...(debug ? { debug } : {}) }, {
      ...log,
      ...epochEvents(progress),
      signal,
    });
    if (json) printJson(report);
    else if (!quiet) console.log(`\n${formatChoice(report, terminalOptions())}`);
  }, {
    debug,
    stop: () => progress.stop(),
    onStopped: () => "Stopped. The same command goes on where it was.",
  });
}

/** The flags of `choose`, with their help. */
export function chooseCommand(): Command {
  const command = new Command("deno task choose")
    .description("Tries ways to quantize a TF.js model, from the cheapest on, until one is good enough.")
    .usage("--model <path> --data <what> [options]");
  addModel(command.optionsGroup("Model and data:"));
  addCache(addData(command, { data: "samples to judge by, and to calibrate and train on" }))
    .option("--calibrate <what>", "samples to find ranges on, as for --data (default: those of --data)")
    .option("--samples <n>", "how many of them (default: 512)", number)
    .optionsGroup("Good enough:")
    .option(
      "--tolerance <n>",
      "how far from float, in points of a fraction or the metric's unit (default: 0.5)",
      number,
    )
    .option("--speedup <n>", "how many times as fast as float, at least; 0: however slow (default: 1)", number)
    .option("--minutes <n>", "for this call; the same again goes on (default: as many as it takes)", number)
    .optionsGroup("Quantization:")
    .option("--target <name>", "what the file is for (default: x86)")
    .option("--swap <from:to>", "activations to swap, or none (default: none)");
  addEngine(command)
    .optionsGroup("Output:")
    .option("--out <dir>", "where the results go (default: out/choose)")
    .option("--overwrite", "begin anew where --out has another search");
  return addPrinting(command).addHelpText("after", EXAMPLES);
}
