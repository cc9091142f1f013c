/** Command lines, through the parser and the check of options. */
import type { Command } from "commander";
import { readFlags, WEIGHT_SCALES } from "../../../cli/_options.ts";
import { qatCommand } from "../../../cli/qat.ts";
import { resolveOptions } from "../../../job/options.ts";
import type { Random } from "../../../src/numbers/random.ts";
import type { FuzzCase, Prepare } from "../_case.ts";
import { mutateText, NUMBERS, TEXTS } from "../_mutate.ts";

/** A command line under test. */
export interface CommandReader {
  readonly command: () => Command;
  /** Checks the options that flags were read as. */
  readonly resolve: (options: object) => unknown;
}

/** A line of flags, of which some are not known, given twice, without a value or with one that they do not take. */
export const prepare: Prepare = commandCases({ command: qatCommand, resolve: resolveOptions });

/** Makes lines of flags for a command. */
export function commandCases(reader: CommandReader): Prepare {
  return () => (random) => makeCase(reader, random);
}

function makeCase(reader: CommandReader, random: Random): FuzzCase {
  const flags = reader.command().options.flatMap(({ long }) => long ?? []);
  const args = Array.from({ length: 1 + random.below(5) }, () => {
    const flag = random.chance(0.1) ? mutateText(random, random.pick(flags)) : random.pick(flags);
    const value = random.pick([String(random.pick(NUMBERS)), random.pick(TEXTS), "1", "8", "cpu", "0..1", "none"]);
    return random.pick([[flag], [flag, value], [flag, value], [`${flag}=${value}`]]);
  }).flat();
  return { what: JSON.stringify(args).slice(0, 300), read: () => parse(reader, args) };
}

/** Flags that are no options of the job. */
const OTHERS = ["perTensor", "dryRun", "quiet", "json", "control", "resume", "overwrite"];

function parse({ command: make, resolve }: CommandReader, args: readonly string[]): void {
  const command = make();
  let printed = "";
  const write = (text: string) => void (printed += text);
  command.configureOutput({ writeOut: write, writeErr: write });
  let flags: Record<string, unknown>;
  try {
    flags = readFlags<Record<string, unknown>>(command, args, [WEIGHT_SCALES]);
  } catch (cause) {
    // Commander has printed it: one line of an error, or the help.
    if (printed.startsWith("Usage: ")) return;
    throw new Error(printed.replace(/\n$/, ""), { cause });
  }
  resolve(Object.fromEntries(Object.entries(flags).filter(([key]) => !OTHERS.includes(key))));
}
