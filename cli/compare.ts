/** `deno task compare`: what runs differ in, and what came of that. */
import { Command } from "commander";
import { compareRuns, type CompareRunsOptions, formatComparison } from "../mod.ts";
import { addPrinting, parseFlags, type Printing } from "./_options.ts";
import { runCommand } from "./_run.ts";
import { printJson, terminalOptions } from "./_terminal.ts";

type Flags = Omit<CompareRunsOptions, "runs"> & Printing;

/** Where comparisons go that were given no folder. */
const DEFAULT_OUT = "out/compare";

const EXAMPLES = `
Examples:
  deno task compare out out-2
  deno task compare out/sweep/lr=0.0001 out/sweep/lr=0.0005 --out compared

Read of each folder: report.json, and metrics.csv where there is one. Written to --out: compare.html and compare.json.
`;

/** Compares runs and prints the tables. */
export async function compare(args: readonly string[]): Promise<void> {
  const command = compareCommand();
  const { quiet = false, json = false, debug = false, ...options } = parseFlags<Flags>(command, args);
  await runCommand(async () => {
    const report = await compareRuns({ ...options, out: options.out ?? DEFAULT_OUT, runs: command.args });
    if (json) printJson(report);
    else if (!quiet) console.log(formatComparison(report, terminalOptions()));
  }, { debug });
}

/** The flags of `compare`, with their help. */
export function compareCommand(): Command {
  const command = new Command("deno task compare")
    .description("Compares runs of qat and ptq by what they have left in their folders.")
    .usage("<runs...> [options]")
    .argument("[runs...]", "folders of runs, two at least; the first is what the others are compared with")
    .optionsGroup("Output:")
    .option("--out <dir>", `where the page goes (default: ${DEFAULT_OUT})`)
    .option("--overwrite", "replace a comparison that is in --out already");
  return addPrinting(command).addHelpText("after", EXAMPLES);
}
