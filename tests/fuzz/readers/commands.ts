/** Command lines, through the parser and the check of options. */
import { readFlags, WEIGHT_SCALES } from "../../../cli/_options.ts";
import { qatCommand } from "../../../cli/qat.ts";
import { resolveOptions } from "../../../job/options.ts";
import type { Prepare } from "../_case.ts";
import { mutateText, NUMBERS, TEXTS } from "../_mutate.ts";

/** A line of flags, of which some are not known, given twice, without a value or with one that they do not take. */
export const prepare: Prepare = () => (random) => {
  const flags = qatCommand().options.flatMap(({ long }) => long ?? []);
  const args = Array.from({ length: 1 + random.below(5) }, () => {
    const flag = random.chance(0.1) ? mutateText(random, random.pick(flags)) : random.pick(flags);
    const value = random.pick([String(random.pick(NUMBERS)), random.pick(TEXTS), "1", "8", "cpu", "0..1", "none"]);
    return random.pick([[flag], [flag, value], [flag, value], [`${flag}=${value}`]]);
  }).flat();
  return { what: JSON.stringify(args).slice(0, 300), read: () => parse(args) };
};

/** Flags that are no options of the job. */
const OTHERS = ["perTensor", "dryRun", "quiet", "json", "control", "resume", "overwrite"];

function parse(args: readonly string[]): void {
  const command = qatCommand();
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
  resolveOptions(Object.fromEntries(Object.entries(flags).filter(([key]) => !OTHERS.includes(key))));
}
