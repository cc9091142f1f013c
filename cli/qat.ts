/** `deno task qat`: the main job. */
import { Command, Option } from "commander";
import {
  createProgress,
  dryRun,
  formatRecord,
  formatReport,
  formatTargets,
  type QatOptions,
  type Report,
  runQat,
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
  count,
  number,
  parseFlags,
  type Printing,
  WEIGHT_SCALES,
  weightScales,
} from "./_options.ts";
import { runCommand } from "./_run.ts";
import { epochEvents, fitTerminal, isDumb, printJson, terminalOptions } from "./_terminal.ts";

interface Flags extends QatOptions, Printing {
  readonly perTensor?: boolean;
  readonly dryRun?: boolean;
}

const EXAMPLES = `
Examples:
  deno task qat --epochs 8
  deno task qat --model model.json --data folder:photos --normalize 0..1
  deno task qat --arch tiny_yolo --data cifar10:data --float-epochs 12 --swap leaky_relu:relu
  deno task qat --resume out

Written to --out: model.int8.onnx, model.float.onnx, model.ort, labels.txt, qat/model.json,
float/model.json, report.json, report.html, metrics.csv, and tensorboard/.

With no more permissions than a job needs (README.md, "Permissions", says what each is for):
  deno run --no-prompt --ignore-env --allow-env=TERM,LC_ALL,LC_CTYPE,LANG \\
    --allow-read=model,photos,out,/tmp,/usr/bin/ldd --allow-write=out,/tmp \\
    --allow-ffi=$HOME/.cache/deno/npm \\
    cli.ts --model model --data folder:photos --out out
`;

/** Trains with fake quantization, writes the int8 file and prints the report. */
export async function qat(args: readonly string[]): Promise<void> {
  const { perTensor, perChannel, dryRun: isDry = false, quiet = false, json = false, debug = false, ...options } =
    parseFlags<Flags>(qatCommand(), args, [WEIGHT_SCALES]);
  if (options.target === "list") return console.log(formatTargets(terminalOptions()));
  const progress = createProgress({ quiet, plain: isDumb() });
  let begun: string | undefined;
  const print = json ? console.error : console.log;
  const log = quiet ? {} : { log: (line: string) => print(fitTerminal(line)) };
  const weights = weightScales({ perChannel, perTensor });
  await runCommand(async (signal) => {
    if (isDry) {
      const record = await dryRun({ ...options, ...weights }, log);
      return json ? printJson(record) : console.log(formatRecord(record, terminalOptions()));
    }
    const report = await runQat({ ...options, ...weights, ...(debug ? { debug } : {}) }, {
      ...log,
      ...epochEvents(progress),
      onBegin: (dir) => begun = dir,
      signal,
    });
    if (json) printJson(report);
    else if (!quiet) printTable(report);
  }, {
    debug,
    stop: () => progress.stop(),
    onStopped: () => begun === undefined ? "Stopped, nothing was written." : `Stopped. To go on: ${resumeLine(begun)}`,
  });
}

/** The flags of `qat`, with their help. */
export function qatCommand(): Command {
  const command = new Command("deno task qat")
    .description("Trains a TF.js model with fake quantization and writes an int8 ONNX file, proven in ONNX Runtime.")
    .usage("[options]");
  addModel(command.optionsGroup("Model and data:"))
    .option(
      "--arch <name>",
      "built-in architecture to train from nothing (default: what suits data and task, of classes of pictures cifar_cnn)",
    )
    .option("--width <factor>", "so many times the channels, of mobile nets (default: 1)", number)
    .option("--weights <file>", "weights that the architecture begins with: of TF.js, ONNX or darknet")
    .addOption(
      new Option("--head [n]", "a new last layer of n numbers; without n: as many as the data has classes")
        .preset("data").argParser(count),
    )
    .option("--freeze-until <layer>", "layers up to this one do not train; none: all do again");
  addData(command, {
    data: "samples to learn from, and to judge by (default: generated)",
  })
    .option("--eval-size <n>", "height and width to judge at and to write files for (default: as trained)", number)
    .option(
      "--validation <share>",
      "training samples to choose the best epoch by (default: 0.1); 0: the last one",
      number,
    )
    .option(
      "--augment",
      "change training images at random, and what lies in them (default for most: see docs/tasks/data.md)",
    )
    .option("--no-augment", "take training images as they are");
  addTask(command.optionsGroup("Task:"))
    .optionsGroup("Float training:")
    .option(
      "--float-epochs <n>",
      "float training before quantization (default: 16 of fresh weights, else 0)",
      number,
    )
    .option("--adapt-epochs <n>", "more of it after activations were swapped (default: --float-epochs / 4)", number)
    .option(
      "--swap-epochs <n>",
      "first epochs of that, over which LeakyReLU's slope goes to 0 (default: 0, at once)",
      number,
    )
    .option("--float-lr <rate>", "peak learning rate of float training (default: 2e-3; landmarks 5e-4)", number)
    .optionsGroup("Quantization-aware training:")
    .option("--epochs <n>", "epochs (default: 8)", number)
    .option("--control", "train the float model on for as long too, and measure against that (default with --arch)")
    .option("--no-control", "measure against the float model as it is (default with --model)")
    .option("--batch-size <n>", "images a step (default: 64; detection 8, segmentation 16, landmarks 32)", number)
    .option("--lr <rate>", "peak learning rate (default: 5e-4; landmarks 1e-4)", number)
    .option("--freeze-observers-after <epochs>", "ranges stay fixed from then on (default: 4)", number)
    .option("--freeze-bn-after <epochs>", "batch norm uses running statistics from then on (default: 3)", number)
    .option("--mosaic-until <epochs>", "no picture of parts of several from then on (default: --epochs / 2)", number);
  addTraining(command);
  addQuantization(command, { swap: "leaky_relu:relu" });
  addEngine(command);
  addCache(addOutput(command.optionsGroup("Output:")))
    .option("--resume <dir>", "go on with the run in a folder, by the options that it was begun with")
    .option(
      "--checkpoint-minutes <n>",
      "minutes between states within an epoch (default: 5); after each is one too",
      number,
    );
  return addPrinting(command).addHelpText("after", EXAMPLES);
}

/** Adds what all training has in common, float or quantization-aware. */
function addTraining(command: Command): void {
  command.optionsGroup("All training:")
    .option("--optimizer <name>", "sgd, momentum, rmsprop, adam, … (default: adam)")
    .option("--schedule <name>", "how learning rates go on from their peaks: cosine (default), linear, step, constant")
    .option("--warmup-epochs <n>", "epochs over which they first rise (default: 0; landmarks 1)", number)
    .option("--weight-decay <share>", "of kernels, times the learning rate, beside the step (default: 0)", number)
    .option("--clip-norm <norm>", "most that all gradients of a step together may be (default: 0, as they are)", number)
    .option("--ema <decay>", "judge and keep moving averages of float weights (default: 0, none)", number)
    .option("--patience <n>", "end a training after so many epochs without a better one (default: never)", number)
    .option(
      "--class-weights <what>",
      "balanced, numbers between commas, or a JSON file of them by class (default: alike)",
    );
}

/** The command that goes on with the run in `dir`, as a shell reads it. */
function resumeLine(dir: string): string {
  return `deno task qat --resume ${/^[\w./:@%+-]+$/.test(dir) ? dir : `'${dir.replaceAll("'", `'\\''`)}'`}`;
}

function printTable(report: Report): void {
  console.log(`\n${formatReport(report, terminalOptions())}`);
}
