/** The command line: flags in, calls, prints out. */
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { createProgress, formatReport, type Progress, type QatOptions, type Report, runQat } from "./mod.ts";

/** What the flags say about printing. */
interface Printing {
  readonly quiet?: boolean;
  readonly json?: boolean;
  readonly debug?: boolean;
}

interface Flags extends QatOptions, Printing {
  readonly perTensor?: boolean;
}

/** Exit codes: of a job that failed, of a command line that makes no sense, of one ended by a signal (128 + number). */
const EXIT = { failure: 1, usage: 2, SIGINT: 130, SIGTERM: 143 };

/** What ends a job early; Windows knows no SIGTERM. */
const SIGNALS = Deno.build.os === "windows" ? ["SIGINT"] as const : ["SIGINT", "SIGTERM"] as const;

const EXAMPLES = `
Examples:
  deno task qat --epochs 8
  deno task qat --model model.json --data folder:photos --normalize 0..1
  deno task qat --arch tiny_yolo --data cifar10:data --float-epochs 12 --swap leaky_relu:relu

Written to --out: model.int8.onnx, model.float.onnx, qat/model.json, report.json and report.html.
`;

function number(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || Number.isNaN(value)) throw new InvalidArgumentError("A number is needed.");
  return value;
}

function program(): Command {
  return new Command("deno task qat")
    .description("Trains a TF.js model with fake quantization and writes an int8 ONNX file, proven in ONNX Runtime.")
    .usage("[options]")
    .optionsGroup("Model and data:")
    .option("--model <path>", "TF.js layers-model: model.json or its folder")
    .option("--arch <name>", "built-in architecture to train from nothing (default: cifar_cnn)")
    .option("--data <what>", "generated | mnist:DIR | cifar10:DIR | folder:DIR (default: generated)")
    .option("--normalize <form>", "what the model's input expects: 0..1, -1..1, 0..255, imagenet or mean:std")
    .option("--limit <n>", "images used at the most, for training and for testing each", number)
    .option("--skip-bad-images", "leave out images that cannot be read")
    .option("--augment", "flip and shift training images at random (default for generated and cifar10)")
    .option("--no-augment", "take training images as they are")
    .optionsGroup("Float training:")
    .option("--float-epochs <n>", "float training before quantization (default: 8 with --arch, 0 with --model)", number)
    .option("--adapt-epochs <n>", "more of it after activations were swapped (default: --float-epochs / 4)", number)
    .option("--float-lr <rate>", "peak learning rate of float training (default: 2e-3)", number)
    .option("--swap <from:to>", "activations to swap, or none (default: leaky_relu:relu)")
    .optionsGroup("Quantization-aware training:")
    .option("--epochs <n>", "epochs (default: 8)", number)
    .option("--batch-size <n>", "images a step (default: 64)", number)
    .option("--lr <rate>", "peak learning rate (default: 5e-4)", number)
    .option("--optimizer <name>", "sgd, momentum, rmsprop, adam, … (default: adam)")
    .option("--freeze-observers-after <epochs>", "ranges stay fixed from then on (default: 4)", number)
    .option("--freeze-bn-after <epochs>", "batch norm uses running statistics from then on (default: 3)", number)
    .option("--per-channel", "one weight scale an output channel (default)")
    .option("--per-tensor", "one weight scale a tensor")
    .option("--keep-float <layers...>", "layers to keep in float")
    .option("--seed <n>", "of everything random (default: 0)", number)
    .option("--threads <n>", "threads of ONNX Runtime (default: its choice)", number)
    .option("--backend <name>", "what trains: auto (default), onnxruntime, tensorflow or cpu")
    .option("--device <name>", "where ONNX Runtime runs: cpu (default), webgpu, cuda or coreml")
    .option("--precise", "judge int8 files on exact kernels where this CPU's saturate (x86 without VNNI)")
    .optionsGroup("Output:")
    .option("--out <dir>", "where the results go (default: out)")
    .option("--input-layout <layout>", "input of the exported graphs: nhwc (default) or nchw")
    .option("--opset <n>", "of the exported files, 13 to 17 (default: 17)", number)
    .option("--quiet", "print nothing but errors")
    .option("--json", "print the report as JSON, everything else to stderr")
    .option("--debug", "print the stack of an error")
    .optionsGroup("Help:")
    .helpOption("-h, --help", "print this")
    .addHelpText("after", EXAMPLES)
    .allowExcessArguments(false)
    .exitOverride();
}

/** Reads the flags, or ends the program where they make no sense or ask for help. */
function parse(args: readonly string[]): Flags {
  try {
    return program().parse(args, { from: "user" }).opts<Flags>();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Commander has printed its message, or the help.
    Deno.exit(error.exitCode === 0 ? 0 : EXIT.usage);
  }
}

async function main(args: readonly string[]): Promise<void> {
  const { perTensor, perChannel, quiet = false, json = false, debug = false, ...options } = parse(args);
  const progress = createProgress({ quiet });
  // Files are written in one turn of the event loop, so a signal comes before them or after.
  for (const signal of SIGNALS) {
    Deno.addSignalListener(signal, () => {
      progress.stop();
      Deno.exit(EXIT[signal]);
    });
  }
  const log = quiet ? {} : { log: json ? console.error : console.log };
  const weights = perTensor ? { perChannel: false } : perChannel ? { perChannel } : {};
  try {
    const report = await runQat({ ...options, ...weights }, { ...log, ...eventsFor(progress) });
    print(report, { quiet, json });
  } catch (error) {
    progress.stop();
    console.error(debug ? error : `error: ${messageOf(error)}`);
    Deno.exit(EXIT.failure);
  }
}

function eventsFor(progress: Progress) {
  return {
    onPhase: ({ name }: { readonly name: string }) => progress.start(name),
    onStep: progress.step.bind(progress),
    onEpoch: progress.epochEnd.bind(progress),
    onPhaseEnd: () => progress.stop(),
  };
}

function print(report: Report, { quiet, json }: Printing): void {
  if (json) return console.log(JSON.stringify(report, null, 2));
  if (quiet) return;
  const isTerminal = Deno.stdout.isTerminal();
  const width = isTerminal ? { width: Deno.consoleSize().columns } : {};
  console.log(`\n${formatReport(report, { color: isTerminal && !Deno.noColor, ...width })}`);
}

/** Errors are one line. */
function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\s+/g, " ").trim();
}

if (import.meta.main) await main(Deno.args);
