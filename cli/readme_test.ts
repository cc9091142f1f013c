import assert from "node:assert/strict";
import { STEPS } from "../mod.ts";
import { chooseCommand } from "./choose.ts";
import { debugCommand } from "./debug.ts";
import { importFlags } from "./import.ts";
import { ptqCommand } from "./ptq.ts";
import { qatCommand } from "./qat.ts";

const COMMANDS = { qat: qatCommand, ptq: ptqCommand, debug: debugCommand, choose: chooseCommand, import: importFlags };

const FLAG = /`(--[\w-]+)/g;

/** The flags in the tables of a section of README.md. */
function listedIn(heading: string): readonly string[] {
  const readme = Deno.readTextFileSync(new URL("../README.md", import.meta.url));
  const section = readme.split(/^## /m).find((section) => section.startsWith(`${heading}\n`)) ?? "";
  const cells = section.split("\n").filter((line) => line.startsWith("| `--")).map((line) => line.split("|")[1]);
  return cells.flatMap((cell) => [...cell.matchAll(FLAG)].map(([, flag]) => flag)).toSorted();
}

/** The flags of a command, but for those of steps, which are rows of a table already. */
function flagsOf(command: () => ReturnType<typeof qatCommand>): readonly string[] {
  const steps = new Set<string>(STEPS.flatMap(({ name }) => [`--${name}`, `--no-${name}`]));
  return command().options.map(({ long }) => long ?? "").filter((flag) => !steps.has(flag)).toSorted();
}

Deno.test("README.md's table of options lists every flag of qat, and no other", () => {
  assert.deepEqual(listedIn("Your own model, your own images"), flagsOf(qatCommand));
});

Deno.test("README.md's table of ptq lists every flag that qat does not have, every step, and no other", () => {
  const own = flagsOf(ptqCommand).filter((flag) => !flagsOf(qatCommand).includes(flag));
  const steps = STEPS.map(({ name }) => `--${name}`);
  assert.deepEqual(listedIn("Without training"), [...own, ...steps].toSorted());
});

for (const [name, command] of Object.entries(COMMANDS)) {
  Deno.test(`README.md and the help of ${name} speak of flags that exist`, () => {
    const readme = Deno.readTextFileSync(new URL("../README.md", import.meta.url));
    const own = command().options.map(({ long }) => long);
    const said = `deno task ${name} .*`;
    const commands = [
      ...readme.matchAll(new RegExp(`^${said}$`, "gm")),
      ...command().helpInformation().matchAll(new RegExp(said, "g")),
    ];
    for (const [command] of commands) {
      for (const [flag] of command.matchAll(/--[\w-]+/g)) assert.ok(own.includes(flag), `${flag} in: ${command}`);
    }
  });
}
