/** The commands by name. */
import { choose } from "./choose.ts";
import { compare } from "./compare.ts";
import { debug } from "./debug.ts";
import { importCommand } from "./import.ts";
import { predict } from "./predict.ts";
import { ptq } from "./ptq.ts";
import { qat } from "./qat.ts";
import { sweep } from "./sweep.ts";
import { lookUp } from "../src/text/nearest.ts";

/** Reads its arguments, does its work and prints what came out. */
export type CliCommand = (args: readonly string[]) => Promise<void>;

/** Every command; the first is the one that runs where none is named. */
const COMMANDS: Readonly<Record<string, CliCommand>> = {
  qat,
  ptq,
  debug,
  choose,
  predict,
  compare,
  sweep,
  import: importCommand,
};

/** Runs the command that the first argument names, with the arguments after it; `qat` with all of them if it names none. */
export async function main(args: readonly string[]): Promise<void> {
  const [name = "", ...rest] = args;
  const command = lookUp(COMMANDS, name);
  await (command === undefined ? qat(args) : command(rest));
}
