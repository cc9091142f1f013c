/** `deno task import`: a model of another format as one that the other commands take. */
import { Command } from "commander";
import { importModel, type ImportModelOptions } from "../mod.ts";
import { addData, addPorts, addPrinting, number, parseFlags, type Printing } from "./_options.ts";
import { runCommand } from "./_run.ts";
import { fitTerminal, printJson } from "./_terminal.ts";

type Flags = Omit<ImportModelOptions, "model"> & Printing;

const EXAMPLES = `
Examples:
  deno task import squeezenet.onnx --out squeezenet
  deno task import web_model/model.json --out web --shape image=1,224,224,3 --data folder:photos --normalize 0..1
  deno task import yolov3-tiny.cfg --out yolo
  deno task qat --model squeezenet --data folder:photos

Written to --out: model.json and weights.bin, a TF.js layers-model that qat, ptq, debug, choose and sweep take as --model,
and import.json, which says what became of each node.
`;

/** Imports a model and prints what became of it. */
export async function importCommand(args: readonly string[]): Promise<void> {
  const command = importFlags();
  const { quiet = false, json = false, debug = false, ...options } = parseFlags<Flags>(command, args);
  const print = json ? console.error : console.log;
  const log = quiet ? {} : { log: (line: string) => print(fitTerminal(line)) };
  const [model] = command.args;
  await runCommand(async (signal) => {
    const report = await importModel({ ...options, model, ...(debug ? { debug } : {}) }, { ...log, signal });
    if (json) printJson(report);
  }, { debug, onStopped: () => "Stopped, nothing was written." });
}

/** The flags of `import`, with their help. */
export function importFlags(): Command {
  const command = new Command("deno task import")
    .description(
      "Makes a TF.js layers-model of a graph-model, an ONNX file or a net of darknet, and compares its answers.",
    )
    .usage("<file> --out <dir> [options]")
    .argument("<file>", "model.json or its folder, NAME.onnx, or NAME.cfg with NAME.weights beside it");
  addPorts(command.optionsGroup("Model and data:"), "all")
    .option("--unfold-bn", "a batch normalization in place of the bias of each convolution, so that training has one");
  addData(command, { data: "samples to compare answers on, beside random numbers" })
    .optionsGroup("Engine:")
    .option("--seed <n>", "of weights that a file does not have (default: 0)", number)
    .option("--threads <n>", "threads of ONNX Runtime (default: its choice)", number)
    .optionsGroup("Output:")
    .option("--out <dir>", "where the model goes (default: out/import)")
    .option("--overwrite", "replace a model that is in --out already, once there is a new one");
  return addPrinting(command).addHelpText("after", EXAMPLES);
}
