/** Options that commands share, in groups, and how a command line is read. */
import { type Command, CommanderError, InvalidArgumentError } from "commander";
import { TASK_NAMES } from "../mod.ts";
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

/** Reads names between commas. */
function list(text: string): readonly string[] {
  return text.split(",").map((name) => name.trim());
}

/** Adds which model, and which data with what is done to it. */
export function addModelAndData(command: Command): Command {
  return command
    .optionsGroup("Model and data:")
    .option("--model <path>", "TF.js layers-model: model.json or its folder")
    .option(
      "--arch <name>",
      "built-in architecture to train from nothing (default: cifar_cnn, for rows of numbers mlp)",
    )
    .option("--data <what>", "generated | mnist:DIR | cifar10:DIR | folder:DIR | csv:FILE (default: generated)")
    .option("--task <name>", `what is learned: ${TASK_NAMES.join(" | ")} (default: ${TASK_NAMES[0]})`)
    .option("--targets <columns>", "target columns of a table, between commas (default: told from its header)", list)
    .option("--outputs <names>", "outputs of the model that are trained, between commas (default: the last)", list)
    .option("--normalize <form>", "what the model's input expects: 0..1, -1..1, 0..255, imagenet or mean:std")
    .option(
      "--validation <share>",
      "training samples to choose the best epoch by (default: 0.1); 0: the last one",
      number,
    )
    .option("--limit <n>", "images used at the most, for training and for testing each", number)
    .option("--skip-bad-images", "leave out images that cannot be read")
    .option("--augment", "flip and shift training images at random (default for generated and cifar10)")
    .option("--no-augment", "take training images as they are");
}

/** Adds what computes, and with which seed. */
export function addEngine(command: Command): Command {
  return command
    .option("--seed <n>", "of everything random (default: 0)", number)
    .option("--threads <n>", "threads of ONNX Runtime (default: its choice)", number)
    .option("--backend <name>", "what trains: auto (default), onnxruntime, tensorflow or cpu")
    .option("--device <name>", "where ONNX Runtime runs: cpu (default), webgpu, cuda or coreml")
    .option("--precise", "judge int8 files on exact kernels where this CPU's saturate (x86 without VNNI)");
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
