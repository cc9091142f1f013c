/** `deno task ptq`: quantization without training. */
import { Command } from "commander";
import {
  createProgress,
  dryRunPtq,
  formatRecord,
  formatReport,
  formatTargets,
  OBSERVERS,
  type PtqOptions,
  runPtq,
  STEPS,
} from "../mod.ts";
import {
  addCache,
  addData,
  addEngine,
  addModel,
  addOutput,
  addPrinting,
  addQuantization,
  addTask,
  number,
  parseFlags,
  type Printing,
  WEIGHT_SCALES,
  weightScales,
} from "./_options.ts";
import { runCommand } from "./_run.ts";
import { fitTerminal, isDumb, printJson, terminalOptions } from "./_terminal.ts";

interface Flags extends PtqOptions, Printing {
  readonly perTensor?: boolean;
  readonly dryRun?: boolean;
}

const EXAMPLES = `
Examples:
  deno task ptq --model model.json --calibrate folder:photos --normalize 0..1
  deno task ptq --model lenet/model.json --calibrate mnist:data --data mnist:data --adaround
  deno task ptq --model model.json --method weights --bits 4
  deno task qat --model out --data folder:photos --epochs 1

Written to --out: the file to deploy (model.int8.onnx, model.weights8.onnx, model.weights4.onnx or
model.float16.onnx), model.float.onnx, report.json and report.html; of --method static also model.ort and qat/model.json, from which training goes on.
`;

/** Quantizes without training, writes the file and prints the report. */
export async function ptq(args: readonly string[]): Promise<void> {
  const { perTensor, perChannel, dryRun: isDry = false, quiet = false, json = false, debug = false, ...options } =
    parseFlags<Flags>(ptqCommand(), args, [WEIGHT_SCALES]);
  if (options.target === "list") return console.log(formatTargets(terminalOptions()));
  const progress = createProgress({ quiet, plain: isDumb() });
  const print = json ? console.error : console.log;
  const log = quiet ? {} : { log: (line: string) => print(fitTerminal(line)) };
  const asked = { ...options, ...weightScales({ perChannel, perTensor }), ...(debug ? { debug } : {}) };
  await runCommand(async (signal) => {
    if (isDry) {
      const record = await dryRunPtq(asked, log);
      return json ? printJson(record) : console.log(formatRecord(record, terminalOptions()));
    }
    const report = await runPtq(asked, {
      ...log,
      onWork: progress.work.bind(progress),
      onPhaseEnd: () => progress.stop(),
      signal,
    });
    if (json) printJson(report);
    else if (!quiet) console.log(`\n${formatReport(report, terminalOptions())}`);
  }, { debug, stop: () => progress.stop(), onStopped: () => "Stopped, nothing was written." });
}

/** The flags of `ptq`, with their help. */
export function ptqCommand(): Command {
  const command = new Command("deno task ptq")
    .description("Quantizes a TF.js model without training it and writes an ONNX file, proven in ONNX Runtime.")
    .usage("--model <path> [options]");
  addModel(command.optionsGroup("Model and data:"));
  addCache(addData(command, { data: "samples to judge by" }));
  addTask(command.optionsGroup("Task:"))
    .optionsGroup("Calibration:")
    .option("--calibrate <what>", "samples to find ranges on, as for --data, or dummy (default: those of --data)")
    .option("--samples <n>", "how many of them (default: 512)", number)
    .option(
      "--observer <name>",
      `what finds the ranges: ${Object.keys(OBSERVERS).join(", ")} or auto, which tries two (default: histogram)`,
    )
    .option("--symmetric", "ranges that reach as far below 0 as above it, but behind a ReLU")
    .optionsGroup("Quantization:")
    .option("--method <name>", "static (default), dynamic, weights or float16")
    .option("--bits <n>", "of a weight: 8 (default), or 4 with --method weights", number)
    .option("--block <n>", "weights that share a scale, with --method weights", number);
  for (const { name, description, byDefault } of STEPS) {
    command
      .option(`--${name}`, `${description}${byDefault ? " (default)" : ""}`)
      .option(`--no-${name}`, `do not${byDefault ? "" : " (default)"}`);
  }
  command
    .option(
      "--smooth-alpha <n>",
      "what --smooth moves: 0 as weights have it, 1 all of the range (default: 0.5)",
      number,
    )
    .option("--smooth-convolutions", "convolutions take part in --smooth too");
  addQuantization(command, { swap: "none" });
  addEngine(command.optionsGroup("Engine:"));
  addOutput(command.optionsGroup("Output:"));
  return addPrinting(command).addHelpText("after", EXAMPLES);
}
