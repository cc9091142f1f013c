/** Options that commands share, in groups, and how a command line is read. */
import { type Command, CommanderError, InvalidArgumentError } from "commander";
import { DATA_FORMS, TASK_FLAGS, TASK_NAMES } from "../mod.ts";
import { plainLine } from "../src/text/plain.ts";
import { EXIT } from "./_run.ts";
import { fitTerminal } from "./_terminal.ts";

/** What the flags say about printing. */
export interface Printing {
  readonly quiet?: boolean;
  readonly json?: boolean;
  readonly debug?: boolean;
}

/** Reads the number of a flag. */
export function number(text: string): number {
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) throw new InvalidArgumentError("A number is needed.");
  return Number(text);
}

/** Reads a number of things, or that the data has as many. */
export function count(text: string): number | "data" {
  return text === "data" ? text : number(text);
}

/** Reads names between commas. */
function list(text: string): readonly string[] {
  return text.split(",").map((name) => name.trim());
}

/** What a command's own words for shared flags are, where they are not the usual ones. */
export interface Words {
  /** What `--data` is for. */
  readonly data: string;
  /** What is swapped by default. */
  readonly swap: string;
}

/** Adds which model. */
export function addModel(command: Command): Command {
  command.option(
    "--model <path>",
    "TF.js layers-model or graph-model (model.json, its folder, or that of a job), NAME.onnx, or NAME.cfg of darknet",
  );
  return addPorts(command, "the last");
}

/** Adds what of a model is used. */
export function addPorts(command: Command, outputs: string): Command {
  return command
    .option("--outputs <names>", `outputs of the model that are used, between commas (default: ${outputs})`, list)
    .option(
      "--shape <name=sides...>",
      "sides of inputs that the model leaves open, the batch first: image=1,224,224,3",
    );
}

/** Adds which samples, and what is done to them. */
export function addData(command: Command, { data }: Pick<Words, "data">): Command {
  return command
    .option("--data <what>", `${data}: ${DATA_FORMS.replaceAll('"', "")}`)
    .option("--task <name>", `what is learned: ${TASK_NAMES.join(" | ")} (default: ${TASK_NAMES[0]})`)
    .option("--targets <columns>", "target columns of a table, between commas (default: told from its header)", list)
    .option("--sequence-column <name>", "of a table: what tells sequences of lines apart (default: sequence, if there)")
    .option("--sequence-length <n>", "of a table: lines of a sequence (default: the longest of the column's)", number)
    .option("--normalize <form>", "what the model's input expects: 0..1, -1..1, 0..255, imagenet or mean:std")
    .option("--limit <n>", "images used at the most, of each part of the data", number)
    .option("--skip-bad-images", "leave out images that cannot be read, and boxes that are none");
}

/** Adds where pictures are kept that are decoded. */
export function addCache(command: Command): Command {
  return command.option(
    "--cache <dir>",
    "decode pictures once, to files in this folder (default: to memory; qat: if they take 2 GiB at most)",
  );
}

/** Adds how tasks learn and decide. */
export function addTask(command: Command): Command {
  for (const { flag, what, isNumber } of TASK_FLAGS) {
    if (isNumber) command.option(flag, what, number);
    else command.option(flag, what);
  }
  return command;
}

/** Adds how a model is quantized. */
export function addQuantization(command: Command, { swap }: Pick<Words, "swap">): Command {
  return command
    .option("--swap <from:to>", `activations to swap, or none (default: ${swap})`)
    .option("--target <name>", "what the file is for, or list (default: x86)")
    .option("--recipe <file>", "rules for layers: a JSON file, or a preset's name")
    .option("--strict", "a rule that no layer matches is an error")
    .option("--dry-run", "print what is quantized, and how, layer by layer; do nothing else")
    .option("--per-channel", "one weight scale an output channel (the default of most targets)")
    .option("--per-tensor", "one weight scale a tensor")
    .option("--reduce-range", "weights of 7 bits, within ±64, which saturate on no x86 CPU")
    .option("--keep-float <layers...>", "layers to keep in float");
}

/** Adds what computes, and with which seed. */
export function addEngine(command: Command): Command {
  return command
    .option("--seed <n>", "of everything random (default: 0)", number)
    .option("--threads <n>", "threads of ONNX Runtime (default: its choice)", number)
    .option("--backend <name>", "what TF.js runs on: auto (default), onnxruntime, tensorflow or cpu")
    .option("--device <name>", "where ONNX Runtime runs: cpu (default), webgpu, cuda or coreml")
    .option("--precise", "judge int8 files on exact kernels where this CPU's saturate (x86 without VNNI)");
}

/** Adds where results go, and in which form. */
export function addOutput(command: Command): Command {
  return command
    .option("--out <dir>", "where the results go (default: out, or the first of out-2, out-3 … that is free)")
    .option("--overwrite", "replace results that are in --out already, once there are new ones")
    .option("--input-layout <layout>", "input of the exported graphs: nhwc (default) or nchw")
    .option("--opset <n>", "of the exported files, 13 to 17 (default: 17)", number)
    .option("--input <type>", "what the files take pictures as: float32 (default), normalized, or uint8, raw pixels")
    .option(
      "--pack-pixels",
      "the int8 file's first convolution reads several pixels as one: sooner on CPUs, the same codes",
    )
    .option("--fixed-batch <n>", "samples that the files take at once (default: any number)", number)
    .option("--format <form>", "of integers in the int8 file: qdq (default) or qoperator");
}

/** Flags of which only one can be given. */
export const WEIGHT_SCALES = ["--per-channel", "--per-tensor"] as const;

/** What the flags of weight scales say, as an option of a job. */
export function weightScales(
  { perChannel, perTensor }: { readonly perChannel?: boolean; readonly perTensor?: boolean },
): { readonly perChannel?: boolean } {
  return perTensor ? { perChannel: false } : perChannel ? { perChannel } : {};
}

/** Adds what is printed. */
export function addPrinting(command: Command): Command {
  return command
    .option("--quiet", "print nothing but errors")
    .option("--json", "print the report as JSON, everything else to stderr")
    .option("--debug", "print the stack of an error, and check every pass over a graph");
}

/**
 * Reads the flags, or ends the program where they make no sense or ask for help.
 *
 * @param apart Pairs of flags of which only one can be given, beside those that are each other's contrary.
 */
export function parseFlags<Flags extends object>(
  command: Command,
  args: readonly string[],
  apart: readonly (readonly [string, string])[] = [],
): Flags {
  try {
    return readFlags(command, args, apart);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Commander has printed its message, or the help.
    Deno.exit(error.exitCode === 0 ? 0 : EXIT.usage);
  }
}

/** Reads the flags as `parseFlags` does; throws Commander's error, which has been printed, where that ends the program. */
export function readFlags<Flags extends object>(
  command: Command,
  args: readonly string[],
  apart: readonly (readonly [string, string])[],
): Flags {
  command.optionsGroup("Help:").helpOption("-h, --help", "print this").allowExcessArguments(false).exitOverride();
  // Its message quotes what was given, and may have a second line.
  command.configureOutput({ outputError: (text, write) => write(`${fitTerminal(plainLine(text))}\n`) });
  refuseTwice(command, apart);
  return command.parse(args, { from: "user" }).opts<Flags>();
}

/** Refuses a flag that is given twice, and two of which one is the other's contrary: the last would win without a word. */
function refuseTwice(command: Command, apart: readonly (readonly [string, string])[]): void {
  const given = new Map<string, string>();
  for (const option of command.options.filter(({ variadic }) => !variadic)) {
    const { long } = option;
    if (long === undefined || long === null) continue;
    const pair = apart.find((flags) => flags.includes(long));
    const key = pair?.join() ?? option.attributeName();
    command.on(`option:${option.name()}`, () => {
      const before = given.get(key);
      if (before === long) command.error(`error: option '${long}' is given twice, once is needed`);
      if (before !== undefined) command.error(`error: options '${before}' and '${long}' contradict each other`);
      given.set(key, long);
    });
  }
}
