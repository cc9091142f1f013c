import assert from "node:assert/strict";
import { debugCommand } from "./debug.ts";
import { qatCommand } from "./qat.ts";

const COMMANDS = { qat: qatCommand, debug: debugCommand };

const FLAG = /`(--[\w-]+)/g;

Deno.test("README.md's table of options lists every flag of qat, and no other", () => {
  const readme = Deno.readTextFileSync(new URL("../README.md", import.meta.url));
  const table = readme.split("\n").filter((line) => line.startsWith("| `--")).map((line) => line.split("|")[1]);
  const listed = table.flatMap((cell) => [...cell.matchAll(FLAG)].map(([, flag]) => flag));
  assert.deepEqual(listed.toSorted(), qatCommand().options.map(({ long }) => long).toSorted());
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
