/** The command line: flags in, calls, prints out. */
import { Command, InvalidArgumentError } from "commander";
import { formatReport, progressBar, type QatOptions, runQat } from "./mod.ts";

interface Flags extends QatOptions {
  readonly perTensor?: boolean;
  readonly quiet?: boolean;
  readonly json?: boolean;
  readonly debug?: boolean;
}

function number(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || Number.isNaN(value)) throw new InvalidArgumentError(`"${text}" is not a number.`);
  return value;
}

function program(): Command {
  return new Command("qat")
    .description("Trains a TF.js model with fake quantization and writes an int8 ONNX file, proven in ONNX Runtime.")
    .option("--model <path>", "TF.js layers-model: model.json or its folder")
    .option("--arch <name>", "built-in architecture to train from nothing (default: cifar_cnn)")
    .option("--data <spec>", "generated | mnist:DIR | cifar10:DIR | folder:DIR (default: generated)")
    .option("--normalize <form>", "what the model's input expects: 0..1, -1..1, 0..255, imagenet or mean:std")
    .option("--augment", "flip and shift training images at random")
    .option("--no-augment", "take training images as they are")
    .option("--float-epochs <n>", "float training before quantization (default: 8 for --arch, 0 for --model)", number)
    .option("--adapt-epochs <n>", "float training after activations were swapped (with --arch)", number)
    .option("--epochs <n>", "quantization-aware training (default: 8)", number)
    .option("--batch-size <n>", "images a step (default: 64)", number)
    .option("--lr <rate>", "peak learning rate of quantization-aware training (default: 5e-4)", number)
    .option("--float-lr <rate>", "peak learning rate of float training (default: 2e-3)", number)
    .option("--optimizer <name>", "sgd, momentum, adam, … (default: adam)")
    .option("--seed <n>", "of everything random (default: 0)", number)
    .option("--swap <from:to>", "activations to swap, or none (default: leaky_relu:relu)")
    .option("--freeze-observers-after <epochs>", "ranges stay fixed from then on (default: 4)", number)
    .option("--freeze-bn-after <epochs>", "batch norm uses running statistics from then on (default: 3)", number)
    .option("--per-channel", "one weight scale an output channel (default)")
    .option("--per-tensor", "one weight scale a tensor")
    .option("--keep-float <layers...>", "layers to keep in float")
    .option("--threads <n>", "threads of ONNX Runtime", number)
    .option("--out <dir>", "where the results go (default: out)")
    .option("--limit <n>", "images used at the most, for training and for testing each", number)
    .option("--skip-bad-images", "leave out images that cannot be read")
    .option("--input-layout <layout>", "input of the exported graph: nhwc (default) or nchw")
    .option("--opset <n>", "of the exported files, 13 to 17 (default: 17)", number)
    .option("--quiet", "print nothing but errors")
    .option("--json", "print the report as JSON")
    .option("--debug", "print the stack of an error")
    .allowExcessArguments(false)
    .showSuggestionAfterError();
}

async function main(args: readonly string[]): Promise<void> {
  const { perTensor, quiet = false, json = false, debug = false, ...flags } = program().parse(args, { from: "user" })
    .opts<
      Flags
    >();
  // Files are written at the very end, each as a whole: there is nothing to clean up.
  Deno.addSignalListener("SIGINT", () => Deno.exit(130));
  const say = (text: string) => json ? console.error(text) : console.log(text);
  const progress = progressBar({ quiet });
  try {
    const report = await runQat({ ...flags, ...(perTensor ? { perChannel: false } : {}) }, {
      ...progress.events,
      ...(quiet ? {} : { log: say }),
    });
    const color = Deno.stdout.isTerminal() && !Deno.noColor;
    if (json) console.log(JSON.stringify(report, null, 2));
    else if (!quiet) console.log(`\n${formatReport(report, { color })}`);
  } catch (error) {
    progress.stop();
    console.error(debug ? error : `error: ${error instanceof Error ? error.message : error}`);
    Deno.exit(1);
  }
}

if (import.meta.main) await main(Deno.args);
